//! The line by which a cell's process tells the session what to show.
//!
//! A cell runs in a child process and shows a value by printing one line on stdout: U+001E and a JSON object
//! `{"t":"display","data":{mime: content}}`. The line keeps its place between the text around it, so a cell can show
//! any number of values (evcxr's own blocks are kept in a map by type: the second figure of a cell replaces the first).

use super::Bundle;
use serde_json::{Value, json};
use std::io::Write;
use std::sync::atomic::{AtomicBool, Ordering};

/// Opens a display line. No text a person prints starts with it.
pub const MARK: char = '\u{1e}';

static NOTEBOOK: AtomicBool = AtomicBool::new(false);

/// Says that a session reads this process's stdout; until then records are printed as plain text.
pub fn enter_notebook() {
    NOTEBOOK.store(true, Ordering::Relaxed);
}

/// Whether this process runs a notebook's cells.
pub fn in_notebook() -> bool {
    NOTEBOOK.load(Ordering::Relaxed)
}

/// What arrives on the other side of the child's stdout.
#[derive(Clone, Debug, PartialEq)]
pub enum Record {
    /// A new output of the cell.
    Display(Bundle),
    /// The cell's last value.
    Result(Bundle),
    /// A new content for the output shown under this id; the first one creates it.
    Update(String, Bundle),
    /// The cell's outputs so far go away: at once, or when the next one comes.
    Clear {
        /// Whether to wait for the next output.
        wait: bool,
    },
    /// `?` ended the cell at this line of the generated source.
    Question {
        /// The error's text.
        message: String,
        /// From 1.
        line: u32,
    },
    /// The cell's thread panicked there.
    Panic {
        /// The panic's text.
        message: String,
        /// The source file, of the cell or of a library.
        file: String,
        /// From 1.
        line: u32,
        /// All frames.
        backtrace: String,
    },
    /// A line that evcxr waits for.
    Evcxr(String),
}

impl Record {
    /// The line that carries this record, without its newline.
    pub fn line(&self) -> String {
        let value = match self {
            Record::Display(bundle) => json!({"t": "display", "data": bundle.data}),
            Record::Result(bundle) => json!({"t": "result", "data": bundle.data}),
            Record::Update(id, bundle) => json!({"t": "update", "id": id, "data": bundle.data}),
            Record::Clear { wait } => json!({"t": "clear", "wait": wait}),
            Record::Question { message, line } => json!({"t": "question", "message": message, "line": line}),
            Record::Panic { message, file, line, backtrace } => {
                json!({"t": "panic", "message": message, "file": file, "line": line, "backtrace": backtrace})
            }
            Record::Evcxr(line) => json!({"t": "evcxr", "line": line}),
        };
        format!("{MARK}{value}")
    }

    /// Reads a line back; `None` if the line is ordinary text.
    pub fn parse(line: &str) -> Option<Self> {
        let mut value: Value = serde_json::from_str(line.strip_prefix(MARK)?).ok()?;
        let data = value.get_mut("data").map(Value::take);
        let text = |key: &str| Some(value.get(key)?.as_str()?.to_owned());
        let number = |key: &str| u32::try_from(value.get(key)?.as_u64()?).ok();
        let bundle = || match data {
            Some(Value::Object(data)) => Some(Bundle { data }),
            _ => None,
        };
        match value.get("t")?.as_str()? {
            "display" => Some(Record::Display(bundle()?)),
            "result" => Some(Record::Result(bundle()?)),
            "update" => Some(Record::Update(text("id")?, bundle()?)),
            "clear" => Some(Record::Clear { wait: value.get("wait")?.as_bool()? }),
            "question" => Some(Record::Question { message: text("message")?, line: number("line")? }),
            "panic" => Some(Record::Panic {
                message: text("message")?,
                file: text("file")?,
                line: number("line")?,
                backtrace: text("backtrace")?,
            }),
            "evcxr" => Some(Record::Evcxr(text("line")?)),
            _ => None,
        }
    }

    /// Prints the record on stdout, in one piece; outside a notebook the plain text of what it shows.
    pub fn emit(&self) {
        let line = if in_notebook() {
            self.line()
        } else {
            match self {
                Record::Display(bundle) | Record::Result(bundle) | Record::Update(_, bundle) => {
                    bundle.plain().unwrap_or_default().to_owned()
                }
                _ => return,
            }
        };
        let mut out = std::io::stdout().lock();
        // A closed stdout means nobody is left to show anything to.
        let _ = writeln!(out, "{line}");
        let _ = out.flush();
    }
}
