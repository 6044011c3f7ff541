//! Where bytes come from: files and standard input, packed or not.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use super::progress::Progress;
use crate::settings::Problems;

const BUFFER_BYTES: usize = 256 << 10;

/// A file to import, or standard input.
#[derive(Debug, Clone)]
pub(super) struct Source {
    path: PathBuf,
    /// Its size on disk; `None` for standard input and pipes.
    pub(super) bytes: Option<u64>,
}

/// Looks at every file before the first is read, so that all that are missing are told at once.
pub(super) fn find(files: &[PathBuf]) -> Result<Vec<Source>, Problems> {
    let mut problems = Problems::of_machine();
    let mut sources = Vec::with_capacity(files.len());
    for path in files {
        let shown = path.display();
        if is_stdin(path) {
            sources.push(Source {
                path: path.clone(),
                bytes: None,
            });
            continue;
        }
        match std::fs::metadata(path) {
            Ok(found) if found.is_dir() => problems.add(
                format!("`{shown}` is a folder"),
                format!("name the files in it: `{shown}/*.jsonl.gz`"),
            ),
            Ok(found) => sources.push(Source {
                path: path.clone(),
                bytes: found.is_file().then_some(found.len()),
            }),
            Err(error) => problems.add(
                format!("cannot read `{shown}`: {error}"),
                "check the file's name",
            ),
        }
    }
    problems.into_result().map(|()| sources)
}

fn is_stdin(path: &Path) -> bool {
    path == Path::new("-")
}

impl Source {
    /// Its name for messages.
    pub(super) fn name(&self) -> String {
        if is_stdin(&self.path) {
            "standard input".to_owned()
        } else {
            self.path.display().to_string()
        }
    }

    /// Whether the name says protobuf.
    pub(super) fn is_protobuf_by_name(&self) -> bool {
        let name = self
            .path
            .file_name()
            .and_then(|name| name.to_str())
            .unwrap_or_default();
        let name = name.to_ascii_lowercase();
        let name = name.trim_end_matches(".gz").trim_end_matches(".zst");
        [".pb", ".binpb", ".protobuf", ".bin"]
            .iter()
            .any(|end| name.ends_with(end))
    }

    /// Its bytes, unpacked if they are packed; what is read from disk moves `progress`.
    pub(super) fn open(&self, progress: &Progress) -> io::Result<Box<dyn BufRead + Send>> {
        let raw: Box<dyn Read + Send> = if is_stdin(&self.path) {
            Box::new(io::stdin())
        } else {
            Box::new(File::open(&self.path)?)
        };
        unpack(progress.watch(raw))
    }
}

/// Told by the first bytes: a name can be wrong, and standard input has none.
fn unpack(raw: impl Read + Send + 'static) -> io::Result<Box<dyn BufRead + Send>> {
    let mut raw = BufReader::with_capacity(BUFFER_BYTES, raw);
    let head = raw.fill_buf()?;
    if head.starts_with(&[0x1f, 0x8b]) {
        // Several gzip files one after the other are one gzip file.
        let unpacked = flate2::bufread::MultiGzDecoder::new(raw);
        return Ok(Box::new(BufReader::with_capacity(BUFFER_BYTES, unpacked)));
    }
    if head.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]) {
        let unpacked = zstd::Decoder::with_buffer(raw)?;
        return Ok(Box::new(BufReader::with_capacity(BUFFER_BYTES, unpacked)));
    }
    Ok(Box::new(raw))
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn unpacked(bytes: &[u8]) -> String {
        let mut text = String::new();
        unpack(io::Cursor::new(bytes.to_vec()))
            .unwrap()
            .read_to_string(&mut text)
            .unwrap();
        text
    }

    #[test]
    fn packing_is_told_by_content() {
        let gzip = |text: &str| {
            let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            packed.write_all(text.as_bytes()).unwrap();
            packed.finish().unwrap()
        };
        assert_eq!(unpacked(b"plain"), "plain");
        assert_eq!(
            unpacked(&[gzip("two "), gzip("members")].concat()),
            "two members"
        );
        assert_eq!(
            unpacked(&zstd::encode_all(&b"zstd"[..], 1).unwrap()),
            "zstd"
        );
        assert_eq!(unpacked(b""), "");
    }

    #[test]
    fn every_missing_file_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let there = folder.path().join("a.jsonl");
        std::fs::write(&there, "{}").unwrap();
        let files = [
            PathBuf::from("-"),
            there,
            folder.path().join("b"),
            folder.path().to_path_buf(),
        ];
        assert_eq!(find(&files).unwrap_err().iter().count(), 2);
        let found = find(&files[..2]).unwrap();
        assert_eq!(found[0].bytes, None);
        assert_eq!(found[1].bytes, Some(2));
    }

    #[test]
    fn protobuf_is_told_by_name_under_the_packing() {
        let is = |name: &str| {
            Source {
                path: name.into(),
                bytes: None,
            }
            .is_protobuf_by_name()
        };
        assert!(is("a.pb") && is("x/a.binpb.gz") && is("A.PB.ZST"));
        assert!(!is("a.json") && !is("pb") && !is("-"));
    }
}
