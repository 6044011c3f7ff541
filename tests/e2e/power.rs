//! Power loss: what was written and not synced is gone, also SQLite's.
//!
//! The data directory is an ext4 file system in an image. At a random moment under load the server
//! is stopped (SIGSTOP), so that it asks for no more writes, and the *image* is copied: it holds what a
//! disk would hold after the power went, without what is only in the page cache. The server is
//! killed, and the next one runs on the copy. Every acknowledged record must be there, once.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use crate::crash::{Fate, settle, soak, stored, write};
use crate::harness::{Home, Server};
use crate::mounted::{Mounted, make_image};

const LOSSES: usize = 12;
const WRITERS: u64 = 3;
const SEED: u64 = 20_261_125;
const IMAGE_BYTES: u64 = 96 << 20;

/// Waits until every thread of the process has stopped: none is inside of a sync any more.
async fn wait_until_stopped(server: &Server) {
    let tasks = format!("/proc/{}/task", server.pid());
    let stopped = |stat: &str| {
        // The name in parentheses may hold anything; the state comes after it.
        let state = stat.rsplit_once(") ").map(|(_, rest)| rest);
        state.is_some_and(|state| state.starts_with('T'))
    };
    loop {
        let all = std::fs::read_dir(&tasks).unwrap().all(|task| {
            let stat = std::fs::read_to_string(task.unwrap().path().join("stat"));
            // A thread that has ended meanwhile writes nothing either.
            stat.map_or(true, |stat| stopped(&stat))
        });
        if all {
            return;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_acknowledged_survives_the_loss_of_power() {
    let home = Home::new();
    let mut image = home.path("disk-0.img");
    if !make_image(&image, IMAGE_BYTES) {
        eprintln!("SKIPPED: this machine cannot make an ext4 file system");
        return;
    }
    let Some(first) = Mounted::image(&image, &home.data_dir()) else {
        return;
    };
    let mut disk = Some(first);
    let mut random = StdRng::seed_from_u64(SEED);
    let next = Arc::new(AtomicU64::new(0));
    let mut fates: BTreeMap<u64, Fate> = BTreeMap::new();
    let losses = LOSSES * soak();
    for round in 0..=losses {
        let interval = format!("{}ms", random.random_range(20..300));
        let flags = ["--flush-interval", &interval, "--min-free-bytes", "1MiB"];
        let server = home.serve_with(&flags).await;
        settle(&mut fates, &stored(&server.api()).await, round);
        if round == losses {
            server.stop().await;
            break;
        }
        let stop = Arc::new(AtomicBool::new(false));
        let mut writers = tokio::task::JoinSet::new();
        for _ in 0..WRITERS {
            writers.spawn(write(server.otlp(), Arc::clone(&next), Arc::clone(&stop)));
        }
        // The moment is what is random here, not something to wait for.
        tokio::time::sleep(Duration::from_millis(random.random_range(20..1_200))).await;
        server.signal("-STOP");
        wait_until_stopped(&server).await;
        let copy = home.path(&format!("disk-{}.img", round + 1));
        std::fs::copy(&image, &copy).unwrap();
        server.kill();
        stop.store(true, Ordering::SeqCst);
        while let Some(done) = writers.join_next().await {
            fates.extend(done.unwrap());
        }
        drop(disk.take());
        std::fs::remove_file(&image).unwrap();
        image = copy;
        disk = Mounted::image(&image, &home.data_dir());
        assert!(disk.is_some(), "round {round}: the copy cannot be mounted");
    }
    assert!(
        fates.len() > 50,
        "only {} requests were stored",
        fates.len()
    );
    assert!(!home.files(".parquet").is_empty(), "flushes have happened");
    home.assert_clean();
    drop(disk);
}
