//! Where a cell's time goes: the compiler's wrapper notes when it began and ended, the session knows the rest.
//!
//! A cell is analysed (evcxr splits it, rust-analyzer infers types, cargo looks at what is fresh), compiled (perhaps
//! more than once: evcxr repairs and tries again), then loaded and run.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// The notes of one cell, a file in the session's folder.
#[derive(Clone, Debug)]
pub struct Phases {
    path: PathBuf,
}

impl Phases {
    /// Notes in the session's folder of pipes.
    pub fn new(folder: &Path) -> Self {
        Self { path: folder.join("compilations") }
    }

    /// Forgets the last cell.
    pub fn clear(&self) {
        // Absent before the first cell.
        let _ = std::fs::remove_file(&self.path);
    }

    /// The wrapper's note: a compilation that began then and ends now.
    pub fn note(&self, begun: SystemTime) {
        let line = format!("{} {}\n", seconds(begun), seconds(SystemTime::now()));
        // Only the times of the phases are lost with it.
        let _ = OpenOptions::new()
            .create(true)
            .append(true)
            .open(&self.path)
            .and_then(|mut f| f.write_all(line.as_bytes()));
    }

    /// Name and seconds of each phase of the cell that began then and ends now.
    pub fn of_cell(&self, begun: SystemTime) -> Vec<(String, f64)> {
        let notes = std::fs::read_to_string(&self.path).unwrap_or_default();
        let time = |word: &str| word.parse::<f64>().ok();
        let compiled: Vec<(f64, f64)> = notes
            .lines()
            .filter_map(|line| line.split_once(' '))
            .filter_map(|(from, until)| Some((time(from)?, time(until)?)))
            .collect();
        let (begun, now) = (seconds(begun), seconds(SystemTime::now()));
        let Some(&(_, last)) = compiled.last() else { return vec![("analyse".into(), now - begun)] };
        let compiler: f64 = compiled.iter().map(|(from, until)| until - from).sum();
        vec![
            ("analyse".into(), last - begun - compiler),
            ("compile".into(), compiler),
            ("load and run".into(), now - last),
        ]
    }
}

fn seconds(time: SystemTime) -> f64 {
    time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or(Duration::ZERO).as_secs_f64()
}
