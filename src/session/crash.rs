//! Why the worker process ended, in words, and what to do.

use super::outcome::{CellError, Stage};

/// The error of a cell that took its process down. `status` is evcxr's sentence with the exit status; `killed` says that
/// a person asked twice for the end.
pub fn crashed(status: &str, killed: bool, last_words: String) -> CellError {
    let why = match (signal(status), exit_code(status)) {
        (Some(9), _) if killed => "the second interrupt ended it".to_owned(),
        (Some(9), _) => "the system killed it, as it does when memory runs out".to_owned(),
        (Some(6), _) => {
            "it aborted: a stack overflow, a failed allocation or `abort`; its last words stand above".to_owned()
        }
        (Some(11 | 7), _) => {
            "it touched memory that is not its own: a stack overflow in foreign code, or unsafe code".to_owned()
        }
        (Some(4), _) => "it met an instruction that this processor does not have, or `unreachable` code".to_owned(),
        (Some(8), _) => "an arithmetic fault ended it".to_owned(),
        (Some(other), _) => format!("signal {other} ended it"),
        (None, Some(code)) => format!("the cell's code called `exit({code})`"),
        (None, None) => status.trim().to_owned(),
    };
    let message =
        format!("{why}. A new process is ready with the prelude, functions and types; variables have to be made again");
    CellError::new(Stage::Crash, "crash", &message).with_detail(last_words)
}

/// The number in `signal: 6 (SIGABRT)`.
fn signal(status: &str) -> Option<i32> {
    number_after(status, "signal: ")
}

/// The number in `exit status: 3`.
fn exit_code(status: &str) -> Option<i32> {
    number_after(status, "exit status: ")
}

fn number_after(text: &str, words: &str) -> Option<i32> {
    let (_, rest) = text.split_once(words)?;
    rest.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}
