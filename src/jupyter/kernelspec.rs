//! Where Jupyter looks for kernels, and what this one puts there.
//!
//! `<data>/kernels/widemargin/` gets `kernel.json` and a logo; `<data>/labextensions/widemargin/` a renderer, since
//! JupyterLab 4 and Notebook 7 show nothing for a plotly figure by themselves. No node and no Python package is needed:
//! the renderer is one module-federation file and the plotly.js that the crate already carries.

use crate::error::{Error, Result};
use serde_json::{Value, json};
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

/// Where JupyterLab looks for extensions that need no build, below a data folder.
const RENDERER: &str = "labextensions/widemargin";
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
///
/// Without `plotly_js` no renderer is written. Errors: `Value` for a name that Jupyter would not take; `Io`.
pub fn install(data: &Path, installation: &Installation, plotly_js: Option<&str>) -> Result<PathBuf> {
    let valid = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if installation.name.is_empty() || !installation.name.chars().all(valid) || installation.name.starts_with('.') {
        return Err(Error::Value {
            op: "kernel install",
            expected: "a name of letters, digits, dots, dashes and underscores".into(),
            got: format!("{:?}", installation.name),
        });
    }
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
    if let Some(plotly_js) = plotly_js {
        install_renderer(data, plotly_js)?;
    }
    Ok(folder)
}

fn install_renderer(data: &Path, plotly_js: &str) -> Result<()> {
    let renderer = data.join(RENDERER);
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
    write(&renderer.join("static/plotly.min.js"), plotly_js)
}

/// Removes what [`install`] wrote; the folders removed. The renderer stays while another kernel of ours needs it.
///
/// Errors: `Session` if a kernel of another program has this name; `Io`.
pub fn uninstall(data: &Path, name: &str) -> Result<Vec<PathBuf>> {
    let kernels = data.join("kernels");
    let ours = installed(&[data.to_owned()]);
    let folder = kernels.join(name);
    let mut folders = Vec::new();
    if ours.iter().any(|kernel| kernel.folder == folder) {
        folders.push(folder);
    } else if folder.exists() {
        let reason = format!("{} is the kernel of another program", folder.display());
        return Err(Error::Session { stage: "kernel uninstall", reason });
    }
    if ours.iter().all(|kernel| folders.contains(&kernel.folder)) {
        folders.push(data.join(RENDERER));
    }
    folders.retain(|folder| folder.exists());
    for folder in &folders {
        std::fs::remove_dir_all(folder).map_err(Error::io("remove", folder))?;
    }
    Ok(folders)
}

/// A kernelspec of this program, of whatever version.
#[derive(Clone, Debug, PartialEq)]
pub struct Installed {
    /// The name under which Jupyter knows it.
    pub name: String,
    /// The name people see.
    pub display_name: String,
    /// The kernelspec's folder.
    pub folder: PathBuf,
    /// The executable that it starts.
    pub program: PathBuf,
}

/// The folders in which Jupyter looks for kernels, first found first: `JUPYTER_PATH`, the user's, the active Python
/// environment's, the system's.
pub fn data_folders() -> Vec<PathBuf> {
    let mut folders: Vec<PathBuf> =
        std::env::var_os("JUPYTER_PATH").map(|paths| std::env::split_paths(&paths).collect()).unwrap_or_default();
    folders.extend(user_folder());
    let environments = ["VIRTUAL_ENV", "CONDA_PREFIX"].into_iter().filter_map(std::env::var_os);
    folders.extend(environments.map(|folder| PathBuf::from(folder).join("share/jupyter")));
    folders.extend(["/usr/local/share/jupyter", "/usr/share/jupyter"].map(PathBuf::from));
    folders
}

/// Our kernelspecs below these folders: those whose command is `PROGRAM kernel run ...` and whose language is Rust.
pub fn installed(folders: &[PathBuf]) -> Vec<Installed> {
    let mut found = Vec::new();
    for folder in folders {
        let Ok(entries) = std::fs::read_dir(folder.join("kernels")) else { continue };
        let mut kernels: Vec<Installed> = entries.flatten().filter_map(|entry| read(&entry.path())).collect();
        kernels.sort_by(|a, b| a.name.cmp(&b.name));
        found.append(&mut kernels);
    }
    found
}

fn read(folder: &Path) -> Option<Installed> {
    let spec: Value = serde_json::from_str(&std::fs::read_to_string(folder.join("kernel.json")).ok()?).ok()?;
    let ours = spec["argv"][1] == "kernel" && spec["argv"][2] == "run" && spec["language"] == "rust";
    ours.then(|| Installed {
        name: folder.file_name().unwrap_or_default().to_string_lossy().into_owned(),
        display_name: spec["display_name"].as_str().unwrap_or_default().to_owned(),
        folder: folder.to_owned(),
        program: PathBuf::from(spec["argv"][0].as_str().unwrap_or_default()),
    })
}

/// Whether the renderer below `data` is there and of this version.
pub fn renderer_is_current(data: &Path) -> bool {
    let renderer = data.join(RENDERER);
    let same = std::fs::read_to_string(renderer.join("static/remoteEntry.js")).is_ok_and(|text| text == REMOTE_ENTRY);
    same && renderer.join("static/plotly.min.js").is_file() && renderer.join("package.json").is_file()
}

fn write(path: &Path, text: &str) -> Result<()> {
    let folder = path.parent().expect("a file lies in a folder");
    std::fs::create_dir_all(folder).map_err(Error::io("create", folder))?;
    std::fs::write(path, text).map_err(Error::io("write", path))
}
