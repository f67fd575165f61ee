//! Executes a notebook from top to bottom; the first failing cell ends it.

use super::{Kind, Notebook};
use crate::error::Result;
use crate::session::{CellError, Session};
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
    for cell in &mut notebook.cells {
        let Kind::Code { outputs, count } = &mut cell.kind else { continue };
        number += 1;
        let outcome = session.eval(&cell.source, &mut |_| {})?;
        say(&format!("{}: cell {number}/{total} {} {:.2} s", notebook.name, cell.id, outcome.seconds));
        *outputs = outcome.outputs;
        *count = Some(number as u64);
        if let Some(error) = outcome.error {
            return Ok(Some(Failure { notebook: notebook.name.clone(), cell: (number, cell.id.clone()), error }));
        }
    }
    Ok(None)
}
