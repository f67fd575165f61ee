//! Which outputs are older than their code: every code cell's key is a hash of its code and of all code before it.
//!
//! An edit of one cell changes its key and the keys of the later ones, so exactly those outputs are stale; prose has no
//! part in it. The library's sources have none either: their name stands once in the notebook's metadata, and whether
//! their numbers still hold is found by running again ([`super::agree`]), not by a hash.

use super::{Cell, Kind};
use sha2::{Digest, Sha256};
use std::fmt::Write;

/// The key of each cell, empty for prose: 16 hexadecimal digits.
pub fn keys(cells: &[Cell]) -> Vec<String> {
    let mut chain = Sha256::new();
    let key = |cell: &Cell| {
        if cell.kind == Kind::Markdown {
            return String::new();
        }
        chain.update((cell.source.len() as u64).to_le_bytes());
        chain.update(&cell.source);
        chain.clone().finalize()[..8].iter().fold(String::new(), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
    };
    cells.iter().map(key).collect()
}

/// The ids of `chapter`'s code cells whose outputs in `notebook` are missing or older than their code, in order.
pub fn stale(chapter: &[Cell], notebook: &[Cell]) -> Vec<String> {
    let fresh = |(cell, wanted): &(&Cell, String)| {
        let made = notebook.iter().find(|other| other.id == cell.id);
        matches!(made.map(|made| &made.kind), Some(Kind::Code { key, .. }) if key == wanted)
    };
    let code = chapter.iter().zip(keys(chapter)).filter(|(cell, _)| cell.kind != Kind::Markdown);
    code.filter(|pair| !fresh(pair)).map(|(cell, _)| cell.id.clone()).collect()
}

/// `chapter` with the outputs that `notebook` holds under the same ids, stale ones too.
pub fn with_outputs(chapter: &[Cell], notebook: &[Cell]) -> Vec<Cell> {
    let kind = |cell: &Cell| match &cell.kind {
        Kind::Markdown => Kind::Markdown,
        code => notebook.iter().find(|o| o.id == cell.id && o.kind != Kind::Markdown).map_or(code, |o| &o.kind).clone(),
    };
    chapter.iter().map(|cell| Cell { kind: kind(cell), ..cell.clone() }).collect()
}
