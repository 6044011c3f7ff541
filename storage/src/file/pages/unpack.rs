//! Unpacks the values of pages.

use std::cell::RefCell;
use std::io::Cursor;

use bytes::Bytes;
use parquet::column::page::Page;
use parquet::errors::{ParquetError, Result};
use zstd::bulk::Decompressor;

/// A page with its values as they were before they were packed.
pub(super) fn unpacked(mut page: Page, most_bytes: usize) -> Result<Page> {
    match &mut page {
        Page::DataPage { buf, .. } | Page::DictionaryPage { buf, .. } => {
            *buf = unpack(buf, 0, most_bytes)?;
        }
        Page::DataPageV2 {
            buf,
            def_levels_byte_len,
            rep_levels_byte_len,
            is_compressed: true,
            ..
        } => {
            let levels = def_levels_byte_len.saturating_add(*rep_levels_byte_len);
            *buf = unpack(buf, levels as usize, most_bytes)?;
        }
        Page::DataPageV2 { .. } => {}
    }
    Ok(page)
}

thread_local! {
    /// Made once a thread: to make one takes longer than to unpack a small page.
    static UNPACKER: RefCell<Option<Decompressor<'static>>> = const { RefCell::new(None) };
}

/// What is behind the first `plain` bytes is unpacked.
pub(super) fn unpack(packed: &Bytes, plain: usize, most_bytes: usize) -> Result<Bytes> {
    let short = || ParquetError::EOF("a page ends before its values".to_owned());
    let (head, frame) = packed.split_at_checked(plain).ok_or_else(short)?;
    if frame.is_empty() {
        return Ok(packed.clone());
    }
    let size = zstd::zstd_safe::get_frame_content_size(frame)
        .ok()
        .flatten()
        .and_then(|size| usize::try_from(size).ok())
        .unwrap_or(most_bytes);
    if size > most_bytes {
        let message = format!("a page of {size} bytes in a column of {most_bytes}");
        return Err(ParquetError::General(message));
    }
    let mut bytes = Vec::with_capacity(plain + size);
    bytes.extend_from_slice(head);
    let mut end = Cursor::new(bytes);
    end.set_position(plain as u64);
    UNPACKER.with_borrow_mut(|unpacker| {
        let unpacker = match unpacker {
            Some(unpacker) => unpacker,
            none => none.insert(Decompressor::new()?),
        };
        unpacker.decompress_to_buffer(frame, &mut end)
    })?;
    Ok(Bytes::from(end.into_inner()))
}
