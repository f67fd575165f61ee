//! Rewrites the Rust source that evcxr generates for a cell, line for line.
//!
//! evcxr 0.22.0 pastes its variable store into every cell, prints a `?` error without its place, and compiles the last
//! expression twice (once to learn that `.evcxr_display()` does not exist). The rustc wrapper passes the source through
//! [`rewrite`] first: the store comes from the prelude, `?` reports message and line, and the last expression shows
//! itself in one build. evcxr also takes every live variable out of the store and puts it back, in every cell; a variable
//! that the cell does not name stays where it is. No line is added or removed, so rustc's line numbers still fit evcxr's
//! own map. What is not recognised stays as it is, and evcxr's own behaviour applies.

use proc_macro2::{TokenStream, TokenTree};
use std::collections::HashSet;
use std::str::FromStr;

const STORE_OPENS: &str = "mod evcxr_internal_runtime {";
const STORE_ENDS_BEFORE: &str = "#[unsafe(no_mangle)]";
const PANICKED: &str = "println!(\"EVCXR_PANIC_NOTIFICATION\");";
const SHOW: &str = ").evcxr_display();";
const SHOW_OPENS: &str = "{ use widemargin::cell::{ViaDebug as _, ViaName as _, ViaShow as _}; match &(";
const SHOW_CLOSES: &str = ") { value => (&&&widemargin::cell::Last(value)).widemargin_show() } };";

/// The same program with calls into `widemargin::cell`.
pub fn rewrite(source: &str) -> String {
    let mut lines: Vec<String> = source.lines().map(str::to_owned).collect();
    replace_store(&mut lines);
    replace_error_glue(&mut lines);
    for line in &mut lines {
        if line.trim() == PANICKED {
            *line = "widemargin::cell::panicked();".into();
        }
    }
    replace_show(&mut lines);
    leave_unnamed_variables(&mut lines);
    let mut text = lines.join("\n");
    text.push('\n');
    text
}

fn replace_store(lines: &mut [String]) {
    let Some(start) = lines.iter().position(|line| line == STORE_OPENS) else { return };
    let Some(length) = lines[start..].iter().position(|line| line == STORE_ENDS_BEFORE) else { return };
    for line in &mut lines[start..start + length] {
        line.clear();
    }
    lines[start] = "use widemargin::cell::store as evcxr_internal_runtime;".into();
}

fn replace_error_glue(lines: &mut [String]) {
    let Some(start) = lines.iter().position(|line| line.trim() == "struct EvcxrUserCodeError {}") else { return };
    for line in lines[start..].iter_mut().take(8) {
        match line.trim() {
            "fn from(error: T) -> Self {" => *line = "#[track_caller] fn from(error: T) -> Self {".into(),
            text if text.starts_with("eprintln!(") => *line = "widemargin::cell::question_mark(&error);".into(),
            text if text.starts_with("println!(") => line.clear(),
            _ => {}
        }
    }
}

fn replace_show(lines: &mut [String]) {
    let Some(end) = lines.iter().rposition(|line| line == SHOW) else { return };
    let opens = (0..end).rev().filter(|&at| lines[at] == "(");
    for start in opens {
        let group = format!("(\n{}\n)", lines[start + 1..end].join("\n"));
        if is_one_group(&group) {
            lines[start] = SHOW_OPENS.into();
            lines[end] = SHOW_CLOSES.into();
            return;
        }
    }
}

/// What evcxr does with a stored variable.
const OF_VARIABLE: [&str; 3] = [".check_variable::<", ".take_variable::<", ".put_variable::<"];

/// Empties the lines that carry a variable through a cell that does not name it.
///
/// A name counts wherever it stands as a word, also in strings and comments: `println!("{x}")` needs `x`. `include!` brings
/// text that is not seen here, so then all variables are carried.
fn leave_unnamed_variables(lines: &mut [String]) {
    let Some(body) = lines.iter().position(|line| line.starts_with("let evcxr_variable_store = unsafe")) else {
        return;
    };
    let (carrying, own): (Vec<usize>, Vec<usize>) =
        (body + 1..lines.len()).partition(|&at| variable(&lines[at]).is_some());
    let word = |c: char| !c.is_alphanumeric() && c != '_';
    let named: HashSet<&str> = own.iter().flat_map(|&at| lines[at].split(word)).collect();
    if named.contains("include") {
        return;
    }
    let unnamed = |at: &usize| variable(&lines[*at]).is_some_and(|name| !named.contains(name.trim_start_matches("r#")));
    for at in carrying.into_iter().filter(unnamed).collect::<Vec<_>>() {
        lines[at].clear();
    }
}

/// The variable that a generated line carries from or to the store.
fn variable(line: &str) -> Option<&str> {
    let generated = line.contains("evcxr_variable_store") && OF_VARIABLE.iter().any(|call| line.contains(call));
    let (_, rest) = line.rsplit_once("(stringify!(").filter(|_| generated)?;
    rest.split_once(')').map(|(name, _)| name)
}

fn is_one_group(text: &str) -> bool {
    let Ok(tokens) = TokenStream::from_str(text) else { return false };
    let mut tokens = tokens.into_iter();
    matches!((tokens.next(), tokens.next()), (Some(TokenTree::Group(_)), None))
}

/// The line of `cell` that stands at `line` (from 1) of the generated source, by comparing text.
pub fn cell_line(source: &str, line: usize, cell: &str) -> Option<usize> {
    let lines: Vec<&str> = source.lines().map(str::trim).collect();
    let wanted = *lines.get(line.checked_sub(1)?)?;
    let body = lines.iter().position(|text| text.starts_with("pub extern \"C\" fn run_user_code_"))?;
    // Statements stand inside the function in the cell's order; items stand before it.
    let (from, until) = if line > body { (body, line - 1) } else { (0, line - 1) };
    let before = lines[from..until].iter().filter(|text| **text == wanted).count();
    let mut places = cell.lines().enumerate().filter(|(_, text)| !wanted.is_empty() && text.trim() == wanted);
    let last = places.clone().last();
    let whole = places.nth(before).or(last).map(|(index, _)| index + 1);
    // evcxr gives each statement a line of its own; the person may have written two on one.
    let part = || cell.lines().position(|text| !wanted.is_empty() && text.contains(wanted)).map(|index| index + 1);
    whole.or_else(part)
}
