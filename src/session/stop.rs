//! Stops the compilation of a cell: the host leaves a mark in the session's folder, the compiler's wrapper obeys it.
//!
//! Nothing has run by then, so nothing is lost. The worker reads the mark too: an interrupt that comes between the end of
//! the compilation and the cell's first line belongs to this cell.

use super::outcome::{CellError, Stage};
use rustix::process::{Pid, Signal, kill_process};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};

/// The mark and the compiler's process id, as files in one folder.
#[derive(Clone, Debug)]
pub struct Stop {
    mark: PathBuf,
    compiler: PathBuf,
}

impl Stop {
    /// Files in the session's folder of pipes.
    pub fn new(folder: &Path) -> Self {
        Self { mark: folder.join("interrupted"), compiler: folder.join("compiler") }
    }

    /// Leaves the mark and ends the compiler that runs now.
    pub fn request(&self) {
        // The folder goes with the session; without it there is nothing to stop.
        let _ = std::fs::write(&self.mark, "");
        let pid = std::fs::read_to_string(&self.compiler).ok().and_then(|text| Pid::from_raw(text.parse().ok()?));
        if let Some(pid) = pid {
            // It may have ended by itself meanwhile.
            let _ = kill_process(pid, Signal::TERM);
        }
    }

    /// Whether the mark is there.
    pub fn requested(&self) -> bool {
        self.mark.exists()
    }

    /// Removes what an earlier cell left.
    pub fn clear(&self) {
        for path in [&self.mark, &self.compiler] {
            // Absent as a rule.
            let _ = std::fs::remove_file(path);
        }
    }

    /// Runs the compiler to its end, or to the mark.
    pub fn run(&self, compiler: &mut Command) -> Result<ExitStatus, String> {
        if self.requested() {
            return Err("interrupted".into());
        }
        let mut child = compiler.spawn().map_err(|e| e.to_string())?;
        let noted = std::fs::write(&self.compiler, child.id().to_string());
        if noted.is_err() || self.requested() {
            // The mark came before the host could read the id.
            let _ = child.kill();
        }
        let status = child.wait().map_err(|e| e.to_string())?;
        let _ = std::fs::remove_file(&self.compiler);
        if self.requested() { Err("interrupted".into()) } else { Ok(status) }
    }
}

/// The error of a cell that was stopped this way.
pub fn interrupted() -> CellError {
    let message = "while it was compiled; nothing ran, and no variable has changed";
    CellError::new(Stage::Interrupted, "interrupted", message)
}
