//! The standard library's sources as rust-analyzer needs them: five crates instead of the whole workspace.
//!
//! The `rust-src` component holds tests, benches, the SIMD intrinsics and the standard library's own dependencies; loading
//! them takes most of a session's start. rust-analyzer looks into `RUST_SRC_PATH` first, so [`crate::session::hook`] points it
//! to a copy of what cells can name.

use crate::error::{Error, Result};
use std::path::{Path, PathBuf};

const CRATES: [&str; 5] = ["alloc", "core", "proc_macro", "std", "unwind"];
const STAMP: &str = "compiler";

/// Where the copy is kept.
pub fn folder(cache: &Path) -> PathBuf {
    cache.join("library")
}

/// Makes the copy for the compiler described by `compiler`, unless it is there.
///
/// Errors: `Session` if the compiler's `rust-src` component is missing.
pub fn prepare(cache: &Path, compiler: &str, compiler_libraries: &Path) -> Result<()> {
    let folder = folder(cache);
    if std::fs::read_to_string(folder.join(STAMP)).is_ok_and(|stamp| stamp == compiler) {
        return Ok(());
    }
    // <sysroot>/lib/rustlib/<target>/lib and <sysroot>/lib/rustlib/src/rust/library
    let rustlib = compiler_libraries.parent().and_then(Path::parent).unwrap_or(compiler_libraries);
    let source = rustlib.join("src/rust/library");
    if !source.join("core/src/lib.rs").is_file() {
        return Err(Error::Session {
            stage: "evaluator",
            reason: format!(
                "the standard library's sources are not at {}; install them with `rustup component add rust-src`",
                source.display()
            ),
        });
    }
    let staging = tempfile::Builder::new().prefix("library-").tempdir_in(cache).map_err(Error::io("create", cache))?;
    for name in CRATES {
        copy_sources(&source.join(name).join("src"), &staging.path().join(name).join("src"))?;
    }
    let stamp = staging.path().join(STAMP);
    std::fs::write(&stamp, compiler).map_err(Error::io("write", &stamp))?;
    if folder.exists() {
        std::fs::remove_dir_all(&folder).map_err(Error::io("remove", &folder))?;
    }
    std::fs::rename(staging.keep(), &folder).map_err(Error::io("create", &folder))
}

fn copy_sources(from: &Path, to: &Path) -> Result<()> {
    std::fs::create_dir_all(to).map_err(Error::io("create", to))?;
    for entry in std::fs::read_dir(from).map_err(Error::io("read", from))? {
        let entry = entry.map_err(Error::io("read", from))?;
        let (path, name) = (entry.path(), entry.file_name());
        if path.is_dir() {
            if name != "tests" && name != "benches" {
                copy_sources(&path, &to.join(name))?;
            }
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            std::fs::copy(&path, to.join(name)).map_err(Error::io("copy", &path))?;
        }
    }
    Ok(())
}
