//! The child process in which cells run: loads the prelude once, then one shared library per cell.
//!
//! It speaks evcxr's line protocol on its original stdin and stdout. What cells read and print goes elsewhere: file
//! descriptor 0 is a pipe of the session's (`session::input`), 1 and 2 are its two named pipes, so text needs no newline, keeps its place between displays and cannot be
//! mistaken for the protocol. After a cell the worker prints an end mark on both pipes; the session has then read all
//! output, and answers through the control pipe with the lines that evcxr waits for.

use super::input;
use super::stop::Stop;
use libloading::os::unix::{Library, RTLD_GLOBAL, RTLD_NOW};
use rustix::stdio::{dup2_stderr, dup2_stdout};
use std::ffi::c_void;
use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// The folder with the pipes `stdout`, `stderr` and `control`.
pub const PIPES: &str = "WIDEMARGIN_PIPES";
/// The prelude's shared library.
pub const LIBRARY: &str = "WIDEMARGIN_LIBRARY";
/// Printed on stdout's pipe when a cell starts to run.
pub const BEGIN_OF_CELL: &str = "\u{1e}begin";
/// Printed on both pipes when a cell has run.
pub const END_OF_CELL: &str = "\u{1e}end";
/// evcxr's word for "the cell has run".
pub const COMPLETE: &str = "EVCXR_EXECUTION_COMPLETE";

type Hook = extern "C" fn();
type CellFunction = extern "C" fn(*mut c_void) -> *mut c_void;

static INTERRUPT: OnceLock<Hook> = OnceLock::new();

/// Runs as the worker and never returns.
pub fn run() -> ! {
    let code = match work() {
        Ok(()) => 0,
        Err(reason) => {
            eprintln!("the notebook's worker process failed: {reason}");
            99
        }
    };
    std::process::exit(code)
}

fn work() -> Result<(), String> {
    let pipes = PathBuf::from(std::env::var_os(PIPES).ok_or("the folder of its pipes is not set")?);
    let open = |name: &str| {
        let path = pipes.join(name);
        OpenOptions::new().write(true).open(&path).map_err(|e| format!("{}: {e}", path.display()))
    };
    let evcxr = rustix::io::dup(std::io::stdout()).map_err(|e| format!("stdout: {e}"))?;
    let (mut out, mut err) = (open("stdout")?, open("stderr")?);
    dup2_stdout(&out).map_err(|e| format!("stdout: {e}"))?;
    dup2_stderr(&err).map_err(|e| format!("stderr: {e}"))?;
    let requests = input::take_over(&pipes)?;
    relay(&pipes.join("control"), File::from(evcxr))?;
    let library = std::env::var_os(LIBRARY).map(PathBuf::from);
    for name in ["EVCXR_IS_RUNTIME", super::ROLE, PIPES, LIBRARY] {
        // SAFETY: the relay thread does not touch the environment, and no other thread has started yet.
        unsafe { std::env::remove_var(name) };
    }
    // evcxr sets 1, and candle then appends a backtrace to the text of every error. Panics capture their own.
    // SAFETY: as above.
    unsafe { std::env::set_var("RUST_BACKTRACE", "0") };
    let hooks = match library {
        Some(path) => Some(load_prelude(&path)?),
        None => None,
    };
    let mut waits = out.try_clone().map_err(|e| format!("pipe: {e}"))?;
    input::watch(move || {
        // A prompt printed without a newline is shown before the field.
        if let Some(hooks) = hooks {
            (hooks.flush)();
        }
        // Without the pipe there is no session to ask.
        let _ = writeln!(waits, "{}", input::WAITING);
    });
    end_with_parent();
    be_first_to_go();
    let stop = Stop::new(&pipes);
    let mut store: *mut c_void = std::ptr::null_mut();
    for line in BufReader::new(requests).lines() {
        let line = line.map_err(|e| format!("stdin: {e}"))?;
        let mut words = line.split(' ');
        let (Some("LOAD_AND_RUN"), Some(path), Some(function)) = (words.next(), words.next(), words.next()) else {
            return Err(format!("expected LOAD_AND_RUN path function, got {line:?}"));
        };
        input::discard();
        writeln!(out, "{BEGIN_OF_CELL}").map_err(|e| format!("pipe: {e}"))?;
        if let Some(hooks) = hooks {
            // An interrupt of an earlier cell that came too late; one of this cell left its mark.
            (hooks.clear)();
            if stop.requested() {
                (hooks.interrupt)();
            }
        }
        store = run_cell(Path::new(path), function, store)?;
        if let Some(hooks) = hooks {
            (hooks.end)();
        }
        for pipe in [&mut out, &mut err] {
            writeln!(pipe, "{END_OF_CELL}").map_err(|e| format!("pipe: {e}"))?;
        }
    }
    Ok(())
}

/// Ends this process when the session's is gone: a cell that runs for ever would outlive it.
fn end_with_parent() {
    let parent = rustix::process::getppid();
    std::thread::spawn(move || {
        while rustix::process::getppid() == parent {
            std::thread::sleep(std::time::Duration::from_secs(1));
        }
        std::process::abort();
    });
}

/// When memory runs out, Linux is to end this process and not the session's.
fn be_first_to_go() {
    // Elsewhere there is no such file, and the system chooses.
    let _ = std::fs::write("/proc/self/oom_score_adj", "800");
}

/// Passes the session's lines on to evcxr.
fn relay(control: &Path, mut evcxr: File) -> Result<(), String> {
    // Opened for both directions, so that opening does not wait and reading never meets an end.
    let control = OpenOptions::new().read(true).write(true).open(control).map_err(|e| format!("control: {e}"))?;
    std::thread::spawn(move || {
        for line in BufReader::new(control).lines().map_while(Result::ok) {
            if writeln!(evcxr, "{line}").is_err() {
                break;
            }
        }
    });
    Ok(())
}

/// Functions of the prelude (src/cell.rs).
#[derive(Clone, Copy)]
struct Hooks {
    flush: Hook,
    clear: Hook,
    end: Hook,
    interrupt: Hook,
}

/// Loads the prelude for all later cells.
fn load_prelude(path: &Path) -> Result<Hooks, String> {
    // SAFETY: the file was built by this program from its own sources; its initialisers are Rust's.
    let library = unsafe { Library::open(Some(path), RTLD_NOW | RTLD_GLOBAL) }.map_err(|e| e.to_string())?;
    let hook = |name: &str| {
        // SAFETY: src/cell.rs declares these five as `extern "C" fn()`.
        let symbol = unsafe { library.get::<Hook>(name.as_bytes()) };
        symbol.map(|symbol| *symbol).map_err(|e| e.to_string())
    };
    let hooks = Hooks {
        flush: hook("widemargin_cell_flush")?,
        clear: hook("widemargin_cell_clear")?,
        end: hook("widemargin_cell_end")?,
        interrupt: hook("widemargin_cell_interrupt")?,
    };
    hook("widemargin_cell_start")?();
    let _ = INTERRUPT.set(hooks.interrupt);
    // SAFETY: the handler only loads an initialised cell and stores to an atomic.
    unsafe { libc::signal(libc::SIGINT, on_interrupt as *const () as libc::sighandler_t) };
    std::mem::forget(library);
    Ok(hooks)
}

extern "C" fn on_interrupt(_: libc::c_int) {
    if let Some(interrupt) = INTERRUPT.get() {
        interrupt();
    }
}

/// Runs one cell; the library stays loaded, since values with its code may live on.
fn run_cell(path: &Path, function: &str, store: *mut c_void) -> Result<*mut c_void, String> {
    // SAFETY: evcxr has just built this library from the cell.
    let library = unsafe { Library::open(Some(path), RTLD_NOW) }.map_err(|e| e.to_string())?;
    // SAFETY: evcxr's generated source declares the function with this type.
    let symbol = unsafe { library.get::<CellFunction>(function.as_bytes()) }.map_err(|e| e.to_string())?;
    let run: CellFunction = *symbol;
    std::mem::forget(library);
    Ok(run(store))
}
