//! A start's questions to a remote store: whose prefix is it, and does it do what is needed?

use futures::TryStreamExt;
use object_store::path::Path;
use object_store::{ObjectStoreExt, PutMode, PutOptions, PutPayload};
use tokio::time::{Instant, sleep};
use uuid::Uuid;

use super::{SHOWN_WITHIN, Store};
use crate::error::{Error, ErrorKind, Result};

/// The object with the id of the catalog that owns the prefix.
const OWNER: &str = "ID";
/// Where the self-test writes.
const PROBE: &str = "probe";
const PROBE_BYTES: usize = 4096;

/// What a remote store turned out to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Abilities {
    /// Refuses to write a name that is taken.
    pub(crate) create_only: bool,
    /// Lists what was just written.
    pub(crate) lists_at_once: bool,
}

impl Store {
    /// Makes sure that the prefix belongs to the catalog `id` and that the store gives back what
    /// was written. Errors with [`ErrorKind::Conflict`] if it must not be used.
    pub(crate) async fn claim(&self, id: &str) -> Result<()> {
        if !self.is_remote() {
            return Ok(());
        }
        self.own(id).await?;
        let abilities = self.probe().await?;
        tracing::info!(
            store = self.url(),
            create_only = abilities.create_only,
            lists_at_once = abilities.lists_at_once,
            "object store tested"
        );
        if !abilities.create_only {
            tracing::warn!(
                store = self.url(),
                "the object store overwrites names that are taken: only the names' uniqueness keeps files from it"
            );
        }
        Ok(())
    }

    async fn own(&self, id: &str) -> Result<()> {
        let path = Path::from(OWNER);
        let mut owner = self.owner(&path).await?;
        if owner.is_none() {
            let mode = PutOptions::from(PutMode::Create);
            let payload = PutPayload::from(id.to_owned().into_bytes());
            match self.objects.put_opts(&path, payload, mode).await {
                // A store that overwrites may have let two in; the last one stays.
                Ok(_) | Err(object_store::Error::AlreadyExists { .. }) => {}
                Err(error) => return Err(self.unusable("cannot be written", error)),
            }
            owner = self.owner(&path).await?;
        }
        match owner {
            Some(owner) if owner == id => Ok(()),
            Some(owner) => Err(Error::new(
                ErrorKind::Conflict,
                format!(
                    "`{}` belongs to another catalog (its id is {owner}, this one's {id})",
                    self.url()
                ),
            )
            .with_hint(
                "name another folder of the bucket with --store-url, as `s3://bucket/folder`",
            )),
            None => Err(Error::new(
                ErrorKind::Conflict,
                format!(
                    "`{}` does not show an object that was just written",
                    self.url()
                ),
            )),
        }
    }

    async fn owner(&self, path: &Path) -> Result<Option<String>> {
        let got = match self.objects.get(path).await {
            Err(object_store::Error::NotFound { .. }) => return Ok(None),
            Err(error) => return Err(self.unusable("cannot be read", error)),
            Ok(got) => got.bytes().await?,
        };
        Ok(Some(String::from_utf8_lossy(&got).trim().to_owned()))
    }

    /// Writes, reads, lists and deletes an object of its own.
    pub(super) async fn probe(&self) -> Result<Abilities> {
        let path = Path::from(PROBE).join(Uuid::now_v7().simple().to_string());
        let written: Vec<u8> = (0..=u8::MAX).cycle().take(PROBE_BYTES).collect();
        let create = |bytes: Vec<u8>| {
            self.objects.put_opts(
                &path,
                PutPayload::from(bytes),
                PutOptions::from(PutMode::Create),
            )
        };
        create(written.clone())
            .await
            .map_err(|error| self.unusable("cannot be written", error))?;
        let whole = self.objects.get(&path).await?.bytes().await?;
        let part = self.objects.get_range(&path, 100..300).await?;
        if *whole != *written || *part != written[100..300] {
            return Err(Error::new(
                ErrorKind::Conflict,
                format!("`{}` gives back other bytes than were written", self.url()),
            ));
        }
        let create_only = match create(written).await {
            Ok(_) => false,
            Err(object_store::Error::AlreadyExists { .. }) => true,
            Err(error) => return Err(self.unusable("cannot be written", error)),
        };
        let abilities = Abilities {
            create_only,
            lists_at_once: self.shows(&path).await?,
        };
        self.objects
            .delete(&path)
            .await
            .map_err(|error| self.unusable("does not let objects be deleted", error))?;
        Ok(abilities)
    }

    /// Whether an object is listed at once; waits a little for one that is not.
    async fn shows(&self, path: &Path) -> Result<bool> {
        let until = Instant::now() + SHOWN_WITHIN;
        let mut at_once = true;
        loop {
            let listed: Vec<_> = self
                .objects
                .list(Some(&Path::from(PROBE)))
                .try_collect()
                .await
                .map_err(|error| self.unusable("cannot be listed", error))?;
            if listed.iter().any(|object| object.location == *path) {
                return Ok(at_once);
            }
            at_once = false;
            if Instant::now() >= until {
                return Ok(false);
            }
            sleep(SHOWN_WITHIN / 50).await;
        }
    }

    fn unusable(&self, what: &str, error: object_store::Error) -> Error {
        Error::new(
            ErrorKind::Unavailable,
            format!("the object store `{}` {what}", self.url()),
        )
        .with_hint("check that the bucket exists, the credentials and --store-endpoint")
        .with_source(error)
    }
}
