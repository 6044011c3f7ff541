//! Fail points: the places between two durable steps where a test stops the engine or makes a step
//! fail. Outside of tests a point is nothing.
//!
//! A point belongs to a data directory ([`crate::layout::Layout`] carries it), so that tests can run
//! side by side. After a *crash* every further point fails: whatever code still runs changes nothing
//! on disk any more, as if the process were gone. [`Point::ALL`] is what the crash matrix walks
//! through; a point that its scenario never reaches fails that test.

use crate::error::Result;

macro_rules! points {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// Where a test can stop the engine.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub(crate) enum Point { $($(#[$doc])* $name,)* }

        #[cfg(test)]
        impl Point {
            /// Every point there is.
            pub(crate) const ALL: &'static [Self] = &[$(Self::$name,)*];
        }
    };
}

points! {
    /// A new log segment is about to be created.
    WalCreate,
    /// A new log segment has its header, and its name is not synced.
    WalCreated,
    /// Records are about to be written to the log.
    WalWrite,
    /// Records are written to the log and not synced.
    WalSync,
    /// What a failed append has left is about to be cut off.
    WalUndo,
    /// Records are durable and not acknowledged.
    WalSynced,
    /// A log segment whose records are all in files is about to be deleted.
    WalDelete,
    /// A data file is about to be written.
    FilePut,
    /// A data file is written, its index is not.
    IndexPut,
    /// A data file and its index are written and not synced.
    FileSync,
    /// A data file and its index are durable; the catalog does not know them.
    FileSynced,
    /// The files of a flush are about to be committed to the catalog.
    FlushCommit,
    /// A flush is committed; the snapshot has the buffer still.
    FlushCommitted,
    /// A merge, or a file written again, is about to be committed to the catalog.
    MergeCommit,
    /// A merge is committed; the snapshot has the merged files still.
    MergeCommitted,
    /// Rows that are to be hidden are about to be committed to the catalog.
    HideCommit,
    /// They are committed; the snapshot shows them still.
    HideCommitted,
    /// Retention rules are about to be committed to the catalog.
    PolicyCommit,
    /// They are committed; the rules in force are others still.
    PolicyCommitted,
    /// A pin, or its end, is about to be committed to the catalog.
    PinCommit,
    /// It is committed, and not in force yet.
    PinCommitted,
    /// A saved search, or its end, is about to be committed to the catalog.
    SearchCommit,
    /// It is committed, and nobody is told yet.
    SearchCommitted,
    /// The catalog is about to be asked what became of a change.
    AskCatalog,
    /// What an attempt that failed has written is about to be deleted.
    Discard,
    /// A file that nobody can reach is about to be deleted.
    DeleteFile,
    /// Its bytes are deleted, its index is not.
    DeleteIndex,
    /// Both are deleted; the catalog knows it still.
    DeleteForget,
    /// A file that the catalog does not know is about to be deleted.
    DeleteOrphan,
    /// A broken file is about to be set aside in the catalog.
    QuarantineCommit,
    /// Broken log bytes are about to be written to the quarantine.
    SetAside,
    /// A torn tail is kept in the quarantine and not cut off yet.
    CutTail,
    /// A log segment without records is about to be deleted.
    DropSegment,
}

/// The fail points of one data directory.
#[derive(Debug, Clone, Default)]
pub(crate) struct Faults {
    #[cfg(test)]
    script: std::sync::Arc<script::Script>,
}

impl Faults {
    /// Those of the directory `root`.
    #[cfg(test)]
    pub(crate) fn of(root: &std::path::Path) -> Self {
        Self {
            script: script::of(root),
        }
    }

    /// Those of the directory `root`.
    #[cfg(not(test))]
    pub(crate) fn of(_: &std::path::Path) -> Self {
        Self {}
    }

    /// Passes, unless a test wants this point to fail.
    #[cfg(test)]
    pub(crate) fn at(&self, point: Point) -> Result<()> {
        self.io(point)
            .map_err(|source| crate::Error::from_io("stopped by a test", source))
    }

    /// Passes, unless a test wants this point to fail.
    #[cfg(not(test))]
    #[expect(
        clippy::unused_self,
        clippy::unnecessary_wraps,
        reason = "nothing fails here outside of tests"
    )]
    pub(crate) fn at(&self, _: Point) -> Result<()> {
        Ok(())
    }

    /// As [`Faults::at`], where an I/O error is expected.
    #[cfg(test)]
    pub(crate) fn io(&self, point: Point) -> std::io::Result<()> {
        self.script.hit(point)
    }

    /// As [`Faults::at`], where an I/O error is expected.
    #[cfg(not(test))]
    #[expect(
        clippy::unused_self,
        clippy::unnecessary_wraps,
        reason = "nothing fails here outside of tests"
    )]
    pub(crate) fn io(&self, _: Point) -> std::io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
pub(crate) mod script {
    //! What a test wants to happen at which point of which directory.

    use std::collections::{BTreeMap, HashMap};
    use std::io;
    use std::path::{Path, PathBuf};
    use std::sync::{Arc, LazyLock, Weak};

    use parking_lot::Mutex;

    use super::Point;

    /// What happens at a point.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub(crate) enum Fault {
        /// From here on nothing reaches the disk.
        Crash,
        /// This one step fails; later ones work.
        Fail,
    }

    #[derive(Debug, Default)]
    struct Inner {
        plans: Vec<(Point, u64, Fault)>,
        crashed: bool,
        hits: BTreeMap<Point, u64>,
    }

    /// The faults of one directory.
    #[derive(Debug, Default)]
    pub(crate) struct Script {
        inner: Mutex<Inner>,
    }

    static SCRIPTS: LazyLock<Mutex<HashMap<PathBuf, Weak<Script>>>> = LazyLock::new(Mutex::default);

    /// The script of the directory `root`; kept for as long as somebody holds it.
    pub(crate) fn of(root: &Path) -> Arc<Script> {
        let mut scripts = SCRIPTS.lock();
        if let Some(script) = scripts.get(root).and_then(Weak::upgrade) {
            return script;
        }
        let script = Arc::new(Script::default());
        scripts.insert(root.to_owned(), Arc::downgrade(&script));
        script
    }

    impl Script {
        /// Makes `fault` happen the next time but `skip` that `point` is reached.
        pub(crate) fn plan(&self, point: Point, skip: u64, fault: Fault) {
            self.inner.lock().plans.push((point, skip, fault));
        }

        /// Takes all plans back; after a crash the directory can be opened again.
        pub(crate) fn clear(&self) {
            let mut inner = self.inner.lock();
            inner.plans.clear();
            inner.crashed = false;
        }

        /// Whether the crash has happened.
        pub(crate) fn crashed(&self) -> bool {
            self.inner.lock().crashed
        }

        /// How often each point was reached.
        pub(crate) fn hits(&self) -> BTreeMap<Point, u64> {
            self.inner.lock().hits.clone()
        }

        pub(super) fn hit(&self, point: Point) -> io::Result<()> {
            let mut inner = self.inner.lock();
            if inner.crashed {
                return Err(io::Error::other("crashed before"));
            }
            *inner.hits.entry(point).or_default() += 1;
            let Some(at) = inner.plans.iter().position(|plan| plan.0 == point) else {
                return Ok(());
            };
            let (_, skip, fault) = &mut inner.plans[at];
            if *skip > 0 {
                *skip -= 1;
                return Ok(());
            }
            let fault = *fault;
            match fault {
                Fault::Crash => inner.crashed = true,
                Fault::Fail => drop(inner.plans.remove(at)),
            }
            Err(io::Error::other(format!("{fault:?} at {point:?}")))
        }
    }
}
