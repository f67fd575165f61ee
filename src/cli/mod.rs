//! The command line: one file per subcommand. Exit code 0 done, 1 a finding or an error, 2 wrong usage.

mod book;
mod cache;
mod data;
mod doctor;
mod kernel;
mod lab;
mod nb;
mod place;
mod reproduce;
mod run;
mod version;

use crate::error::{Error, Result};
use crate::session::{Options, Session};
use clap::{CommandFactory, Parser, Subcommand};
use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// See, run and test the margin of a classifier, in Rust notebooks.
#[derive(Parser)]
#[command(name = "widemargin", version, long_version = version::long(), about)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Execute notebooks and write each as .ipynb and as one self-contained HTML page.
    Run(run::Run),
    /// Install the Jupyter kernel, look after it, or run it.
    #[command(subcommand)]
    Kernel(kernel::Kernel),
    /// Open JupyterLab with the kernel installed and its prelude built.
    Lab(lab::Lab),
    /// Keep notebooks and the book's chapters in step.
    #[command(subcommand)]
    Nb(nb::Nb),
    /// Make the book's pages from the chapters and their executed notebooks.
    #[command(subcommand)]
    Book(book::Book),
    /// Run the paper's experiment and answer its questions from the results.
    Reproduce(reproduce::Reproduce),
    /// Fetch public datasets from their publishers, and look after them.
    #[command(subcommand)]
    Data(data::Data),
    /// Show or empty the folder that holds the prelude.
    #[command(subcommand)]
    Cache(cache::Cache),
    /// Print a script that completes this program's arguments in a shell.
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
    /// Print this program's manual page.
    Man,
}

/// Parses the arguments, runs the command, prints its error in one line.
pub fn main() -> ExitCode {
    let result = match Arguments::parse().command {
        Command::Run(run) => run.execute(),
        Command::Reproduce(reproduce) => reproduce.execute(),
        Command::Kernel(kernel) => kernel.execute(),
        Command::Lab(lab) => lab.execute(),
        Command::Nb(nb) => nb.execute(),
        Command::Book(book) => book.execute(),
        Command::Data(data) => data.execute(),
        Command::Cache(cache) => cache.execute(),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Arguments::command(), "widemargin", &mut script);
            print(&script)
        }
        Command::Man => manual(),
    };
    match result {
        Ok(code) => code,
        Err(error) => {
            eprintln!("widemargin: {error}");
            ExitCode::FAILURE
        }
    }
}

/// The manual: the program's page, then one for each command.
fn manual() -> Result<ExitCode> {
    let mut whole = Arguments::command();
    whole.build();
    let commands: Vec<_> = whole.get_subcommands().filter(|command| command.get_name() != "help").cloned().collect();
    let mut pages = Vec::new();
    for command in [whole].into_iter().chain(commands) {
        clap_mangen::Man::new(command).render(&mut pages).map_err(Error::io("write", "the manual"))?;
    }
    print(&pages)
}

/// Prints all of it, or as much as the reader takes.
fn print(text: &[u8]) -> Result<ExitCode> {
    match std::io::stdout().write_all(text) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(Error::io("print", "the text")(error)),
        _ => Ok(ExitCode::SUCCESS),
    }
}

/// A session whose preparation is reported on stderr.
fn start_session() -> Result<Session> {
    let mut status = Status::new();
    let session = Session::start(&Options::default(), &mut |line| status.say(line))?;
    status.end();
    Ok(session)
}

/// A line on stderr that replaces itself on a terminal and is printed now and then elsewhere.
struct Status {
    terminal: bool,
    lines: usize,
}

impl Status {
    fn new() -> Self {
        Self { terminal: std::io::stderr().is_terminal(), lines: 0 }
    }

    fn say(&mut self, line: &str) {
        if self.terminal {
            eprint!("\r\x1b[2K{line}");
        } else if self.lines.is_multiple_of(20) {
            eprintln!("{line}");
        }
        self.lines += 1;
    }

    fn end(&mut self) {
        if self.terminal && self.lines > 0 {
            eprintln!();
        }
    }
}

/// The files of `folder` with this ending, by name.
fn list(folder: &Path, ending: &str) -> Result<Vec<PathBuf>> {
    if !folder.exists() {
        let reason =
            format!("there is no folder {} here; start in the folder that holds it, or name a file", folder.display());
        return Err(Error::Session { stage: "notebooks", reason });
    }
    let entries = std::fs::read_dir(folder).map_err(Error::io("read the folder", folder))?;
    let mut files: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == ending));
    files.sort();
    Ok(files)
}

/// The files that `names` mean: paths, or names in `folder` without their ending; all of the folder if there are none.
fn choose(names: &[String], folder: &Path, ending: &str) -> Result<Vec<PathBuf>> {
    if names.is_empty() {
        return list(folder, ending);
    }
    let find = |name: &String| {
        let path = PathBuf::from(name);
        if path.extension().is_some() {
            return Ok(path);
        }
        let known = list(folder, ending)?;
        let stem = |path: &Path| path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let found = known.iter().find(|path| stem(path) == *name || stem(path).split('-').next() == Some(name));
        found.cloned().ok_or_else(|| Error::Unknown {
            what: "notebook",
            got: name.clone(),
            known: known.iter().map(|path| stem(path)).collect(),
        })
    };
    names.iter().map(find).collect()
}
