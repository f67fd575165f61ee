//! `widemargin kernel`: make Jupyter know the kernel, and be it.

use crate::error::{Error, Result};
use crate::figure::plotly_js;
use crate::jupyter::kernelspec::{Installation, install, uninstall, user_folder};
use crate::jupyter::serve;
use std::path::PathBuf;
use std::process::ExitCode;

/// Install the Jupyter kernel, or run it.
#[derive(clap::Subcommand)]
pub enum Kernel {
    /// Write kernelspec and figure renderer to where Jupyter looks for them.
    Install {
        #[command(flatten)]
        place: Place,
        /// The name people see.
        #[arg(long, default_value = "Rust (widemargin)")]
        display_name: String,
        /// An environment variable of the kernel; may be given more than once.
        #[arg(long, value_name = "KEY=VALUE", value_parser = assignment)]
        env: Vec<(String, String)>,
    },
    /// Remove what install wrote.
    Uninstall {
        #[command(flatten)]
        place: Place,
    },
    /// Serve one kernel; Jupyter calls this.
    Run {
        /// The file that says where to listen.
        connection_file: PathBuf,
        /// Listen on other than this machine's own addresses, if the file says so.
        #[arg(long)]
        allow_remote: bool,
    },
}

/// Where an installation lies.
#[derive(clap::Args)]
pub struct Place {
    /// The kernel's name.
    #[arg(long, default_value = "widemargin")]
    name: String,
    /// For this user (the default).
    #[arg(long, conflicts_with_all = ["sys_prefix", "prefix"])]
    user: bool,
    /// Into the active Python environment ($VIRTUAL_ENV or $CONDA_PREFIX).
    #[arg(long, conflicts_with = "prefix")]
    sys_prefix: bool,
    /// Into this folder's share/jupyter.
    #[arg(long, value_name = "DIR")]
    prefix: Option<PathBuf>,
}

impl Place {
    fn folder(&self) -> Result<PathBuf> {
        if let Some(prefix) = &self.prefix {
            return Ok(prefix.join("share/jupyter"));
        }
        if self.sys_prefix {
            let active = ["VIRTUAL_ENV", "CONDA_PREFIX"].into_iter().find_map(std::env::var_os);
            let active = active.ok_or_else(|| Error::Session {
                stage: "kernel install --sys-prefix",
                reason: "no Python environment is active; activate one or use --prefix DIR".into(),
            })?;
            return Ok(PathBuf::from(active).join("share/jupyter"));
        }
        user_folder()
    }
}

fn assignment(text: &str) -> std::result::Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or("expected KEY=VALUE")?;
    Ok((key.to_owned(), value.to_owned()))
}

impl Kernel {
    /// Runs the subcommand.
    pub fn execute(self) -> Result<ExitCode> {
        match self {
            Kernel::Install { place, display_name, env } => {
                let program = std::env::current_exe().map_err(Error::io("find", "this program"))?;
                let installation = Installation { name: place.name.clone(), display_name, program, env };
                let folder = install(&place.folder()?, &installation, &plotly_js())?;
                println!("{}", folder.display());
                // Afterwards the first cell of a notebook does not wait for a build.
                drop(super::start_session()?);
            }
            Kernel::Uninstall { place } => {
                for folder in uninstall(&place.folder()?, &place.name)? {
                    println!("removed {}", folder.display());
                }
            }
            Kernel::Run { connection_file, allow_remote } => serve(&connection_file, allow_remote)?,
        }
        Ok(ExitCode::SUCCESS)
    }
}
