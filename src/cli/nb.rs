//! `widemargin nb`: chapters in book/src are the source, notebooks/ their executed form.

use crate::error::Result;
use crate::notebook::{
    Cell, Kind, Notebook, agree, book, lock, markdown, numbers, run, set_parameters, write_atomically,
};
use crate::session::sources;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

/// Keep notebooks and the book's chapters in step.
#[derive(clap::Subcommand)]
pub enum Nb {
    /// Execute the chapters whose outputs are older than their code, and write them to notebooks/.
    Run {
        /// Chapters: paths, or names such as 01; all of book/src if none is given.
        chapters: Vec<String>,
        /// Execute chapters that are up to date too.
        #[arg(long)]
        all: bool,
        /// Another value for a `let` in a cell marked `parameters`; the result goes to --out, not to notebooks/.
        #[arg(short, long = "parameter", value_name = "NAME=VALUE", value_parser = parameter)]
        parameters: Vec<(String, String)>,
        /// Write the executed notebooks here [default: notebooks, with -p target/notebooks].
        #[arg(long, value_name = "DIR")]
        out: Option<PathBuf>,
    },
    /// Write chapters to notebooks/ with the outputs that are there; executes nothing.
    Export {
        /// Chapters: paths, or names such as 01; all of book/src if none is given.
        chapters: Vec<String>,
    },
    /// Exit with 1 if a notebook differs from its chapter, an output is older than its code, a figure has no alt text, or
    /// a number in prose has no source; executes nothing.
    Check {
        /// Execute the chapters too, in memory, and compare every number with the stored one.
        #[arg(long)]
        execute: bool,
        /// Chapters: paths, or names such as 01; all of book/src if none is given.
        chapters: Vec<String>,
    },
    /// Write what was changed in a notebook, in Jupyter say, back to its chapter.
    Pull {
        /// The notebooks.
        #[arg(required = true)]
        notebooks: Vec<PathBuf>,
    },
}

impl Nb {
    /// Runs the subcommand.
    pub fn execute(self) -> Result<ExitCode> {
        match self {
            Nb::Run { chapters, all, parameters, out } => execute_chapters(&chapters, all, &parameters, out),
            Nb::Export { chapters } => export(&chapters),
            Nb::Check { execute, chapters } => check(&chapters, execute),
            Nb::Pull { notebooks } => pull(&notebooks),
        }
    }
}

fn parameter(text: &str) -> std::result::Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("expected NAME=VALUE")?;
    Ok((name.trim().to_owned(), value.trim().to_owned()))
}

/// The chapters that are notebooks: `NN-name.md`.
fn chapters(names: &[String]) -> Result<Vec<PathBuf>> {
    let mut paths = super::choose(names, Path::new("book/src"), "md")?;
    paths.retain(|path| path.file_stem().is_some_and(|name| book::is_notebook(&name.to_string_lossy())));
    Ok(paths)
}

fn stored(name: &str) -> PathBuf {
    Path::new("notebooks").join(format!("{name}.ipynb"))
}

fn execute_chapters(
    names: &[String],
    all: bool,
    parameters: &[(String, String)],
    out: Option<PathBuf>,
) -> Result<ExitCode> {
    let usual = if parameters.is_empty() { "notebooks" } else { "target/notebooks" };
    let out = out.unwrap_or_else(|| usual.into());
    for path in chapters(names)? {
        let mut notebook = Notebook::read(&path)?;
        for (name, value) in parameters {
            set_parameters(&mut notebook, name, value)?;
        }
        let place = out.join(format!("{}.ipynb", notebook.name));
        let fresh = place.is_file() && lock::stale(&notebook.cells, &Notebook::read(&place)?.cells).is_empty();
        if fresh && !all {
            println!("{}: up to date", notebook.name);
            continue;
        }
        if !executed(&mut notebook)? {
            return Ok(ExitCode::FAILURE);
        }
        notebook.write(&place, Some(&sources()))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Executes all cells; `false` if one failed, which has then been reported.
fn executed(notebook: &mut Notebook) -> Result<bool> {
    let start = Instant::now();
    let mut session = super::start_session()?;
    let failure = run(notebook, &mut session, &mut |line| println!("{line}"))?;
    println!("{}: {:.1} s", notebook.name, start.elapsed().as_secs_f64());
    if let Some(failure) = &failure {
        eprintln!("widemargin nb: {failure}\n{}", failure.error.detail.trim_end());
    }
    Ok(failure.is_none())
}

fn export(names: &[String]) -> Result<ExitCode> {
    for path in chapters(names)? {
        let mut chapter = Notebook::read(&path)?;
        let place = stored(&chapter.name);
        let mut prelude = None;
        if place.is_file() {
            prelude = Notebook::prelude_of(&place)?;
            chapter.cells = lock::with_outputs(&chapter.cells, &Notebook::read(&place)?.cells);
        }
        chapter.write(&place, prelude.as_deref())?;
    }
    Ok(ExitCode::SUCCESS)
}

fn pull(notebooks: &[PathBuf]) -> Result<ExitCode> {
    for path in notebooks {
        let notebook = Notebook::read(path)?;
        let to = Path::new("book/src").join(format!("{}.md", notebook.name));
        write_atomically(&to, markdown(&notebook).as_bytes())?;
        // A chapter that does not read back is refused here and not at the next build.
        Notebook::read(&to)?;
        println!("{}", to.display());
    }
    Ok(ExitCode::SUCCESS)
}

fn check(names: &[String], execute: bool) -> Result<ExitCode> {
    let (mut findings, mut older) = (0, 0);
    for path in chapters(names)? {
        let chapter = Notebook::read(&path)?;
        let place = stored(&chapter.name);
        if !place.is_file() {
            eprintln!("{}: was never executed; run `widemargin nb run {}`", path.display(), chapter.name);
            findings += 1;
            continue;
        }
        let notebook = Notebook::read(&place)?;
        let mut found = differences(&chapter, &notebook);
        older += usize::from(Notebook::prelude_of(&place)?.is_some_and(|prelude| prelude != sources()));
        if execute && found.is_empty() {
            let mut again = chapter.clone();
            if !executed(&mut again)? {
                return Ok(ExitCode::FAILURE);
            }
            found = agree::differences(&notebook, &again);
        }
        findings += found.len();
        found.iter().for_each(|line| eprintln!("{}: {line}", path.display()));
    }
    if older > 0 && !execute {
        println!(
            "{older} notebooks were made by other sources of the library; `nb check --execute` compares their numbers"
        );
    }
    Ok(if findings == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// What keeps a notebook from being its chapter's executed form.
fn differences(chapter: &Notebook, notebook: &Notebook) -> Vec<String> {
    let stale = lock::stale(&chapter.cells, &notebook.cells);
    let mut out = Vec::new();
    if let Some(first) = stale.first() {
        let again = format!("run `widemargin nb run {}`", chapter.name);
        out.push(format!("{} outputs are older than their code, from cell {first}; {again}", stale.len()));
    }
    let same = |(a, b): (&Cell, &Cell)| a.id == b.id && a.source == b.source && a.alt == b.alt && a.marks == b.marks;
    let first = chapter.cells.iter().zip(&notebook.cells).position(|pair| !same(pair));
    let first = first.or((chapter.cells.len() != notebook.cells.len()).then_some(notebook.cells.len()));
    if let Some(index) = first.filter(|_| stale.is_empty()) {
        let id = chapter.cells.get(index).map_or("the end", |cell| cell.id.as_str());
        out.push(format!("cell {id} differs from the notebook; run `widemargin nb export {}`", chapter.name));
    }
    let all = lock::with_outputs(&chapter.cells, &notebook.cells);
    for cell in &all {
        match &cell.kind {
            Kind::Markdown => {
                out.extend(numbers::fill(&cell.source, &all).1.iter().map(|place| format!("no output gives {place}")))
            }
            Kind::Code { .. } if cell.alt.is_empty() && Notebook::shows_picture(cell) => {
                out.push(format!("cell {} shows a figure and has no alt text", cell.id));
            }
            Kind::Code { .. } => {}
        }
    }
    out
}
