//! Another library as the prelude: a package that depends on this crate, without default features, and on what it likes.
//!
//! Its dylib holds this crate too, so that all statics still exist once; cells name both. The package is compiled where it
//! lies, with its own lock file, whenever cargo finds it changed.

use super::dylib::{LAYOUT, build, file_name};
use super::prelude::{NAMED, OWN, Prelude};
use crate::error::Result;
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};

/// A prelude that a host program brings.
///
/// ```toml
/// [package]
/// name = "my-prelude"
/// [dependencies]
/// widemargin = { version = "0.1", default-features = false }   # the host's own version
/// ```
#[derive(Clone, Debug)]
pub struct Guest {
    /// The package's name.
    pub name: String,
    /// Where its `Cargo.toml` lies.
    pub folder: PathBuf,
    /// What every session runs first, such as `use my_prelude::*;`.
    pub first_cell: String,
}

impl Guest {
    pub(super) fn open(
        &self,
        cache: &Path,
        compiler: &str,
        compiler_libraries: PathBuf,
        say: &mut dyn FnMut(&str),
    ) -> Result<Prelude> {
        let library = file_name(&self.name);
        let built = build(&self.folder, &cache.join("build"), say)?;
        let mut hash = Sha256::new();
        hash.update(compiler);
        hash.update(LAYOUT);
        hash.update(self.folder.to_string_lossy().as_bytes());
        hash.update(built.stamp(&library)?.to_le_bytes());
        let key: String = hash.finalize()[..8].iter().map(|byte| format!("{byte:02x}")).collect();
        let folder = cache.join("prelude").join(format!("{}-{key}", self.name));
        if !folder.join(&library).is_file() {
            let crates: Vec<&str> = NAMED.into_iter().chain([OWN, &self.name]).collect();
            built.settle(&folder, &library, &self.folder, &crates)?;
        }
        // evcxr learns of `?` from the first cell.
        let first_cell = format!("{}\nOk::<(), String>(())?;", self.first_cell);
        Ok(Prelude::new(folder, &self.name, &[OWN, &self.name], first_cell, compiler_libraries))
    }
}
