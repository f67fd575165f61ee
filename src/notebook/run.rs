//! Executes a notebook from top to bottom; the first failing cell ends it.

use super::{Cell, Kind, Notebook, lock};
use crate::error::Result;
use crate::session::{CellError, Output, Session};
use std::fmt;

/// The cell at which a notebook stopped.
#[derive(Clone, Debug)]
pub struct Failure {
    /// The notebook's name.
    pub notebook: String,
    /// The cell's place among the code cells, from 1, and its id.
    pub cell: (usize, String),
    /// What went wrong in it.
    pub error: CellError,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: cell {} ({}): {}", self.notebook, self.cell.0, self.cell.1, self.error)
    }
}

/// Runs every code cell and puts its outputs in place. `say` gets one line per cell.
///
/// Returns the failure if a cell failed; the notebook then holds the outputs up to it.
pub fn run(notebook: &mut Notebook, session: &mut Session, say: &mut dyn FnMut(&str)) -> Result<Option<Failure>> {
    let total = notebook.cells.iter().filter(|cell| cell.kind != Kind::Markdown).count();
    let mut number = 0;
    let keys = lock::keys(&notebook.cells);
    for index in 0..notebook.cells.len() {
        let (earlier, rest) = notebook.cells.split_at_mut(index);
        let cell = &mut rest[0];
        let Kind::Code { outputs, count, key } = &mut cell.kind else { continue };
        number += 1;
        let outcome = session.eval(&cell.source, &mut |_| {})?;
        say(&format!("{}: cell {number}/{total} {} {:.2} s", notebook.name, cell.id, outcome.seconds));
        *outputs = outcome.outputs.into_iter().filter_map(|output| kept(output, earlier)).collect();
        *count = Some(number as u64);
        key.clone_from(&keys[index]);
        if let Some(error) = outcome.error {
            return Ok(Some(Failure { notebook: notebook.name.clone(), cell: (number, cell.id.clone()), error }));
        }
    }
    Ok(None)
}

/// What a file keeps of an output: text as a terminal shows it in the end; nothing here if it replaces an earlier cell's.
fn kept(output: Output, earlier: &mut [Cell]) -> Option<Output> {
    match output {
        Output::Text(stream, text) => Some(Output::Text(stream, overwritten(&text))),
        Output::Update(id, bundle) => {
            let outputs = earlier.iter_mut().filter_map(|cell| match &mut cell.kind {
                Kind::Code { outputs, .. } => Some(outputs),
                Kind::Markdown => None,
            });
            let same = |output: &&mut Output| matches!(output, Output::Update(other, _) if *other == id);
            match outputs.flatten().find(same) {
                Some(Output::Update(_, content)) => {
                    *content = bundle;
                    None
                }
                _ => Some(Output::Update(id, bundle)),
            }
        }
        output => Some(output),
    }
}

/// `text` after its carriage returns: each goes back to the start of the line, and what follows replaces what was there.
fn overwritten(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        let (line, end) = line.strip_suffix('\n').map_or((line, ""), |line| (line, "\n"));
        let mut shown: Vec<char> = Vec::new();
        for part in line.strip_suffix('\r').unwrap_or(line).split('\r') {
            let part: Vec<char> = part.chars().collect();
            let covered = part.len().min(shown.len());
            shown.splice(..covered, part);
        }
        out.extend(shown);
        out.push_str(end);
    }
    out
}
