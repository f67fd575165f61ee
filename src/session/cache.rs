//! What lies in the cache folder, and what of it no session of this program will use again.

use super::prelude::{LIBRARY, compiler, place};
use crate::error::{Error, Result};
use std::fs::File;
use std::path::{Path, PathBuf};

/// A folder of the cache.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// Where it lies.
    pub folder: PathBuf,
    /// The size of its files.
    pub bytes: u64,
    /// Whether this program with the present compiler uses it.
    pub current: bool,
}

/// Where the prelude of this program and the present compiler lies, if it is built.
///
/// Errors: `Io` if `rustc` cannot be run.
pub fn built(cache: &Path) -> Result<Option<PathBuf>> {
    let folder = place(cache, &compiler()?);
    Ok(folder.join(LIBRARY).is_file().then_some(folder))
}

/// The preludes in `cache` with their sources, by name.
///
/// Errors: `Io`.
pub fn preludes(cache: &Path) -> Result<Vec<Kept>> {
    let parent = cache.join("prelude");
    if !parent.exists() {
        return Ok(Vec::new());
    }
    let current = place(cache, &compiler()?);
    let current = current.file_name().unwrap_or_default().to_string_lossy();
    let mut kept = Vec::new();
    for entry in std::fs::read_dir(&parent).map_err(Error::io("read", &parent))?.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let is_current = name.trim_start_matches("source-") == current;
        kept.push(Kept { bytes: size(&entry.path()), folder: entry.path(), current: is_current });
    }
    kept.sort_by(|a, b| a.folder.cmp(&b.folder));
    Ok(kept)
}

/// Removes the preludes that are not current, and with `build` what cargo keeps for the next build. Returns what was removed.
///
/// Waits for a build that runs. A kernel of another version that runs now fails at its next cell until it is restarted.
///
/// Errors: `Io`.
pub fn prune(cache: &Path, build: bool) -> Result<Vec<Kept>> {
    let lock_path = cache.join("lock");
    if !cache.exists() {
        return Ok(Vec::new());
    }
    let lock = File::create(&lock_path).map_err(Error::io("create", &lock_path))?;
    lock.lock().map_err(Error::io("lock", &lock_path))?;
    let mut removed: Vec<Kept> = preludes(cache)?.into_iter().filter(|kept| !kept.current).collect();
    let folder = cache.join("build");
    if build && folder.exists() {
        removed.push(Kept { bytes: size(&folder), folder, current: false });
    }
    for kept in &removed {
        std::fs::remove_dir_all(&kept.folder).map_err(Error::io("remove", &kept.folder))?;
    }
    Ok(removed)
}

/// The bytes of all files below `folder`; what cannot be read counts nothing.
fn size(folder: &Path) -> u64 {
    let Ok(entries) = std::fs::read_dir(folder) else { return 0 };
    let of = |entry: std::fs::DirEntry| match entry.metadata() {
        Ok(metadata) if metadata.is_dir() => size(&entry.path()),
        Ok(metadata) => metadata.len(),
        Err(_) => 0,
    };
    entries.flatten().map(of).sum()
}
