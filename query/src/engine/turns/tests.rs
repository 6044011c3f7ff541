use std::future::Future;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

use proptest::prelude::*;

use super::*;

fn whose(client: &str, kind: &str) -> Whose {
    Whose {
        client: client.into(),
        kind: kind.into(),
    }
}

type Waiting = Pin<Box<dyn Future<Output = Result<Turn, Full>>>>;

/// Asks for a turn; it waits from now on.
fn ask(turns: &Arc<Turns>, client: &str, kind: &str) -> Waiting {
    let (turns, whose) = (Arc::clone(turns), whose(client, kind));
    let mut waiting: Waiting = Box::pin(async move { turns.take(&whose).await });
    assert!(look(&mut waiting).is_none());
    waiting
}

fn look(waiting: &mut Waiting) -> Option<Result<Turn, Full>> {
    match pin!(waiting).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(turn) => Some(turn),
        Poll::Pending => None,
    }
}

/// Lets one after the other of `waiting` run to its end; the order in which they did.
fn order(first: Turn, mut waiting: Vec<(usize, Waiting)>) -> Vec<usize> {
    let mut order = Vec::new();
    let mut running = Some(first);
    while let Some(turn) = running.take() {
        drop(turn);
        let ready = waiting.iter_mut().position(|(number, waiting)| {
            let turn = look(waiting).map(Result::unwrap);
            let is_ready = turn.is_some();
            if let Some(turn) = turn {
                running = Some(turn);
                order.push(*number);
            }
            is_ready
        });
        if let Some(at) = ready {
            drop(waiting.remove(at));
        }
    }
    order
}

#[test]
fn a_burst_of_one_client_waits_for_itself() {
    let turns = Turns::new(1, 10);
    let first = turns.try_take(&whose("wide", "sql")).unwrap();
    let mut waiting: Vec<_> = (0..4).map(|at| (at, ask(&turns, "wide", "sql"))).collect();
    waiting.push((4, ask(&turns, "small", "sql")));
    waiting.push((5, ask(&turns, "other", "sql")));
    // Both others have their turn before the burst goes on; then it goes on in order.
    let order = order(first, waiting);
    assert_eq!(order, [0, 4, 5, 1, 2, 3]);
}

#[test]
fn who_runs_least_is_next() {
    let turns = Turns::new(3, 10);
    let mut wide: Vec<Turn> = (0..3)
        .map(|_| turns.try_take(&whose("wide", "sql")).unwrap())
        .collect();
    let mut more = ask(&turns, "wide", "sql");
    let mut one = ask(&turns, "small", "sql");
    let mut two = ask(&turns, "small", "sql");
    drop(wide.pop());
    let _small = look(&mut one).unwrap().unwrap();
    assert!(look(&mut more).is_none() && look(&mut two).is_none());
    drop(wide.pop());
    // One and one by now: the burst had no turn for longer.
    let _wide = look(&mut more).unwrap().unwrap();
    assert!(look(&mut two).is_none());
}

#[test]
fn kinds_of_one_client_take_turns() {
    let turns = Turns::new(1, 10);
    let first = turns.try_take(&whose("a", "sql")).unwrap();
    let kinds = ["sql", "sql", "sql", "logs", "traces", "logs"];
    let waiting = kinds.iter().enumerate();
    let waiting: Vec<_> = waiting
        .map(|(at, kind)| (at, ask(&turns, "a", kind)))
        .collect();
    assert_eq!(order(first, waiting), [0, 3, 4, 1, 5, 2]);
}

#[test]
fn a_client_that_waits_for_much_makes_room() {
    let turns = Turns::new(1, 3);
    let _first = turns.try_take(&whose("wide", "sql")).unwrap();
    let mut wide: Vec<_> = (0..3).map(|_| ask(&turns, "wide", "sql")).collect();
    let refused = |client| {
        let (turns, whose) = (Arc::clone(&turns), whose(client, "sql"));
        let mut waiting: Waiting = Box::pin(async move { turns.take(&whose).await });
        matches!(look(&mut waiting), Some(Err(Full)))
    };
    assert!(
        refused("wide"),
        "its own place is not better used by itself"
    );
    let mut small = ask(&turns, "small", "sql");
    assert!(
        matches!(look(&mut wide[2]), Some(Err(Full))),
        "the newest goes"
    );
    assert!(look(&mut wide[0]).is_none() && look(&mut wide[1]).is_none());
    assert!(
        refused("small"),
        "two of one client and one of another are fair"
    );
    assert!(look(&mut small).is_none());
    assert_eq!(turns.waiting(), 3);
}

#[test]
fn who_goes_away_leaves_nothing_behind() {
    let turns = Turns::new(1, 2);
    let first = turns.try_take(&whose("a", "sql")).unwrap();
    let (gone, stays) = (ask(&turns, "a", "sql"), ask(&turns, "b", "sql"));
    drop(gone);
    assert_eq!(turns.waiting(), 1);
    let mut last = ask(&turns, "c", "sql");
    drop(first);
    // It was given the turn, and goes away before it looks.
    drop(stays);
    let turn = look(&mut last).unwrap().unwrap();
    assert!(turns.try_take(&whose("a", "sql")).is_none());
    drop(turn);
    assert!(turns.try_take(&whose("a", "sql")).is_some());
}

proptest! {
    #[test]
    fn no_turn_is_lost_or_given_twice(steps in proptest::collection::vec((0_u8..4, 0_usize..4, 0_usize..3), 0..120)) {
        const RUNNING: usize = 3;
        let turns = Turns::new(RUNNING, 5);
        let mut waiting: Vec<Waiting> = Vec::new();
        let mut running: Vec<Turn> = Vec::new();
        for (step, client, kind) in steps {
            match step {
                0 | 1 => {
                    let (all, whose) = (Arc::clone(&turns), whose(&client.to_string(), &kind.to_string()));
                    waiting.push(Box::pin(async move { all.take(&whose).await }));
                }
                2 if !running.is_empty() => drop(running.swap_remove(client % running.len())),
                3 if !waiting.is_empty() => drop(waiting.swap_remove(client % waiting.len())),
                _ => {}
            }
            // Twice: one that was looked at already may have made room for another.
            for _ in 0..2 {
                waiting.retain_mut(|one| match look(one) {
                    Some(Ok(turn)) => { running.push(turn); false }
                    Some(Err(Full)) => false,
                    None => true,
                });
            }
            prop_assert!(running.len() <= RUNNING);
            prop_assert_eq!(turns.waiting(), waiting.len());
            prop_assert!(waiting.is_empty() || running.len() == RUNNING, "a turn is free and one waits");
        }
        drop(waiting);
        drop(running);
        let all: Vec<_> = (0..RUNNING).map(|_| turns.try_take(&whose("a", "x"))).collect();
        prop_assert!(all.iter().all(Option::is_some));
        prop_assert!(turns.try_take(&whose("a", "x")).is_none());
        prop_assert!(turns.state.lock().clients.is_empty());
    }
}
