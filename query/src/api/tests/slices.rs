//! Pages of records are the same however time is cut into slices.

use axum::Router;
use axum::body::Body;

use super::*;
use crate::testing::{Dice, uri};

const SEARCHES: [&str; 7] = [
    "",
    "common",
    "needle",
    "common -service:cart",
    "n:(3 OR 4)",
    "body:~\"line 1[0-9]$\"",
    "nothing of this kind",
];

fn rows(dice: &mut Dice) -> Vec<Log> {
    let random = |dice: &mut Dice, below: usize| i64::try_from(dice.below(below)).unwrap();
    (0..400)
        .map(|at| {
            // Few instants, so that many records share one.
            let time = T0 + random(dice, 3) * 3_600 * SECOND + random(dice, 40) * SECOND;
            let word = ["common", "needle", "other"][dice.below(30).min(2)];
            let mut log = Log::at(time, format!("{word} line {at}"));
            log = log.with("n", random(dice, 10), 'i');
            log.service = ["cart", "checkout"][dice.below(2)];
            log
        })
        .collect()
}

/// All pages of a search; those of cursors as they were given out.
async fn pages(router: &Router, query: &str, order: &str, limit: &str) -> Vec<Value> {
    let mut pages = Vec::new();
    let mut cursor = String::new();
    loop {
        let asked = [
            ("query", query),
            ("order", order),
            ("limit", limit),
            ("cursor", &cursor),
        ];
        let request = http::Request::get(uri("/api/v1/logs", &asked));
        let (status, _, body) = send(router, request.body(Body::empty()).unwrap()).await;
        let page: Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(status, 200, "{asked:?}: {page}");
        assert_eq!(page["complete"], true, "{asked:?}");
        let next = page["next_cursor"].as_str().map(str::to_owned);
        pages.push(json!([page["logs"], page["next_cursor"]]));
        match next {
            Some(next) => cursor = next,
            None => return pages,
        }
    }
}

#[tokio::test]
async fn pages_are_the_same_whatever_the_slices_are() {
    let rows = rows(&mut Dice(3));
    let house = House::indexed_from(1).await;
    for (at, part) in rows.chunks(90).enumerate() {
        house.append(part).await;
        if at < 3 {
            house.storage.flush().await.unwrap();
        }
    }
    let [few, some, all] = [7, 40, 1_000].map(|first_slice_rows| {
        house.limited(QueryOptions {
            first_slice_rows,
            ..QueryOptions::default()
        })
    });
    for query in SEARCHES {
        for order in ["asc", "desc"] {
            for limit in ["90", "1000"] {
                let expected = pages(&all, query, order, limit).await;
                for router in [&few, &some] {
                    let found = pages(router, query, order, limit).await;
                    assert_eq!(found, expected, "`{query}` {order}, {limit} a page");
                }
            }
        }
    }
}
