//! `nb run -p name=value`: other values for the `let`s of cells whose fence says `parameters`.

use super::{Kind, Notebook};
use crate::error::{Error, Result};

/// Sets `name` to the Rust expression `value` in every such cell that binds it by `let name = ...;` on one line.
///
/// Errors: `Unknown` with the names there are.
pub fn set(notebook: &mut Notebook, name: &str, value: &str) -> Result<()> {
    let (mut known, mut found) = (Vec::new(), false);
    for cell in notebook.cells.iter_mut().filter(|cell| cell.kind != Kind::Markdown && cell.marks.parameters) {
        let line = |line: &str| {
            let Some((bound, head, tail)) = binding(line) else { return line.to_owned() };
            known.push(bound.to_owned());
            if bound != name {
                return line.to_owned();
            }
            found = true;
            format!("{head}= {value};{tail}")
        };
        cell.source = cell.source.lines().map(line).collect::<Vec<_>>().join("\n");
    }
    if found { Ok(()) } else { Err(Error::Unknown { what: "parameter", got: name.into(), known }) }
}

/// The name that a line binds, what stands before its `=`, and what after its `;`.
fn binding(line: &str) -> Option<(&str, &str, &str)> {
    let rest = line.trim_start().strip_prefix("let ")?;
    let rest = rest.strip_prefix("mut ").unwrap_or(rest);
    let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_')?;
    let equals = line.find('=')?;
    let semicolon = line.rfind(';').filter(|at| *at > equals)?;
    Some((&rest[..end], &line[..equals], &line[semicolon + 1..]))
}
