//! What a value looks like in a notebook: a bundle of MIME types, and the line that carries it.
//!
//! A cell runs in a child process and shows a value by printing one line on stdout: U+001E and a JSON object
//! `{"t":"display","data":{mime: content}}`. The line keeps its place between the text around it, so a cell can show
//! any number of values (evcxr's own blocks are kept in a map by type: the second figure of a cell replaces the first).

use serde_json::{Map, Value, json};
use std::io::Write;

/// Opens a display line. No text a person prints starts with it.
pub const MARK: char = '\u{1e}';

/// One value in several formats, richest first by the reader's choice.
#[derive(Clone, Debug, PartialEq)]
pub struct Bundle {
    /// MIME type to content; JSON types hold objects, all others strings.
    pub data: Map<String, Value>,
}

impl Bundle {
    /// A bundle with the plain text every reader can show.
    pub fn text(text: impl Into<String>) -> Self {
        let mut data = Map::new();
        data.insert("text/plain".into(), Value::String(text.into()));
        Self { data }
    }

    /// About how many bytes it takes.
    pub fn size(&self) -> usize {
        self.data.values().map(|content| content.as_str().map_or_else(|| content.to_string().len(), str::len)).sum()
    }

    /// The same bundle with one more format.
    pub fn with(mut self, mime: &str, content: impl Into<Value>) -> Self {
        self.data.insert(mime.into(), content.into());
        self
    }
}

/// A type that chooses how a notebook shows it. Implement it for your own types; everything else shows its `Debug`.
pub trait Show {
    /// The value in every format it has.
    fn bundle(&self) -> Bundle;
}

impl Show for () {
    fn bundle(&self) -> Bundle {
        Bundle { data: Map::new() }
    }
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
        let value: Value = serde_json::from_str(line.strip_prefix(MARK)?).ok()?;
        let text = |key: &str| Some(value.get(key)?.as_str()?.to_owned());
        let number = |key: &str| u32::try_from(value.get(key)?.as_u64()?).ok();
        let bundle = || Some(Bundle { data: value.get("data")?.as_object()?.clone() });
        match value.get("t")?.as_str()? {
            "display" => Some(Record::Display(bundle()?)),
            "result" => Some(Record::Result(bundle()?)),
            "update" => Some(Record::Update(text("id")?, bundle()?)),
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

    /// Prints the record on stdout, in one piece.
    pub fn emit(&self) {
        let mut out = std::io::stdout().lock();
        // A closed stdout means nobody is left to show anything to.
        let _ = writeln!(out, "{}", self.line());
        let _ = out.flush();
    }
}

/// Shows a value now, in the middle of a cell.
pub fn show(value: &impl Show) {
    Record::Display(value.bundle()).emit();
}

/// `text` with the five characters that HTML reserves replaced.
pub fn escape_html(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}
