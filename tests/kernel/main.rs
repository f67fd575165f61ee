//! The session under real evcxr, and the program as a person runs it.
//!
//! The first test on a machine builds the prelude (minutes); later runs start from the cache.

mod book;
mod command_line;
mod crash;
mod diagnostic;
mod embedding;
mod fetch;
mod fuzz;
mod generated;
mod guest;
mod hosting;
mod input;
mod installation;
mod interrupt;
mod notebook_files;
mod outputs;
mod protocol;
mod sockets;
mod still;
mod switches;
mod traps;
mod variables;

use std::path::PathBuf;
use std::sync::{LazyLock, Mutex, MutexGuard};
use widemargin::session::{Options, Outcome, Session};

/// A session of its own, for tests that break it.
fn start() -> Session {
    let options = Options { program: Some(PathBuf::from(env!("CARGO_BIN_EXE_widemargin"))), ..Options::default() };
    Session::start(&options, &mut |line| eprintln!("{line}")).unwrap_or_else(|error| panic!("{error}"))
}

/// One session for all tests that leave it whole; each test uses variable names of its own.
fn shared() -> MutexGuard<'static, Session> {
    static SHARED: LazyLock<Mutex<Session>> = LazyLock::new(|| Mutex::new(start()));
    SHARED.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

/// Evaluates a cell that must succeed.
fn good(session: &mut Session, cell: &str) -> Outcome {
    let outcome = session.eval(cell, &mut |_| {}).expect("the evaluator answers");
    assert!(outcome.error.is_none(), "{cell}: {:?}", outcome.error);
    outcome
}

/// Evaluates a cell that must fail; returns its error's text.
fn bad(session: &mut Session, cell: &str) -> widemargin::session::CellError {
    let outcome = session.eval(cell, &mut |_| {}).expect("the evaluator answers");
    outcome.error.unwrap_or_else(|| panic!("no error from: {cell}"))
}

/// The plain text of the cell's last value.
fn value(outcome: &Outcome) -> String {
    let results = outcome.outputs.iter().filter_map(|output| match output {
        widemargin::session::Output::Result(bundle) => bundle.data.get("text/plain")?.as_str().map(str::to_owned),
        _ => None,
    });
    results.collect::<Vec<_>>().join("|")
}
