//! The least of an HTTP/1.1 client: one kept-alive connection, one request at a time. Cheaper
//! than a general one, and what it costs is easy to see.

use anyhow::{Context, bail, ensure};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Answers larger than this are refused.
const MAX_ANSWER_BYTES: usize = 256 << 20;

/// A connection.
#[derive(Debug)]
pub(crate) struct Connection {
    stream: TcpStream,
    address: String,
    token: Option<String>,
    buffer: Vec<u8>,
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    /// The status code.
    pub(crate) status: u16,
    /// `Retry-After` in seconds, if said.
    pub(crate) retry_after_s: Option<u64>,
    /// The body.
    pub(crate) body: Vec<u8>,
}

enum Length {
    Known(usize),
    Chunked,
}

impl Connection {
    /// Connects to `host:port`; as `http://host:port` it is taken too.
    pub(crate) async fn open(address: &str, token: Option<String>) -> anyhow::Result<Self> {
        ensure!(
            !address.starts_with("https://"),
            "{address}: the benchmark speaks plain HTTP only"
        );
        let address = address.trim_start_matches("http://").trim_end_matches('/');
        let stream = TcpStream::connect(address)
            .await
            .with_context(|| format!("nobody listens on {address}: start `spoor serve` first"))?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream,
            address: address.to_owned(),
            token,
            buffer: Vec::with_capacity(64 << 10),
        })
    }

    /// Posts `body`.
    pub(crate) async fn post(
        &mut self,
        path: &str,
        content_type: &str,
        body: &[u8],
    ) -> anyhow::Result<Answer> {
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: {}\r\nContent-Type: {content_type}\r\nContent-Length: {}\r\n{}\r\n",
            self.address,
            body.len(),
            self.authorization()
        );
        self.stream.write_all(head.as_bytes()).await?;
        self.stream.write_all(body).await?;
        self.answer().await
    }

    /// Gets `path`, which is encoded already.
    pub(crate) async fn get(&mut self, path: &str) -> anyhow::Result<Answer> {
        let head = format!(
            "GET {path} HTTP/1.1\r\nHost: {}\r\nAccept: application/json\r\n{}\r\n",
            self.address,
            self.authorization()
        );
        self.stream.write_all(head.as_bytes()).await?;
        self.answer().await
    }

    fn authorization(&self) -> String {
        self.token
            .as_ref()
            .map(|token| format!("Authorization: Bearer {token}\r\n"))
            .unwrap_or_default()
    }

    async fn answer(&mut self) -> anyhow::Result<Answer> {
        loop {
            let mut headers = [httparse::EMPTY_HEADER; 64];
            let mut response = httparse::Response::new(&mut headers);
            if let httparse::Status::Complete(head) = response.parse(&self.buffer)? {
                let status = response.code.context("an answer without a status")?;
                let (mut length, mut retry_after_s) = (None, None);
                for header in response.headers.iter() {
                    let value = String::from_utf8_lossy(header.value);
                    if header.name.eq_ignore_ascii_case("content-length") {
                        length = Some(Length::Known(value.trim().parse()?));
                    } else if header.name.eq_ignore_ascii_case("transfer-encoding") {
                        length = Some(Length::Chunked);
                    } else if header.name.eq_ignore_ascii_case("retry-after") {
                        retry_after_s = value.trim().parse().ok();
                    }
                }
                self.buffer.drain(..head);
                let body = match length {
                    Some(Length::Known(length)) => self.take(length).await?,
                    Some(Length::Chunked) => self.chunks().await?,
                    None => Vec::new(),
                };
                return Ok(Answer {
                    status,
                    retry_after_s,
                    body,
                });
            }
            self.more().await?;
        }
    }

    async fn more(&mut self) -> anyhow::Result<()> {
        let read = self.stream.read_buf(&mut self.buffer).await?;
        ensure!(read > 0, "{} closed the connection", self.address);
        ensure!(
            self.buffer.len() <= MAX_ANSWER_BYTES,
            "the answer is over {MAX_ANSWER_BYTES} bytes"
        );
        Ok(())
    }

    async fn take(&mut self, length: usize) -> anyhow::Result<Vec<u8>> {
        ensure!(length <= MAX_ANSWER_BYTES, "the answer is {length} bytes");
        while self.buffer.len() < length {
            self.more().await?;
        }
        Ok(self.buffer.drain(..length).collect())
    }

    async fn chunks(&mut self) -> anyhow::Result<Vec<u8>> {
        let mut body = Vec::new();
        loop {
            match httparse::parse_chunk_size(&self.buffer) {
                Ok(httparse::Status::Complete((head, size))) => {
                    self.buffer.drain(..head);
                    let size = usize::try_from(size)?;
                    let mut chunk = self.take(size + 2).await?;
                    chunk.truncate(size);
                    if size == 0 {
                        return Ok(body);
                    }
                    body.append(&mut chunk);
                    ensure!(body.len() <= MAX_ANSWER_BYTES, "the answer is too large");
                }
                Ok(httparse::Status::Partial) => self.more().await?,
                Err(_) => bail!("{} sent a chunk without a size", self.address),
            }
        }
    }
}
