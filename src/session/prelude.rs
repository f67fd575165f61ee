//! The prelude on disk: the cell side of this crate as one dylib, built once per machine and version.
//!
//! All cells link this one library, so candle's tensor counter, rayon's pool and every other static exist once (trap: with
//! static linking a gradient across cells is silently wrong). The folder is made under a temporary name and renamed, so it
//! is whole or absent; its name holds a hash of the sources, the lock file and the compiler.

use super::guest::Guest;
use super::{dylib, library};
use crate::error::{Error, Result};
use sha2::{Digest, Sha256};
use std::fmt::Write as _;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;

mod sources {
    include!(concat!(env!("OUT_DIR"), "/sources.rs"));
}

/// What every cell has in scope; the `?` makes evcxr expect question marks from the start.
const FIRST_CELL: &str = "use widemargin::prelude::*;\nOk::<(), String>(())?;";
/// This crate's name, whose `cell` module the generated code of every cell calls.
pub const OWN: &str = "widemargin";
/// The file name of our dylib.
pub const LIBRARY: &str = "libwidemargin.so";
/// The crates whose types cells bind, besides the prelude itself.
pub(super) const NAMED: [&str; 3] = ["candle-core", "candle-nn", "plotly"];

/// A prelude that is ready to be linked by cells.
#[derive(Clone, Debug)]
pub struct Prelude {
    /// Holds the dylib, `deps/`, `analyzer/` and `externs`.
    pub folder: PathBuf,
    /// The dylib's file name.
    library: String,
    /// The crates that cells name.
    pub crates: Vec<String>,
    /// What every session runs first.
    pub first_cell: String,
    /// Holds the compiler's own shared libraries.
    pub compiler_libraries: PathBuf,
}

impl Prelude {
    /// The prelude in `cache`, built first if it is not there. `say` gets one line per step of a build.
    pub fn open(cache: &Path, guest: Option<&Guest>, say: &mut dyn FnMut(&str)) -> Result<Self> {
        let compiler = compiler()?;
        let compiler_libraries = compiler_libraries()?;
        std::fs::create_dir_all(cache).map_err(Error::io("create", cache))?;
        let lock_path = cache.join("lock");
        let lock = File::create(&lock_path).map_err(Error::io("create", &lock_path))?;
        // Sessions that start together wait for the one that builds.
        lock.lock().map_err(Error::io("lock", &lock_path))?;
        library::prepare(cache, &compiler, &compiler_libraries)?;
        if let Some(guest) = guest {
            return guest.open(cache, &compiler, compiler_libraries, say);
        }
        let folder = place(cache, &compiler);
        if !folder.join(LIBRARY).is_file() {
            say("building the prelude, once on this machine (some minutes)");
            let parent = folder.parent().expect("the folder lies in the cache");
            // Sources keep their final place from the start: rust-analyzer's manifests name it.
            let source = parent.join(format!("source-{}", folder.file_name().unwrap_or_default().to_string_lossy()));
            write_source(&source)?;
            let built = dylib::build(&source, &cache.join("build"), say)?;
            let crates: Vec<&str> = NAMED.into_iter().chain([OWN]).collect();
            built.settle(&folder, LIBRARY, &source, &crates)?;
        }
        Ok(Self::new(folder, OWN, &[OWN], FIRST_CELL.into(), compiler_libraries))
    }

    /// A prelude whose dylib is the crate `name`'s, and whose cells name `crates`.
    pub(super) fn new(folder: PathBuf, name: &str, crates: &[&str], first_cell: String, libraries: PathBuf) -> Self {
        let crates = crates.iter().map(|name| (*name).to_owned()).collect();
        Self { folder, library: dylib::file_name(name), crates, first_cell, compiler_libraries: libraries }
    }

    /// The shared library that holds the prelude and everything below it.
    pub fn library(&self) -> PathBuf {
        self.folder.join(&self.library)
    }

    /// What a cell's manifest names as its dependencies: each crate with its stand-in.
    pub fn dependencies(&self) -> impl Iterator<Item = (&str, PathBuf)> {
        self.crates.iter().map(|name| (name.as_str(), self.folder.join("analyzer").join(name)))
    }
}

/// The cache folder: `WIDEMARGIN_CACHE`, else the platform's cache folder for this program.
pub fn cache_folder() -> Result<PathBuf> {
    if let Some(path) = std::env::var_os("WIDEMARGIN_CACHE") {
        return std::path::absolute(&path).map_err(Error::io("find", PathBuf::from(path)));
    }
    let base = dirs::cache_dir().ok_or_else(|| Error::Session {
        stage: "prelude",
        reason: "no cache folder is known for this user; set WIDEMARGIN_CACHE".into(),
    })?;
    Ok(base.join("widemargin"))
}

/// Where the prelude of these sources and this compiler lies or will lie.
pub fn place(cache: &Path, compiler: &str) -> PathBuf {
    cache.join("prelude").join(format!("{}-{}", env!("CARGO_PKG_VERSION"), key(compiler)))
}

/// `rustc -vV`: the dylib's metadata loads only with exactly this compiler.
pub fn compiler() -> Result<String> {
    let output = Command::new("rustc").arg("-vV").output().map_err(Error::io("run", "rustc"))?;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// `<sysroot>/lib/rustlib/<target>/lib`.
pub fn compiler_libraries() -> Result<PathBuf> {
    let output =
        Command::new("rustc").args(["--print", "target-libdir"]).output().map_err(Error::io("run", "rustc"))?;
    Ok(PathBuf::from(String::from_utf8_lossy(&output.stdout).trim()))
}

/// A short name for the sources that cells link, the same on every machine.
pub fn sources() -> String {
    key("")
}

fn key(compiler: &str) -> String {
    let mut hash = Sha256::new();
    hash.update(compiler);
    hash.update(dylib::LAYOUT);
    if ON_CARD {
        hash.update("candle-cuda");
    }
    for (path, content) in sources::SOURCES {
        hash.update(path);
        hash.update(content.len().to_le_bytes());
        hash.update(content);
    }
    hash.finalize()[..8].iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Whether cells have tensors on a card: they do if the host program has.
const ON_CARD: bool = cfg!(feature = "candle-cuda");

/// The cell side as a package of its own, with this crate's light dependencies and locked versions.
fn write_source(folder: &Path) -> Result<()> {
    for (path, content) in sources::SOURCES {
        let to = folder.join(path);
        let parent = to.parent().expect("a file lies in a folder");
        std::fs::create_dir_all(parent).map_err(Error::io("create", parent))?;
        let manifest;
        let content = if *path == "Cargo.toml" {
            manifest = light_manifest(&String::from_utf8_lossy(content));
            manifest.as_bytes()
        } else {
            content
        };
        if std::fs::read(&to).ok().as_deref() != Some(content) {
            std::fs::write(&to, content).map_err(Error::io("write", &to))?;
        }
    }
    Ok(())
}

fn light_manifest(full: &str) -> String {
    let dependencies = full.split_once("[dependencies]\n").map_or("", |(_, rest)| rest);
    let dependencies = dependencies.split("\n[").next().unwrap_or_default();
    let wanted = |line: &&str| !line.contains("optional = true") || (ON_CARD && line.starts_with("cudarc = "));
    let light = dependencies.lines().filter(|line| line.contains(" = ")).filter(wanted);
    let light = light.map(|line| line.replace(", optional = true", ""));
    let features = if ON_CARD {
        "default = [\"candle-cuda\"]\ncandle-cuda = [\"cuda\", \"cudarc/cublas\", \"candle-core/cuda\", \"candle-nn/cuda\"]\ncuda = []"
    } else {
        "candle-cuda = []\ncuda = []"
    };
    format!(
        "[package]\nname = \"widemargin\"\nversion = {:?}\nedition = \"2024\"\n\n[features]\n{features}\nkernel = []\n\n[dependencies]\n{}\n\n[workspace]\n\n[profile.release]\ndebug = 0\n",
        env!("CARGO_PKG_VERSION"),
        light.collect::<Vec<String>>().join("\n"),
    )
}
