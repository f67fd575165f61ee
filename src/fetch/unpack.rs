//! The files of a gzipped tar archive, each written whole, and their sums.

use super::{SUMS, hexadecimal};
use crate::error::{Error, Result};
use flate2::read::GzDecoder;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::File;
use std::io::{Read, Write};
use std::path::Path;

/// Brings the members of these names, in whatever folder of the archive, to `folder`, and writes their sums last.
///
/// Errors: `Io`; `Damaged` if the archive cannot be read to its end or lacks a member.
pub(super) fn unpack(archive: &Path, members: &[String], folder: &Path) -> Result<()> {
    let damaged = |reason: String| Error::Damaged { path: archive.to_owned(), offset: 0, reason };
    let file = File::open(archive).map_err(Error::io("open", archive))?;
    let mut tar = tar::Archive::new(GzDecoder::new(file));
    let mut sums = BTreeMap::new();
    for entry in tar.entries().map_err(|e| damaged(e.to_string()))? {
        let mut entry = entry.map_err(|e| damaged(e.to_string()))?;
        let path = entry.path().map_err(|e| damaged(e.to_string()))?.into_owned();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if !members.contains(&name) {
            continue;
        }
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).map_err(|e| damaged(format!("{name}: {e}")))?;
        sums.insert(name.clone(), hexadecimal(&Sha256::digest(&bytes)));
        place(folder, &name, &bytes)?;
    }
    if let Some(missing) = members.iter().find(|name| !sums.contains_key(*name)) {
        return Err(damaged(format!("there is no {missing} in it")));
    }
    let mut text = String::new();
    sums.iter().for_each(|(name, sum)| {
        let _ = writeln!(text, "{sum}  {name}");
    });
    place(folder, SUMS, text.as_bytes())
}

/// Name and sum of each file that was unpacked into `folder`.
///
/// Errors: `Io`.
pub(super) fn sums(folder: &Path) -> Result<Vec<(String, String)>> {
    let path = folder.join(SUMS);
    let text = std::fs::read_to_string(&path).map_err(Error::io("read", &path))?;
    Ok(text.lines().filter_map(|line| line.split_once("  ")).map(|(sum, name)| (name.into(), sum.into())).collect())
}

fn place(folder: &Path, name: &str, bytes: &[u8]) -> Result<()> {
    let path = folder.join(name);
    let write = || {
        let mut file = tempfile::Builder::new().prefix(".unpacking-").tempfile_in(folder)?;
        file.write_all(bytes)?;
        file.as_file().sync_all()?;
        file.persist(&path)?;
        Ok(())
    };
    write().map_err(Error::io("write", &path))
}
