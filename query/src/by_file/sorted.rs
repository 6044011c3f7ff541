//! Rows that are read together, counted by the file that they are of.

use spoor_storage::Result;

use super::cells::{Cell, Cells};
use super::places::Place;

/// Cells of a file that are kept; with more it is not worth it.
pub(super) const MAX_FILE_CELLS: usize = 4_000;
/// Bytes of them.
pub(super) const MAX_KEPT_BYTES: usize = 1 << 20;
/// Bytes of them while rows are added, which are more.
pub(super) const MAX_FILE_BYTES: usize = 8 << 20;
/// Cells of all files that are read together.
pub(super) const MAX_CELLS: usize = 500_000;
/// Bytes of them.
pub(super) const MAX_BYTES: usize = 64 << 20;
/// How often bytes are looked at.
const ROWS_BETWEEN: usize = 64 << 10;

/// Cells by file.
#[derive(Debug)]
pub(crate) struct Sorted<C> {
    /// The number of the bucket that rows call 0.
    first_bucket: i64,
    /// By number; `None` of a file with more than is kept.
    files: Vec<Option<Cells<C>>>,
    /// Of those, of files without a number, and of the buffer.
    rest: Cells<C>,
    unmeasured: usize,
}

impl<C: Cell> Sorted<C> {
    pub(super) fn new(files: usize, first_bucket: i64) -> Self {
        Self {
            first_bucket,
            files: std::iter::repeat_with(|| Some(Cells::default()))
                .take(files)
                .collect(),
            rest: Cells::default(),
            unmeasured: 0,
        }
    }

    /// The cell of rows at a place with a value.
    pub(crate) fn cell(&mut self, (file, bucket): Place, value: &str) -> &mut C {
        self.unmeasured += 1;
        let at = file.and_then(|number| usize::try_from(number).ok());
        let of_file = at.and_then(|at| self.files.get_mut(at)?.as_mut());
        let cells = of_file.unwrap_or(&mut self.rest);
        cells.cell(value, self.first_bucket.saturating_add(bucket))
    }

    /// Sets those files aside that have more than is kept. Whether there is still room.
    pub(super) fn has_room(&mut self) -> bool {
        if self.unmeasured < ROWS_BETWEEN {
            return true;
        }
        self.unmeasured = 0;
        self.set_aside();
        let files = || self.files.iter().flatten().chain([&self.rest]);
        files().map(Cells::count).sum::<usize>() <= MAX_CELLS
            && files().map(Cells::bytes).sum::<usize>() <= MAX_BYTES
    }

    fn set_aside(&mut self) {
        for file in &mut self.files {
            let too_many =
                |cells: &Cells<C>| cells.count() > MAX_FILE_CELLS || cells.bytes() > MAX_FILE_BYTES;
            if file.as_ref().is_some_and(too_many)
                && let Some(cells) = file.take()
            {
                self.rest.add(&cells);
            }
        }
    }

    /// The cells of each file, as far as they are worth keeping, and the others.
    pub(super) fn finish(mut self) -> (Vec<Option<Cells<C>>>, Cells<C>) {
        self.set_aside();
        (self.files, self.rest)
    }
}

/// The numbers of files in a column; null where a row is of none.
pub(crate) fn file_numbers(column: &arrow::array::ArrayRef) -> Result<arrow::array::UInt32Array> {
    use arrow::array::AsArray;
    use arrow::datatypes::UInt32Type;
    column
        .as_primitive_opt::<UInt32Type>()
        .cloned()
        .ok_or_else(|| spoor_storage::Error::internal("rows lack the number of their file"))
}
