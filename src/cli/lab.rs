//! `widemargin lab`: from nothing to an open notebook.

use super::kernel::install_for_user;
use crate::error::{Error, Result};
use crate::jupyter::kernelspec::{data_folders, installed, renderer_is_current};
use crate::session::cache_folder;
use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

/// Open JupyterLab with the kernel installed and its prelude built.
#[derive(clap::Args)]
pub struct Lab {
    /// A notebook: a path, or a name such as 01; the folder if none is given.
    chapter: Option<String>,
    /// What to pass on to JupyterLab, such as --no-browser.
    #[arg(last = true)]
    arguments: Vec<String>,
}

impl Lab {
    /// Becomes JupyterLab; returns only if that fails.
    pub fn execute(self) -> Result<ExitCode> {
        let notebook = match &self.chapter {
            Some(name) => super::choose(std::slice::from_ref(name), Path::new("notebooks"), "ipynb")?.pop(),
            None => None,
        };
        if !is_installed()? {
            println!("kernel: {}", install_for_user()?.display());
        }
        drop(super::start_session()?);
        let jupyter = match find_jupyter() {
            Some(jupyter) => jupyter,
            None => make_environment()?,
        };
        // In the place of this process: a Ctrl-C is JupyterLab's, which asks whether to stop.
        let failed = Command::new(&jupyter).arg("lab").args(notebook).args(self.arguments).exec();
        Err(Error::io("run", &jupyter)(failed))
    }
}

/// Whether Jupyter knows this very program, and its renderer.
fn is_installed() -> Result<bool> {
    let program = std::env::current_exe().map_err(Error::io("find", "this program"))?;
    let kernels = installed(&data_folders());
    let current = |data: Option<&Path>| data.is_some_and(renderer_is_current);
    Ok(kernels.iter().any(|kernel| kernel.program == program && current(kernel.folder.parent().and_then(Path::parent))))
}

/// The `jupyter` on the PATH that has JupyterLab beside it, or the one that [`make_environment`] made.
pub fn find_jupyter() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let own = environment().ok().map(|folder| folder.join("bin"));
    let mut folders = std::env::split_paths(&path).chain(own);
    let folder = folders.find(|folder| folder.join("jupyter").is_file() && folder.join("jupyter-lab").is_file())?;
    Some(folder.join("jupyter"))
}

fn environment() -> Result<PathBuf> {
    Ok(cache_folder()?.join("jupyter"))
}

/// A Python environment of our own with JupyterLab in it; its `jupyter`.
fn make_environment() -> Result<PathBuf> {
    const BY_HAND: &str = "python3 -m venv .venv && .venv/bin/pip install jupyterlab && . .venv/bin/activate";
    let refused = |what: &str, reason: String| Error::Session {
        stage: "lab",
        reason: format!("there is no JupyterLab, and {what}: {reason}; to install it yourself: {BY_HAND}"),
    };
    let folder = environment()?;
    println!("there is no JupyterLab on the PATH: installing it into {} (about a minute)", folder.display());
    let made = Command::new("python3").args(["-m", "venv"]).arg(&folder).output();
    let made = made.map_err(|e| refused("python3 cannot be run", e.to_string()))?;
    if !made.status.success() {
        let reason = String::from_utf8_lossy(&made.stdout).into_owned() + &String::from_utf8_lossy(&made.stderr);
        return Err(refused("`python3 -m venv` failed", reason.trim().replace('\n', " ")));
    }
    let pip = folder.join("bin/pip");
    let mut child = Command::new(&pip)
        .args(["install", "--disable-pip-version-check", "--no-input", "jupyterlab"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(Error::io("run", &pip))?;
    let mut status = super::Status::new();
    let lines = BufReader::new(child.stdout.take().expect("piped")).lines();
    for line in lines.map_while(std::result::Result::ok) {
        status.say(line.split(" (").next().unwrap_or_default());
    }
    status.end();
    let ended = child.wait().map_err(Error::io("wait for", &pip))?;
    if !ended.success() {
        return Err(refused("`pip install jupyterlab` failed", ended.to_string()));
    }
    Ok(folder.join("bin/jupyter"))
}
