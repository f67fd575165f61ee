//! `widemargin cache`: the preludes that builds have left.

use crate::error::Result;
use crate::session::{cache, cache_folder};
use std::process::ExitCode;

/// Show or empty the folder that holds the prelude.
#[derive(clap::Subcommand)]
pub enum Cache {
    /// Print the folder and what is in it.
    List,
    /// Remove the preludes of other versions and compilers.
    Prune {
        /// Also what cargo keeps for the next build (the next build then starts from nothing).
        #[arg(long)]
        build: bool,
    },
}

impl Cache {
    /// Runs the subcommand.
    pub fn execute(self) -> Result<ExitCode> {
        let folder = cache_folder()?;
        match self {
            Cache::List => {
                println!("{}", folder.display());
                for kept in cache::preludes(&folder)? {
                    let used = if kept.current { "in use" } else { "old" };
                    println!("{:>6} MB  {used:<6}  {}", kept.bytes >> 20, kept.folder.display());
                }
            }
            Cache::Prune { build } => {
                let removed = cache::prune(&folder, build)?;
                removed.iter().for_each(|kept| println!("removed {} MB  {}", kept.bytes >> 20, kept.folder.display()));
                let total: u64 = removed.iter().map(|kept| kept.bytes).sum();
                println!("{} MB freed", total >> 20);
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}
