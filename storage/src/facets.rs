//! What was counted of whole data files, in memory within a bound.
//!
//! A file never changes, so the values of a field in it need to be counted once. What changes is which
//! of its rows count: what is kept says for which hidden rows it is, and is of no use for others.

use std::sync::Arc;

use quick_cache::sync::Cache;
use quick_cache::{DefaultHashBuilder, Lifecycle, Weighter};

use crate::hidden::HiddenRows;
use crate::metrics::Metrics;
use crate::model::FileId;
use crate::snapshot::DataFile;

/// The values of a field in the visible rows of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileCounts {
    /// Each with its number of rows.
    Counted(Arc<[(Box<str>, u64)]>),
    /// More of them, or longer ones, than are kept.
    TooMany,
}

/// The file and the name of the field.
type Key = (FileId, Box<str>);

#[derive(Debug, Clone)]
struct Kept {
    hidden: Option<Arc<HiddenRows>>,
    counts: FileCounts,
}

#[derive(Debug, Clone)]
struct ByBytes;

impl Weighter<Key, Kept> for ByBytes {
    fn weight(&self, key: &Key, kept: &Kept) -> u64 {
        /// What an entry, and a value of it, costs besides its bytes.
        const ENTRY_BYTES: u64 = 192;
        const VALUE_BYTES: u64 = 32;
        let counts = match &kept.counts {
            FileCounts::Counted(values) => values
                .iter()
                .map(|(value, _)| value.len() as u64 + VALUE_BYTES)
                .sum(),
            FileCounts::TooMany => 0,
        };
        // Two bits a row at worst; it may be kept for nothing else.
        let hidden = kept.hidden.as_ref().map_or(0, |hidden| hidden.count() / 4);
        ENTRY_BYTES + key.1.len() as u64 + counts + hidden
    }
}

/// Counts what leaves the cache.
#[derive(Debug, Clone)]
struct Evictions(Arc<Metrics>);

impl Lifecycle<Key, Kept> for Evictions {
    type RequestState = ();

    fn on_evict(&self, (): &mut (), _: Key, _: Kept) {
        self.0.facet_cache_evictions.inc();
    }
}

/// Counts of fields by file, at most so many bytes.
pub struct FacetCache {
    cache: Cache<Key, Kept, ByBytes, DefaultHashBuilder, Evictions>,
    metrics: Arc<Metrics>,
}

impl std::fmt::Debug for FacetCache {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FacetCache")
            .field("entries", &self.cache.len())
            .finish_non_exhaustive()
    }
}

impl FacetCache {
    /// Values of a field of one file that are kept; with more it is [`FileCounts::TooMany`].
    pub const MAX_VALUES: usize = 1_000;
    /// Bytes of them.
    pub const MAX_VALUE_BYTES: usize = 64 << 10;

    pub(crate) fn new(bytes: u64, metrics: Arc<Metrics>) -> Self {
        /// A usual entry; decides how the cache divides itself.
        const USUAL_BYTES: u64 = 1 << 10;
        let items = usize::try_from(bytes / USUAL_BYTES).unwrap_or(1).max(1);
        Self {
            cache: Cache::with(
                items,
                bytes,
                ByBytes,
                DefaultHashBuilder::default(),
                Evictions(Arc::clone(&metrics)),
            ),
            metrics,
        }
    }

    /// What was counted of the rows of `file` that are visible now.
    pub fn get(&self, file: &DataFile, field: &str) -> Option<FileCounts> {
        let kept = self.cache.get(&(file.id, field.into()));
        let found = kept
            .filter(|kept| kept.hidden == file.hidden)
            .map(|kept| kept.counts);
        match &found {
            Some(_) => self.metrics.facet_cache_hits.inc(),
            None => self.metrics.facet_cache_misses.inc(),
        };
        found
    }

    /// Keeps what was counted of the rows of `file` that are visible in this state of it.
    pub fn keep(&self, file: &DataFile, field: &str, counts: FileCounts) {
        let kept = Kept {
            hidden: file.hidden.clone(),
            counts,
        };
        self.cache.insert((file.id, field.into()), kept);
        self.metrics.facet_cache_bytes.set(self.cache.weight());
    }
}

#[cfg(test)]
mod tests {
    use roaring::RoaringBitmap;

    use super::*;
    use crate::hidden::HiddenPart;
    use crate::model::DeletionId;
    use crate::test_rows::data_file;

    fn counts(value: &str) -> FileCounts {
        FileCounts::Counted(Arc::from([(Box::from(value), 1)]))
    }

    fn hiding(rows: std::ops::Range<u32>) -> Option<Arc<HiddenRows>> {
        HiddenRows::of(vec![HiddenPart {
            deletion: DeletionId::generate(),
            undoable: true,
            rows: rows.collect::<RoaringBitmap>(),
        }])
    }

    #[test]
    fn counts_are_of_one_field_and_one_set_of_hidden_rows() {
        let cache = FacetCache::new(1 << 20, Arc::default());
        let file = data_file(0);
        assert_eq!(cache.get(&file, "a"), None);
        cache.keep(&file, "a", counts("x"));
        assert_eq!(cache.get(&file, "a"), Some(counts("x")));
        assert_eq!(cache.get(&file, "b"), None);
        // As many rows, and others.
        let (some, others) = (file.hiding(hiding(0..3)), file.hiding(hiding(3..6)));
        assert_eq!(cache.get(&some, "a"), None);
        cache.keep(&some, "a", counts("y"));
        assert_eq!(cache.get(&some, "a"), Some(counts("y")));
        assert_eq!(cache.get(&others, "a"), None);
        // Shown again.
        assert_eq!(cache.get(&some.hiding(None), "a"), None);
        assert_eq!(cache.metrics.facet_cache_hits.get(), 2);
    }

    #[test]
    fn what_is_kept_has_a_bound() {
        let cache = FacetCache::new(10_000, Arc::default());
        let file = data_file(0);
        for number in 0..1_000 {
            cache.keep(&file, &format!("field {number}"), counts("value"));
        }
        assert!(cache.cache.weight() <= 10_000);
        assert!(cache.metrics.facet_cache_evictions.get() > 900);
    }
}
