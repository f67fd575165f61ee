//! `widemargin data`: public datasets, fetched when asked for and kept.

use super::Status;
use crate::error::{Error, Result};
use crate::fetch::{Options, Source, State, data_folder, sources};
use std::path::PathBuf;
use std::process::ExitCode;

/// Fetch public datasets from their publishers, and look after them.
#[derive(clap::Subcommand)]
pub enum Data {
    /// Fetch a dataset, check its sums, and keep it; goes on where it was stopped.
    Fetch {
        /// cifar10, mnist or fashion-mnist.
        #[arg(required = true)]
        names: Vec<String>,
        /// Take the publisher's files from here, a file or a folder, instead of the network.
        #[arg(long, value_name = "PATH")]
        from: Option<PathBuf>,
        /// Never ask the network; fail if something is missing.
        #[arg(long)]
        offline: bool,
    },
    /// Print every dataset and what is there of it.
    List,
    /// Read every file again and compare its sum. Exit code 1 if one differs.
    Verify {
        /// All that are there if none is named.
        names: Vec<String>,
    },
    /// Print a dataset's folder. Exit code 1 if it is not complete.
    Path {
        /// cifar10, mnist or fashion-mnist.
        name: String,
    },
    /// Remove what was left of fetches that did not end, and the datasets that are named.
    Prune {
        /// Remove these, complete or not.
        names: Vec<String>,
    },
}

impl Data {
    /// Runs the subcommand.
    pub fn execute(self) -> Result<ExitCode> {
        let root = data_folder()?;
        let mut code = ExitCode::SUCCESS;
        match self {
            Data::Fetch { names, from, offline } => {
                let options = Options { from, offline };
                for source in chosen(&names)? {
                    let folder = root.join(&source.name);
                    let mut status = Status::new();
                    let count = source.fetch(&folder, &options, &mut |line| status.say(line))?;
                    status.end();
                    let what = if count == 0 { "there already" } else { "fetched and checked" };
                    println!("{}: {what}, {}", source.name, folder.display());
                }
            }
            Data::List => {
                println!("{}", root.display());
                for source in sources() {
                    let state = match source.state(&root.join(&source.name)) {
                        State::Complete => "complete",
                        State::Partial => "partial",
                        State::Absent => "not here",
                    };
                    let bytes: u64 = source.files.iter().map(|file| file.bytes).sum();
                    println!("{:<14} {state:<9} {:>4} MB  {}", source.name, bytes / 1_000_000, source.about);
                }
            }
            Data::Verify { names } => {
                let named = !names.is_empty();
                for source in if named { chosen(&names)? } else { sources() } {
                    let folder = root.join(&source.name);
                    if !named && source.state(&folder) == State::Absent {
                        continue;
                    }
                    let complete = source.state(&folder) == State::Complete;
                    let wrong = if complete { source.verify(&folder)? } else { vec!["it is not complete".into()] };
                    let told = if wrong.is_empty() { "right".into() } else { format!("WRONG: {}", wrong.join(", ")) };
                    println!("{}: {told}", source.name);
                    if !wrong.is_empty() {
                        code = ExitCode::FAILURE;
                    }
                }
            }
            Data::Path { name } => {
                let source = &chosen(&[name])?[0];
                let folder = root.join(&source.name);
                println!("{}", folder.display());
                if source.state(&folder) != State::Complete {
                    eprintln!("widemargin: {0} is not complete; `widemargin data fetch {0}` makes it so", source.name);
                    code = ExitCode::FAILURE;
                }
            }
            Data::Prune { names } => {
                let whole = chosen(&names)?;
                for source in sources() {
                    let folder = root.join(&source.name);
                    let unfinished = source.state(&folder) == State::Partial;
                    if folder.exists() && (unfinished || whole.contains(&source)) {
                        std::fs::remove_dir_all(&folder).map_err(Error::io("remove", &folder))?;
                        println!("removed {}", folder.display());
                    }
                }
            }
        }
        Ok(code)
    }
}

/// The folder of a dataset that is complete.
pub(super) fn fetched(name: &str) -> Result<Option<PathBuf>> {
    let source = &chosen(&[name.to_owned()])?[0];
    let folder = data_folder()?.join(&source.name);
    Ok((source.state(&folder) == State::Complete).then_some(folder))
}

fn chosen(names: &[String]) -> Result<Vec<Source>> {
    let all = sources();
    let find = |name: &String| {
        all.iter().find(|source| source.name == *name).cloned().ok_or_else(|| Error::Unknown {
            what: "dataset",
            got: name.clone(),
            known: all.iter().map(|source| source.name.clone()).collect(),
        })
    };
    names.iter().map(find).collect()
}
