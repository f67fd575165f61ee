//! Notebooks as files: Markdown source in, executed `.ipynb` and self-contained HTML out.
//!
//! `book/src/NN-name.md` is the source, `notebooks/NN-name.ipynb` its executed form. [`Notebook`] is both in memory;
//! [`run()`] executes it with a [`crate::session::Session`], [`html()`] writes the page, [`book`] makes mdBook's pages of all
//! chapters, [`lock`] tells which outputs are older than their code, [`agree`] compares two executions. Uses `session`,
//! `still`, `display` and `error` only.

pub mod agree;
pub mod book;
mod html;
mod ipynb;
pub mod lock;
mod markdown;
mod math;
pub mod numbers;
mod parameters;
mod run;

pub use html::html;
pub use markdown::text as markdown;
pub use parameters::set as set_parameters;
pub use run::{Failure, run};

use crate::error::{Error, Result};
use crate::session::Output;
use std::io::Write;
use std::path::Path;

/// What a cell is.
#[derive(Clone, Debug, PartialEq)]
pub enum Kind {
    /// Prose.
    Markdown,
    /// Code with its outputs and the count it was run under.
    Code {
        /// What the cell gave, in order.
        outputs: Vec<Output>,
        /// The count it was run under.
        count: Option<u64>,
        /// The chained key of the code that gave the outputs, see [`lock`]; empty if it was not run by this program.
        key: String,
    },
}

/// What a fence says about its cell besides its name and its figure.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Marks {
    /// How far a number may move when the cell is run again, relative to itself; `any` for times and other things that
    /// no run repeats. See [`agree`].
    pub tolerance: Option<String>,
    /// The book folds the code away.
    pub hide: bool,
    /// `nb run -p name=value` may change this cell's `let`s.
    pub parameters: bool,
}

/// One cell.
#[derive(Clone, Debug, PartialEq)]
pub struct Cell {
    /// Stable name, unique in its notebook.
    pub id: String,
    /// Markdown or Rust. Prose may hold `{{cell: label}}`, see [`numbers`].
    pub source: String,
    /// Text that stands for the cell's figure; empty if it makes none.
    pub alt: String,
    /// What else its fence says.
    pub marks: Marks,
    /// Prose or code.
    pub kind: Kind,
}

/// A notebook in memory.
#[derive(Clone, Debug, PartialEq)]
pub struct Notebook {
    /// File name without its ending.
    pub name: String,
    /// In reading order.
    pub cells: Vec<Cell>,
}

impl Notebook {
    /// Reads an `.ipynb` or a chapter's `.md`.
    ///
    /// Errors: `Io` if it cannot be read; `Damaged` with the byte if it is not JSON of nbformat 4 or a fence is malformed.
    pub fn read(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path).map_err(Error::io("read", path))?;
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let cells = match path.extension().and_then(|extension| extension.to_str()) {
            Some("md") => markdown::parse(&text).map_err(|(offset, reason)| damaged(path, offset, reason))?,
            _ => ipynb::parse(&text).map_err(|(offset, reason)| damaged(path, offset, reason))?,
        };
        Ok(Self { name, cells })
    }

    /// Writes the notebook as `.ipynb` (nbformat 4.5), whole or not at all. `prelude` names the sources that made the
    /// outputs, see [`crate::session::sources`].
    pub fn write(&self, path: &Path, prelude: Option<&str>) -> Result<()> {
        write_atomically(path, ipynb::text(self, prelude).as_bytes())
    }

    /// The `prelude` that the file was written with.
    pub fn prelude_of(path: &Path) -> Result<Option<String>> {
        Ok(ipynb::environment(&std::fs::read_to_string(path).map_err(Error::io("read", path))?))
    }

    /// Whether the cell shows a figure or a picture.
    pub fn shows_picture(cell: &Cell) -> bool {
        let Kind::Code { outputs, .. } = &cell.kind else { return false };
        outputs.iter().any(|output| match output {
            Output::Display(bundle) | Output::Result(bundle) | Output::Update(_, bundle) => {
                bundle.data.keys().any(|mime| mime.starts_with("image/") || mime == crate::still::PLOTLY)
            }
            _ => false,
        })
    }

    /// What a code cell gave, as plain text: streams, and the words of everything shown.
    pub fn words(cell: &Cell) -> String {
        let Kind::Code { outputs, .. } = &cell.kind else { return String::new() };
        let mut out = String::new();
        for output in outputs {
            match output {
                Output::Text(_, text) => out.push_str(text),
                Output::Display(bundle) | Output::Result(bundle) | Output::Update(_, bundle) => {
                    out.push('\n');
                    out.push_str(bundle.plain().unwrap_or_default());
                    out.push('\n');
                }
                Output::Clear { .. } => {}
            }
        }
        out
    }
}

fn damaged(path: &Path, offset: usize, reason: String) -> Error {
    Error::Damaged { path: path.to_owned(), offset: offset as u64, reason }
}

/// Writes next to the target and renames, so that a reader never sees half a file.
pub fn write_atomically(path: &Path, bytes: &[u8]) -> Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder).map_err(Error::io("create", folder))?;
    let mut builder = tempfile::Builder::new();
    // A temporary file is private by default; this one is a document.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let mut file = builder.tempfile_in(folder).map_err(Error::io("write in", folder))?;
    file.write_all(bytes).map_err(Error::io("write", path))?;
    file.persist(path).map_err(|e| Error::io("write", path)(e.error))?;
    Ok(())
}
