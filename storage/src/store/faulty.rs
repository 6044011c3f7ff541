//! A store that fails as remote ones do, by a seed.

use std::collections::VecDeque;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures::StreamExt;
use futures::stream::{self, BoxStream};
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, GetResultPayload, ListResult, MultipartUpload,
    ObjectMeta, ObjectStore, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
    UploadPart,
};
use parking_lot::Mutex;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

/// One in so many operations fails in each way.
const ONE_IN: u32 = 14;
/// So many of the newest objects may not be shown yet.
const NEWEST: usize = 3;

#[derive(Debug)]
struct Script {
    random: Mutex<StdRng>,
    newest: Mutex<VecDeque<Path>>,
    calm: AtomicBool,
    away: AtomicBool,
    faults: AtomicU64,
}

/// What happens to an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    None,
    /// A 500 or a connection that is not made: nothing was done.
    Refused,
    /// It was done and the answer was lost: a timeout.
    AnswerLost,
    /// It takes its time.
    Slow,
    /// The body breaks off.
    Torn,
    /// As if a new object were not there yet.
    Unseen,
}

impl Script {
    fn fault(&self) -> Fault {
        if self.away.load(Ordering::Relaxed) {
            return Fault::Refused;
        }
        if self.calm.load(Ordering::Relaxed) {
            return Fault::None;
        }
        let fault = match self.random.lock().random_range(0..ONE_IN) {
            0 => Fault::Refused,
            1 => Fault::AnswerLost,
            2 => Fault::Slow,
            3 => Fault::Torn,
            4 => Fault::Unseen,
            _ => return Fault::None,
        };
        self.faults.fetch_add(1, Ordering::Relaxed);
        fault
    }

    fn wrote(&self, path: &Path) {
        let mut newest = self.newest.lock();
        newest.push_back(path.clone());
        if newest.len() > NEWEST {
            newest.pop_front();
        }
    }

    fn is_new(&self, path: &Path) -> bool {
        self.newest.lock().contains(path)
    }
}

fn failed(what: &'static str) -> Error {
    Error::Generic {
        store: "S3",
        source: what.into(),
    }
}

/// See the module.
#[derive(Debug)]
pub(crate) struct FaultyStore {
    inner: Arc<dyn ObjectStore>,
    script: Arc<Script>,
}

impl FaultyStore {
    pub(crate) fn new(inner: Arc<dyn ObjectStore>, seed: u64) -> Self {
        Self {
            inner,
            script: Arc::new(Script {
                random: Mutex::new(StdRng::seed_from_u64(seed)),
                newest: Mutex::default(),
                calm: AtomicBool::new(true),
                away: AtomicBool::new(false),
                faults: AtomicU64::new(0),
            }),
        }
    }

    /// Fails no more, or fails again.
    pub(crate) fn set_calm(&self, calm: bool) {
        self.script.calm.store(calm, Ordering::Relaxed);
    }

    /// Refuses everything, or nothing any more.
    pub(crate) fn set_away(&self, away: bool) {
        self.script.away.store(away, Ordering::Relaxed);
    }

    /// Faults so far.
    pub(crate) fn faults(&self) -> u64 {
        self.script.faults.load(Ordering::Relaxed)
    }
}

impl fmt::Display for FaultyStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "faulty {}", self.inner)
    }
}

async fn dawdle() {
    tokio::time::sleep(Duration::from_millis(3)).await;
}

#[async_trait]
impl ObjectStore for FaultyStore {
    async fn put_opts(
        &self,
        location: &Path,
        payload: PutPayload,
        opts: PutOptions,
    ) -> Result<PutResult> {
        match self.script.fault() {
            Fault::Refused | Fault::Torn => return Err(failed("500 on a put")),
            Fault::Slow => dawdle().await,
            Fault::AnswerLost => {
                self.inner.put_opts(location, payload, opts).await?;
                self.script.wrote(location);
                return Err(failed("a put was not answered"));
            }
            Fault::None | Fault::Unseen => {}
        }
        let done = self.inner.put_opts(location, payload, opts).await?;
        self.script.wrote(location);
        Ok(done)
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        opts: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        let inner = self.inner.put_multipart_opts(location, opts).await?;
        Ok(Box::new(FaultyUpload {
            inner,
            script: Arc::clone(&self.script),
        }))
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        let fault = self.script.fault();
        match fault {
            Fault::Refused | Fault::AnswerLost => return Err(failed("500 on a get")),
            Fault::Slow => dawdle().await,
            Fault::Unseen if self.script.is_new(location) => {
                return Err(Error::NotFound {
                    path: location.to_string(),
                    source: "not seen yet".into(),
                });
            }
            _ => {}
        }
        let got = self.inner.get_opts(location, options).await?;
        if fault != Fault::Torn {
            return Ok(got);
        }
        let (meta, range, attributes) =
            (got.meta.clone(), got.range.clone(), got.attributes.clone());
        let bytes = got.bytes().await?;
        let half = bytes.slice(..bytes.len() / 2);
        let payload = stream::iter([Ok(half), Err(failed("the body broke off"))]);
        Ok(GetResult {
            payload: GetResultPayload::Stream(payload.boxed()),
            meta,
            range,
            attributes,
        })
    }

    async fn get_ranges(&self, location: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        match self.script.fault() {
            Fault::None => self.inner.get_ranges(location, ranges).await,
            Fault::Slow => {
                dawdle().await;
                self.inner.get_ranges(location, ranges).await
            }
            _ => Err(failed("500 on a get of ranges")),
        }
    }

    fn delete_stream(
        &self,
        locations: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        match self.script.fault() {
            Fault::Refused => stream::iter([Err(failed("500 on a delete"))]).boxed(),
            _ => self.inner.delete_stream(locations),
        }
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        let script = Arc::clone(&self.script);
        let fault = script.fault();
        if fault == Fault::Refused {
            return stream::iter([Err(failed("500 on a list"))]).boxed();
        }
        let lags = fault == Fault::Unseen;
        let listed = self.inner.list(prefix);
        listed
            .filter(move |object| {
                let hidden = lags
                    && object
                        .as_ref()
                        .is_ok_and(|object| script.is_new(&object.location));
                futures::future::ready(!hidden)
            })
            .boxed()
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.inner.copy_opts(from, to, options).await
    }
}

/// An upload of which a part or the end may fail.
#[derive(Debug)]
struct FaultyUpload {
    inner: Box<dyn MultipartUpload>,
    script: Arc<Script>,
}

#[async_trait]
impl MultipartUpload for FaultyUpload {
    fn put_part(&mut self, data: PutPayload) -> UploadPart {
        match self.script.fault() {
            Fault::Refused | Fault::Torn | Fault::AnswerLost => {
                Box::pin(async { Err(failed("a part was lost")) })
            }
            _ => self.inner.put_part(data),
        }
    }

    async fn complete(&mut self) -> Result<PutResult> {
        match self.script.fault() {
            Fault::Refused => Err(failed("500 on the end of an upload")),
            Fault::AnswerLost => {
                self.inner.complete().await?;
                Err(failed("the end of an upload was not answered"))
            }
            _ => self.inner.complete().await,
        }
    }

    async fn abort(&mut self) -> Result<()> {
        self.inner.abort().await
    }
}
