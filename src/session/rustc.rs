//! Our binary as `RUSTC_WRAPPER` of evcxr's cargo: cells are linked to the one prelude, everything else passes through.
//!
//! What cargo sees as the cell's dependencies are small stand-ins (`session::analyzer`), there for rust-analyzer to read
//! types from. They are never compiled: this wrapper answers for them with empty files. The cell itself (`ctx`) is
//! compiled from the rewritten source, unoptimised, against the prelude's dylib.

use super::dylib::EXTERNS;
use super::generated;
use super::phases::Phases;
use super::stop::Stop;
use crate::error::{Error, Result};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::SystemTime;

/// The folder of the prebuilt prelude, for this process.
pub const PRELUDE: &str = "WIDEMARGIN_PRELUDE";
/// The session's folder, where an interrupt leaves its mark.
pub const FOLDER: &str = "WIDEMARGIN_FOLDER";
/// The cell's source as rustc sees it; evcxr maps spans of files whose name ends in lib.rs.
pub const REWRITTEN: &str = "src/rewritten/lib.rs";
/// The optimisation level of cells that ask for none: a cell is mostly calls into the prelude, which is optimised, and
/// compiles three times faster without.
pub const UNOPTIMISED: char = '0';

/// Leaves the level of the next cell in the session's folder.
pub fn set_level(folder: &Path, level: char) -> Result<()> {
    let path = level_file(folder);
    std::fs::write(&path, level.to_string()).map_err(Error::io("write", path))
}

fn level_file(folder: &Path) -> PathBuf {
    folder.join("optimisation")
}

/// What goes wrong in this process is read by a person in cargo's output.
type Wrapped<T> = std::result::Result<T, String>;

/// Runs as the wrapper and never returns. Arguments: program, rustc, rustc's arguments.
pub fn run() -> ! {
    let code = match wrap(std::env::args_os().skip(1).collect()) {
        Ok(code) => code,
        Err(reason) => {
            eprintln!("error: widemargin's compiler wrapper: {reason}");
            1
        }
    };
    std::process::exit(code)
}

fn wrap(mut args: Vec<OsString>) -> Wrapped<i32> {
    if args.is_empty() {
        return Err("expected the path of rustc as first argument".into());
    }
    let rustc = args.remove(0);
    let args: Vec<String> = args.into_iter().map(|arg| arg.to_string_lossy().into_owned()).collect();
    let prelude = PathBuf::from(std::env::var_os(PRELUDE).ok_or("the prelude's folder is not set")?);
    let manifest = std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from).unwrap_or_default();
    if value(&args, "--crate-name").is_some() && manifest.starts_with(prelude.join("analyzer")) {
        stand_in(&args)?;
        return Ok(0);
    }
    let run = |args: &[String]| {
        let mut command = Command::new(&rustc);
        command.args(args);
        command
    };
    let failed = |e: String| format!("{}: {e}", rustc.to_string_lossy());
    if value(&args, "--crate-name") != Some("ctx") {
        let status = run(&args).status().map_err(|e| failed(e.to_string()))?;
        return Ok(status.code().unwrap_or(1));
    }
    let folder = PathBuf::from(std::env::var_os(FOLDER).ok_or("the session's folder is not set")?);
    let begun = SystemTime::now();
    let args = cell(&args, &prelude, &folder)?;
    let status = Stop::new(&folder).run(&mut run(&args)).map_err(failed)?;
    if status.success() {
        name_true_source(&args)?;
    }
    Phases::new(&folder).note(begun);
    Ok(status.code().unwrap_or(1))
}

/// Tells cargo that the cell is made from `src/lib.rs`: it would watch the rewritten copy and miss changes.
fn name_true_source(args: &[String]) -> Wrapped<()> {
    let Some(folder) = value(args, "--out-dir") else { return Ok(()) };
    let path = Path::new(folder).join("ctx.d");
    let Ok(text) = std::fs::read_to_string(&path) else { return Ok(()) };
    std::fs::write(&path, text.replace(REWRITTEN, "src/lib.rs")).map_err(|e| format!("{}: {e}", path.display()))
}

/// The argument after `name`.
fn value<'a>(args: &'a [String], name: &str) -> Option<&'a str> {
    let at = args.iter().position(|arg| arg == name)?;
    args.get(at + 1).map(String::as_str)
}

/// Empty outputs where cargo expects a compiled stand-in.
fn stand_in(args: &[String]) -> Wrapped<()> {
    let name = value(args, "--crate-name").ok_or("a crate without a name")?;
    let folder = Path::new(value(args, "--out-dir").ok_or("a crate without an output folder")?);
    let suffix = args.iter().find_map(|arg| arg.strip_prefix("extra-filename=")).unwrap_or_default();
    let write = |file: String, text: String| {
        std::fs::write(folder.join(&file), text).map_err(|e| format!("{}: {e}", folder.join(&file).display()))
    };
    write(format!("{name}{suffix}.d"), format!("{}/lib{name}{suffix}.rlib:\n", folder.display()))?;
    write(format!("lib{name}{suffix}.rmeta"), String::new())?;
    write(format!("lib{name}{suffix}.rlib"), String::new())
}

/// The cell's own compilation, rewritten.
fn cell(args: &[String], prelude: &Path, folder: &Path) -> Wrapped<Vec<String>> {
    let source = Path::new("src/lib.rs");
    let text = std::fs::read_to_string(source).map_err(|e| format!("{}: {e}", source.display()))?;
    let rewritten = Path::new(REWRITTEN);
    std::fs::create_dir_all("src/rewritten").map_err(|e| format!("src/rewritten: {e}"))?;
    std::fs::write(rewritten, generated::rewrite(&text)).map_err(|e| format!("{}: {e}", rewritten.display()))?;

    let path = prelude.join(EXTERNS);
    let externs = std::fs::read_to_string(&path).map_err(|e| format!("{}: {e}", path.display()))?;
    let known = |name: &str| externs.lines().find(|line| line.split('=').next() == Some(name)).map(str::to_owned);
    // Before the session's first cell nobody has written it.
    let opt = std::fs::read_to_string(level_file(folder)).unwrap_or_else(|_| UNOPTIMISED.into());
    let mut out = Vec::new();
    let mut args = args.iter().peekable();
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "src/lib.rs" => out.push(REWRITTEN.into()),
            "--extern" => {
                let value = args.next().ok_or("--extern without a value")?;
                out.push("--extern".into());
                let name = value.split('=').next().unwrap_or_default();
                out.push(known(name).unwrap_or_else(|| value.clone()));
            }
            "-C" => {
                let value = args.next().ok_or("-C without a value")?;
                let dropped = ["opt-level=", "codegen-units=", "incremental=", "rpath", "strip="];
                if !dropped.iter().any(|start| value.starts_with(start)) {
                    out.extend(["-C".into(), value.clone()]);
                }
            }
            _ => out.push(arg.clone()),
        }
    }
    for flag in [format!("opt-level={opt}"), "codegen-units=1".into(), "strip=debuginfo".into()] {
        out.extend(["-C".into(), flag]);
    }
    out.extend(["-L".into(), format!("dependency={}", prelude.join("deps").display())]);
    out.push(format!("-Clink-arg=-Wl,-rpath,{}", prelude.display()));
    Ok(out)
}
