use std::convert::Infallible;
use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Instant;

use axum::body::{Body, Bytes};
use axum::routing::get;
use futures::{FutureExt, StreamExt, stream};
use http::{Method, StatusCode};
use serde_json::{Value, json};
use tower::ServiceExt;

use super::*;
use crate::QueryOptions;
use crate::testing::{House, Log, SECOND, T0, send, sql_request};

/// Nothing here takes so long, unless it hangs.
const HANGS: Duration = Duration::from_mins(2);
/// 27 thousand million rows: nobody waits for that.
const ENDLESS: &str = "SELECT count(*) FROM logs a, logs b, logs c WHERE a.body < b.body";

/// A thousand records, and two threads to ask for them.
async fn house(options: QueryOptions) -> (House, QueryThreads) {
    let options = QueryOptions {
        parallelism: 2,
        ..options
    };
    let house = House::with(options).await;
    let rows = (0..3_000).map(|at| Log::at(T0 + at * SECOND, format!("line {at}")));
    house.append(&rows.collect::<Vec<_>>()).await;
    let threads = QueryThreads::start(house.engine.clone()).unwrap();
    (house, threads)
}

fn ask(path: &str) -> Request {
    Request::get(path).body(Body::empty()).unwrap()
}

/// Waits for what other threads do.
async fn until(what: impl Fn() -> bool) {
    let began = Instant::now();
    while !what() {
        assert!(began.elapsed() < HANGS, "it does not come about");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

async fn listed(router: &Router) -> Value {
    let (status, _, body) = send(router, ask("/api/v1/queries")).await;
    assert_eq!(status, 200);
    serde_json::from_slice(&body).unwrap()
}

async fn stop_all(threads: &QueryThreads) -> usize {
    let list = listed(&threads.router()).await;
    let queries = list["queries"].as_array().unwrap();
    for query in queries {
        let path = format!("/api/v1/queries/{}", query["id"].as_str().unwrap());
        let request = Request::builder().method(Method::DELETE).uri(path);
        let request = request.body(Body::empty()).unwrap();
        assert_eq!(send(&threads.admin_router(), request).await.0, 200);
    }
    queries.len()
}

/// Seen by two.
#[derive(Clone, Default)]
struct Flag(Arc<AtomicBool>);

/// Raises it when dropped.
struct Held(Flag);

impl Drop for Held {
    fn drop(&mut self) {
        self.0.0.store(true, Ordering::Release);
    }
}

#[tokio::test]
async fn rows_are_taken_in_and_queries_listed_while_every_thread_of_queries_is_busy() {
    let (house, threads) = house(QueryOptions::default()).await;
    let (busy, go_on) = (Arc::<AtomicUsize>::default(), Arc::<AtomicBool>::default());
    let (inside, until_then) = (Arc::clone(&busy), Arc::clone(&go_on));
    // Not one that waits: it keeps its thread.
    let spin = move || async move {
        let began = Instant::now();
        inside.fetch_add(1, Ordering::Release);
        while !until_then.load(Ordering::Acquire) && began.elapsed() < HANGS {
            std::hint::spin_loop();
        }
        until_then.load(Ordering::Acquire).to_string()
    };
    let spinning = threads.answering(Router::new().route("/spin", get(spin)));
    let spins: Vec<_> = (0..3)
        .map(|_| {
            let router = spinning.clone();
            tokio::spawn(async move { send(&router, ask("/spin")).await })
        })
        .collect();
    until(|| busy.load(Ordering::Acquire) == 2).await;
    house.append(&[Log::at(T0, "one more line")]).await;
    assert_eq!(listed(&threads.router()).await["queries"], json!([]));
    assert_eq!(stop_all(&threads).await, 0);
    let router = threads.router();
    let asking =
        tokio::spawn(async move { send(&router, ask("/api/v1/logs?query=more&limit=1")).await });
    go_on.store(true, Ordering::Release);
    for spin in spins {
        assert_eq!(
            spin.await.unwrap().2,
            b"true",
            "they were busy all the time"
        );
    }
    let (status, _, body) = asking.await.unwrap();
    assert_eq!(status, 200);
    assert!(String::from_utf8(body).unwrap().contains("one more line"));
}

#[tokio::test]
async fn queries_end_there_at_their_deadline_when_stopped_and_when_their_client_goes() {
    let (house, threads) = house(QueryOptions::default()).await;
    let router = threads.router();
    let endless: Vec<_> = (0..4)
        .map(|_| {
            let router = router.clone();
            tokio::spawn(async move { send(&router, sql_request(ENDLESS, "*/*")).await })
        })
        .collect();
    while listed(&router).await["running"] != 4 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    assert_eq!(stop_all(&threads).await, 4);
    for one in endless {
        let (status, _, body) = one.await.unwrap();
        assert_eq!(status, 409, "{}", String::from_utf8_lossy(&body));
    }
    let mut leaving = Box::pin(router.clone().oneshot(sql_request(ENDLESS, "*/*")));
    while listed(&router).await["running"] != 1 {
        assert!((&mut leaving).now_or_never().is_none());
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    drop(leaving);
    let began = Instant::now();
    while listed(&router).await["queries"] != json!([]) {
        assert!(began.elapsed() < HANGS, "nobody waits for it any more");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let hasty = QueryOptions {
        timeout: Duration::from_millis(100),
        ..house.engine.options().clone()
    };
    let engine = QueryEngine::new(house.storage.clone(), hasty).unwrap();
    let hasty = QueryThreads::start(engine).unwrap();
    let (status, _, body) = send(&hasty.router(), sql_request(ENDLESS, "*/*")).await;
    assert_eq!(status, 504, "{}", String::from_utf8_lossy(&body));
}

#[tokio::test]
async fn an_answer_that_nobody_takes_is_ended_and_one_that_is_taken_comes_whole() {
    let (house, threads) = house(QueryOptions {
        stall_timeout: Duration::from_millis(50),
        ..QueryOptions::default()
    })
    .await;
    // Nine million rows.
    let rows = || sql_request("SELECT a.body FROM logs a, logs b", "text/csv");
    let response = threads.router().oneshot(rows()).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    let mut pieces = response.into_body().into_data_stream();
    let first = pieces.next().await.unwrap().unwrap();
    assert!(!first.is_empty() && first.len() <= 64 << 10);
    // It is not listed any more, and gives back its place and its memory, while the client still has it.
    let began = Instant::now();
    while listed(&threads.router()).await["queries"] != json!([]) {
        assert!(began.elapsed() < HANGS, "it goes on");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let metrics = house.metrics();
    assert!(metrics.contains("spoor_query_stalled_total 1"), "{metrics}");
    let mut last = None;
    while let Some(piece) = pieces.next().await {
        last = Some(piece.map(drop));
    }
    let error = last.unwrap().unwrap_err();
    assert!(
        error
            .to_string()
            .contains("nothing of the answer was taken"),
        "{error}"
    );

    let query = "SELECT body, repeat(body, 100) FROM logs ORDER BY record_id";
    let asked = || sql_request(query, "application/x-ndjson");
    let (_, headers, body) = send(&threads.router(), asked()).await;
    let (_, _, expected) = send(&crate::router(house.engine.clone()), asked()).await;
    assert!(expected.len() > 1 << 20 && body == expected);
    assert_eq!(headers["spoor-complete"], "true");
}

#[tokio::test]
async fn a_panic_and_a_failure_on_the_way_are_what_they_would_be_here() {
    let (_house, threads) = house(QueryOptions::default()).await;
    let gone = Flag::default();
    let (held, inside) = (gone.clone(), Flag::default());
    let entered = inside.clone();
    let router = Router::new()
        .route("/early", get(panics))
        .route("/late", get(|| async { body_of(vec![Some(Ok(())), None]) }))
        .route(
            "/fails",
            get(|| async { body_of(vec![Some(Ok(())), Some(Err(()))]) }),
        )
        .route(
            "/waits",
            get(move || async move {
                let _held = Held(held);
                entered.0.store(true, Ordering::Release);
                std::future::pending::<Infallible>().await;
            }),
        );
    let router = threads.answering(router);
    let early = AssertUnwindSafe(router.clone().oneshot(ask("/early")));
    assert!(early.catch_unwind().await.is_err());
    for (path, message) in [("/late", "the answer ended early"), ("/fails", "no more")] {
        let response = router.clone().oneshot(ask(path)).await.unwrap();
        let pieces = response.into_body().into_data_stream();
        let pieces: Vec<_> = pieces.collect().await;
        let [Ok(piece), Err(error)] = pieces.as_slice() else {
            panic!("{path}: {pieces:?}");
        };
        assert_eq!(
            (&piece[..], error.to_string().as_str()),
            (&b"piece"[..], message)
        );
    }
    let mut waits = Box::pin(router.oneshot(ask("/waits")));
    assert!((&mut waits).now_or_never().is_none());
    until(|| inside.0.load(Ordering::Acquire)).await;
    drop(waits);
    until(|| gone.0.load(Ordering::Acquire)).await;
}

async fn panics() {
    std::panic::panic_any("early");
}

/// Pieces; `None` is a panic.
fn body_of(pieces: Vec<Option<Result<(), ()>>>) -> Body {
    Body::from_stream(stream::iter(pieces).map(|piece| match piece.unwrap() {
        Ok(()) => Ok(Bytes::from_static(b"piece")),
        Err(()) => Err("no more"),
    }))
}
