//! An answer on its way from the threads of queries to its connection: piece by piece, no faster than the client reads.

use axum::body::{Body, BodyDataStream, Bytes, HttpBody};
use futures::StreamExt;
use futures::stream::try_unfold;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::There;

/// Larger pieces are cut, so that a client that reads slowly is seen to read; of an answer that is ended no more than a
/// few such pieces stay in its connection.
const PIECE_BYTES: usize = 64 << 10;
/// An answer that is there already goes over whole up to this size.
const WHOLE_BYTES: u64 = 256 << 10;

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// The same body, read on the threads of queries. It fails if that one does, and if its reader takes nothing for too long:
/// then what it holds is free at once, not when the connection ends.
pub(super) fn handed_over(body: Body, there: &There) -> Body {
    let size = body.size_hint().exact();
    if size.is_some_and(|bytes| bytes <= WHOLE_BYTES) {
        return body;
    }
    // Not more than one piece ahead: a live tail counts what its client does not take.
    let (sender, receiver) = mpsc::channel(1);
    let mut work = JoinSet::new();
    work.spawn_on(
        pass_on(body.into_data_stream(), sender, there.clone()),
        &there.threads,
    );
    Body::from_stream(try_unfold(
        (receiver, work),
        |(mut pieces, mut work)| async move {
            if let Some(piece) = pieces.recv().await {
                return Ok(Some((piece, (pieces, work))));
            }
            // No piece more is the end only if whoever made them says so.
            match work.join_next().await {
                Some(Ok(Ok(()))) => Ok(None),
                Some(Ok(Err(failure))) => Err(failure),
                _ => Err("the answer ended early".into()),
            }
        },
    ))
}

async fn pass_on(
    mut body: BodyDataStream,
    sender: mpsc::Sender<Bytes>,
    there: There,
) -> Result<(), Failure> {
    let mut rest = Bytes::new();
    loop {
        // First the room, then the piece.
        let Ok(room) = timeout(there.patience, sender.reserve()).await else {
            there.metrics.stalled();
            let seconds = there.patience.as_secs_f64();
            tracing::info!(seconds, "an answer is ended: its client takes nothing");
            return Err(format!("nothing of the answer was taken for {seconds} s").into());
        };
        // The connection is gone.
        let Ok(room) = room else {
            return Ok(());
        };
        while rest.is_empty() {
            match body.next().await {
                Some(more) => rest = more?,
                None => return Ok(()),
            }
        }
        // A part of a large piece would keep all of it in memory.
        let piece = if rest.len() <= PIECE_BYTES {
            std::mem::take(&mut rest)
        } else {
            Bytes::copy_from_slice(&rest.split_to(PIECE_BYTES))
        };
        room.send(piece);
    }
}
