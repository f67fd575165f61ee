//! What rust-analyzer and cargo are told about the prelude: four small manifests over the real sources.
//!
//! rust-analyzer infers the types of `let` variables. Given the prelude's real graph it loads the sources of 110 crates
//! (8 s); the types a cell can name come from four of them. Each stand-in is a manifest whose library is the real source
//! file, so types come out right; none is ever compiled (`session::rustc`).

use crate::error::{Error, Result};
use serde_json::Value;
use std::fmt::Write;
use std::path::Path;

/// Writes the stand-ins for `crates` under `folder`. `metadata` is cargo's own of the prelude's package.
pub fn write(folder: &Path, metadata: &Value, crates: &[&str]) -> Result<()> {
    let packages = metadata["packages"].as_array().map(Vec::as_slice).unwrap_or_default();
    for name in crates {
        let package = packages.iter().find(|package| package["name"] == *name).ok_or_else(|| Error::Session {
            stage: "prelude",
            reason: format!("cargo's metadata lacks the package {name}"),
        })?;
        let library = |target: &&Value| {
            let kinds = target["kind"].as_array().map(Vec::as_slice).unwrap_or_default();
            kinds.iter().any(|kind| kind == "lib" || kind == "dylib")
        };
        let targets = package["targets"].as_array().map(Vec::as_slice).unwrap_or_default();
        let source = targets.iter().find(library).and_then(|target| target["src_path"].as_str()).unwrap_or_default();
        let edition = package["edition"].as_str().unwrap_or("2021");
        let mut text = format!(
            "[package]\nname = {name:?}\nversion = {version}\nedition = {edition:?}\n\n[lib]\npath = {source:?}\n\n[dependencies]\n",
            version = package["version"],
        );
        let wanted = package["dependencies"].as_array().map(Vec::as_slice).unwrap_or_default();
        for other in crates.iter().filter(|other| wanted.iter().any(|dep| dep["name"] == **other)) {
            let _ = writeln!(text, "{other} = {{ path = \"../{other}\" }}");
        }
        let crate_folder = folder.join(name);
        std::fs::create_dir_all(&crate_folder).map_err(Error::io("create", &crate_folder))?;
        let manifest = crate_folder.join("Cargo.toml");
        std::fs::write(&manifest, text).map_err(Error::io("write", &manifest))?;
    }
    Ok(())
}
