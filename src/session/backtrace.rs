//! A panic's backtrace without what every panic has: the functions between the cell and the place that panicked, folded.

use crate::display::{Bundle, escape_html};
use std::fmt::Write;

/// A function on the stack, and where it was, if the library knows.
#[derive(Debug, PartialEq)]
struct Frame<'a> {
    name: &'a str,
    place: &'a str,
}

/// The functions that the cell called, innermost first, in a line of text and in HTML that opens by a click; `None` if the
/// cell itself panicked, or if the backtrace does not show the cell.
pub fn folded(backtrace: &str) -> Option<Bundle> {
    let all = frames(backtrace);
    // Above: the hook and the machinery of panics. Below: the function around the cell, and the worker.
    let end = all.iter().position(|frame| frame.name.contains("run_user_code"))?;
    let machinery = |frame: &Frame| {
        let name = frame.name;
        ["panicking", "begin_unwind", "unwrap_failed", "expect_failed", "panic_"].iter().any(|part| name.contains(part))
    };
    let begin = all[..end].iter().rposition(machinery)? + 1;
    let called = &all[begin..end];
    if called.is_empty() {
        return None;
    }
    let names: Vec<&str> = called.iter().map(|frame| frame.name).collect();
    let text = format!("backtrace: {}, called by the cell", names.join(", called by "));
    let mut list = String::new();
    for Frame { name, place } in called {
        let _ = writeln!(list, "{}  {}", escape_html(name), escape_html(place));
    }
    let count = called.len();
    let functions = if count == 1 { "function" } else { "functions" };
    let summary = format!("backtrace: {count} {functions} between the cell and the panic");
    Some(
        Bundle::text(text)
            .with("text/html", format!("<details><summary>{summary}</summary><pre>{list}</pre></details>")),
    )
}

/// The frames of the text that `std::backtrace` writes: `  3: name`, and `at file:line:column` below if it is known.
fn frames(backtrace: &str) -> Vec<Frame<'_>> {
    let mut out: Vec<Frame> = Vec::new();
    for line in backtrace.lines().map(str::trim) {
        if let Some(place) = line.strip_prefix("at ") {
            if let Some(last) = out.last_mut() {
                last.place = place;
            }
        } else if let Some((number, name)) = line.split_once(": ")
            && number.bytes().all(|b| b.is_ascii_digit())
        {
            out.push(Frame { name: without_hash(name), place: "" });
        }
    }
    out
}

/// `a::b` of `a::b::h0123456789abcdef`.
fn without_hash(name: &str) -> &str {
    match name.rsplit_once("::h") {
        Some((name, hash)) if hash.len() == 16 && hash.bytes().all(|b| b.is_ascii_hexdigit()) => name,
        _ => name,
    }
}
