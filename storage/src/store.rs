//! Where data files and their indexes are: folders below the data directory, or a bucket behind
//! S3's API.
//!
//! ```text
//!  flush, merges ─► Store ─┬─► LocalFileSystem, then fsync of file and folders
//!  queries ─► DiskCache ─► └─► Patient ─► prefix ─► AmazonS3
//!          └► Warm ─► LocalFileSystem
//! ```
//!
//! Everybody writes by [`Store::put`] or an upload, and then [`Store::sync`], which returns when the
//! bytes would survive a power loss. The write-ahead log, `LOCK` and SQLite's catalog are never here.

mod cache;
mod claim;
#[cfg(test)]
mod faulty;
mod folders;
mod location;
mod metrics;
mod orphans;
mod patient;
mod warm;

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use futures::TryStreamExt;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{
    ObjectMeta, ObjectStore, ObjectStoreExt, PutMode, PutOptions, PutPayload, WriteMultipart,
};

use crate::error::{Error, Result};
use crate::layout::{Layout, is_data_file, sync_file};
use cache::DiskCache;
#[cfg(test)]
pub(crate) use faulty::FaultyStore;
pub(crate) use folders::Found;
pub use location::{S3Location, StoreLocation};
pub(crate) use metrics::StoreMetrics;
use patient::{Patience, Patient};
use warm::Warm;

/// Larger objects are uploaded in parts.
const SINGLE_PUT_BYTES: usize = 32 << 20;
const PART_BYTES: usize = 8 << 20;
const PARALLEL_PARTS: usize = 4;

/// The object store of one data directory.
#[derive(Debug, Clone)]
pub(crate) struct Store {
    objects: Arc<dyn ObjectStore>,
    for_queries: Arc<dyn ObjectStore>,
    /// Folders, which must be synced; `None` for a store that answers when the bytes are safe.
    local: Option<Layout>,
    url: String,
    metrics: StoreMetrics,
}

impl Store {
    /// Folders below the data directory.
    pub(crate) fn local(layout: &Layout) -> Result<Self> {
        let folders = || LocalFileSystem::new_with_prefix(layout.root());
        Ok(Self {
            objects: Arc::new(folders()?),
            for_queries: Arc::new(Warm::new(folders()?, layout.clone())),
            local: Some(layout.clone()),
            url: "local".to_owned(),
            metrics: StoreMetrics::default(),
        })
    }

    /// The store that is set. Does not touch it yet: [`Store::claim`] does.
    pub(crate) fn open(
        location: &StoreLocation,
        layout: &Layout,
        cache_bytes: u64,
    ) -> Result<Self> {
        match location {
            StoreLocation::Local => Self::local(layout),
            StoreLocation::S3(s3) => Self::remote(
                s3.connect()?,
                s3.to_string(),
                layout,
                cache_bytes,
                Patience::USUAL,
            ),
            StoreLocation::Test(store) => Self::remote(
                Arc::clone(store),
                "test".to_owned(),
                layout,
                cache_bytes,
                Patience::SHORT,
            ),
        }
    }

    fn remote(
        store: Arc<dyn ObjectStore>,
        url: String,
        layout: &Layout,
        cache_bytes: u64,
        patience: Patience,
    ) -> Result<Self> {
        let metrics = StoreMetrics::default();
        let objects: Arc<dyn ObjectStore> =
            Arc::new(Patient::new(store, patience, metrics.clone()));
        let cache = (layout.cache_dir(), cache_bytes);
        let for_queries =
            DiskCache::open(Arc::clone(&objects), &cache.0, cache.1, metrics.clone())?;
        Ok(Self {
            objects,
            for_queries: Arc::new(for_queries),
            local: None,
            url,
            metrics,
        })
    }

    /// For writing, and for reading what is read once: nothing is cached.
    pub(crate) fn objects(&self) -> &Arc<dyn ObjectStore> {
        &self.objects
    }

    /// For queries: what is read from a remote store is kept on the local disk.
    pub(crate) fn for_queries(&self) -> &Arc<dyn ObjectStore> {
        &self.for_queries
    }

    /// Whether objects are somewhere else.
    pub(crate) fn is_remote(&self) -> bool {
        self.local.is_none()
    }

    /// What it counts.
    pub(crate) fn metrics(&self) -> &StoreMetrics {
        &self.metrics
    }

    /// Which store it is, without credentials.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Writes a new object. It would survive a power loss after [`Store::sync`].
    pub(crate) async fn put(&self, path: &Path, bytes: Vec<u8>) -> Result<()> {
        if self.local.is_some() {
            self.objects.put(path, PutPayload::from(bytes)).await?;
        } else if bytes.len() > SINGLE_PUT_BYTES {
            Box::pin(self.put_in_parts(path, bytes)).await?;
        } else {
            // Names are never given twice; where the store can, it makes sure of it.
            self.objects
                .put_opts(
                    path,
                    PutPayload::from(bytes),
                    PutOptions::from(PutMode::Create),
                )
                .await?;
        }
        Ok(())
    }

    async fn put_in_parts(&self, path: &Path, bytes: Vec<u8>) -> Result<()> {
        let upload = self.objects.put_multipart(path).await?;
        let mut parts = WriteMultipart::new_with_chunk_size(upload, PART_BYTES);
        for part in bytes.chunks(PART_BYTES) {
            parts.wait_for_capacity(PARALLEL_PARTS).await?;
            parts.write(part);
        }
        parts.finish().await?;
        Ok(())
    }

    /// Replaces an object or makes it; for indexes that are built again.
    pub(crate) async fn replace(&self, path: &Path, bytes: Vec<u8>) -> Result<()> {
        // Through the cache, which forgets what it had.
        self.for_queries.put(path, PutPayload::from(bytes)).await?;
        self.sync(&[path]).await
    }

    /// Returns once objects that were written would survive a power loss: a store behind S3's API
    /// answers no sooner, in folders everything is synced here.
    pub(crate) async fn sync(&self, paths: &[&Path]) -> Result<()> {
        let Some(layout) = self.local.clone() else {
            return Ok(());
        };
        let paths: Vec<_> = paths.iter().map(|path| layout.local(path)).collect();
        tokio::task::spawn_blocking(move || {
            paths
                .iter()
                .try_for_each(|path| sync_file(layout.root(), path))
        })
        .await
        .map_err(|source| Error::internal("syncing a file failed").with_source(source))?
        .map_err(|source| Error::internal("cannot sync a data file").with_source(source))
    }

    /// Deletes an object; what is gone already is fine.
    pub(crate) async fn delete(&self, path: &Path) -> Result<()> {
        // Through the cache, which forgets it too.
        match self.for_queries.delete(path).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Every data file and index there is. One pass over the store: a bucket answers a thousand
    /// names at a time.
    pub(crate) async fn data_files(&self) -> Result<Found> {
        if let Some(layout) = self.local.clone() {
            return tokio::task::spawn_blocking(move || folders::walk(&layout))
                .await
                .map_err(|source| Error::internal("listing data files failed").with_source(source))?
                .map_err(|source| Error::from_io("cannot list data files", source));
        }
        let ours = self.objects.list(None).try_filter_map(|object| async move {
            Ok(is_data_file(&object.location).then(|| (object.location.clone(), object)))
        });
        Ok(Found {
            objects: ours.try_collect().await?,
            half_written: Vec::new(),
        })
    }

    /// Whether an object that no catalog row names may be deleted.
    pub(crate) fn is_rubbish(&self, object: &ObjectMeta) -> bool {
        !self.is_remote() || orphans::is_old(object, SystemTime::now())
    }
}

/// How long a start waits for a store to show what was just written to it.
const SHOWN_WITHIN: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests;
