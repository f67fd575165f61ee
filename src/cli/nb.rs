//! `widemargin nb`: chapters in book/src are the source, notebooks/ their executed form.

use crate::error::Result;
use crate::notebook::{Cell, Notebook, run};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Keep notebooks and the book's chapters in step.
#[derive(clap::Subcommand)]
pub enum Nb {
    /// Execute chapters and write them to notebooks/ with their outputs.
    Run {
        /// Chapters: paths, or names such as 01; all of book/src if none is given.
        chapters: Vec<String>,
    },
    /// Exit with 1 if a notebook's prose or code differs from its chapter; executes nothing.
    Check,
}

impl Nb {
    /// Runs the subcommand.
    pub fn execute(self) -> Result<ExitCode> {
        match self {
            Nb::Run { chapters } => execute_chapters(&chapters),
            Nb::Check => check(),
        }
    }
}

/// The chapters that are notebooks: `NN-name.md`.
fn chapters(names: &[String]) -> Result<Vec<PathBuf>> {
    let mut paths = super::choose(names, Path::new("book/src"), "md")?;
    let numbered = |path: &PathBuf| {
        path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(|c: char| c.is_ascii_digit()))
    };
    paths.retain(numbered);
    Ok(paths)
}

fn execute_chapters(names: &[String]) -> Result<ExitCode> {
    for path in chapters(names)? {
        let mut notebook = Notebook::read(&path)?;
        let mut session = super::start_session()?;
        if let Some(failure) = run(&mut notebook, &mut session, &mut |line| println!("{line}"))? {
            eprintln!("widemargin nb run: {failure}\n{}", failure.error.detail.trim_end());
            return Ok(ExitCode::FAILURE);
        }
        notebook.write(&executed(&notebook.name))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn executed(name: &str) -> PathBuf {
    Path::new("notebooks").join(format!("{name}.ipynb"))
}

fn check() -> Result<ExitCode> {
    let mut code = ExitCode::SUCCESS;
    for path in chapters(&[])? {
        let chapter = Notebook::read(&path)?;
        let notebook = Notebook::read(&executed(&chapter.name))?;
        let same = |(a, b): (&Cell, &Cell)| a.id == b.id && a.source == b.source && a.alt == b.alt;
        let first = chapter.cells.iter().zip(&notebook.cells).position(|pair| !same(pair));
        let first = first.or((chapter.cells.len() != notebook.cells.len()).then_some(notebook.cells.len()));
        if let Some(index) = first {
            let id = chapter.cells.get(index).map_or("the end", |cell| cell.id.as_str());
            eprintln!("{}: cell {id} differs from {}; run `widemargin nb run`", path.display(), chapter.name);
            code = ExitCode::FAILURE;
        }
    }
    Ok(code)
}
