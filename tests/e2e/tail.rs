//! Loki's live tail is a WebSocket: history, then what arrives, nothing lost and nothing twice; it is
//! bounded, and it ends when the server does. The client is made by hand, from RFC 6455.

use std::fmt::Write as _;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::data;
use crate::harness::{Home, Server};

const PATIENCE: Duration = Duration::from_mins(2);
/// The example of the RFC, and what a server must make of it.
const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

const TEXT: u8 = 1;
const CLOSE: u8 = 8;
const PING: u8 = 9;
const PONG: u8 = 10;

/// An open tail.
struct Tail(TcpStream);

/// Asks for a tail: the tail, or the status and what the answer says.
async fn open(
    server: &Server,
    parameters: &[(&str, &str)],
    headers: &[(&str, &str)],
) -> Result<Tail, (u16, String)> {
    let address = server.address("http_addr");
    let query: String = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs(parameters)
        .finish();
    let mut request = format!(
        "GET /loki/api/v1/tail?{query} HTTP/1.1\r\nHost: {address}\r\nConnection: Upgrade\r\n\
         Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {KEY}\r\n"
    );
    for (name, value) in headers {
        write!(request, "{name}: {value}\r\n").unwrap();
    }
    request.push_str("\r\n");
    let mut stream = TcpStream::connect(&address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(timeout(PATIENCE, stream.read_u8()).await.unwrap().unwrap());
    }
    let head = String::from_utf8(head).unwrap();
    let status: u16 = head.split(' ').nth(1).unwrap().parse().unwrap();
    let value = |name: &str| {
        let lines = head.lines().filter_map(|line| line.split_once(": "));
        lines
            .filter(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.to_owned())
            .next()
    };
    if status == 101 {
        assert_eq!(value("sec-websocket-accept").as_deref(), Some(ACCEPT));
        return Ok(Tail(stream));
    }
    let length = value("content-length").map_or(0, |length| length.parse().unwrap());
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.unwrap();
    Err((status, String::from_utf8(body).unwrap()))
}

impl Tail {
    /// The next frame: its kind and what it holds. `None` at the end of the connection.
    async fn frame(&mut self) -> Option<(u8, Vec<u8>)> {
        let Self(stream) = self;
        let first = timeout(PATIENCE, stream.read_u8()).await.unwrap().ok()?;
        assert_eq!(first & 0x80, 0x80, "in one piece");
        let second = stream.read_u8().await.unwrap();
        assert_eq!(second & 0x80, 0, "a server does not mask");
        let length = match second {
            126 => usize::from(stream.read_u16().await.unwrap()),
            127 => stream.read_u64().await.unwrap() as usize,
            short => usize::from(short),
        };
        let mut payload = vec![0; length];
        stream.read_exact(&mut payload).await.unwrap();
        Some((first & 0x0f, payload))
    }

    /// The next message.
    async fn next(&mut self) -> Value {
        loop {
            match self.frame().await.unwrap() {
                (TEXT, payload) => return serde_json::from_slice(&payload).unwrap(),
                (PING, payload) => self.say(PONG, &payload).await,
                other => panic!("{other:?}"),
            }
        }
    }

    /// Lines of the next messages, `count` of them, in the order told.
    async fn lines(&mut self, count: usize) -> Vec<String> {
        let mut lines = Vec::new();
        while lines.len() < count {
            let message = self.next().await;
            for stream in message["streams"].as_array().unwrap() {
                let values = stream["values"].as_array().unwrap();
                lines.extend(
                    values
                        .iter()
                        .map(|value| value[1].as_str().unwrap().to_owned()),
                );
            }
        }
        lines
    }

    /// A frame of a client is masked.
    async fn say(&mut self, kind: u8, payload: &[u8]) {
        let mask = [1, 2, 3, 4];
        let mut frame = vec![0x80 | kind, 0x80 | payload.len() as u8];
        frame.extend(mask);
        frame.extend(
            payload
                .iter()
                .zip(mask.iter().cycle())
                .map(|(byte, mask)| byte ^ mask),
        );
        self.0.write_all(&frame).await.unwrap();
    }
}

async fn send(server: &Server, service: &str, bodies: &[String]) {
    let records = bodies.iter().map(|body| data::record(body)).collect();
    let request = data::logs_of(service, records);
    server.otlp().export_logs(&request).await;
}

fn numbered(text: &str, numbers: std::ops::Range<usize>) -> Vec<String> {
    numbers.map(|number| format!("{text} n={number}")).collect()
}

#[tokio::test]
async fn history_comes_first_and_then_each_record_once_through_the_pipeline() {
    let home = Home::new();
    let server = home.serve().await;
    send(&server, "shop", &numbered("order", 0..5)).await;
    send(&server, "pay", &numbered("order", 0..5)).await;
    let start = data::T0.to_string();
    let query = "{service_name=\"shop\"} |= \"order\" | logfmt | keep n, service_name";
    let parameters = [("query", query), ("start", &start), ("limit", "2")];
    // Answers are compressed for those who take it; a WebSocket is none.
    let header = [("Accept-Encoding", "gzip")];
    let mut tail = open(&server, &parameters, &header).await.unwrap();
    let stream = |number: usize| {
        json!({"stream": {"n": number.to_string(), "service_name": "shop"},
        "values": [[start, format!("order n={number}")]]})
    };
    let history = tail.next().await;
    assert_eq!(history, json!({"streams": [stream(3), stream(4)]}));
    tail.say(PING, b"there?").await;
    for round in 0..20 {
        send(&server, "shop", &numbered("refused", 0..3)).await;
        let number = 10 + round;
        send(&server, "shop", &numbered("order", number..number + 1)).await;
    }
    let mut told = Vec::new();
    let mut ponged = false;
    while told.len() < 20 {
        match tail.frame().await.unwrap() {
            (PONG, payload) => ponged = payload == b"there?",
            (TEXT, payload) => {
                let message: Value = serde_json::from_slice(&payload).unwrap();
                told.extend(message["streams"].as_array().unwrap().clone());
            }
            other => panic!("{other:?}"),
        }
    }
    let expected: Vec<Value> = (10..30).map(stream).collect();
    assert_eq!(told, expected);
    assert!(ponged, "a ping is answered");
    tail.say(CLOSE, &1000_u16.to_be_bytes()).await;
    assert_eq!(
        tail.frame().await,
        Some((CLOSE, 1000_u16.to_be_bytes().to_vec()))
    );
    server.stop().await;
}

#[tokio::test]
async fn labels_are_told_apart_if_asked_and_a_delay_puts_entries_in_the_order_of_time() {
    let home = Home::new();
    let server = home.serve().await;
    let parameters = [("query", "{} | logfmt"), ("delay_for", "1")];
    let header = [("X-Loki-Response-Encoding-Flags", "categorize-labels")];
    let mut tail = open(&server, &parameters, &header).await.unwrap();
    // Of one second, in the wrong order.
    let mut records: Vec<_> = numbered("x", 0..3)
        .iter()
        .map(|body| data::record(body))
        .collect();
    records[0].time_unix_nano += 9;
    let request = data::logs_of("shop", records);
    server.otlp().export_logs(&request).await;
    let message = tail.next().await;
    assert_eq!(message["encodingFlags"], json!(["categorize-labels"]));
    assert_eq!(
        message["streams"][0]["stream"],
        json!({"service_name": "shop", "level": "info"})
    );
    let values = message["streams"][0]["values"].as_array().unwrap();
    let parsed: Vec<&Value> = values
        .iter()
        .map(|value| &value[2]["parsed"]["n"])
        .collect();
    assert_eq!(parsed, ["1", "2", "0"]);
    server.stop().await;
}

#[tokio::test]
async fn of_more_than_fits_the_newest_are_told_and_others_named() {
    let home = Home::new();
    let server = home.serve().await;
    let mut tail = open(&server, &[("query", "{}")], &[]).await.unwrap();
    // One request is one look, which tells a quarter of 5,000.
    send(&server, "shop", &numbered("x", 0..1_260)).await;
    let message = tail.next().await;
    let told = message["streams"][0]["values"].as_array().unwrap();
    assert_eq!(told.len(), 1_250);
    assert_eq!(told[0][1], "x n=10");
    let dropped = message["dropped_entries"].as_array().unwrap();
    assert_eq!(dropped.len(), 10);
    assert_eq!(dropped[0]["labels"]["service_name"], "shop");
    assert_eq!(dropped[0]["timestamp"], data::T0.to_string());
    server.stop().await;
}

#[tokio::test]
async fn what_is_no_tail_is_refused_before_the_upgrade() {
    let home = Home::new();
    let server = home.serve().await;
    let address = server.address("http_addr");
    let all = [("query", "{}")];
    let stranger = [("Origin", "http://evil.example")];
    for (parameters, headers, status, part) in [
        (
            &[("query", "rate({}[1m])")],
            &[][..],
            400,
            "no metric query",
        ),
        (&[("query", "{")], &[], 400, "parse error"),
        (&all, &stranger[..], 403, "Origin"),
    ] {
        let refused = open(&server, parameters, headers).await.err().unwrap();
        assert_eq!(refused.0, status, "{refused:?}");
        assert!(refused.1.contains(part), "{refused:?}");
    }
    let plain = server.api().try_get("/loki/api/v1/tail", &all).await;
    assert_eq!(plain.status, 426, "{}", plain.text);
    let own = format!("http://{address}");
    let mut open_tails = vec![open(&server, &all, &[("Origin", &own)]).await.unwrap()];
    while open_tails.len() < 32 {
        open_tails.push(open(&server, &all, &[]).await.unwrap());
    }
    let (status, told) = open(&server, &all, &[]).await.err().unwrap();
    assert_eq!(status, 429, "{told}");
    // Who goes makes room, as soon as the server has seen it.
    open_tails.pop();
    let again = async {
        loop {
            if let Ok(tail) = open(&server, &all, &[]).await {
                return tail;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let mut again = timeout(PATIENCE, again).await.unwrap();
    send(&server, "shop", &numbered("x", 0..1)).await;
    assert_eq!(again.lines(1).await, ["x n=0"]);
    server.stop().await;
}

#[tokio::test]
async fn a_server_that_stops_closes_its_tails() {
    let home = Home::new();
    let mut server = home.serve().await;
    let mut tail = open(&server, &[("query", "{}")], &[]).await.unwrap();
    send(&server, "shop", &numbered("x", 0..1)).await;
    assert_eq!(tail.lines(1).await, ["x n=0"]);
    server.signal("-TERM");
    let (kind, payload) = tail.frame().await.unwrap();
    assert_eq!((kind, &payload[..2]), (CLOSE, &1001_u16.to_be_bytes()[..]));
    assert!(server.exited().await.success());
}
