//! Scenario files: records, queries and the lines or numbers that they give.

use super::sample::{Record, append, ask};
use crate::testing::House;
use crate::testing::scenario::Scenario;

async fn check(name: &str) {
    let mut scenario = Scenario::read(&format!("logql/tests/{name}"));
    let house = House::new().await;
    // In files and in the buffer.
    for (at, record) in scenario.records::<Record>(|_| true).iter().enumerate() {
        append(&house, std::slice::from_ref(record)).await;
        if at % 3 == 1 {
            house.storage.flush().await.unwrap();
        }
    }
    scenario.ask_everywhere(house, "in both", ask).await;
    scenario.finish();
}

#[tokio::test]
async fn lines_that_pipelines_leave() {
    check("lines.txt").await;
}

#[tokio::test]
async fn numbers_of_known_lines() {
    check("numbers.txt").await;
}
