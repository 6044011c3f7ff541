//! Pages of records are the same however time is cut into slices.

use axum::Router;
use axum::body::Body;

use super::*;
use crate::otlp::sample::list;
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
    let asked = [("query", query), ("order", order), ("limit", limit)];
    let page = |answer: Value| json!([answer["logs"], answer["next_cursor"]]);
    let answers = answers(router, &asked).await;
    answers.into_iter().map(page).collect()
}

async fn answers(router: &Router, parameters: &[(&str, &str)]) -> Vec<Value> {
    let mut answers = Vec::new();
    let mut cursor = String::new();
    loop {
        let asked = [parameters, &[("cursor", &cursor)]].concat();
        let request = http::Request::get(uri("/api/v1/logs", &asked));
        let (status, _, body) = send(router, request.body(Body::empty()).unwrap()).await;
        let page: Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(status, 200, "{asked:?}: {page}");
        assert_eq!(page["complete"], true, "{asked:?}");
        let next = page["next_cursor"].as_str().map(str::to_owned);
        answers.push(page);
        match next {
            Some(next) => cursor = next,
            None => return answers,
        }
    }
}

async fn house() -> House {
    let rows = rows(&mut Dice(3));
    let house = House::indexed_from(1).await;
    for (at, part) in rows.chunks(90).enumerate() {
        house.append(part).await;
        if at < 3 {
            house.storage.flush().await.unwrap();
        }
    }
    house
}

#[tokio::test]
async fn pages_are_the_same_whatever_the_slices_are() {
    let house = house().await;
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

/// The records of answers, one after the other.
fn records(answers: &[Value]) -> Vec<&Value> {
    answers
        .iter()
        .flat_map(|page| list(&page["logs"]))
        .collect()
}

#[tokio::test]
async fn without_patience_the_same_records_come_in_more_pieces() {
    let house = house().await;
    let router = house.limited(QueryOptions {
        first_slice_rows: 7,
        ..QueryOptions::default()
    });
    for query in SEARCHES {
        for order in ["asc", "desc"] {
            let asked = [("query", query), ("order", order), ("limit", "1000")];
            let at_once = answers(&router, &asked).await;
            assert_eq!(at_once.len(), 1, "{asked:?}");
            assert!(at_once[0]["partial"].is_null(), "{asked:?}");
            let hasty = [&asked[..], &[("patience_ms", "0")]].concat();
            let pieces = answers(&router, &hasty).await;
            assert_eq!(records(&pieces), records(&at_once), "{asked:?}");
            let (last, before) = pieces.split_last().unwrap();
            assert!(last["partial"].is_null(), "{asked:?}");
            for piece in before {
                assert_eq!(piece["partial"], true, "{asked:?}");
                assert!(!list(&piece["logs"]).is_empty(), "{asked:?}");
            }
            if query.is_empty() {
                assert!(pieces.len() > 1, "{asked:?}");
            }
            // Who waits long enough gets them at once, however they are found.
            let patient = [&asked[..], &[("patience_ms", "600000")]].concat();
            let patient = answers(&router, &patient).await;
            assert_eq!(patient.len(), 1, "{asked:?}");
            assert_eq!(records(&patient), records(&at_once), "{asked:?}");
        }
    }
}
