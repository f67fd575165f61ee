//! rustc's errors as a person reads them in a notebook: lines and columns of the cell, code, labels, help.

use super::outcome::{CellError, Stage};
use evcxr::CompilationError;
use std::fmt::Write;

/// One error for the cell out of all that rustc reported.
pub fn compile_error(errors: &[CompilationError], cell: &str) -> CellError {
    let first = errors.first();
    let detail: String = errors.iter().map(|error| report(error, cell)).collect::<Vec<_>>().join("\n");
    let code = first.and_then(CompilationError::code).unwrap_or("error");
    let message = first.map_or_else(|| "the compiler gave no reason".into(), CompilationError::message);
    CellError {
        stage: Stage::Compile,
        name: code.to_owned(),
        message,
        line: first.and_then(|error| Some(error.primary_spanned_message()?.span?.start_line)),
        detail,
        lost: Vec::new(),
    }
}

/// `error[E0308]: mismatched types`, the lines it speaks of with carets and labels, and the help.
fn report(error: &CompilationError, cell: &str) -> String {
    let mut out = String::from("error");
    if let Some(code) = error.code() {
        let _ = write!(out, "[{code}]");
    }
    let _ = writeln!(out, ": {}", error.message());
    let lines: Vec<&str> = cell.lines().collect();
    for message in error.spanned_messages() {
        let Some(span) = message.span else { continue };
        let Some(text) = lines.get(span.start_line.saturating_sub(1)) else { continue };
        let number = span.start_line.to_string();
        let margin = " ".repeat(number.len());
        let from = span.start_column.saturating_sub(1).min(text.chars().count());
        let until = if span.end_line == span.start_line { span.end_column } else { text.chars().count() + 1 };
        let carets = "^".repeat(until.saturating_sub(span.start_column).max(1));
        let label = if message.label.starts_with("error: ") { "" } else { message.label.as_str() };
        let _ = writeln!(out, "{margin}--> cell:{number}:{}", span.start_column);
        let _ = writeln!(out, "{number} | {text}");
        let _ = writeln!(out, "{margin} | {}{carets} {label}", " ".repeat(from));
    }
    for help in error.help() {
        let _ = writeln!(out, "help: {}", help.trim());
    }
    if let Some(hint) = error.evcxr_extra_hint() {
        let _ = writeln!(out, "note: {hint}");
    }
    out
}
