//! The local folders for queries: what is in the page cache is read where it is asked for.
//!
//! The object store of local files hands each read to another thread, since a disk may keep it
//! waiting. Most of what queries read is in memory already; to wake a thread for it, and to be woken,
//! takes longer than to copy it. `RWF_NOWAIT` (preadv2(2)) reads only what is there.

use std::fs::File;
use std::io::IoSliceMut;
use std::ops::Range;

use async_trait::async_trait;
use bytes::Bytes;
use futures::StreamExt;
use futures::stream::BoxStream;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{
    Attributes, CopyOptions, GetOptions, GetRange, GetResult, GetResultPayload, ListResult,
    MultipartUpload, ObjectMeta, ObjectStore, PutMultipartOptions, PutOptions, PutPayload,
    PutResult, Result,
};
use rustix::io::{ReadWriteFlags, preadv2};

use crate::layout::Layout;

/// Larger reads go to another thread: copying them would keep others from running.
const MAX_BYTES: u64 = 1 << 20;

/// Reads without a thread what is in the page cache, and everything else as [`LocalFileSystem`] does.
#[derive(Debug)]
pub(super) struct Warm {
    inner: LocalFileSystem,
    layout: Layout,
}

impl Warm {
    pub(super) fn new(inner: LocalFileSystem, layout: Layout) -> Self {
        Self { inner, layout }
    }

    /// One range as an answer, if it is in memory.
    fn one_at_once(&self, location: &Path, range: &Range<u64>) -> Option<GetResult> {
        let bytes = self.at_once(location, std::slice::from_ref(range))?.pop()?;
        let metadata = std::fs::metadata(self.layout.local(location)).ok()?;
        Some(GetResult {
            payload: GetResultPayload::Stream(futures::stream::iter([Ok(bytes)]).boxed()),
            meta: ObjectMeta {
                location: location.clone(),
                last_modified: metadata.modified().ok()?.into(),
                size: metadata.len(),
                e_tag: None,
                version: None,
            },
            range: range.clone(),
            attributes: Attributes::default(),
        })
    }

    /// The ranges, if all of them are in memory.
    fn at_once(&self, location: &Path, ranges: &[Range<u64>]) -> Option<Vec<Bytes>> {
        let bytes = ranges.iter().try_fold(0_u64, |sum, range| {
            sum.checked_add(range.end.checked_sub(range.start)?)
        })?;
        if bytes > MAX_BYTES {
            return None;
        }
        let file = File::open(self.layout.local(location)).ok()?;
        ranges.iter().map(|range| read(&file, range)).collect()
    }
}

/// The range that is asked for without conditions.
fn wanted(options: &GetOptions) -> Option<&Range<u64>> {
    let conditions = options.if_match.is_some()
        || options.if_none_match.is_some()
        || options.if_modified_since.is_some()
        || options.if_unmodified_since.is_some();
    match &options.range {
        Some(GetRange::Bounded(range)) if !conditions && !options.head => Some(range),
        _ => None,
    }
}

/// `None` if a part of it is not there now; whoever reads it then will say why.
fn read(file: &File, range: &Range<u64>) -> Option<Bytes> {
    let mut bytes = vec![0; usize::try_from(range.end - range.start).ok()?];
    let read = preadv2(
        file,
        &mut [IoSliceMut::new(&mut bytes)],
        range.start,
        ReadWriteFlags::NOWAIT,
    );
    (read.ok()? == bytes.len()).then(|| bytes.into())
}

impl std::fmt::Display for Warm {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.inner.fmt(f)
    }
}

#[async_trait]
impl ObjectStore for Warm {
    async fn put_opts(
        &self,
        location: &Path,
        payload: PutPayload,
        opts: PutOptions,
    ) -> Result<PutResult> {
        self.inner.put_opts(location, payload, opts).await
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        opts: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.inner.put_multipart_opts(location, opts).await
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        match wanted(&options).and_then(|range| self.one_at_once(location, range)) {
            Some(read) => Ok(read),
            None => self.inner.get_opts(location, options).await,
        }
    }

    async fn get_ranges(&self, location: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        match self.at_once(location, ranges) {
            Some(read) => Ok(read),
            None => self.inner.get_ranges(location, ranges).await,
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

#[cfg(test)]
mod tests {
    use object_store::ObjectStoreExt;
    use tempfile::TempDir;

    use super::*;

    #[tokio::test]
    async fn reads_what_the_store_below_reads_also_where_that_is_an_error() {
        let dir = TempDir::new().unwrap();
        let layout = Layout::new(dir.path());
        let inner = || LocalFileSystem::new_with_prefix(dir.path()).unwrap();
        let warm = Warm::new(inner(), layout);
        let path = Path::from("tenant=a/x.parquet");
        let bytes: Vec<u8> = (0..=255).cycle().take(3 << 20).collect();
        warm.put(&path, bytes.clone().into()).await.unwrap();
        let size = bytes.len() as u64;
        let asked: [&[(u64, u64)]; 5] = [
            &[],
            &[(0, 0)],
            &[(5, 9), (0, 1), (size - 4096, size)],
            &[(1, MAX_BYTES + 2)],
            &[(0, size), (7, 8)],
        ];
        for ranges in asked {
            let ranges: Vec<_> = ranges.iter().map(|(from, to)| *from..*to).collect();
            let expected = inner().get_ranges(&path, &ranges).await.unwrap();
            assert_eq!(warm.get_ranges(&path, &ranges).await.unwrap(), expected);
            let read = warm.at_once(&path, &ranges);
            assert!(read.is_none_or(|read| read == expected));
        }
        assert!(
            warm.at_once(&path, std::slice::from_ref(&(0..size)))
                .is_none()
        );
        for range in [0..1, 7..4096, size - 1..size, 0..size] {
            let read = warm.get_range(&path, range.clone()).await.unwrap();
            assert_eq!(read, inner().get_range(&path, range).await.unwrap());
        }
        let meta = warm.one_at_once(&path, &(3..7)).map(|got| got.meta);
        let size_of = inner().head(&path).await.unwrap().size;
        assert!(meta.is_none_or(|meta| meta.size == size_of && meta.location == path));
        for wrong in [size..size + 1, size - 1..size + 1] {
            let error = warm.get_ranges(&path, std::slice::from_ref(&wrong)).await;
            assert!(error.is_err(), "{wrong:?}");
        }
        let gone = Path::from("tenant=a/y.parquet");
        let error = warm.get_range(&gone, 0..1).await.unwrap_err();
        assert!(matches!(error, object_store::Error::NotFound { .. }));
    }
}
