//! Log lines as services write them: 480 formats with variables, some with a stack trace.

use std::fmt::Write;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

/// In ten rows.
pub(crate) const NEEDLE_ID: &str = "018f3a7c9b2e7d10";
const FORMATS: usize = 480;
const PARTS: [&str; 40] = [
    "request",
    "connection",
    "user",
    "order",
    "payment",
    "cache",
    "shard",
    "replica",
    "token",
    "session",
    "queue",
    "batch",
    "message",
    "worker",
    "index",
    "segment",
    "failed",
    "finished",
    "started",
    "rejected",
    "accepted",
    "retrying",
    "after",
    "with",
    "for",
    "from",
    "upstream",
    "downstream",
    "handler",
    "controller",
    "timeout",
    "latency",
    "deadlock",
    "commit",
    "rollback",
    "while",
    "reading",
    "writing",
    "status",
    "code",
];
const USERS: [&str; 12] = [
    "alice", "bob", "carol", "dave", "erin", "frank", "grace", "heidi", "ivan", "judy", "mallory",
    "oscar",
];

enum Piece {
    Word(String),
    Milliseconds,
    Id,
    Address,
    User,
    Path,
}

/// `rows` bodies, the same for every run.
pub(crate) fn bodies(rows: usize) -> Vec<String> {
    let mut random = StdRng::seed_from_u64(7);
    let formats: Vec<Vec<Piece>> = (0..FORMATS).map(|at| format(at, &mut random)).collect();
    (0..rows)
        .map(|row| body(row, rows, &formats, &mut random))
        .collect()
}

fn format(at: usize, random: &mut StdRng) -> Vec<Piece> {
    let mut pieces: Vec<Piece> = (0..random.random_range(8..22))
        .map(|_| match random.random_range(0..100) {
            0..6 => Piece::Milliseconds,
            6..12 => Piece::Id,
            12..14 => Piece::Address,
            14..18 => Piece::User,
            18..20 => Piece::Path,
            _ => Piece::Word(PARTS[random.random_range(0..PARTS.len())].to_owned()),
        })
        .collect();
    match at {
        3 => pieces.push(Piece::Word("accountmapper".to_owned())),
        5..9 => pieces.push(Piece::Word("connection reset by peer".to_owned())),
        _ => {}
    }
    pieces
}

fn body(row: usize, rows: usize, formats: &[Vec<Piece>], random: &mut StdRng) -> String {
    // Some formats are far more frequent than others.
    let square = random.random::<f64>() * random.random::<f64>();
    let format = &formats[(square * FORMATS as f64) as usize % FORMATS];
    let mut text = String::with_capacity(200);
    for piece in format {
        match piece {
            Piece::Word(word) => text.push_str(word),
            Piece::Milliseconds => text.push_str(&random.random_range(0..5_000).to_string()),
            Piece::Id => write!(text, "id={:016x}", random.random::<u64>()).unwrap(),
            Piece::Address => write!(
                text,
                "10.0.{}.{}",
                random.random::<u8>(),
                random.random::<u8>()
            )
            .unwrap(),
            Piece::User => text.push_str(USERS[random.random_range(0..USERS.len())]),
            Piece::Path => write!(
                text,
                "/api/v1/carts/{}/items",
                random.random_range(0..100_000)
            )
            .unwrap(),
        }
        text.push(' ');
    }
    // Words that any line may have, in places where others have something else.
    let state = match random.random_range(0..1_000) {
        0 => "quorumloss",
        1..101 => "degraded",
        101..400 => "steady",
        _ => "healthy",
    };
    write!(text, "state={state} attempt {}", random.random_range(1..20)).unwrap();
    if row % (rows / 10).max(1) == 5 {
        text.push_str(" quetzalcoatl ");
        text.push_str(NEEDLE_ID);
    }
    if random.random_range(0..100) < 8 {
        for depth in 0..random.random_range(4..9) {
            write!(
                text,
                "\n  at com.example.{}.{}({}.java:{})",
                PARTS[depth * 3],
                PARTS[depth * 2 + 1],
                PARTS[depth],
                random.random_range(10..400)
            )
            .unwrap();
        }
    }
    text
}
