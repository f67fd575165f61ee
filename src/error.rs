//! One error type. Every message is complete in one line: where, what was wanted, what came.
//!
//! Notebooks print `Display` only, so the cause is inside the message and never only in `source()`.

use std::fmt;
use std::path::PathBuf;

/// `std::result::Result` with [`Error`].
pub type Result<T> = std::result::Result<T, Error>;

/// What can go wrong, with everything needed to act on it.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// A tensor has the wrong shape. `expected` is written as in the docs: `(n, c, h, w)`.
    Shape {
        /// The operation that refused.
        op: &'static str,
        /// The shape it takes.
        expected: String,
        /// The shape that came.
        got: Vec<usize>,
    },
    /// An argument is outside its range, or data holds a value it must not.
    Value {
        /// The operation that refused.
        op: &'static str,
        /// What it takes.
        expected: String,
        /// What came.
        got: String,
    },
    /// A name that is not in the list of known ones.
    Unknown {
        /// The kind of thing.
        what: &'static str,
        /// The name that came.
        got: String,
        /// The names there are.
        known: Vec<String>,
    },
    /// A file's content is damaged: the byte offset and the reason.
    Damaged {
        /// The file.
        path: PathBuf,
        /// Where, in bytes from its start.
        offset: u64,
        /// What is wrong there.
        reason: String,
    },
    /// The operating system refused to read or write a file.
    Io {
        /// What was tried, as a verb.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// The user interrupted a long call; `done` says how far it came.
    Interrupted {
        /// The operation.
        op: &'static str,
        /// How far it came.
        done: String,
    },
    /// Two copies of this library are loaded in one process; see [`crate::guard`].
    SecondCopy,
    /// candle refused an operation.
    Candle {
        /// The operation.
        op: &'static str,
        /// candle's reason.
        source: candle_core::Error,
    },
    /// The graphics card, its driver or its compiler refused.
    Device {
        /// Where it failed.
        stage: &'static str,
        /// Why, and what to do about it.
        reason: String,
    },
    /// The notebook session failed outside a cell: building the prelude, starting the evaluator.
    Session {
        /// Where it failed.
        stage: &'static str,
        /// Why, and what to do about it.
        reason: String,
    },
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Shape { op, expected, got } => write!(f, "{op}: expected {expected}, got {got:?}"),
            Error::Value { op, expected, got } => write!(f, "{op}: expected {expected}, got {got}"),
            Error::Unknown { what, got, known } => {
                write!(f, "unknown {what} `{got}`; known: {}", known.join(", "))
            }
            Error::Damaged { path, offset, reason } => {
                write!(f, "{}: damaged at byte {offset}: {reason}", path.display())
            }
            Error::Io { action, path, source } => write!(f, "cannot {action} {}: {source}", path.display()),
            Error::Interrupted { op, done } => write!(f, "{op}: interrupted after {done}"),
            Error::SecondCopy => f.write_str(
                "two copies of widemargin are loaded in this process, so gradients would be silently wrong; \
                 run the notebook with the widemargin kernel, which shares one copy between cells",
            ),
            // candle appends a backtrace after the first line when RUST_BACKTRACE is set.
            Error::Candle { op, source } => {
                let text = source.to_string();
                write!(f, "{op}: {}", text.lines().next().unwrap_or("candle gave no reason"))
            }
            Error::Device { stage, reason } | Error::Session { stage, reason } => write!(f, "{stage}: {reason}"),
        }
    }
}

impl std::error::Error for Error {}

impl Error {
    /// For `map_err` on candle results: `x.matmul(&w).map_err(Error::candle("scores"))?`.
    pub fn candle(op: &'static str) -> impl Fn(candle_core::Error) -> Error {
        move |source| Error::Candle { op, source }
    }

    /// For `map_err` on file operations: `File::open(p).map_err(Error::io("open", p))?`.
    pub fn io(action: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Error {
        let path = path.into();
        move |source| Error::Io { action, path, source }
    }
}

impl From<candle_core::Error> for Error {
    fn from(source: candle_core::Error) -> Self {
        Error::Candle { op: "tensor", source }
    }
}
