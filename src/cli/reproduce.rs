//! `widemargin reproduce`: the paper's experiment from a declared table, resumable, and its page.

use crate::data::{Pair, cifar10, digits};
use crate::error::{Error, Result};
use crate::experiment::{Provenance, Results, Scale, Shard, Store, table};
use crate::notebook::write_atomically;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

/// Run the paper's experiment on CIFAR-10, horse against airplane, and answer its questions from the results.
#[derive(clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Reproduce {
    #[command(subcommand)]
    action: Option<Action>,
    /// LeNet, three seeds (the default): minutes.
    #[arg(long, conflicts_with_all = ["full", "tiny"])]
    quick: bool,
    /// Both networks, five seeds: hours.
    #[arg(long, conflicts_with = "tiny")]
    full: bool,
    /// The embedded digits, seconds: shows that it works, proves nothing.
    #[arg(long)]
    tiny: bool,
    /// The folder with CIFAR-10's binary files [default: what `data fetch cifar10` brought].
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// How many seeds, in place of the table's own number.
    #[arg(long, value_name = "N")]
    seeds: Option<u64>,
    /// Go on in a folder that has results already.
    #[arg(long)]
    resume: bool,
    /// Run only part i of n, from 1: for a scheduler that spreads the table over machines.
    #[arg(long, value_name = "i/n")]
    shard: Option<String>,
    /// The folder for the results.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

#[derive(clap::Subcommand)]
enum Action {
    /// Join the results of several folders into one; refuses those of other versions.
    Merge {
        /// Folders with results.
        from: Vec<PathBuf>,
        /// The folder for all.
        #[arg(long, value_name = "DIR")]
        out: PathBuf,
    },
    /// Write the results page again, from results alone.
    Page {
        /// The folder with the results.
        folder: PathBuf,
    },
}

impl Reproduce {
    /// Runs what is left of the table and writes the page.
    pub fn execute(self) -> Result<ExitCode> {
        match &self.action {
            Some(Action::Merge { from, out }) => {
                let added = Store::open(out)?.merge(from)?;
                println!("{added} results added to {}", out.display());
                return write_page(out);
            }
            Some(Action::Page { folder }) => return write_page(folder),
            None => {}
        }
        let (scale, name) = if self.full {
            (Scale::Full, "full")
        } else if self.tiny && !self.quick {
            (Scale::Tiny, "tiny")
        } else {
            (Scale::Quick, "quick")
        };
        let data = self.pair(scale)?;
        let out = self.out.clone().unwrap_or_else(|| Path::new("target/reproduce").join(name));
        let begun = Results::open(&out).is_ok();
        if begun && !self.resume {
            return Err(Error::Value {
                op: "reproduce",
                expected: "a folder without results, or --resume".into(),
                got: out.display().to_string(),
            });
        }
        let mut runs = table(scale, self.seeds);
        if let Some(shard) = &self.shard {
            runs = Shard::parse(shard)?.of(runs);
        }
        let store = Store::open(&out)?;
        let executed = store.run(scale, &runs, &data, &provenance(), &mut |line| println!("{line}"))?;
        println!("{executed} runs executed, {} there already", runs.len() - executed);
        write_page(&out)
    }

    fn pair(&self, scale: Scale) -> Result<Pair> {
        if scale == Scale::Tiny {
            return digits()?.pair(3, 8);
        }
        let fetched = if self.data.is_none() { super::data::fetched("cifar10")? } else { None };
        let folder = self.data.clone().or(fetched).ok_or_else(|| Error::Value {
            op: "reproduce",
            expected:
                "CIFAR-10, from `widemargin data fetch cifar10` or --data DIR, a folder with data_batch_1.bin to \
                       data_batch_5.bin and test_batch.bin"
                    .into(),
            got: "none".into(),
        })?;
        cifar10::read(&folder)?.pair(7, 0)
    }
}

fn write_page(folder: &Path) -> Result<ExitCode> {
    let path = folder.join("results.md");
    write_atomically(&path, Results::open(folder)?.page()?.as_bytes())?;
    println!("{}", path.display());
    Ok(ExitCode::SUCCESS)
}

fn provenance() -> Provenance {
    let git = |arguments: &[&str]| {
        let output = Command::new("git").arg("-C").arg(env!("CARGO_MANIFEST_DIR")).args(arguments).output().ok()?;
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    // The hash of the sources says exactly what ran; the commit helps people to find it.
    let commit = git(&["rev-parse", "HEAD"]).unwrap_or_else(|| "unknown".into());
    let changed = git(&["status", "--porcelain", "src", "Cargo.lock"]).is_some_and(|text| !text.is_empty());
    let cpu = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpu.lines().find_map(|line| line.strip_prefix("model name")?.split_once(':'));
    Provenance {
        version: env!("CARGO_PKG_VERSION").into(),
        source: crate::session::sources(),
        commit: if changed { format!("{commit} with changes") } else { commit },
        device: model.map_or_else(|| std::env::consts::ARCH.to_owned(), |(_, name)| name.trim().to_owned()),
    }
}
