//! Where Jupyter looks for kernels, and what this one puts there.
//!
//! `<data>/kernels/widemargin/` gets `kernel.json` and a logo; `<data>/labextensions/widemargin/` a renderer, since
//! JupyterLab 4 and Notebook 7 show nothing for a plotly figure by themselves. No node and no Python package is needed:
//! the renderer is one module-federation file and the plotly.js that the crate already carries.

use crate::error::{Error, Result};
use serde_json::json;
use std::path::{Path, PathBuf};

/// What an installation is told.
#[derive(Clone, Debug)]
pub struct Installation {
    /// The name under which Jupyter knows the kernel.
    pub name: String,
    /// The name people see.
    pub display_name: String,
    /// The executable to start.
    pub program: PathBuf,
    /// Environment variables of the kernel.
    pub env: Vec<(String, String)>,
}

const LOGO: &str = include_str!("logo.svg");
const REMOTE_ENTRY: &str = include_str!("renderer.js");

/// Jupyter's data folder of this user: `JUPYTER_DATA_DIR`, else the platform's.
pub fn user_folder() -> Result<PathBuf> {
    if let Some(folder) = std::env::var_os("JUPYTER_DATA_DIR") {
        return Ok(PathBuf::from(folder));
    }
    let unknown = || Error::Session { stage: "install", reason: "no home folder is known; use --prefix".into() };
    if cfg!(target_os = "macos") {
        return Ok(dirs::home_dir().ok_or_else(unknown)?.join("Library/Jupyter"));
    }
    Ok(dirs::data_dir().ok_or_else(unknown)?.join("jupyter"))
}

/// Writes kernelspec and renderer below `data`; returns the kernelspec's folder.
pub fn install(data: &Path, installation: &Installation, plotly_js: &str) -> Result<PathBuf> {
    let folder = data.join("kernels").join(&installation.name);
    let env: serde_json::Map<_, _> = installation.env.iter().map(|(key, value)| (key.clone(), json!(value))).collect();
    let spec = json!({
        "argv": [installation.program, "kernel", "run", "{connection_file}"],
        "display_name": installation.display_name,
        "language": "rust",
        "interrupt_mode": "message",
        "env": env,
        "metadata": {"debugger": false},
    });
    write(&folder.join("kernel.json"), &format!("{spec:#}\n"))?;
    write(&folder.join("logo-svg.svg"), LOGO)?;
    let renderer = data.join("labextensions/widemargin");
    let package = json!({
        "name": "widemargin",
        "version": env!("CARGO_PKG_VERSION"),
        "description": "Shows plotly figures of the widemargin kernel",
        "license": "MIT OR Apache-2.0",
        "jupyterlab": {
            "extension": false,
            "mimeExtension": true,
            "_build": {"load": "static/remoteEntry.js", "mimeExtension": "./mimeExtension"},
        },
    });
    write(&renderer.join("package.json"), &format!("{package:#}\n"))?;
    write(&renderer.join("static/remoteEntry.js"), REMOTE_ENTRY)?;
    write(&renderer.join("static/plotly.min.js"), plotly_js)?;
    Ok(folder)
}

/// Removes what [`install`] wrote; the folders removed.
pub fn uninstall(data: &Path, name: &str) -> Result<Vec<PathBuf>> {
    let mut removed = Vec::new();
    for folder in [data.join("kernels").join(name), data.join("labextensions/widemargin")] {
        if folder.exists() {
            std::fs::remove_dir_all(&folder).map_err(Error::io("remove", &folder))?;
            removed.push(folder);
        }
    }
    Ok(removed)
}

fn write(path: &Path, text: &str) -> Result<()> {
    let folder = path.parent().expect("a file lies in a folder");
    std::fs::create_dir_all(folder).map_err(Error::io("create", folder))?;
    std::fs::write(path, text).map_err(Error::io("write", path))
}
