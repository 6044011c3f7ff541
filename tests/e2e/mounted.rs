//! Small disks of a test's own: a file system in memory, or ext4 in a file. Mounting needs root and, for
//! the second, loop devices; where they are missing a test says so and proves nothing.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A mounted file system; unmounted when dropped.
pub(crate) struct Mounted {
    at: PathBuf,
}

impl Mounted {
    /// So many bytes of memory as a disk. `None`, said aloud, where this machine cannot mount.
    pub(crate) fn memory(bytes: u64, at: &Path) -> Option<Self> {
        let size = format!("size={bytes}");
        Self::mount(&["-t", "tmpfs", "-o", &size, "tmpfs"], &[at])
    }

    /// The ext4 file system in `image`. Its journal is committed by syncs only, so that nothing
    /// reaches the image that a sync has not asked for.
    pub(crate) fn image(image: &Path, at: &Path) -> Option<Self> {
        Self::mount(&["-o", "loop,commit=600"], &[image, at])
    }

    fn mount(flags: &[&str], paths: &[&Path]) -> Option<Self> {
        let at = paths[paths.len() - 1];
        std::fs::create_dir_all(at).unwrap();
        if run("mount", flags, paths) {
            return Some(Self { at: at.to_owned() });
        }
        eprintln!("SKIPPED: this machine cannot mount {}", at.display());
        None
    }

    /// Whether it can be written from now on. Nothing may be open for writing.
    pub(crate) fn set_read_only(&self, read_only: bool) {
        let how = if read_only { "ro" } else { "rw" };
        assert!(run(
            "mount",
            &["-o", &format!("remount,{how}")],
            &[&self.at]
        ));
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        if !run("umount", &[], &[&self.at]) {
            run("umount", &["-l"], &[&self.at]);
        }
    }
}

/// Makes a file that holds an empty ext4 file system; whether that worked.
pub(crate) fn make_image(path: &Path, bytes: u64) -> bool {
    std::fs::File::create(path).unwrap().set_len(bytes).unwrap();
    let flags = ["-q", "-F", "-E", "lazy_itable_init=0,lazy_journal_init=0"];
    run("mkfs.ext4", &flags, &[path])
}

fn run(program: &str, flags: &[&str], paths: &[&Path]) -> bool {
    Command::new(program)
        .args(flags)
        .args(paths)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}
