//! Traces by few spans, which are read at once.

use std::cmp::Reverse;
use std::collections::HashMap;

use arrow::record_batch::RecordBatch;
use spoor_storage::{Result, Table};

use super::{Found, Place, TraceSearch, places_of};
use crate::parameters::Order;
use crate::session::QuerySession;

/// The page, if indexes leave few spans of all that come into question and these are read while patience lasts: as in
/// [`crate::listing::Listing`].
pub(super) async fn find_few(
    session: &QuerySession,
    search: &TraceSearch,
    most: usize,
) -> Result<Option<Found>> {
    let condition = search.whole_condition();
    let reading = async {
        let few = session.few(Table::Spans, &condition, (Order::Desc, most));
        match few.await? {
            Some(few) => few.columns(&["trace_id", "start_time"]).await.map(Some),
            None => Ok(None),
        }
    };
    let matches = search.patience.step(true, reading).await?.flatten();
    let page = |matches: Vec<RecordBatch>| search.page(search.newest_of(&matches)?);
    matches.map(page).transpose()
}

impl TraceSearch {
    /// The traces of spans that match, of all that do, in order and after the place where the page begins.
    fn newest_of(&self, matches: &[RecordBatch]) -> Result<Vec<Place>> {
        let mut newest: HashMap<String, i64> = HashMap::new();
        for Place {
            trace_id,
            newest_ns,
        } in places_of(matches)?
        {
            let known = newest.entry(trace_id).or_insert(newest_ns);
            *known = newest_ns.max(*known);
        }
        let all = newest.into_iter();
        let mut places: Vec<_> = all
            .map(|(trace_id, newest_ns)| Place {
                newest_ns,
                trace_id,
            })
            .filter(|place| {
                self.after
                    .as_ref()
                    .is_none_or(|after| in_order(place) > in_order(after))
            })
            .collect();
        places.sort_unstable_by(|a, b| in_order(a).cmp(&in_order(b)));
        Ok(places)
    }
}

/// By what places are ordered.
fn in_order(place: &Place) -> (Reverse<i64>, &str) {
    (Reverse(place.newest_ns), &place.trace_id)
}
