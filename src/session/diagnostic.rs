//! rustc's errors as a person reads them in a notebook: lines and columns of the cell, code, labels, notes, help.

use super::outcome::{CellError, Stage};
use evcxr::CompilationError;
use serde_json::Value;
use std::fmt::Write;

/// Lines and columns of a cell, from 1; `to` lies behind the last character.
#[derive(Clone, Copy)]
struct Place {
    line: usize,
    from: usize,
    to: usize,
    last_line: usize,
}

/// evcxr has no public name for its type of spans.
macro_rules! place {
    ($span:expr) => {
        $span.map(|s| Place { line: s.start_line, from: s.start_column, to: s.end_column, last_line: s.end_line })
    };
}

/// One error for the cell out of all that rustc reported.
pub fn compile_error(errors: &[CompilationError], cell: &str) -> CellError {
    let first = errors.first();
    let detail: String = errors.iter().map(|error| report(error, cell)).collect::<Vec<_>>().join("\n");
    let code = first.and_then(CompilationError::code).unwrap_or("error");
    let message = first.map_or_else(|| "the compiler gave no reason".into(), message);
    CellError {
        stage: Stage::Compile,
        name: code.to_owned(),
        message,
        line: first.and_then(|error| Some(error.primary_spanned_message()?.span?.start_line)),
        detail,
        lost: Vec::new(),
    }
}

/// The error in a sentence.
///
/// Where the last value of a cell is wrong about something that the same cell defines, evcxr keeps the note about the
/// definition and drops the error above it.
fn message(error: &CompilationError) -> String {
    match error.level() {
        "note" | "help" => {
            format!("the last value does not compile; with a `;` behind it the reason is shown ({})", error.message())
        }
        _ => error.message(),
    }
}

/// `error[E0308]: mismatched types`, the lines it speaks of with carets and labels, notes, and the help with its changes
/// made in the cell's line.
fn report(error: &CompilationError, cell: &str) -> String {
    let mut out = String::from("error");
    if let Some(code) = error.code() {
        let _ = write!(out, "[{code}]");
    }
    let _ = writeln!(out, ": {}", message(error));
    let lines: Vec<&str> = cell.lines().collect();
    for message in error.spanned_messages() {
        let label = if message.label.starts_with("error: ") { "" } else { message.label.as_str() };
        if let Some(place) = place!(message.span) {
            excerpt(&mut out, &lines, place, label);
        }
    }
    // evcxr maps the span of a child to the cell if it has exactly one.
    let mut mapped = error.help_spanned().iter();
    for child in list(&error.json["children"]) {
        let spans = list(&child["spans"]);
        let place = if spans.len() == 1 { mapped.next().and_then(|message| place!(message.span)) } else { None };
        let text = child["message"].as_str().unwrap_or_default();
        // The long name of a type is written to a file of a folder that is gone by now.
        if text.starts_with("the full ") || text.starts_with("consider using `--verbose`") {
            continue;
        }
        let _ = writeln!(out, "{}: {}", child["level"].as_str().unwrap_or("note"), text.trim());
        suggest(&mut out, &lines, spans, place, error);
    }
    if let Some(hint) = error.evcxr_extra_hint() {
        let _ = writeln!(out, "note: {hint}");
    }
    out
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// `--> cell:2:5`, the line, and carets below what `place` takes of it.
fn excerpt(out: &mut String, lines: &[&str], place: Place, label: &str) {
    let Some(text) = lines.get(place.line.saturating_sub(1)) else { return };
    let number = place.line.to_string();
    let margin = " ".repeat(number.len());
    let from = place.from.saturating_sub(1).min(text.chars().count());
    let until = if place.last_line == place.line { place.to } else { text.chars().count() + 1 };
    let carets = "^".repeat(until.saturating_sub(place.from).max(1));
    let _ = writeln!(out, "{margin}--> cell:{number}:{}", place.from);
    let _ = writeln!(out, "{number} | {text}");
    let _ = writeln!(out, "{}", format!("{margin} | {}{carets} {label}", " ".repeat(from)).trim_end());
}

/// A change of the text between two columns, from 1, of one line.
struct Change<'a> {
    from: usize,
    to: usize,
    text: &'a str,
}

/// What a note or a help points at: the line with the changes made, the line itself, or text that is no part of the cell.
fn suggest(out: &mut String, lines: &[&str], spans: &[Value], place: Option<Place>, error: &CompilationError) {
    let texts: Vec<&str> = spans.iter().filter_map(|span| span["suggested_replacement"].as_str()).collect();
    if texts.is_empty() {
        if let Some(place) = place {
            let label = spans.first().and_then(|span| span["label"].as_str()).unwrap_or_default();
            excerpt(out, lines, place, label);
        }
        return;
    }
    let places: Vec<Option<Place>> = match place {
        Some(place) => vec![Some(place)],
        None => spans.iter().map(|span| beside_primary(span, error)).collect(),
    };
    let line = places.first().and_then(|place| Some((*place)?.line));
    let within = |place: &Option<Place>| place.is_some_and(|p| Some(p.line) == line && p.last_line == p.line);
    if let Some(line) = line
        && places.len() == texts.len()
        && places.iter().all(within)
        && texts.iter().all(|text| !text.contains('\n'))
        && let Some(old) = lines.get(line.saturating_sub(1))
    {
        let changes = places.iter().flatten().zip(&texts);
        let changes = changes.map(|(place, text)| Change { from: place.from, to: place.to, text });
        let (new, marks) = changed(old, changes.collect());
        let number = line.to_string();
        let _ = writeln!(out, "{number} | {new}");
        if !marks.is_empty() {
            let _ = writeln!(out, "{} | {marks}", " ".repeat(number.len()));
        }
        return;
    }
    // Such as the `use` that is missing: of many candidates the first few say enough.
    for text in texts.iter().map(|text| text.trim()).filter(|text| !text.is_empty()).take(5) {
        let _ = writeln!(out, "  | {text}");
    }
}

/// The place in the cell of a span on the line of the error's own span, which evcxr has mapped.
fn beside_primary(span: &Value, error: &CompilationError) -> Option<Place> {
    let number = |span: &Value, key: &str| usize::try_from(span[key].as_u64()?).ok();
    let own = list(&error.json["spans"]).iter().find(|own| own["is_primary"] == true)?;
    let mapped = place!(error.primary_spanned_message().filter(|message| message.is_primary)?.span)?;
    let line = number(own, "line_start")?;
    let same = span["file_name"] == own["file_name"] && number(span, "line_start")? == line;
    if !same || number(span, "line_end")? != line {
        return None;
    }
    let start = number(own, "column_start")?;
    let shifted = |key: &str| (number(span, key)? + mapped.from).checked_sub(start);
    Some(Place { from: shifted("column_start")?, to: shifted("column_end")?, last_line: mapped.line, ..mapped })
}

/// The line with all changes made, and marks below them: `+` for what is new, `~` for what stands in for something.
fn changed(line: &str, mut changes: Vec<Change>) -> (String, String) {
    changes.sort_by_key(|change| change.from);
    let characters: Vec<char> = line.chars().collect();
    let end = characters.len();
    let (mut new, mut marks, mut at) = (String::new(), String::new(), 0);
    for change in changes {
        let from = change.from.saturating_sub(1).clamp(at, end);
        let to = change.to.saturating_sub(1).clamp(from, end);
        new.extend(&characters[at..from]);
        marks.push_str(&" ".repeat(from - at));
        new.push_str(change.text);
        marks.push_str(&(if to == from { "+" } else { "~" }).repeat(change.text.chars().count()));
        at = to;
    }
    new.extend(&characters[at..]);
    (new, marks.trim_end().to_owned())
}
