//! `widemargin kernel`: make Jupyter know the kernel, and be it.

use super::doctor::Doctor;
use super::place::Place;
use crate::error::{Error, Result};
use crate::figure::plotly_js;
use crate::jupyter::kernelspec::{Installation, data_folders, install, installed, uninstall};
use crate::jupyter::serve;
use crate::session::{Options, Session, Start};
use serde_json::json;
use std::path::PathBuf;
use std::process::ExitCode;

/// The name people see unless they choose one.
const DISPLAY_NAME: &str = "Rust (widemargin)";

/// Install the Jupyter kernel, look after it, or run it.
#[derive(clap::Subcommand)]
pub enum Kernel {
    /// Write kernelspec and figure renderer to where Jupyter looks for them, and build the prelude.
    Install {
        #[command(flatten)]
        place: Place,
        /// The name people see.
        #[arg(long, default_value = DISPLAY_NAME)]
        display_name: String,
        /// An environment variable of the kernel; may be given more than once.
        #[arg(long, value_name = "KEY=VALUE", value_parser = assignment)]
        env: Vec<(String, String)>,
        /// Without the renderer by which JupyterLab and Notebook show figures.
        #[arg(long)]
        no_lab: bool,
    },
    /// Remove what install wrote.
    Uninstall {
        #[command(flatten)]
        place: Place,
    },
    /// Where this kernel is installed.
    List {
        /// For programs.
        #[arg(long)]
        json: bool,
    },
    /// Look for what would keep the kernel from working, and say what to do about it.
    Doctor(Doctor),
    /// Serve one kernel; Jupyter calls this.
    Run {
        /// The file that says where to listen.
        connection_file: PathBuf,
        /// Listen on other than this machine's own addresses, if the file says so.
        #[arg(long)]
        allow_remote: bool,
    },
}

fn assignment(text: &str) -> std::result::Result<(String, String), String> {
    let (key, value) = text.split_once('=').filter(|(key, _)| !key.is_empty()).ok_or("expected KEY=VALUE")?;
    Ok((key.to_owned(), value.to_owned()))
}

impl Kernel {
    /// Runs the subcommand.
    pub fn execute(self) -> Result<ExitCode> {
        match self {
            Kernel::Install { place, display_name, env, no_lab } => {
                let (name, shown) = (place.name.clone(), display_name.clone());
                let installation = Installation { name, display_name: shown, program: program()?, env };
                let script = (!no_lab).then(plotly_js);
                let folder = install(&place.folder()?, &installation, script.as_deref())?;
                println!("installed in {}", folder.display());
                // Afterwards the first cell of a notebook does not wait for a build.
                drop(super::start_session()?);
                println!("ready: `widemargin lab`, or choose {display_name} as the kernel in Jupyter or VS Code");
            }
            Kernel::Uninstall { place } => {
                let data = place.folder()?;
                let removed = uninstall(&data, &place.name)?;
                if removed.is_empty() {
                    eprintln!("widemargin: no kernel {} in {}", place.name, data.join("kernels").display());
                    return Ok(ExitCode::FAILURE);
                }
                removed.iter().for_each(|folder| println!("removed {}", folder.display()));
            }
            Kernel::List { json } => list(json),
            Kernel::Doctor(doctor) => return doctor.execute(),
            Kernel::Run { connection_file, allow_remote } => serve(&connection_file, allow_remote, starter())?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// Our own sessions, with their progress on stderr too: the Jupyter server's log.
fn starter() -> Start {
    Box::new(|say| Ok(Box::new(Session::start(&Options::default(), say)?)))
}

/// This program's path.
fn program() -> Result<PathBuf> {
    std::env::current_exe().map_err(Error::io("find", "this program"))
}

/// Installs for this user under the usual name.
pub fn install_for_user() -> Result<PathBuf> {
    let data = crate::jupyter::kernelspec::user_folder()?;
    let installation = Installation {
        name: "widemargin".into(),
        display_name: DISPLAY_NAME.into(),
        program: program()?,
        env: Vec::new(),
    };
    install(&data, &installation, Some(&plotly_js()))
}

fn list(as_json: bool) {
    let kernels = installed(&data_folders());
    if as_json {
        let entry = |kernel: &crate::jupyter::kernelspec::Installed| {
            json!({"name": kernel.name, "display_name": kernel.display_name, "folder": kernel.folder,
                "program": kernel.program, "program_exists": kernel.program.is_file()})
        };
        println!("{:#}", kernels.iter().map(entry).collect::<serde_json::Value>());
        return;
    }
    if kernels.is_empty() {
        println!("not installed; `widemargin kernel install` does it");
    }
    for kernel in kernels {
        let missing = if kernel.program.is_file() { "" } else { " (missing)" };
        println!("{}  {}  {}{missing}", kernel.name, kernel.folder.display(), kernel.program.display());
    }
}
