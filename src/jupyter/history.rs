//! The cells of this session, for `history_request`.

use serde_json::{Value, json};

/// What was run, in order.
#[derive(Default)]
pub struct History {
    cells: Vec<(u64, String)>,
}

impl History {
    /// Keeps a cell under its count.
    pub fn push(&mut self, count: u64, code: &str) {
        self.cells.push((count, code.to_owned()));
    }

    /// The list that a request asks for: `tail`, `range` or `search`.
    pub fn answer(&self, request: &Value) -> Value {
        let number = |name: &str| request[name].as_u64();
        let limit = number("n").map_or(usize::MAX, |n| usize::try_from(n).unwrap_or(usize::MAX));
        let chosen: Vec<&(u64, String)> = match request["hist_access_type"].as_str() {
            Some("range") => {
                let (start, stop) = (number("start").unwrap_or(0), number("stop").unwrap_or(u64::MAX));
                self.cells.iter().filter(|(count, _)| (start..stop).contains(count)).collect()
            }
            Some("search") => {
                let pattern = request["pattern"].as_str().unwrap_or("*");
                let repeated = |at: usize, code: &str| self.cells[at + 1..].iter().any(|(_, later)| later == code);
                let found = self.cells.iter().enumerate().filter(|(at, (_, code))| {
                    // Of equal cells the newest counts.
                    matches(pattern, code) && !(request["unique"] == true && repeated(*at, code))
                });
                found.map(|(_, cell)| cell).collect()
            }
            _ => self.cells.iter().collect(),
        };
        let last = &chosen[chosen.len().saturating_sub(limit)..];
        let with_output = request["output"] == true;
        let entry = |(count, code): &(u64, String)| match with_output {
            true => json!([0, count, [code, null]]),
            false => json!([0, count, code]),
        };
        last.iter().map(|cell| entry(cell)).collect()
    }
}

/// Shell-style `*` and `?`.
fn matches(pattern: &str, text: &str) -> bool {
    match pattern.chars().next() {
        None => text.is_empty(),
        Some('*') => {
            let rest = &pattern[1..];
            let mut tails = text.char_indices().map(|(at, _)| at).chain([text.len()]);
            tails.any(|at| matches(rest, &text[at..]))
        }
        Some(c) => {
            let Some(first) = text.chars().next() else { return false };
            (c == '?' || c == first) && matches(&pattern[c.len_utf8()..], &text[first.len_utf8()..])
        }
    }
}
