//! A disk that is full or cannot be written: a clear answer, nothing lost, and on it goes by itself.

use std::io::Write;

use prost::Message;

use crate::data;
use crate::harness::Home;
use crate::mounted::Mounted;
use crate::otlp::{Otlp, PROTOBUF, Reply};

async fn send(otlp: &Otlp, body: &str) -> Reply {
    let request = data::logs_of("disk", vec![data::record(body)]).encode_to_vec();
    let headers = [("content-type", PROTOBUF)];
    otlp.try_post("/v1/logs", &headers, request).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_is_503_reads_go_on_and_room_is_enough_to_go_on() {
    let home = Home::new();
    let Some(_disk) = Mounted::memory(12 << 20, &home.data_dir()) else {
        return;
    };
    // No mark, so that the log and the flushes really meet the end of the disk.
    let flags = ["--min-free-bytes", "0", "--flush-interval", "50ms"];
    let server = home.serve_with(&flags).await;
    let otlp = server.otlp();
    let large = format!("kept {}", "x".repeat(20_000));
    for _ in 0..5 {
        assert_eq!(send(&otlp, &large).await.status, 200);
    }
    let filler = home.data_dir().join("filler");
    let mut file = std::fs::File::create(&filler).unwrap();
    for size in [1 << 16, 4_096, 1] {
        while file.write_all(&vec![0; size]).is_ok() {}
    }
    // What a flush frees meanwhile may take some more.
    let mut kept = 5;
    let refused = loop {
        let reply = send(&otlp, &large).await;
        if reply.status != 200 {
            break reply;
        }
        kept += 1;
        assert!(kept < 1_000, "nothing was refused");
    };
    assert_eq!(refused.status, 503, "{}", refused.text());
    assert!(refused.headers.contains_key("retry-after"));
    assert_eq!(server.api().count_logs("kept").await, kept);
    drop(file);
    std::fs::remove_file(&filler).unwrap();
    assert_eq!(send(&otlp, "kept later").await.status, 200);
    assert_eq!(server.api().count_logs("kept").await, kept + 1);
    server.stop().await;
    let server = home.serve().await;
    assert_eq!(server.api().count_logs("kept").await, kept + 1);
    server.stop().await;
    home.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_only_disk_is_named_and_nothing_is_lost_by_it() {
    let home = Home::new();
    let Some(disk) = Mounted::memory(16 << 20, &home.data_dir()) else {
        return;
    };
    let server = home.serve_with(&["--min-free-bytes", "0"]).await;
    assert_eq!(send(&server.otlp(), "kept").await.status, 200);
    server.kill();
    disk.set_read_only(true);
    let mut refused = home.launch(&[]);
    assert!(!refused.exited().await.success());
    let log = refused.log();
    let folder = home.data_dir();
    assert!(log.contains(folder.to_str().unwrap()), "{log}");
    assert!(log.contains("can be written"), "{log}");
    assert!(!log.contains("panicked"), "{log}");
    disk.set_read_only(false);
    let server = home.serve_with(&["--min-free-bytes", "0"]).await;
    assert_eq!(server.api().count_logs("kept").await, 1);
    server.stop().await;
}
