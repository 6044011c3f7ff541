//! What deletes, hides and keeps rows.

use super::*;
use crate::deletion::{DeletionKind, DeletionState};
use crate::hidden::{HiddenPart, HiddenRows};
use crate::model::{DeletionId, TraceId};
use crate::retention::{Pin, PolicyRecord};

/// A deletion of one of the three rows of [`file`].
fn deletion(kind: DeletionKind) -> Deletion {
    Deletion {
        id: DeletionId::generate(),
        kind,
        state: DeletionState::Hidden,
        tenant: TenantId::default(),
        table: Table::Logs,
        query: "it's \"quoted\"".to_owned(),
        start_ns: None,
        end_ns: Some(i64::MAX),
        fields: Vec::new(),
        asked_by: None,
        asked_ns: 1,
        policy: 0,
        rows: 1,
        pinned_rows: 0,
        files: 1,
        deadline_ns: i64::MAX,
        waited_ns: 0,
        done_ns: None,
    }
}

#[tokio::test]
async fn hidden_rows_and_what_hides_them_survive_reopening() {
    for place in Place::all().await {
        let catalog = place.open().await;
        let file = file(1);
        catalog
            .commit(&adding(&[Arc::clone(&file)], 1))
            .await
            .unwrap();
        let (last, soon) = (
            deletion(DeletionKind::Delete),
            deletion(DeletionKind::Retention),
        );
        let part = |of: &Deletion, row: u32| HiddenPart {
            deletion: of.id,
            undoable: of.kind == DeletionKind::Retention,
            rows: [row].into_iter().collect(),
        };
        let hidden = HiddenRows::of(vec![part(&last, 0), part(&soon, 2)]);
        let change =
            |file: Arc<DataFile>, deletion: &Deletion| (vec![file], vec![deletion.clone()]);
        for (files, deletions) in [
            change(file.hiding(HiddenRows::of(vec![part(&last, 0)])), &last),
            change(file.hiding(hidden.clone()), &soon),
        ] {
            catalog
                .commit(&Change {
                    rehide: &files,
                    deletions: &deletions,
                    ..Change::default()
                })
                .await
                .unwrap();
        }
        catalog.close().await;

        let catalog = place.open().await;
        let sorted = |hidden: &HiddenRows| {
            let mut parts = hidden.parts().to_vec();
            parts.sort_by_key(|part| part.rows.min());
            parts
        };
        let found = catalog.files().await.unwrap().files.remove(0).file;
        assert_eq!(
            sorted(found.hidden.as_deref().unwrap()),
            sorted(hidden.as_deref().unwrap())
        );
        let open = catalog.unfinished_deletions().await.unwrap();
        assert_eq!(open, [last.clone(), soon.clone()]);
        let undone = Deletion {
            state: DeletionState::Undone,
            ..soon.clone()
        };
        catalog
            .commit(&Change {
                remove: &[found],
                deletions: std::slice::from_ref(&undone),
                ..Change::default()
            })
            .await
            .unwrap();
        assert_eq!(catalog.unfinished_deletions().await.unwrap(), [last]);
        assert_eq!(
            catalog.deletion(soon.id).await.unwrap().as_ref(),
            Some(&undone)
        );
        assert_eq!(catalog.deletions(None, 1).await.unwrap(), [undone]);
        assert!(catalog.hidden_rows().await.unwrap().is_empty());
        catalog.close().await;
    }
}

#[tokio::test]
async fn rules_and_pins_survive_reopening() {
    for place in Place::all().await {
        let catalog = place.open().await;
        assert_eq!(catalog.policy().await.unwrap(), PolicyRecord::default());
        let rules = r#"{"rules": [{"table": "logs", "attributes": {"a": "it's"}, "keep": "30d"}]}"#;
        let record = PolicyRecord {
            policy: serde_json::from_str(rules).unwrap(),
            version: 2,
            changed_ns: Some(5),
            changed_by: Some("somebody".to_owned()),
        };
        catalog.set_policy(&PolicyRecord::default()).await.unwrap();
        catalog.set_policy(&record).await.unwrap();
        let trace = |byte| TraceId([byte; 16]);
        let pin = |note: &str| Pin {
            pinned_ns: 7,
            pinned_by: None,
            note: note.to_owned(),
        };
        let tenant = TenantId::default();
        for (byte, note) in [(1, "first"), (2, "other"), (1, "second")] {
            catalog
                .put_pin(&tenant, trace(byte), &pin(note))
                .await
                .unwrap();
        }
        catalog.remove_pin(&tenant, trace(2)).await.unwrap();
        catalog.close().await;

        let catalog = place.open().await;
        assert_eq!(catalog.policy().await.unwrap(), record);
        let pins = catalog.pins().await.unwrap();
        assert_eq!(pins, [(tenant.clone(), trace(1), pin("second"))]);
        catalog.close().await;
    }
}
