//! The direction rules of the house: which module may use which, and which crate is named where.

use std::path::{Path, PathBuf};

/// A module and the modules of ours that it may use. Anything may use `error`; `prelude` may use all.
const MAY_USE: [(&str, &[&str]); 24] = [
    ("error", &[]),
    ("rng", &[]),
    ("display", &[]),
    ("guard", &[]),
    ("progress", &["display"]),
    ("cell", &["display", "progress"]),
    ("data", &["rng", "display"]),
    ("model", &["cuda", "rng", "guard"]),
    // The pair loss on a card is defined by the one on the CPU, and is one of its engines.
    ("loss", &["cuda", "rng"]),
    ("cuda", &["loss"]),
    ("device", &["cuda", "display"]),
    ("train", &["attack", "cuda", "data", "display", "model", "loss", "margin", "rng", "guard", "progress"]),
    ("margin", &["progress"]),
    ("attack", &["cuda", "data", "model", "loss", "rng", "display", "progress"]),
    ("certify", &["attack", "model", "rng", "display", "progress"]),
    ("analysis", &["display", "rng"]),
    ("figure", &["analysis", "attack", "display", "margin", "train"]),
    (
        "experiment",
        &["analysis", "attack", "data", "display", "figure", "loss", "margin", "model", "progress", "train"],
    ),
    ("fetch", &[]),
    ("still", &["display"]),
    ("session", &["display", "still"]),
    ("notebook", &["display", "session", "still"]),
    ("jupyter", &["display", "session"]),
    ("cli", &["data", "experiment", "fetch", "figure", "jupyter", "notebook", "session"]),
];

/// A crate and the only places that may name it.
const NAMED_IN: [(&str, &[&str]); 14] = [
    ("plotly", &["figure"]),
    ("faer", &["analysis", "certify", "margin"]),
    ("cudarc", &["cuda"]),
    ("evcxr", &["session"]),
    ("libloading", &["session/runtime.rs"]),
    ("clap", &["cli"]),
    ("zeromq", &["jupyter"]),
    ("pulldown_cmark", &["notebook"]),
    ("mdbook_driver", &["notebook/book.rs"]),
    ("mdbook_preprocessor", &["notebook/book.rs"]),
    ("resvg", &["still"]),
    ("dejavu", &["still"]),
    ("ureq", &["fetch"]),
    ("tar", &["fetch"]),
];

fn sources(folder: &Path, out: &mut Vec<(String, String)>) {
    for entry in std::fs::read_dir(folder).expect("src is a folder").flatten() {
        let path = entry.path();
        if path.is_dir() {
            sources(&path, out);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src");
            let name = path.strip_prefix(root).expect("below src").to_string_lossy().replace('\\', "/");
            out.push((name, std::fs::read_to_string(&path).expect("readable")));
        }
    }
}

fn all() -> Vec<(String, String)> {
    let mut out = Vec::new();
    sources(&PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src"), &mut out);
    assert!(out.len() > 40, "the sources were not found");
    out
}

/// Lines of code, without comments.
fn code(text: &str) -> impl Iterator<Item = &str> {
    text.lines().map(str::trim).filter(|line| !line.starts_with("//"))
}

#[test]
fn modules_use_only_what_lies_below_them() {
    for (file, text) in all() {
        let module = file.split('/').next().unwrap_or_default().trim_end_matches(".rs");
        if ["lib", "main", "prelude"].contains(&module) {
            continue;
        }
        let (_, allowed) =
            MAY_USE.iter().find(|(name, _)| *name == module).unwrap_or_else(|| panic!("{module}: no rule"));
        for line in code(&text) {
            for used in line.split("crate::").skip(1) {
                let name: String = used.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
                let fine = name == module || name == "error" || allowed.contains(&name.as_str());
                // `use crate::{a, b}` and `crate::Error` name no single module.
                let single = !name.is_empty() && name.starts_with(|c: char| c.is_lowercase());
                assert!(!single || fine, "{file} uses {name}: {line}");
            }
        }
    }
}

#[test]
fn crates_are_named_only_in_their_place() {
    for (file, text) in all() {
        for (name, places) in NAMED_IN {
            let inside = places.iter().any(|place| file.starts_with(place));
            let named = |line: &str| line.contains(&format!("{name}::")) || line.contains(&format!("use {name};"));
            assert!(inside || !code(&text).any(named), "{file} names {name}");
        }
    }
}

#[test]
fn the_cell_side_builds_without_the_kernel_side() {
    let manifest = include_str!("../Cargo.toml");
    let dependencies = manifest.split("[dependencies]").nth(1).expect("the section is there");
    for name in ["clap", "cudarc", "dirs", "evcxr", "libloading", "pulldown-cmark", "rustix", "sha2"] {
        let line = dependencies.lines().find(|line| line.starts_with(&format!("{name} = "))).unwrap_or_default();
        assert!(line.contains("optional = true"), "{name}: {line}");
    }
}
