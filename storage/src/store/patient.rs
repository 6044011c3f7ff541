//! Goes on where a remote store fails for a while.
//!
//! The client retries what the server answers with an error; this retries everything else: an
//! answer that breaks off, a connection that is not made, an object that is not shown yet although
//! its name can only come from a write that was answered. Waits grow and are jittered, the sum is bounded.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures::StreamExt;
use futures::stream::{self, BoxStream};
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, GetResultPayload, ListResult, MultipartUpload,
    ObjectMeta, ObjectStore, ObjectStoreExt, PutMode, PutMultipartOptions, PutOptions, PutPayload,
    PutResult, Result,
};
use rand::RngExt;
use tokio::time::{Instant, sleep};

use super::metrics::StoreMetrics;

/// How long to go on.
#[derive(Debug, Clone, Copy)]
pub(super) struct Patience {
    /// The first wait; each next one is twice as long, up to [`Patience::longest`].
    first: Duration,
    longest: Duration,
    /// No further attempt begins after this.
    total: Duration,
    /// The same for objects that are said not to exist.
    missing: Duration,
}

impl Patience {
    pub(super) const USUAL: Self = Self {
        first: Duration::from_millis(100),
        longest: Duration::from_secs(5),
        total: Duration::from_secs(45),
        missing: Duration::from_secs(1),
    };
    /// For tests.
    pub(super) const SHORT: Self = Self {
        first: Duration::from_micros(200),
        longest: Duration::from_millis(2),
        total: Duration::from_millis(30),
        // Long enough for many attempts also on a busy machine: a file that is still missing then
        // counts as lost.
        missing: Duration::from_millis(500),
    };
}

/// One operation's attempts.
struct Attempts {
    patience: Patience,
    metrics: StoreMetrics,
    began: Instant,
    wait: Duration,
}

impl Attempts {
    fn new(patience: Patience, metrics: &StoreMetrics) -> Self {
        Self {
            patience,
            metrics: metrics.clone(),
            began: Instant::now(),
            wait: patience.first,
        }
    }

    /// Waits before the next attempt, or gives `error` back if there is none.
    async fn after(&mut self, error: Error) -> Result<()> {
        let within = match &error {
            Error::Generic { .. } | Error::JoinError { .. } => self.patience.total,
            Error::NotFound { .. } => self.patience.missing,
            // Wrong requests, missing rights, what cannot be done: no other answer will come.
            _ => return Err(error),
        };
        // From half the wait to all of it: many that failed together do not come back together.
        let wait = self.wait.mul_f64(rand::rng().random_range(0.5..=1.0));
        if self.began.elapsed() + wait > within {
            return Err(error);
        }
        self.metrics.retries.inc();
        sleep(wait).await;
        self.wait = (self.wait * 2).min(self.patience.longest);
        Ok(())
    }
}

/// A store whose operations are tried again.
#[derive(Debug)]
pub(super) struct Patient {
    inner: Arc<dyn ObjectStore>,
    patience: Patience,
    metrics: StoreMetrics,
}

impl Patient {
    pub(super) fn new(
        inner: Arc<dyn ObjectStore>,
        patience: Patience,
        metrics: StoreMetrics,
    ) -> Self {
        Self {
            inner,
            patience,
            metrics,
        }
    }

    async fn get_whole(&self, path: &Path, options: &GetOptions) -> Result<(GetResult, Bytes)> {
        let got = self.inner.get_opts(path, options.clone()).await?;
        let (meta, range, attributes) =
            (got.meta.clone(), got.range.clone(), got.attributes.clone());
        let head = options.head;
        let bytes = if head {
            Bytes::new()
        } else {
            got.bytes().await?
        };
        if !head && bytes.len() as u64 != range.end - range.start {
            return Err(Error::Generic {
                store: "S3",
                source: format!("`{path}` broke off after {} bytes", bytes.len()).into(),
            });
        }
        let copy = bytes.clone();
        let payload = GetResultPayload::Stream(stream::once(async move { Ok(copy) }).boxed());
        let result = GetResult {
            payload,
            meta,
            range,
            attributes,
        };
        Ok((result, bytes))
    }

    /// What to make of a name that is taken: it can only be ours, from an attempt whose answer
    /// was lost.
    async fn is_ours(&self, path: &Path, len: usize) -> Result<PutResult> {
        let meta = self.head(path).await?;
        if meta.size == len as u64 {
            return Ok(PutResult {
                e_tag: meta.e_tag,
                version: meta.version,
            });
        }
        Err(Error::AlreadyExists {
            path: path.to_string(),
            source: format!("an object of {} bytes is there", meta.size).into(),
        })
    }
}

impl fmt::Display for Patient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.inner, f)
    }
}

#[async_trait]
impl ObjectStore for Patient {
    async fn put_opts(
        &self,
        location: &Path,
        payload: PutPayload,
        opts: PutOptions,
    ) -> Result<PutResult> {
        let mut attempts = Attempts::new(self.patience, &self.metrics);
        let mut opts = opts;
        let mut answer_lost = false;
        loop {
            let attempt = self
                .inner
                .put_opts(location, payload.clone(), opts.clone())
                .await;
            match attempt {
                Ok(done) => return Ok(done),
                // The store cannot refuse names that are taken; ours are never given twice.
                Err(Error::NotImplemented { .. }) if opts.mode == PutMode::Create => {
                    opts.mode = PutMode::Overwrite;
                }
                Err(Error::AlreadyExists { .. }) if answer_lost => {
                    return self.is_ours(location, payload.content_length()).await;
                }
                Err(error) => {
                    answer_lost = true;
                    attempts.after(error).await?;
                }
            }
        }
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        opts: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.inner.put_multipart_opts(location, opts).await
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        let mut attempts = Attempts::new(self.patience, &self.metrics);
        loop {
            match self.get_whole(location, &options).await {
                Ok((got, _)) => return Ok(got),
                Err(error) => attempts.after(error).await?,
            }
        }
    }

    async fn get_ranges(&self, location: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        let mut attempts = Attempts::new(self.patience, &self.metrics);
        loop {
            match self.inner.get_ranges(location, ranges).await {
                Ok(got) => return Ok(got),
                Err(error) => attempts.after(error).await?,
            }
        }
    }

    fn delete_stream(
        &self,
        locations: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        self.inner.delete_stream(locations)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.inner.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.inner.copy_opts(from, to, options).await
    }
}
