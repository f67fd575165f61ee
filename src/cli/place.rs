//! Where an installation of the kernel lies.

use crate::error::{Error, Result};
use crate::jupyter::kernelspec::user_folder;
use serde_json::Value;
use std::path::PathBuf;
use std::process::Command;

/// Where an installation lies.
#[derive(clap::Args)]
pub struct Place {
    /// The kernel's name.
    #[arg(long, default_value = "widemargin")]
    pub name: String,
    /// For this user (the default).
    #[arg(long, conflicts_with_all = ["sys_prefix", "prefix"])]
    user: bool,
    /// Into the active Python environment ($VIRTUAL_ENV, $CONDA_PREFIX, or that of the `jupyter` on the PATH).
    #[arg(long, conflicts_with = "prefix")]
    sys_prefix: bool,
    /// Into this folder's share/jupyter.
    #[arg(long, value_name = "DIR")]
    prefix: Option<PathBuf>,
}

impl Place {
    /// Jupyter's data folder there.
    pub fn folder(&self) -> Result<PathBuf> {
        if let Some(prefix) = &self.prefix {
            return Ok(prefix.join("share/jupyter"));
        }
        if !self.sys_prefix {
            return user_folder();
        }
        let active = ["VIRTUAL_ENV", "CONDA_PREFIX"].into_iter().find_map(std::env::var_os);
        let active = active.map(|folder| PathBuf::from(folder).join("share/jupyter"));
        active.or_else(of_jupyter).ok_or_else(|| Error::Session {
            stage: "kernel install --sys-prefix",
            reason: "no Python environment is active and there is no `jupyter`; activate one or use --prefix DIR"
                .into(),
        })
    }
}

/// The environment's data folder of the `jupyter` on the PATH: behind the user's, it names its own.
fn of_jupyter() -> Option<PathBuf> {
    let output = Command::new("jupyter").args(["--paths", "--json"]).output().ok()?;
    let paths: Value = serde_json::from_slice(&output.stdout).ok()?;
    let user = user_folder().ok();
    let folders = paths["data"].as_array()?.iter().filter_map(Value::as_str).map(PathBuf::from);
    folders.into_iter().find(|folder| Some(folder) != user.as_ref())
}
