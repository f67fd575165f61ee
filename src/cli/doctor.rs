//! `widemargin kernel doctor`: each thing the kernel needs, whether it is there, and what to do if not.

use crate::error::Result;
use crate::jupyter::kernelspec::{data_folders, installed, renderer_is_current};
use crate::session::{cache, cache_folder, compiler, compiler_libraries};
use serde_json::json;
use std::path::Path;
use std::process::{Command, ExitCode};

/// Look for what would keep the kernel from working, and say what to do about it.
#[derive(clap::Args)]
pub struct Doctor {
    /// Do what is in this program's power: install the kernel for this user, build the prelude.
    #[arg(long)]
    fix: bool,
    /// For programs.
    #[arg(long)]
    json: bool,
}

/// How grave a finding is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// As it should be.
    Ok,
    /// The kernel works; something about it could be better.
    Warning,
    /// The kernel does not work.
    Problem,
}

struct Finding {
    check: &'static str,
    state: State,
    found: String,
    /// Empty if nothing is to be done.
    remedy: String,
}

fn fine(check: &'static str, found: impl Into<String>) -> Finding {
    Finding { check, state: State::Ok, found: found.into(), remedy: String::new() }
}

fn warning(check: &'static str, found: impl Into<String>, remedy: impl Into<String>) -> Finding {
    Finding { check, state: State::Warning, found: found.into(), remedy: remedy.into() }
}

fn problem(check: &'static str, found: impl Into<String>, remedy: impl Into<String>) -> Finding {
    Finding { check, state: State::Problem, found: found.into(), remedy: remedy.into() }
}

impl Doctor {
    /// Prints the findings. Exit code 1 if one of them keeps the kernel from working.
    pub fn execute(self) -> Result<ExitCode> {
        let mut findings = examine();
        let broken = |findings: &[Finding], checks: &[&str]| {
            findings.iter().any(|finding| finding.state != State::Ok && checks.contains(&finding.check))
        };
        if self.fix {
            let before = broken(&findings, &["kernelspec", "renderer"]);
            if before {
                super::kernel::install_for_user()?;
            }
            if broken(&findings, &["prelude"]) && !broken(&findings, &["compiler", "linker", "rust-src", "cache"]) {
                drop(super::start_session()?);
            }
            findings = examine();
        }
        if self.json {
            let entry = |finding: &Finding| {
                let state = match finding.state {
                    State::Ok => "ok",
                    State::Warning => "warning",
                    State::Problem => "problem",
                };
                json!({"check": finding.check, "state": state, "found": finding.found, "remedy": finding.remedy})
            };
            println!("{:#}", findings.iter().map(entry).collect::<serde_json::Value>());
        } else {
            findings.iter().for_each(print);
        }
        let broken = findings.iter().any(|finding| finding.state == State::Problem);
        Ok(if broken { ExitCode::FAILURE } else { ExitCode::SUCCESS })
    }
}

fn print(finding: &Finding) {
    let state = match finding.state {
        State::Ok => "ok     ",
        State::Warning => "warning",
        State::Problem => "PROBLEM",
    };
    println!("{state}  {:<10}  {}", finding.check, finding.found);
    if !finding.remedy.is_empty() {
        println!("{:9}{:<10}  -> {}", "", "", finding.remedy);
    }
}

fn examine() -> Vec<Finding> {
    let mut findings = vec![rustc(), cargo(), rust_src(), linker(), cache_is_writable(), prelude(), old_preludes()];
    findings.extend(kernelspecs());
    findings.extend([renderer(), jupyter()]);
    findings
}

/// The first line that a program prints.
fn first_line(program: &str, argument: &str) -> Option<String> {
    let output = Command::new(program).arg(argument).output().ok().filter(|output| output.status.success())?;
    Some(String::from_utf8_lossy(&output.stdout).lines().next().unwrap_or_default().trim().to_owned())
}

fn rustc() -> Finding {
    const CHECK: &str = "compiler";
    let Some(line) = first_line("rustc", "--version") else {
        return problem(CHECK, "rustc cannot be run", "install Rust from https://rustup.rs; cells are compiled by it");
    };
    let numbers =
        |text: &str| -> Vec<u32> { text.split(['.', '-']).map_while(|part| part.parse().ok()).take(3).collect() };
    let oldest = env!("CARGO_PKG_RUST_VERSION");
    if numbers(line.split(' ').nth(1).unwrap_or_default()) < numbers(oldest) {
        return problem(CHECK, format!("{line}, older than {oldest}"), "`rustup update`");
    }
    fine(CHECK, line)
}

fn cargo() -> Finding {
    match first_line("cargo", "--version") {
        Some(line) => fine("cargo", line),
        None => problem("cargo", "cargo cannot be run", "install Rust from https://rustup.rs"),
    }
}

fn rust_src() -> Finding {
    const CHECK: &str = "rust-src";
    let libraries = compiler_libraries().unwrap_or_default();
    // <sysroot>/lib/rustlib/<target>/lib and <sysroot>/lib/rustlib/src
    let rustlib = libraries.parent().and_then(Path::parent).unwrap_or(&libraries).to_owned();
    let source = rustlib.join("src/rust/library");
    if source.join("core/src/lib.rs").is_file() {
        return fine(CHECK, source.display().to_string());
    }
    let found = format!("the standard library's sources are not at {}", source.display());
    problem(
        CHECK,
        found,
        "`rustup component add rust-src`, or your system's package of that name; types of variables come from it",
    )
}

fn linker() -> Finding {
    match first_line("cc", "--version") {
        Some(line) => fine("linker", line),
        None => problem(
            "linker",
            "cc cannot be run",
            "install a C compiler, e.g. `apt install gcc` or `xcode-select --install`",
        ),
    }
}

fn cache_is_writable() -> Finding {
    const CHECK: &str = "cache";
    const REMEDY: &str = "set WIDEMARGIN_CACHE to a folder that can be written; about 2 GB are needed during a build";
    let folder = match cache_folder() {
        Ok(folder) => folder,
        Err(error) => return problem(CHECK, error.to_string(), REMEDY),
    };
    let written = std::fs::create_dir_all(&folder).and_then(|()| tempfile::tempfile_in(&folder));
    match written {
        Ok(_) => fine(CHECK, folder.display().to_string()),
        Err(error) => problem(CHECK, format!("{}: {error}", folder.display()), REMEDY),
    }
}

fn prelude() -> Finding {
    const CHECK: &str = "prelude";
    const REMEDY: &str = "`widemargin kernel doctor --fix` builds it now; else the first cell does";
    let Ok(compiler) = compiler() else { return problem(CHECK, "there is no compiler to build it", "see compiler") };
    let Ok(cache) = cache_folder() else { return problem(CHECK, "there is no place for it", "see cache") };
    match cache::built(&cache) {
        Ok(Some(folder)) => fine(CHECK, folder.display().to_string()),
        Ok(None) => {
            let others = cache::preludes(&cache).map(|kept| kept.len()).unwrap_or_default();
            let version = compiler.lines().next().unwrap_or_default();
            let stale = if others > 0 { "those in the cache are of another version" } else { "it is not built yet" };
            warning(CHECK, format!("{stale} (this one: widemargin {}, {version})", env!("CARGO_PKG_VERSION")), REMEDY)
        }
        Err(error) => problem(CHECK, error.to_string(), REMEDY),
    }
}

fn old_preludes() -> Finding {
    const CHECK: &str = "old files";
    let kept = cache_folder().and_then(|cache| cache::preludes(&cache)).unwrap_or_default();
    let bytes: u64 = kept.iter().filter(|kept| !kept.current).map(|kept| kept.bytes).sum();
    if bytes == 0 {
        return fine(CHECK, "none");
    }
    warning(CHECK, format!("preludes of other versions: {} MB", bytes >> 20), "`widemargin cache prune`")
}

fn kernelspecs() -> Vec<Finding> {
    const CHECK: &str = "kernelspec";
    const REMEDY: &str = "`widemargin kernel install`";
    let kernels = installed(&data_folders());
    if kernels.is_empty() {
        return vec![problem(CHECK, "Jupyter does not know the kernel", REMEDY)];
    }
    let this = first_line_of_this_program();
    let judge = |kernel: crate::jupyter::kernelspec::Installed| {
        let place = format!("{} in {}", kernel.name, kernel.folder.display());
        if !kernel.program.is_file() {
            return problem(CHECK, format!("{place} starts {}, which is not there", kernel.program.display()), REMEDY);
        }
        match first_line(&kernel.program.to_string_lossy(), "-V") {
            Some(version) if version == this => fine(CHECK, format!("{place}, {version}")),
            Some(version) => warning(CHECK, format!("{place} starts {version}, this is {this}"), REMEDY),
            None => problem(CHECK, format!("{place} starts {}, which does not run", kernel.program.display()), REMEDY),
        }
    };
    kernels.into_iter().map(judge).collect()
}

fn first_line_of_this_program() -> String {
    format!("widemargin {}", env!("CARGO_PKG_VERSION"))
}

fn renderer() -> Finding {
    const CHECK: &str = "renderer";
    let kernels = installed(&data_folders());
    let folders: Vec<_> = kernels.iter().filter_map(|kernel| kernel.folder.parent()?.parent()).collect();
    match folders.iter().find(|folder| renderer_is_current(folder)) {
        Some(folder) => fine(CHECK, folder.join("labextensions/widemargin").display().to_string()),
        None => warning(
            CHECK,
            "JupyterLab and Notebook would show figures as still images",
            "`widemargin kernel install` (without --no-lab)",
        ),
    }
}

fn jupyter() -> Finding {
    match super::lab::find_jupyter() {
        Some(path) => fine("jupyter", path.display().to_string()),
        None => warning(
            "jupyter",
            "no jupyter on the PATH",
            "`widemargin lab` makes an environment of its own; VS Code needs none; `widemargin run` runs notebooks without",
        ),
    }
}
