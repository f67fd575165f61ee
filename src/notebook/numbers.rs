//! Numbers in prose come from outputs: `{{line: cross-entropy limit}}` is the first number after the words "cross-entropy
//! limit" in what the cell `line` printed or showed; `{{line: maximum #2}}` is the second.
//!
//! The number is taken as it was printed. What cannot be found stays as it stands and is reported.

use super::{Cell, Kind, Notebook};
use std::ops::Range;

/// `text` with the numbers in place, and the places for which there is none.
pub fn fill(text: &str, cells: &[Cell]) -> (String, Vec<String>) {
    let (mut out, mut missing, mut from) = (String::with_capacity(text.len()), Vec::new(), 0);
    for place in places(text, cells) {
        out.push_str(&text[from..place.range.start]);
        match find(&Notebook::words(place.cell), place.label, place.nth) {
            Some(number) => out.push_str(number),
            None => {
                out.push_str(&text[place.range.clone()]);
                missing.push(text[place.range.clone()].to_owned());
            }
        }
        from = place.range.end;
    }
    out.push_str(&text[from..]);
    (out, missing)
}

/// The chapter's prose behind `shown`, which is `template` filled and then perhaps edited: lines that were not edited get
/// their places back.
pub(super) fn restore(template: &str, shown: &str, cells: &[Cell]) -> String {
    let filled = fill(template, cells).0;
    let pairs: Vec<(&str, &str)> = filled.lines().zip(template.lines()).collect();
    let line = |line: &str| {
        let known = pairs.iter().find(|(filled, _)| *filled == line);
        known.map_or(line, |(_, template)| *template).to_owned()
    };
    shown.lines().map(line).collect::<Vec<_>>().join("\n")
}

struct Place<'a> {
    range: Range<usize>,
    cell: &'a Cell,
    label: &'a str,
    nth: usize,
}

/// The places in `text` that name a code cell; other double braces (TeX has them) are left alone.
fn places<'a>(text: &'a str, cells: &'a [Cell]) -> Vec<Place<'a>> {
    let mut out = Vec::new();
    let mut from = 0;
    while let Some(open) = text[from..].find("{{").map(|at| from + at) {
        from = open + 2;
        let Some(close) = text[from..].find("}}").map(|at| from + at) else { break };
        let Some((id, label)) = text[from..close].split_once(':') else { continue };
        let code = cells.iter().find(|cell| cell.kind != Kind::Markdown && cell.id == id.trim());
        let Some(cell) = code else { continue };
        let counted = label.rsplit_once('#').and_then(|(label, n)| Some((label, n.trim().parse::<usize>().ok()?)));
        let (label, nth) = counted.unwrap_or((label, 1));
        out.push(Place { range: open..close + 2, cell, label: label.trim(), nth: nth.max(1) });
        from = close + 2;
    }
    out
}

fn find<'a>(words: &'a str, label: &str, nth: usize) -> Option<&'a str> {
    let after = words.find(label)? + label.len();
    numbers(&words[after..]).nth(nth - 1).map(|range| &words[after..][range])
}

/// Where `text` holds numbers that are no part of a word: `-0.5`, `3e-4`; not the 2 of L2.
pub(super) fn numbers(text: &str) -> impl Iterator<Item = Range<usize>> {
    let bytes = text.as_bytes();
    let mut at = 0;
    std::iter::from_fn(move || {
        while at < bytes.len() {
            let start = at;
            let digit = |i: usize| bytes.get(i).is_some_and(u8::is_ascii_digit);
            let wordy = |i: usize| bytes.get(i).is_some_and(|b| b.is_ascii_alphanumeric() || *b == b'_');
            let sign = usize::from(bytes[start] == b'-' && digit(start + 1));
            if !digit(start + sign) || (start > 0 && (wordy(start - 1) || bytes[start - 1] == b'.')) {
                at += 1;
                continue;
            }
            let run = |mut i: usize| {
                while digit(i) {
                    i += 1;
                }
                i
            };
            let mut end = run(start + sign);
            if bytes.get(end) == Some(&b'.') && digit(end + 1) {
                end = run(end + 1);
            }
            if bytes.get(end) == Some(&b'e') {
                let signed = usize::from(matches!(bytes.get(end + 1), Some(b'-' | b'+')));
                if digit(end + 1 + signed) {
                    end = run(end + 1 + signed);
                }
            }
            at = end;
            if !wordy(end) {
                return Some(start..end);
            }
            while wordy(at) {
                at += 1;
            }
        }
        None
    })
}
