//! Which catalog belongs to which data directory.
//!
//! A start deletes files that the catalog does not name, and skips requests that the catalog says
//! are in files. With a catalog that is not the directory's own, both would lose data. So the
//! directory and the catalog carry the same id, and an empty catalog is not taken for a directory
//! that has files.

use std::io::{ErrorKind as IoErrorKind, Write};

use futures::TryStreamExt;
use object_store::ObjectStore;

use super::CatalogLocation;
use crate::error::{Error, ErrorKind, Result};
use crate::layout::{Layout, is_data_file, sync_folder};
use crate::store::Store;

fn failed(source: std::io::Error) -> Error {
    Error::from_io(
        "cannot read or write the file `ID` of the data directory",
        source,
    )
}

/// The id of the data directory, if it has one.
pub(super) fn read_id(layout: &Layout) -> Result<Option<String>> {
    match std::fs::read_to_string(layout.id()) {
        Ok(text) => Ok(Some(text.trim().to_owned()).filter(|id| !id.is_empty())),
        Err(error) if error.kind() == IoErrorKind::NotFound => Ok(None),
        Err(error) => Err(failed(error)),
    }
}

/// Gives the data directory its id, for good.
pub(super) fn write_id(layout: &Layout, id: &str) -> Result<()> {
    let write = || {
        let mut file = std::fs::File::create(layout.id())?;
        writeln!(file, "{id}")?;
        file.sync_all()?;
        sync_folder(layout.root())
    };
    write().map_err(failed)
}

/// Errors if there are data files: they belong to a catalog that is not there.
pub(super) async fn must_be_empty(store: &Store) -> Result<()> {
    let mut listed = store.objects().list(None);
    while let Some(object) = listed.try_next().await? {
        if is_data_file(&object.location) {
            return Err(Error::new(
                ErrorKind::Conflict,
                format!(
                    "there are data files, as `{}`, but the catalog that lists them is missing",
                    object.location
                ),
            )
            .with_hint(
                "name their catalog with --catalog-url, restore it from a backup, or move the files away",
            ));
        }
    }
    Ok(())
}

/// Compares the directory's id with the catalog's.
pub(super) fn must_match(location: &CatalogLocation, directory: &str, catalog: &str) -> Result<()> {
    if directory == catalog {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::Conflict,
        format!("the catalog `{location}` belongs to another data directory (its id is {catalog}, this one's {directory})"),
    )
    .with_hint("name the directory with --data-dir, or another catalog with --catalog-url"))
}
