use arrow::compute::{concat_batches, lexsort_to_indices, take_record_batch};
use datafusion::logical_expr::{Expr, in_list, lit};
use datafusion::prelude::col;
use spoor_storage::model::schema::RECORD_ID;
use spoor_storage::{TenantId, TimeRange};

use super::*;
use crate::QueryOptions;
use crate::functions::attribute_value;
use crate::language;
use crate::listing::{in_range, instant};
use crate::table::logical_schema;
use crate::testing::{Dice, House, Log, SECOND, T0, delete_indexes};

fn rows(dice: &mut Dice, count: usize) -> Vec<Log> {
    let random = |dice: &mut Dice, below: usize| i64::try_from(dice.below(below)).unwrap();
    (0..count)
        .map(|at| {
            let time = T0 + random(dice, 2) * 3_600 * SECOND + random(dice, 40) * SECOND;
            let word = ["needle", "other"][dice.below(30).min(1)];
            let mut log = Log::at(time, format!("{word} line {at}"));
            if dice.below(5) > 0 {
                log = log.with("user", format!("user-{}", dice.below(60)), 's');
            }
            if dice.below(9) == 0 {
                log = log.with("rare", random(dice, 3), 'i');
                log.body = None;
            }
            log.service = ["cart", "checkout"][dice.below(2)];
            let id = u8::try_from(dice.below(50)).unwrap();
            log.trace_id = (id > 5).then_some([id; 16]);
            log.span_id = (id > 10).then_some([id; 8]);
            log
        })
        .collect()
}

/// Rows in the order of their ids.
fn sorted(batches: &[RecordBatch]) -> RecordBatch {
    let all = concat_batches(&logical_schema(Table::Logs), batches).unwrap();
    let ids = all.column_by_name(RECORD_ID).unwrap();
    let by_id = arrow::compute::SortColumn {
        values: std::sync::Arc::clone(ids),
        options: None,
    };
    take_record_batch(&all, &lexsort_to_indices(&[by_id], None).unwrap()).unwrap()
}

/// What a plan finds.
async fn planned(session: &QuerySession, filter: &Expr) -> RecordBatch {
    let frame = session.table(Table::Logs).await.unwrap();
    let frame = frame.filter(filter.clone()).unwrap();
    sorted(&session.collect(frame).await.unwrap())
}

fn filters() -> Vec<Expr> {
    let words = |text| language::to_expr(&language::parse(text).unwrap(), Table::Logs).unwrap();
    let user = |name: &str| attribute_value(col("attributes"), "user").eq(lit(name));
    let trace = |id: u8| hex::encode([id; 16]);
    let late = TimeRange {
        start_ns: T0 + 20 * SECOND,
        end_ns: T0 + 3_610 * SECOND,
    };
    let ids = [7, 8, 99].map(|id| lit(trace(id))).to_vec();
    vec![
        words("needle"),
        words("needle -service:cart"),
        words("needle OR rare:1"),
        words("-other needle user:user-7"),
        words("nothing of this kind"),
        words("\"needle line\""),
        words("rare:[1 TO 2] other"),
        user("user-3"),
        user("user-3").and(in_range("time", late)),
        user("user-99"),
        user("user-5").and(words("line")).or(words("rare:2")),
        words("needle").and(col("time").gt(instant(T0 + 3_600 * SECOND))),
        col("trace_id").eq(lit(trace(9))),
        col("trace_id").eq(lit("no id")),
        in_list(col("trace_id"), ids, false),
        attribute_value(col("attributes"), "rare").eq(lit("2")),
        attribute_value(col("attributes"), "no such key").eq(lit("2")),
    ]
}

/// Compares them with what plans find; how often there were few.
async fn compare(house: &House, when: &str) -> usize {
    let mut times = 0;
    for filter in filters() {
        let session = house.engine.begin(&TenantId::default()).await.unwrap();
        let expected = planned(&session, &filter).await;
        for order in [Order::Asc, Order::Desc] {
            let few = async || session.few(Table::Logs, &filter, order).await.unwrap();
            let Some(found) = few().await else {
                continue;
            };
            times += 1;
            assert_eq!(found.len(), expected.num_rows(), "{filter} {when}");
            let all = found.all().await.unwrap();
            assert_eq!(sorted(&all), expected, "{filter} {when}");
            let names = ["body", "trace_id", RECORD_ID];
            let some = few().await.unwrap().columns(&names).await.unwrap();
            let count: usize = some.iter().map(RecordBatch::num_rows).sum();
            assert_eq!(count, expected.num_rows(), "{filter} {when}");
            for limit in [1, 3, 1_000] {
                let first = few().await.unwrap().first(order, limit).await.unwrap();
                assert_eq!(
                    sorted(&first),
                    first_of(&expected, order, limit),
                    "{filter}"
                );
            }
        }
        assert!(session.outcome().complete, "{filter} {when}");
    }
    times
}

/// The first rows in order of time, in the order of their ids.
fn first_of(rows: &RecordBatch, order: Order, limit: usize) -> RecordBatch {
    let by = ["time", RECORD_ID].map(|name| arrow::compute::SortColumn {
        values: std::sync::Arc::clone(rows.column_by_name(name).unwrap()),
        options: Some(arrow::compute::SortOptions {
            descending: order == Order::Desc,
            nulls_first: false,
        }),
    });
    let first = lexsort_to_indices(&by, Some(limit)).unwrap();
    sorted(&[take_record_batch(rows, &first).unwrap()])
}

#[tokio::test]
async fn few_rows_are_those_that_a_plan_finds() {
    let mut dice = Dice(5);
    let house = House::indexed_from(1).await;
    for _ in 0..3 {
        house.append(&rows(&mut dice, 1_500)).await;
        house.storage.flush().await.unwrap();
    }
    // In both orders, and not where no index can be asked.
    let all = 2 * (filters().len() - 1);
    assert_eq!(compare(&house, "in files").await, all);
    house.append(&rows(&mut dice, 300)).await;
    assert_eq!(compare(&house, "and in memory").await, all);
    // Again, with what is in memory of pages by now.
    assert_eq!(compare(&house, "once more").await, all);
    house.storage.flush().await.unwrap();
    assert!(delete_indexes(house.folder.path()) > 0);
    house.storage.close().await.unwrap();
    let house = house.reopened().await;
    assert!(compare(&house, "without indexes").await > 0);
}

#[tokio::test]
async fn what_may_be_many_rows_is_left_to_a_plan() {
    let house = House::with(QueryOptions {
        first_slice_rows: 1_024,
        ..QueryOptions::default()
    })
    .await;
    let mut many: Vec<Log> = (0..5_000)
        .map(|at| Log::at(T0 + at, "common line"))
        .collect();
    many[4_321].body = Some("needle".to_owned());
    house.append(&many).await;
    let session = house.engine.begin(&TenantId::default()).await.unwrap();
    let words = |text| language::to_expr(&language::parse(text).unwrap(), Table::Logs).unwrap();
    let is_few = async |session: &QuerySession, filter: Expr| {
        let few = session.few(Table::Logs, &filter, Order::Desc).await;
        few.unwrap().is_some()
    };
    assert!(
        !is_few(&session, words("needle")).await,
        "too many rows in memory"
    );
    house.storage.flush().await.unwrap();
    let session = house.engine.begin(&TenantId::default()).await.unwrap();
    assert!(is_few(&session, words("needle")).await);
    assert!(!is_few(&session, words("common")).await);
    assert!(
        !is_few(&session, col("service_name").eq(lit("none"))).await,
        "no index knows"
    );
    session.explain();
    assert!(
        !is_few(&session, words("needle")).await,
        "its plan is to be shown"
    );
}

#[tokio::test]
async fn few_rows_of_a_broken_file_are_an_error_that_says_so() {
    let house = House::new().await;
    let logs: Vec<Log> = (0..2_000)
        .map(|at| Log::at(T0 + at, format!("line {at}")))
        .collect();
    house.append(&logs).await;
    house.storage.flush().await.unwrap();
    house.break_pages(Table::Logs);
    let session = house.engine.begin(&TenantId::default()).await.unwrap();
    let words = language::to_expr(&language::parse("1234").unwrap(), Table::Logs).unwrap();
    let error = match session.few(Table::Logs, &words, Order::Desc).await {
        Ok(Some(few)) => few.all().await.unwrap_err(),
        Ok(None) => panic!("it is left to a plan"),
        Err(error) => error,
    };
    assert_eq!(error.kind(), spoor_storage::ErrorKind::Corrupt, "{error}");
    let session = house.engine.begin(&TenantId::default()).await.unwrap();
    let few = session.few(Table::Logs, &words, Order::Desc).await.unwrap();
    assert_eq!(few.unwrap().len(), 0, "it is set aside");
    assert!(!session.outcome().complete);
}
