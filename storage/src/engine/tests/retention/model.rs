//! Random rules, pins, deletions, merges, restarts, crashes and clocks against a plain model.

use std::fmt::Write;

use proptest::prelude::*;

use super::*;

/// A record of the model.
#[derive(Debug, Clone)]
struct Record {
    hour: i64,
    service: &'static str,
    severity: i32,
    trace: u8,
    in_file: bool,
    deleted: bool,
    purged: bool,
    /// Since when it is hidden, by both clocks.
    hidden: Option<(i64, Duration)>,
}

#[derive(Debug, Clone)]
enum Action {
    Send(Vec<(u8, bool, u8, u8)>),
    Flush,
    Compact,
    Restart,
    Crash,
    /// Deletes what has this service and severity.
    Delete(bool, u8),
    SetPolicy(u8),
    Pin(u8),
    Unpin(u8),
    Advance(u8),
    Jump(i8),
}

fn action() -> impl Strategy<Value = Action> {
    let record = (0..3_u8, any::<bool>(), 0..3_u8, 0..4_u8);
    prop_oneof![
        6 => prop::collection::vec(record, 1..6).prop_map(Action::Send),
        4 => Just(Action::Flush),
        1 => Just(Action::Compact),
        1 => Just(Action::Restart),
        1 => Just(Action::Crash),
        2 => (any::<bool>(), 0..3_u8).prop_map(|(service, level)| Action::Delete(service, level)),
        3 => (0..6_u8).prop_map(Action::SetPolicy),
        1 => (1..4_u8).prop_map(Action::Pin),
        1 => (1..4_u8).prop_map(Action::Unpin),
        3 => (1..5_u8).prop_map(Action::Advance),
        1 => (-9..9_i8).prop_map(Action::Jump),
    ]
}

const SERVICES: [&str; 2] = ["cart", "shop"];
const SEVERITIES: [i32; 3] = [5, 9, 17];

fn policy_number(number: u8) -> RetentionPolicy {
    let of = |service: &str, keep: &str| RetentionRule {
        service: Some(service.to_owned()),
        ..rule(keep)
    };
    let below = |level: &str, keep: &str| RetentionRule {
        severity_below: Some(level.to_owned()),
        ..rule(keep)
    };
    match number {
        0 => policy(&[]),
        1 => policy(&[rule("2h")]),
        2 => policy(&[of("cart", "forever"), rule("1h")]),
        3 => policy(&[below("info", "1h"), below("error", "4h")]),
        4 => policy(&[of("shop", "3h"), below("error", "1h")]),
        _ => policy(&[rule("6h")]),
    }
}

struct Model {
    records: BTreeMap<String, Record>,
    policy: RetentionPolicy,
    pins: Vec<u8>,
}

impl Model {
    fn has_expired(&self, record: &Record, now_ns: i64) -> bool {
        let first = self.policy.rules.iter().find(|rule| {
            rule.service.as_deref().is_none_or(|s| s == record.service)
                && rule.meets_severity(record.severity, None)
        });
        let keep = first.and_then(|rule| rule.keeps().unwrap());
        keep.is_some_and(|keep| {
            (record.hour + 1) * HOUR_NS + crate::clock::nanoseconds(keep) <= now_ns
        })
    }

    /// What a pass does.
    fn retain(&mut self, clock: &TestClock) {
        let (now_ns, passed) = (clock.now_ns(), clock.passed());
        let mut records = std::mem::take(&mut self.records);
        for record in records.values_mut() {
            if record.deleted || record.purged || !record.in_file {
                continue;
            }
            let pinned = self.pins.contains(&record.trace);
            if pinned || !self.has_expired(record, now_ns) {
                record.hidden = None;
                continue;
            }
            let (wall_ns, since) = *record.hidden.get_or_insert((now_ns, passed));
            let deadline_ns = wall_ns + crate::clock::nanoseconds(UNDO);
            record.purged = now_ns >= deadline_ns && passed >= since + UNDO;
        }
        self.records = records;
    }

    fn visible(&self) -> Vec<&str> {
        self.records
            .iter()
            .filter(|(_, record)| !record.deleted && !record.purged && record.hidden.is_none())
            .map(|(body, _)| body.as_str())
            .collect()
    }
}

/// A storage and what should be in it.
struct History {
    case: Case,
    storage: Option<Storage>,
    model: Model,
    /// Actions so far.
    number: usize,
}

impl History {
    async fn begin() -> Self {
        let case = Case::new();
        let storage = Some(case.open().await);
        let model = Model {
            records: BTreeMap::new(),
            policy: policy(&[]),
            pins: Vec::new(),
        };
        Self {
            case,
            storage,
            model,
            number: 0,
        }
    }

    fn storage(&self) -> &Storage {
        self.storage.as_ref().unwrap()
    }

    async fn act(&mut self, action: &Action) {
        let tenant = TenantId::default();
        match action.clone() {
            Action::Send(records) => self.send(records).await,
            Action::Flush => self.storage().flush().await.unwrap(),
            Action::Compact => self.storage().compact().await.unwrap(),
            Action::Restart => {
                self.storage().close().await.unwrap();
                self.storage = None;
                self.storage = Some(self.case.open().await);
            }
            Action::Crash => {
                crash(self.storage.take().unwrap()).await;
                self.storage = Some(self.case.open().await);
            }
            Action::Delete(service, level) => self.delete(service, level).await,
            Action::SetPolicy(number) => {
                self.model.policy = policy_number(number);
                let policy = self.model.policy.clone();
                self.storage().set_retention(policy, None).await.unwrap();
            }
            Action::Pin(trace) => {
                self.model.pins.push(trace);
                let pinned = self.storage().pin(&tenant, TraceId([trace; 16]), pin());
                pinned.await.unwrap();
            }
            Action::Unpin(trace) => {
                let unpinned = self.storage().unpin(&tenant, TraceId([trace; 16])).await;
                assert_eq!(unpinned.is_ok(), self.model.pins.contains(&trace));
                self.model.pins.retain(|pinned| *pinned != trace);
            }
            Action::Advance(hours) => self.case.clock.advance(HOUR * u32::from(hours)),
            Action::Jump(hours) => self.case.clock.jump(i64::from(hours) * HOUR_NS),
        }
        if matches!(
            action,
            Action::Flush | Action::Restart | Action::Delete(..) | Action::SetPolicy(_)
        ) {
            for record in self.model.records.values_mut() {
                record.in_file = true;
            }
        }
        self.number += 1;
    }

    async fn send(&mut self, records: Vec<(u8, bool, u8, u8)>) {
        let mut payload = String::new();
        for (place, (hour, service, level, trace)) in records.into_iter().enumerate() {
            let service = SERVICES[usize::from(service)];
            let severity = SEVERITIES[usize::from(level)];
            let body = format!("{:03}-{place}", self.number);
            let time = i64::from(hour) * HOUR_NS + i64::try_from(place).unwrap();
            writeln!(payload, "{time} {service} {severity} {trace} {body}").unwrap();
            let record = Record {
                hour: i64::from(hour),
                service,
                severity,
                trace,
                in_file: false,
                deleted: false,
                purged: false,
                hidden: None,
            };
            self.model.records.insert(body, record);
        }
        send_fields(self.storage(), &payload).await;
    }

    async fn delete(&mut self, service: bool, level: u8) {
        let service = SERVICES[usize::from(service)];
        let severity = SEVERITIES[usize::from(level)];
        let means = |record: &Record| record.service == service && record.severity == severity;
        let wanted: Vec<&str> = self
            .model
            .records
            .iter()
            .filter(|(_, record)| means(record))
            .map(|(body, _)| body.as_str())
            .collect();
        let request = request(self.storage(), &wanted).await;
        let deletion = self.storage().delete(request, u64::MAX).await.unwrap();
        let mut rows = 0;
        for record in self.model.records.values_mut() {
            let there = !record.deleted && !record.purged;
            if means(record) && there && !self.model.pins.contains(&record.trace) {
                record.deleted = true;
                rows += 1;
            }
        }
        assert_eq!(deletion.rows, rows);
    }

    /// Nothing that was deleted or has expired for good is on disk when its time is over.
    async fn end(mut self) {
        self.case.clock.advance(UNDO * 2);
        self.storage().flush().await.unwrap();
        for _ in 0..3 {
            self.storage().retain().await.unwrap();
        }
        for (body, record) in &self.model.records {
            if record.deleted || record.purged {
                assert!(!on_disk(self.storage(), body).await, "{body} {record:?}");
            }
        }
        self.storage().close().await.unwrap();
        self.storage = None;
        let report = crate::check(&StorageOptions::new(self.case.folder.path()), &Lines, false)
            .await
            .unwrap();
        assert!(report.problems.is_empty(), "{report}");
    }
}

async fn run(actions: Vec<Action>) {
    let mut history = History::begin().await;
    for action in actions {
        history.act(&action).await;
        history.storage().retain().await.unwrap();
        history.model.retain(&history.case.clock);
        let found = visible(history.storage()).await;
        assert_eq!(found, history.model.visible(), "after {action:?}");
    }
    history.end().await;
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, ..ProptestConfig::default() })]

    #[test]
    fn rules_pins_deletions_and_time_do_what_the_model_says(
        actions in prop::collection::vec(action(), 1..24)
    ) {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(run(actions));
    }
}
