//! Sees to it that `dist/` exists, so that the crate compiles before the UI has been built, and
//! that cargo notices when the UI is built again.

use std::fs;
use std::path::Path;

const PLACEHOLDER: &str = "<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\"><title>Spoor</title>\n<h1>The web UI is not in this binary</h1>\n<p>Run <code>make web</code>, then build again. The HTTP API under <code>/api/v1</code> works.</p>\n</html>\n";

fn main() -> std::io::Result<()> {
    let dist = Path::new("dist");
    let index = dist.join("index.html");
    if !index.try_exists()? {
        fs::create_dir_all(dist)?;
        fs::write(&index, PLACEHOLDER)?;
    }
    println!("cargo::rerun-if-changed=dist");
    println!("cargo::rerun-if-changed=build.rs");
    Ok(())
}
