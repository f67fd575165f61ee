//! What evaluating a cell gave: its outputs in order, its error if it failed, and the time it took.

use crate::display::Bundle;
use std::fmt;

/// Where text was printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

/// One output of a cell.
#[derive(Clone, Debug, PartialEq)]
pub enum Output {
    /// Printed text, as it was printed.
    Text(Stream, String),
    /// A value shown in mid-cell.
    Display(Bundle),
    /// The cell's last value.
    Result(Bundle),
    /// New content for the output with this id, or its first.
    Update(String, Bundle),
    /// All outputs of the cell so far go away: at once, or with `wait` when the next one comes. Only a sink sees it.
    Clear {
        /// Whether to wait for the next output.
        wait: bool,
    },
}

/// Why a cell failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// It does not compile; nothing ran.
    Compile,
    /// `?` met an error.
    Question,
    /// It panicked.
    Panic,
    /// It was interrupted while it was compiled; nothing ran.
    Interrupted,
    /// It read its standard input, and there was nobody to ask: it was given the end of the input.
    Input,
    /// The process that runs the cells ended; all variables are gone.
    Crash,
}

/// A failed cell.
#[derive(Clone, Debug, PartialEq)]
pub struct CellError {
    /// Where it failed.
    pub stage: Stage,
    /// Short name: the compiler's error code, `Error`, `panic`, `crash`.
    pub name: String,
    /// The message in one piece.
    pub message: String,
    /// Line of the cell, from 1, where it is known.
    pub line: Option<usize>,
    /// The long form: the compiler's report with its spans, or the backtrace.
    pub detail: String,
    /// Variables that existed before the cell and no longer do.
    pub lost: Vec<String>,
}

impl CellError {
    /// An error without a line, a detail or lost variables.
    pub fn new(stage: Stage, name: &str, message: &str) -> Self {
        let (name, message) = (name.to_owned(), message.to_owned());
        Self { stage, name, message, line: None, detail: String::new(), lost: Vec::new() }
    }

    /// The same error with its long form.
    pub fn with_detail(self, detail: String) -> Self {
        Self { detail, ..self }
    }

    /// The same error at this line of the cell.
    pub fn at(self, line: Option<usize>) -> Self {
        Self { line, ..self }
    }
}

impl fmt::Display for CellError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.stage {
            Stage::Compile => "does not compile",
            Stage::Question => "stopped by ?",
            Stage::Panic => "panicked",
            Stage::Interrupted => "was interrupted",
            Stage::Input => "asked for input",
            Stage::Crash => "ended the worker process",
        };
        match self.line {
            Some(line) => write!(f, "line {line} {what}: {}", self.message)?,
            None => write!(f, "{what}: {}", self.message)?,
        }
        if !self.lost.is_empty() {
            write!(f, " (variables lost: {})", self.lost.join(", "))?;
        }
        Ok(())
    }
}

/// What a cell gave.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// In the order in which they appeared; updates of one id are folded into the place of the first.
    pub outputs: Vec<Output>,
    /// Present if the cell failed.
    pub error: Option<CellError>,
    /// Wall time from the request to the last output.
    pub seconds: f64,
    /// `analyse`, `compile` and `load and run` with their seconds; the first alone if nothing was compiled.
    pub phases: Vec<(String, f64)>,
    /// Whether the next output replaces all others.
    pub(crate) clear_next: bool,
}

impl Outcome {
    /// A cell that was not tried.
    pub(super) fn refused(line: usize, message: String) -> Self {
        let error = CellError::new(Stage::Compile, "error", &message).at(Some(line));
        Self { error: Some(error), ..Self::default() }
    }

    /// The phases in one line: `timing: 0.240 s (analyse 0.110 s, compile 0.125 s, load and run 0.005 s)`.
    pub fn timing(&self) -> String {
        let phases: Vec<String> = self.phases.iter().map(|(name, seconds)| format!("{name} {seconds:.3} s")).collect();
        format!("timing: {:.3} s ({})\n", self.seconds, phases.join(", "))
    }

    /// Adds an output: neighbouring text of one stream joins, an update replaces its earlier content, a clear removes all.
    pub fn push(&mut self, output: Output) {
        if let Output::Clear { wait } = output {
            self.clear_next = wait;
            if !wait {
                self.outputs.clear();
            }
            return;
        }
        if std::mem::take(&mut self.clear_next) {
            self.outputs.clear();
        }
        match (&output, self.outputs.last_mut()) {
            (Output::Text(stream, text), Some(Output::Text(last, earlier))) if stream == last => {
                earlier.push_str(text);
                return;
            }
            (Output::Update(id, bundle), _) => {
                let same = |o: &&mut Output| matches!(o, Output::Update(other, _) if other == id);
                if let Some(Output::Update(_, earlier)) = self.outputs.iter_mut().find(same) {
                    *earlier = bundle.clone();
                    return;
                }
            }
            _ => {}
        }
        self.outputs.push(output);
    }

    /// The MIME types shown, one list per display or result, in order.
    pub fn mime_types(&self) -> Vec<Vec<String>> {
        let keys = |bundle: &Bundle| bundle.data.keys().cloned().collect();
        let shown = |output: &Output| match output {
            Output::Text(..) | Output::Clear { .. } => None,
            Output::Display(bundle) | Output::Result(bundle) | Output::Update(_, bundle) => Some(keys(bundle)),
        };
        self.outputs.iter().filter_map(shown).collect()
    }

    /// All printed text of one stream.
    pub fn text(&self, stream: Stream) -> String {
        let of = |output: &Output| match output {
            Output::Text(s, text) if *s == stream => Some(text.as_str().to_owned()),
            _ => None,
        };
        self.outputs.iter().filter_map(of).collect()
    }
}
