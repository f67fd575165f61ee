//! Two executions of one notebook: the same words, and numbers that agree.
//!
//! Two numbers agree if they differ by at most the cell's tolerance, relative to the larger, or by one unit of the last
//! digit printed. The default is one in a thousand; `tolerance="any"` excuses a cell that prints times. Words must be the
//! same, spaces apart: a verdict that turns over is a finding.

use super::{Cell, Kind, Notebook, numbers::numbers};

/// The tolerance of a cell whose fence names none: rounding differs between processors, and nothing else should.
pub const TOLERANCE: f64 = 1e-3;

/// What differs, one line for each cell that does; empty if the two agree.
///
/// Figures are compared by their words.
pub fn differences(stored: &Notebook, again: &Notebook) -> Vec<String> {
    let mut out = Vec::new();
    for cell in stored.cells.iter().filter(|cell| cell.kind != Kind::Markdown) {
        let Some(other) = again.cells.iter().find(|other| other.id == cell.id) else {
            out.push(format!("{}: the cell is gone", cell.id));
            continue;
        };
        if let Some(difference) = difference(cell, other) {
            out.push(format!("{}: {difference}", cell.id));
        }
    }
    out
}

fn difference(stored: &Cell, again: &Cell) -> Option<String> {
    let tolerance = match stored.marks.tolerance.as_deref() {
        Some("any") => return None,
        Some(text) => text.parse::<f64>().ok().filter(|value| *value >= 0.0),
        None => Some(TOLERANCE),
    };
    let Some(tolerance) = tolerance else {
        return Some(format!("tolerance {:?} is neither a number nor \"any\"", stored.marks.tolerance));
    };
    let (a, b) = (Notebook::words(stored), Notebook::words(again));
    let ((words_a, numbers_a), (words_b, numbers_b)) = (split(&a), split(&b));
    if let Some(at) = (0..words_a.len().max(words_b.len())).find(|&i| words_a.get(i) != words_b.get(i)) {
        let word = |words: &[String]| words.get(at).cloned().unwrap_or_else(|| "the end".into());
        return Some(format!("stored {:?}, now {:?}", word(&words_a), word(&words_b)));
    }
    let far = |(x, y): &(&&str, &&str)| !close(x, y, tolerance);
    let (x, y) = numbers_a.iter().zip(&numbers_b).find(far)?;
    Some(format!("stored {x}, now {y}, tolerance {tolerance}"))
}

/// Words with `#` for each number, and the numbers.
fn split(text: &str) -> (Vec<String>, Vec<&str>) {
    let (mut bare, mut found, mut from) = (String::new(), Vec::new(), 0);
    for range in numbers(text) {
        bare.push_str(&text[from..range.start]);
        bare.push('#');
        found.push(&text[range.clone()]);
        from = range.end;
    }
    bare.push_str(&text[from..]);
    (bare.split_whitespace().map(str::to_owned).collect(), found)
}

fn close(x: &str, y: &str, tolerance: f64) -> bool {
    let (Ok(a), Ok(b)) = (x.parse::<f64>(), y.parse::<f64>()) else { return x == y };
    let unit = last_unit(x).max(last_unit(y));
    // A whole number that is printed without a point is a count: its last unit excuses nothing.
    let unit = if x.contains(['.', 'e']) || y.contains(['.', 'e']) { unit } else { 0.0 };
    // Half a unit more than one: the difference of two printed numbers is itself rounded.
    (a - b).abs() <= (tolerance * a.abs().max(b.abs())).max(1.5 * unit)
}

/// The worth of the last digit of a printed number.
fn last_unit(text: &str) -> f64 {
    let (mantissa, exponent) = text.split_once('e').unwrap_or((text, "0"));
    let decimals = mantissa.split_once('.').map_or(0, |(_, digits)| digits.len() as i32);
    10_f64.powi(exponent.parse::<i32>().unwrap_or(0) - decimals)
}
