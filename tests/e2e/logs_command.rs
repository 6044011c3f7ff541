//! `spoor logs`: records on standard output, and with `--follow` what arrives, each record once, also when the server
//! dies in between.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::data;
use crate::harness::{Home, Server, run, run_ok, spoor};

const PATIENCE: Duration = Duration::from_mins(2);

/// A running `spoor logs --follow`; killed when dropped.
struct Follower {
    child: Child,
    lines: Receiver<String>,
    notes: Receiver<String>,
}

impl Follower {
    fn start(arguments: &[&str]) -> Self {
        let mut child = child(arguments);
        let lines = lines_of(child.stdout.take().unwrap());
        let notes = lines_of(child.stderr.take().unwrap());
        Self {
            child,
            lines,
            notes,
        }
    }

    /// The next line of records.
    fn line(&self) -> String {
        self.lines.recv_timeout(PATIENCE).unwrap()
    }

    /// The next line beside them.
    fn note(&self) -> String {
        self.notes.recv_timeout(PATIENCE).unwrap()
    }

    /// Ctrl-C; how it ended, and what it had not told yet.
    fn interrupt(mut self) -> (ExitStatus, Vec<String>, Vec<String>) {
        let pid = self.child.id().to_string();
        let sent = std::process::Command::new("kill")
            .args(["-INT", &pid])
            .status();
        assert!(sent.unwrap().success());
        let status = exited(&mut self.child);
        (
            status,
            self.lines.iter().collect(),
            self.notes.iter().collect(),
        )
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        if self.child.kill().is_ok() {
            self.child.wait().unwrap();
        }
    }
}

fn child(arguments: &[&str]) -> Child {
    spoor()
        .args(["logs", "--follow"])
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

fn lines_of(out: impl Read + Send + 'static) -> Receiver<String> {
    let (lines, received) = channel();
    std::thread::spawn(move || {
        for line in BufReader::new(out).lines() {
            if line.is_ok_and(|line| lines.send(line).is_err()) {
                return;
            }
        }
    });
    received
}

fn exited(child: &mut Child) -> ExitStatus {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return status;
        }
        assert!(Instant::now() < deadline, "still running");
        std::thread::sleep(Duration::from_millis(15));
    }
}

async fn send(server: &Server, bodies: &[String]) {
    let records = bodies.iter().enumerate().map(|(at, body)| {
        let mut record = data::record(body);
        record.time_unix_nano += at as u64;
        record
    });
    let request = data::logs_of("shop", records.collect());
    server.otlp().export_logs(&request).await;
}

fn numbered(numbers: std::ops::Range<usize>) -> Vec<String> {
    numbers.map(|number| format!("order {number}")).collect()
}

fn body_of(line: &str) -> String {
    let record: Value = serde_json::from_str(line).unwrap();
    record["body"].as_str().unwrap().to_owned()
}

fn url_of(server: &Server) -> String {
    format!("http://{}", server.address("http_addr"))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_newest_records_are_shown_oldest_first_by_a_server_and_from_the_directory() {
    let home = Home::new();
    let server = home.serve().await;
    let mut bodies = numbered(0..200);
    bodies.push("panicked\n  at \u{1b}[31mshop\u{1b}[0m".to_owned());
    send(&server, &bodies).await;
    let url = url_of(&server);
    let data_dir = home.data_dir();
    let data_dir = data_dir.to_str().unwrap();
    let expected = "2024-05-01T12:00:00.000Z INFO  shop order 199\n\
        2024-05-01T12:00:00.000Z INFO  shop panicked\n      at \\u{1b}[31mshop\\u{1b}[0m\n";
    for place in [["--url", &url], ["--data-dir", data_dir]] {
        let shown = |arguments: &[&str]| run_ok(&[&["logs"], arguments, &place[..]].concat());
        assert_eq!(shown(&["-n", "2"]), expected);
        assert_eq!(shown(&["order"]).lines().count(), 100);
        assert_eq!(shown(&["order", "--limit", "10000"]).lines().count(), 200);
        let lines = shown(&["order 7", "--format", "ndjson"]);
        let bodies: Vec<String> = lines.lines().map(body_of).collect();
        assert_eq!(bodies, ["order 7"]);
        assert_eq!(shown(&["--since", "15m"]), "");
        assert_eq!(shown(&["--until", "2024-05-01"]), "");
        let since = shown(&["order", "--since", "2024-05-01T12:00:00.000000190Z"]);
        assert_eq!(since.lines().count(), 10);
    }
    let cut = run(&["logs", "--since", "2024-05-01", "--url", &url]);
    let note = String::from_utf8(cut.stderr).unwrap();
    assert!(note.contains("the newest 100 of more"), "{note}");
    server.stop().await;
    let shown = run_ok(&["logs", "-n", "2", "--data-dir", data_dir]);
    assert_eq!(shown, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_follower_tells_each_record_once_also_when_the_server_dies() {
    let home = Home::new();
    let server = home.serve().await;
    send(&server, &numbered(0..3)).await;
    send(&server, &["unasked".to_owned()]).await;
    let data_dir = home.data_dir();
    let follower = Follower::start(&[
        "order",
        "--limit",
        "2",
        "--format",
        "ndjson",
        "--data-dir",
        data_dir.to_str().unwrap(),
    ]);
    let mut told = vec![follower.line(), follower.line()];
    for number in 3..20 {
        send(&server, &numbered(number..number + 1)).await;
        send(&server, &["unasked".to_owned()]).await;
    }
    while told.len() < 10 {
        told.push(follower.line());
    }
    server.kill();
    assert!(follower.note().contains("the connection is lost"));
    // On another port, and with records before the follower has found it.
    let server = home.serve().await;
    for number in 20..40 {
        send(&server, &numbered(number..number + 1)).await;
    }
    assert_eq!(follower.note(), "connected again");
    while told.len() < 39 {
        told.push(follower.line());
    }
    let told: Vec<String> = told.iter().map(|line| body_of(line)).collect();
    assert_eq!(told, numbered(1..40));
    let (status, lines, notes) = follower.interrupt();
    assert!(status.success(), "{status}");
    assert!(lines.is_empty() && notes.is_empty(), "{lines:?} {notes:?}");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_too_fast_is_left_out_and_said() {
    let home = Home::new();
    let server = home.serve().await;
    send(&server, &["first".to_owned()]).await;
    let follower = Follower::start(&["--url", &url_of(&server)]);
    assert!(follower.line().ends_with("INFO  shop first"));
    // One request is one look, which tells a quarter of 5,000.
    send(&server, &numbered(0..1_260)).await;
    let note = follower.note();
    assert!(note.starts_with("10 records are left out"), "{note}");
    assert!(follower.line().ends_with("INFO  shop order 10"));
    for _ in 11..1_260 {
        follower.line();
    }
    let (status, lines, notes) = follower.interrupt();
    assert!(status.success());
    assert!(lines.is_empty() && notes.is_empty(), "{lines:?} {notes:?}");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_read_enough_ends_it_without_a_word() {
    let home = Home::new();
    let server = home.serve().await;
    send(&server, &numbered(0..1)).await;
    let mut child = child(&["--url", &url_of(&server)]);
    let mut reader = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    reader.read_line(&mut line).unwrap();
    assert!(line.ends_with("order 0\n"));
    drop(reader);
    send(&server, &numbered(1..2)).await;
    assert!(exited(&mut child).success());
    let mut said = String::new();
    let mut stderr = child.stderr.take().unwrap();
    stderr.read_to_string(&mut said).unwrap();
    assert_eq!(said, "");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_name_what_was_wrong_and_what_to_do() {
    let home = Home::new();
    let server = home.serve_with(&["--read-token", "open"]).await;
    let url = url_of(&server);
    let nobody = home.path("nobody");
    let nobody = nobody.to_str().unwrap();
    let token = ["--url", &url, "--read-token", "open"];
    let cases: [(&[&str], &str); 6] = [
        (&["(order"], "character 0"),
        (&["level:loud"], "`loud` is not a level"),
        (
            &["--url", "http://127.0.0.1:1"],
            "cannot reach the server at http://127.0.0.1:1",
        ),
        (&["--url", &url], "the server wants a token"),
        (&["--url", "ftp://x"], "is not the address of a server"),
        (&["--limit", "10001"], "10000"),
    ];
    for (arguments, what) in cases {
        for follow in [&["logs"][..], &["logs", "--follow"]] {
            let arguments = match arguments.first() {
                Some(&"--url") => arguments.to_vec(),
                _ => [arguments, &token].concat(),
            };
            let ended = run(&[follow, &arguments].concat());
            let said = String::from_utf8(ended.stderr).unwrap();
            assert_eq!(ended.status.code(), Some(1), "{arguments:?}: {said}");
            assert!(said.starts_with("error: ") && said.contains(what), "{said}");
            assert!(said.contains("hint: ") || what == "10000", "{said}");
            assert!(ended.stdout.is_empty());
        }
    }
    let ended = run(&["logs", "--since", "yesterday"]);
    let said = String::from_utf8(ended.stderr).unwrap();
    assert_eq!(ended.status.code(), Some(2), "{said}");
    assert!(
        said.contains("--since") && said.contains("`yesterday` is not a time; write "),
        "{said}"
    );
    let ended = run(&["logs", "--follow", "--data-dir", nobody]);
    let said = String::from_utf8(ended.stderr).unwrap();
    assert!(
        said.contains("no server runs on") && said.contains("--url"),
        "{said}"
    );
    let ended = run(&[&["logs", "--follow", "trace:(x)"], &token[..]].concat());
    let said = String::from_utf8(ended.stderr).unwrap();
    assert!(
        said.contains("`trace:(…)` looks at other records"),
        "{said}"
    );
    server.stop().await;
}
