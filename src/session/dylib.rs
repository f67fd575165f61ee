//! Compiles a library package as one dylib and keeps what cells need to link it.
//!
//! A cell needs the dylib itself and the metadata of every crate below it, but none of their code. The file `externs` says
//! where the crates lie that cells name.

use super::analyzer;
use super::prelude::OWN;
use crate::error::{Error, Result};
use serde_json::Value;
use std::fmt::Write;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Changes with what lies in a prelude's folder, so that an older one is not taken for a new one.
pub const LAYOUT: &str = "2: dylib, deps, analyzer, externs";
/// `name=path` for each crate that cells name.
pub const EXTERNS: &str = "externs";

/// What cargo made: the dylib, the metadata of every crate below it, and the macros they use.
pub struct Built {
    files: Vec<PathBuf>,
}

impl Built {
    /// The newest change of the crate's own dylib, in nanoseconds: a name for what it holds.
    pub fn stamp(&self, library: &str) -> Result<u128> {
        let path = self.find(library)?;
        let changed = std::fs::metadata(path).and_then(|meta| meta.modified()).map_err(Error::io("read", path))?;
        Ok(changed.duration_since(std::time::UNIX_EPOCH).map_or(0, |age| age.as_nanos()))
    }

    fn find(&self, library: &str) -> Result<&PathBuf> {
        let found = self.files.iter().find(|path| path.file_name().is_some_and(|name| name == library));
        found.ok_or_else(|| Error::Session { stage: "prelude", reason: format!("cargo reported no {library}") })
    }

    /// Copies everything to `folder`, which is whole or absent at any time. `crates` are those that rust-analyzer reads;
    /// the last ones, from our own on, are those that cells name.
    pub fn settle(&self, folder: &Path, library: &str, source: &Path, crates: &[&str]) -> Result<()> {
        self.find(library)?;
        let parent = folder.parent().expect("the folder lies in the cache");
        std::fs::create_dir_all(parent).map_err(Error::io("create", parent))?;
        let staging =
            tempfile::Builder::new().prefix("new-").tempdir_in(parent).map_err(Error::io("create", parent))?;
        let deps = staging.path().join("deps");
        std::fs::create_dir_all(&deps).map_err(Error::io("create", &deps))?;
        let mut externs = String::new();
        for path in &self.files {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            let own = name == library;
            let to = if own { staging.path().join(&*name) } else { deps.join(&*name) };
            std::fs::copy(path, &to).map_err(Error::io("copy", path))?;
            let stem = name.trim_start_matches("lib").split(['-', '.']).next().unwrap_or_default().to_owned();
            let named = crates.iter().skip_while(|name| **name != OWN).any(|name| name.replace('-', "_") == stem);
            if named {
                let place = if own { folder.join(&*name) } else { folder.join("deps").join(&*name) };
                let _ = writeln!(externs, "{stem}={}", place.display());
            }
        }
        let path = staging.path().join(EXTERNS);
        std::fs::write(&path, externs).map_err(Error::io("write", &path))?;
        analyzer::write(&staging.path().join("analyzer"), &metadata(source)?, crates)?;
        std::fs::rename(staging.keep(), folder).map_err(Error::io("create", folder))
    }
}

/// `lib<name>.so` for a package's name.
pub fn file_name(package: &str) -> String {
    format!("lib{}.so", package.replace('-', "_"))
}

/// Compiles the package in `source` as a dylib. `say` gets a line per crate.
pub fn build(source: &Path, target: &Path, say: &mut dyn FnMut(&str)) -> Result<Built> {
    let mut child = Command::new("cargo")
        .args(["rustc", "--release", "--lib", "--crate-type=dylib", "--message-format=json", "--color=never"])
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
    Ok(Built { files })
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
