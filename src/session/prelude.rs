//! The prelude on disk: the cell side of this crate as one dylib, built once per machine and version.
//!
//! All cells link this one library, so candle's tensor counter, rayon's pool and every other static exist once (trap: with
//! static linking a gradient across cells is silently wrong). The folder is made under a temporary name and renamed, so it
//! is whole or absent; its name holds a hash of the sources, the lock file and the compiler.

use super::{analyzer, library};
use crate::error::{Error, Result};
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::fmt::Write as _;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

mod sources {
    include!(concat!(env!("OUT_DIR"), "/sources.rs"));
}

/// The file name of the dylib.
pub const LIBRARY: &str = "libwidemargin.so";

/// A prelude that is ready to be linked by cells.
#[derive(Clone, Debug)]
pub struct Prelude {
    /// Holds `libwidemargin.so`, `deps/`, `analyzer/` and `source/`.
    pub folder: PathBuf,
    /// Holds the compiler's own shared libraries.
    pub compiler_libraries: PathBuf,
}

impl Prelude {
    /// The prelude in `cache`, built first if it is not there. `say` gets one line per step of a build.
    pub fn open(cache: &Path, say: &mut dyn FnMut(&str)) -> Result<Self> {
        let compiler = compiler()?;
        let compiler_libraries = compiler_libraries()?;
        let folder = place(cache, &compiler);
        std::fs::create_dir_all(cache).map_err(Error::io("create", cache))?;
        let lock_path = cache.join("lock");
        let lock = File::create(&lock_path).map_err(Error::io("create", &lock_path))?;
        // Sessions that start together wait for the one that builds.
        lock.lock().map_err(Error::io("lock", &lock_path))?;
        if !folder.join(LIBRARY).is_file() {
            build(cache, &folder, say)?;
        }
        library::prepare(cache, &compiler, &compiler_libraries)?;
        Ok(Self { folder, compiler_libraries })
    }

    /// The shared library that holds the prelude and everything below it.
    pub fn library(&self) -> PathBuf {
        self.folder.join(LIBRARY)
    }

    /// What a cell's manifest names as its dependency.
    pub fn dependency(&self) -> PathBuf {
        self.folder.join("analyzer").join("widemargin")
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

fn key(compiler: &str) -> String {
    let mut hash = Sha256::new();
    hash.update(compiler);
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

fn build(cache: &Path, folder: &Path, say: &mut dyn FnMut(&str)) -> Result<()> {
    say("building the prelude, once on this machine (some minutes)");
    let parent = folder.parent().expect("the folder lies in the cache");
    std::fs::create_dir_all(parent).map_err(Error::io("create", parent))?;
    let staging = tempfile::Builder::new().prefix("new-").tempdir_in(parent).map_err(Error::io("create", parent))?;
    // Sources keep their final place from the start: rust-analyzer's manifests name it.
    let source = parent.join(format!("source-{}", folder.file_name().unwrap_or_default().to_string_lossy()));
    write_source(&source)?;
    let target = cache.join("build");
    let artifacts = run_cargo(&source, &target, say)?;
    let deps = staging.path().join("deps");
    std::fs::create_dir_all(&deps).map_err(Error::io("create", &deps))?;
    for path in artifacts {
        let name = path.file_name().map(PathBuf::from).unwrap_or_default();
        let library = name.to_str() == Some(LIBRARY);
        let to = if library { staging.path().join(&name) } else { deps.join(&name) };
        std::fs::copy(&path, &to).map_err(Error::io("copy", &path))?;
    }
    analyzer::write(&staging.path().join("analyzer"), &metadata(&source)?)?;
    if !staging.path().join(LIBRARY).is_file() {
        return Err(Error::Session { stage: "prelude", reason: format!("cargo reported no {LIBRARY}") });
    }
    std::fs::rename(staging.keep(), folder).map_err(Error::io("create", folder))
}

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
    let light = dependencies.lines().filter(|line| line.contains(" = ") && !line.contains("optional = true"));
    format!(
        "[package]\nname = \"widemargin\"\nversion = {:?}\nedition = \"2024\"\n\n[lib]\ncrate-type = [\"dylib\"]\n\n\
         [features]\nkernel = []\n\n[dependencies]\n{}\n\n[workspace]\n\n[profile.release]\ndebug = 0\n",
        env!("CARGO_PKG_VERSION"),
        light.collect::<Vec<_>>().join("\n"),
    )
}

/// Builds the dylib; returns it with the metadata of every crate below it and the macros they use.
fn run_cargo(source: &Path, target: &Path, say: &mut dyn FnMut(&str)) -> Result<Vec<PathBuf>> {
    let mut child = Command::new("cargo")
        .args(["rustc", "--release", "--lib", "--message-format=json", "--color=never"])
        .args(["--", "-Cprefer-dynamic"])
        .current_dir(source)
        .env("CARGO_TARGET_DIR", target)
        .env_remove("RUSTC_WRAPPER")
        .env_remove("RUSTFLAGS")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(Error::io("run", "cargo"))?;
    let (stdout, stderr) = (child.stdout.take().expect("piped"), child.stderr.take().expect("piped"));
    let messages = std::thread::spawn(move || {
        let lines = BufReader::new(stdout).lines().map_while(std::result::Result::ok);
        lines.filter_map(|line| serde_json::from_str::<Value>(&line).ok()).collect::<Vec<_>>()
    });
    let mut log = String::new();
    let mut compiled = 0;
    for line in BufReader::new(stderr).lines().map_while(std::result::Result::ok) {
        if let Some(name) = line.trim_start().strip_prefix("Compiling ") {
            compiled += 1;
            say(&format!("building the prelude: crate {compiled} of about 150, {name}"));
        }
        log.push_str(&line);
        log.push('\n');
    }
    let status = child.wait().map_err(Error::io("wait for", "cargo"))?;
    let messages = messages.join().unwrap_or_default();
    if !status.success() {
        let rendered = messages.iter().filter_map(|m| m["message"]["rendered"].as_str()).collect::<String>();
        return Err(Error::Session { stage: "prelude", reason: format!("cargo failed:\n{log}{rendered}") });
    }
    let mut files = Vec::new();
    for message in messages.iter().filter(|message| message["reason"] == "compiler-artifact") {
        let names = message["filenames"].as_array().map(Vec::as_slice).unwrap_or_default();
        let wanted = |name: &&str| name.ends_with(".rmeta") || name.ends_with(".so");
        files.extend(names.iter().filter_map(Value::as_str).filter(wanted).map(PathBuf::from));
    }
    Ok(files)
}

fn metadata(source: &Path) -> Result<Value> {
    let output = Command::new("cargo")
        .args(["metadata", "--format-version=1"])
        .current_dir(source)
        .output()
        .map_err(Error::io("run", "cargo"))?;
    serde_json::from_slice(&output.stdout).map_err(|e| Error::Session {
        stage: "prelude",
        reason: format!("cargo metadata: {e}: {}", String::from_utf8_lossy(&output.stderr)),
    })
}
