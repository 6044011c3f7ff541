//! One tantivy segment packed into one file. All integers little-endian:
//!
//! ```text
//! file   = "SPOORIDX" (8) | version u32 = 1 | block_rows u32 = 1024 | rows u64 | entries u32
//!        | entry* | bytes* | crc u32
//! entry  = name_len u16 | name | len u64       in the order of their bytes
//! crc    = CRC-32C of everything before it
//! ```
//!
//! `rows` is the row count of the Parquet file; an index that says another number is not its.

use super::BLOCK_ROWS;

const MAGIC: &[u8; 8] = b"SPOORIDX";
const VERSION: u32 = 1;
const BLOCK_ROWS_32: u32 = 1024;
const _: () = assert!(BLOCK_ROWS_32 as u64 == BLOCK_ROWS);

/// What an index file holds.
#[derive(Debug)]
pub(crate) struct Unpacked<'a> {
    pub(crate) rows: u64,
    pub(crate) files: Vec<(String, &'a [u8])>,
}

/// Packs named files into one.
pub(crate) fn pack(rows: u64, files: &[(String, Vec<u8>)]) -> Vec<u8> {
    let bytes: usize = files
        .iter()
        .map(|(name, bytes)| name.len() + bytes.len() + 16)
        .sum();
    let mut out = Vec::with_capacity(bytes + 64);
    out.extend_from_slice(MAGIC);
    out.extend_from_slice(&VERSION.to_le_bytes());
    out.extend_from_slice(&BLOCK_ROWS_32.to_le_bytes());
    out.extend_from_slice(&rows.to_le_bytes());
    out.extend_from_slice(&u32::try_from(files.len()).unwrap_or(u32::MAX).to_le_bytes());
    for (name, bytes) in files {
        out.extend_from_slice(&u16::try_from(name.len()).unwrap_or(u16::MAX).to_le_bytes());
        out.extend_from_slice(name.as_bytes());
        out.extend_from_slice(&(bytes.len() as u64).to_le_bytes());
    }
    for (_, bytes) in files {
        out.extend_from_slice(bytes);
    }
    let crc = crc32c::crc32c(&out);
    out.extend_from_slice(&crc.to_le_bytes());
    out
}

/// Opens a packed file, or says in words why it is none.
pub(crate) fn unpack(bytes: &[u8]) -> Result<Unpacked<'_>, String> {
    let body_len = bytes.len().checked_sub(4).ok_or("it is too short")?;
    let (body, crc) = bytes.split_at(body_len);
    if crc32c::crc32c(body).to_le_bytes() != crc {
        return Err("its checksum is wrong".to_owned());
    }
    let mut cursor = Cursor { rest: body };
    if cursor.take(8)? != MAGIC {
        return Err("it is not an index file".to_owned());
    }
    let version = cursor.u32()?;
    if version != VERSION {
        return Err(format!(
            "it has format version {version}; this spoor reads {VERSION}"
        ));
    }
    let block_rows = cursor.u32()?;
    if u64::from(block_rows) != BLOCK_ROWS {
        return Err(format!(
            "its blocks have {block_rows} rows instead of {BLOCK_ROWS}"
        ));
    }
    let rows = cursor.u64()?;
    let entries = cursor.u32()?;
    let mut names = Vec::new();
    for _ in 0..entries {
        let name_len = usize::from(cursor.u16()?);
        let name = std::str::from_utf8(cursor.take(name_len)?)
            .map_err(|_| "a name in it is not UTF-8")?
            .to_owned();
        let len = usize::try_from(cursor.u64()?).map_err(|_| "a length in it is too large")?;
        names.push((name, len));
    }
    let files = names
        .into_iter()
        .map(|(name, len)| Ok((name, cursor.take(len)?)))
        .collect::<Result<_, String>>()?;
    Ok(Unpacked { rows, files })
}

struct Cursor<'a> {
    rest: &'a [u8],
}

impl<'a> Cursor<'a> {
    fn take(&mut self, len: usize) -> Result<&'a [u8], String> {
        let (taken, rest) = self.rest.split_at_checked(len).ok_or("it ends too early")?;
        self.rest = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], String> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(N)?);
        Ok(array)
    }

    fn u16(&mut self) -> Result<u16, String> {
        Ok(u16::from_le_bytes(self.array()?))
    }

    fn u32(&mut self) -> Result<u32, String> {
        Ok(u32::from_le_bytes(self.array()?))
    }

    fn u64(&mut self) -> Result<u64, String> {
        Ok(u64::from_le_bytes(self.array()?))
    }
}
