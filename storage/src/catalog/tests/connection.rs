//! PostgreSQL goes away, comes back, and has two writers.

use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::*;

#[tokio::test]
async fn a_second_writer_is_refused_and_one_who_was_replaced_changes_nothing() {
    let Some(place) = Place::postgres().await else {
        return;
    };
    let first = place.open().await;
    let refused = place.try_open().await;
    assert_eq!(refused.unwrap_err().kind(), ErrorKind::Conflict);

    // The first loses its connection, and with it the lock, without knowing.
    end_sessions(&place).await;
    let second = place.open().await;
    second.commit(&adding(&[file(1)], 1)).await.unwrap();
    let error = first.commit(&adding(&[file(2)], 2)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict, "{error}");
    second.close().await;
    let error = first.commit(&adding(&[file(3)], 3)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict, "{error}");
    assert!(error.to_string().contains("taken over"), "{error}");

    let third = place.open().await;
    assert_eq!(third.files().await.unwrap().files.len(), 1);
    assert_eq!(third.wal_mark().await.unwrap(), 1);
}

#[tokio::test]
async fn a_lost_connection_is_made_again() {
    let Some(place) = Place::postgres().await else {
        return;
    };
    let catalog = place.open().await;
    for mark in 1..4 {
        end_sessions(&place).await;
        assert_eq!(catalog.wal_mark().await.unwrap(), mark - 1);
        end_sessions(&place).await;
        catalog.commit(&adding(&[file(1)], mark)).await.unwrap();
    }
    assert_eq!(catalog.files().await.unwrap().files.len(), 3);
}

/// Passes bytes on between a client and PostgreSQL at `server`, and cuts a connection off once a
/// `COMMIT` was sent, while `cuts` lasts: before passing it on or, if `made`, after its answer.
async fn cutting_proxy(server: (String, u16), cuts: Arc<AtomicUsize>, made: bool) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let upstream = TcpStream::connect(&server).await.unwrap();
            tokio::spawn(pass_on(client, upstream, Arc::clone(&cuts), made));
        }
    });
    port
}

async fn pass_on(mut client: TcpStream, mut server: TcpStream, cuts: Arc<AtomicUsize>, made: bool) {
    let (mut asked, mut answered) = ([0; 16 << 10], [0; 16 << 10]);
    loop {
        tokio::select! {
            read = client.read(&mut asked) => {
                let len = read.unwrap_or(0);
                let commits = asked[..len].windows(6).any(|word| word == b"COMMIT");
                let cut = commits && cuts.load(Ordering::SeqCst) > 0;
                if cut {
                    cuts.fetch_sub(1, Ordering::SeqCst);
                }
                if len == 0 || (cut && !made) || server.write_all(&asked[..len]).await.is_err() {
                    return;
                }
                if cut {
                    // The server has committed when it answers; the client never hears of it.
                    drop(server.read(&mut answered).await);
                    return;
                }
            }
            read = server.read(&mut answered) => {
                let len = read.unwrap_or(0);
                if len == 0 || client.write_all(&answered[..len]).await.is_err() {
                    return;
                }
            }
        }
    }
}

#[tokio::test]
async fn a_commit_whose_answer_is_lost_is_neither_lost_nor_made_twice() {
    for made in [true, false] {
        let Some(mut place) = Place::postgres().await else {
            return;
        };
        let CatalogLocation::Postgres(options) = &place.location else {
            panic!("not on PostgreSQL");
        };
        let server = (options.get_host().to_owned(), options.get_port());
        let cuts = Arc::new(AtomicUsize::new(0));
        let port = cutting_proxy(server, Arc::clone(&cuts), made).await;
        let options = (**options).clone().host("127.0.0.1").port(port);
        place.location = CatalogLocation::Postgres(Box::new(options));

        let catalog = place.open().await;
        for mark in 1..4 {
            cuts.store(1, Ordering::SeqCst);
            let added = [file(1)];
            match catalog.commit(&adding(&added, mark)).await {
                Ok(()) => assert!(made, "it never arrived"),
                Err(error) => {
                    assert!(!made, "{error}");
                    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
                    catalog.commit(&adding(&added, mark)).await.unwrap();
                }
            }
            assert_eq!(cuts.load(Ordering::SeqCst), 0, "the answer was not lost");
            assert_eq!(catalog.wal_mark().await.unwrap(), mark);
        }
        assert_eq!(catalog.files().await.unwrap().files.len(), 3);
    }
}

/// Ends every session in the database of `place`, as a restart of the server does.
async fn end_sessions(place: &Place) {
    let CatalogLocation::Postgres(options) = &place.location else {
        panic!("not on PostgreSQL");
    };
    let mut connection = sqlx::PgConnection::connect_with(options).await.unwrap();
    connection
        .execute("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()")
        .await
        .unwrap();
}
