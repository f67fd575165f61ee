//! The cells of this session, for `history_request`.

use serde_json::{Value, json};

/// What was run, in order.
#[derive(Default)]
pub struct History {
    cells: Vec<Entry>,
}

struct Entry {
    count: u64,
    code: String,
    /// The plain text of the last value.
    output: Option<String>,
}

impl History {
    /// Keeps a cell under its count.
    pub fn push(&mut self, count: u64, code: &str) {
        self.cells.push(Entry { count, code: code.to_owned(), output: None });
    }

    /// Keeps the plain text of the newest cell's value.
    pub fn set_output(&mut self, count: u64, text: &str) {
        if let Some(entry) = self.cells.last_mut().filter(|entry| entry.count == count) {
            entry.output = Some(text.to_owned());
        }
    }

    /// The list that a request asks for: `tail` (the last `n`), `range` (`start..stop`) or `search` (`pattern`, `n`, `unique`).
    ///
    /// Only this session's cells are kept: it is number 0, and a range of another is empty. An unknown access type gets an
    /// empty list.
    pub fn answer(&self, request: &Value) -> Value {
        let number = |name: &str| request[name].as_u64();
        let limit = number("n").map_or(usize::MAX, |n| usize::try_from(n).unwrap_or(usize::MAX));
        let mut chosen: Vec<&Entry> = match request["hist_access_type"].as_str() {
            Some("tail") => self.cells.iter().collect(),
            Some("range") if request["session"].as_i64().unwrap_or(0) == 0 => {
                let (start, stop) = (number("start").unwrap_or(0), number("stop").unwrap_or(u64::MAX));
                self.cells.iter().filter(|entry| (start..stop).contains(&entry.count)).collect()
            }
            Some("search") => {
                let pattern: Vec<char> = request["pattern"].as_str().unwrap_or("*").chars().collect();
                self.cells.iter().filter(|entry| matches(&pattern, &entry.code)).collect()
            }
            _ => Vec::new(),
        };
        if request["hist_access_type"] == "search" && request["unique"] == true {
            // Of equal cells the newest counts.
            let mut seen = std::collections::HashSet::new();
            chosen.reverse();
            chosen.retain(|entry| seen.insert(entry.code.as_str()));
            chosen.reverse();
        }
        let limit = if request["hist_access_type"] == "range" { usize::MAX } else { limit };
        let last = &chosen[chosen.len().saturating_sub(limit)..];
        let with_output = request["output"] == true;
        let entry = |entry: &Entry| match with_output {
            true => json!([0, entry.count, [entry.code, entry.output]]),
            false => json!([0, entry.count, entry.code]),
        };
        last.iter().map(|cell| entry(cell)).collect()
    }
}

/// Shell-style `*` and `?`, in time proportional to the product of the lengths.
fn matches(pattern: &[char], text: &str) -> bool {
    let text: Vec<char> = text.chars().collect();
    let (mut p, mut t) = (0, 0);
    // Where to go on if what follows the last star does not fit: one character further.
    let mut star = None;
    while t < text.len() {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p + 1, t));
                p += 1;
            }
            Some(c) if *c == '?' || *c == text[t] => {
                p += 1;
                t += 1;
            }
            _ => {
                let Some((after, from)) = star else { return false };
                star = Some((after, from + 1));
                (p, t) = (after, from + 1);
            }
        }
    }
    pattern[p..].iter().all(|c| *c == '*')
}
