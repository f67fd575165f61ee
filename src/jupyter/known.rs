//! What is known without the evaluator: answers to completion and inspection while a cell runs.
//!
//! The evaluator, and rust-analyzer inside it, belong to the running cell. Its names do not change meanwhile, so they are
//! collected when it has nothing to do: all names in scope, the variables and their types, the members of those types.

use crate::session::{Completions, Evaluator};
use std::collections::{BTreeSet, HashMap};

/// The members of so many types are kept.
const TYPES: usize = 200;

/// Names collected while nothing ran.
#[derive(Default)]
pub struct Known {
    /// Everything in scope, with its kind; empty until collected.
    names: Vec<(String, &'static str)>,
    variables: Vec<(String, String)>,
    /// Fields and methods by type.
    members: HashMap<String, Vec<(String, &'static str)>>,
    /// Documentation by path.
    documents: HashMap<String, (String, String)>,
    /// The cell that runs, or that ran last.
    code: String,
}

impl Known {
    /// A cell starts: its own names count from now on.
    pub fn begin(&mut self, code: &str) {
        self.code = code.to_owned();
    }

    /// A cell has ended, with these variables.
    pub fn end(&mut self, variables: Vec<(String, String)>) {
        if self.variables != variables {
            self.variables = variables;
            // A cell may have bound or shadowed any name.
            self.names.clear();
            self.documents.clear();
        }
    }

    /// Keeps what the evaluator said about the name that ends at byte `end` of `code`.
    pub fn keep(&mut self, code: &str, end: usize, found: &(String, String)) {
        self.documents.insert(path_before(code, end).to_owned(), found.clone());
    }

    /// What to ask the session for next: an empty receiver means the names in scope. `None` if all is known.
    pub fn wanted(&self) -> Option<(String, String)> {
        if self.names.is_empty() {
            return Some((String::new(), String::new()));
        }
        let missing = |(_, kind): &&(String, String)| !self.members.contains_key(kind);
        self.variables.iter().filter(|_| self.members.len() < TYPES).find(missing).cloned()
    }

    /// Keeps the answer to [`Known::wanted`].
    pub fn learn(&mut self, kind: String, matches: Vec<(String, &'static str)>) {
        if kind.is_empty() {
            self.names = matches;
            if self.names.is_empty() {
                // Nothing to be had; an entry that no one types ends the questions.
                self.names.push((";".into(), "keyword"));
            }
        } else {
            self.members.insert(kind, matches);
        }
    }

    /// Names that can stand at byte `at` of `code`.
    pub fn complete(&self, code: &str, at: usize) -> Completions {
        let path = path_before(code, at);
        let word = word_before(path, path.len());
        let prefix = &path[word..];
        let fits = |name: &str| name.starts_with(prefix) && name != prefix;
        let owned = |(name, kind): &(String, &'static str)| (name.clone(), *kind);
        let before = if path[..word].ends_with("..") { "" } else { &path[..word] };
        let matches = match before.strip_suffix('.') {
            Some(receiver) => {
                let kind = self.variables.iter().find(|(name, _)| name == receiver).map(|(_, kind)| kind);
                let members = kind.and_then(|kind| self.members.get(kind)).map(Vec::as_slice).unwrap_or_default();
                members.iter().filter(|(name, _)| fits(name)).map(owned).collect()
            }
            // Behind `::` only the evaluator knows.
            None if !before.is_empty() => Vec::new(),
            None => {
                let mut matches: Vec<_> = self.names.iter().filter(|(name, _)| fits(name)).map(owned).collect();
                let listed = |matches: &[(String, &str)], name: &str| matches.iter().any(|(other, _)| other == name);
                for (name, _) in self.variables.iter().filter(|(name, _)| fits(name)) {
                    if !listed(&matches, name) {
                        matches.push((name.clone(), "variable"));
                    }
                }
                // Also words of the running cell and of this text, as editors offer them.
                let elsewhere = code.get(..at - prefix.len()).into_iter().chain(code.get(at..));
                let words: BTreeSet<&str> =
                    elsewhere.chain([self.code.as_str()]).flat_map(words).filter(|word| fits(word)).collect();
                for word in words {
                    if !listed(&matches, word) {
                        matches.push((word.to_owned(), "text"));
                    }
                }
                matches
            }
        };
        Completions { start: at - prefix.len(), end: at, matches }
    }

    /// What is known of the name around byte `at` of `code`, as plain text and as HTML.
    pub fn inspect(&self, code: &str, at: usize) -> Option<(String, String)> {
        let path = path_before(code, word_end(code, at));
        if let Some((name, kind)) = self.variables.iter().find(|(name, _)| name == path) {
            let plain = format!("{name}: {kind}");
            let html = format!("<pre>{}</pre>", crate::display::escape_html(&plain));
            return Some((plain, html));
        }
        self.documents.get(path).cloned()
    }
}

/// Asks the session, which has nothing else to do, for one thing that is not known yet; false if all is.
pub fn collect(session: &mut dyn Evaluator, known: &std::sync::Mutex<Known>) -> bool {
    let lock = || known.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    let Some((receiver, kind)) = lock().wanted() else { return false };
    // rust-analyzer lists everything at the start of a statement, but not of an empty cell.
    let code = if receiver.is_empty() { "();\n".to_owned() } else { format!("{receiver}.") };
    let found = session.complete(&code, code.len()).unwrap_or_default();
    lock().learn(kind, found.matches);
    true
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c| !is_word(c)).filter(|word| word.len() > 1 && !word.starts_with(|c: char| c.is_numeric()))
}

/// First byte of the word that ends at `end`.
fn word_before(text: &str, end: usize) -> usize {
    text[..end].rfind(|c| !is_word(c)).map_or(0, |at| at + text[at..].chars().next().map_or(1, char::len_utf8))
}

/// The byte behind the word around `at`.
pub fn word_end(text: &str, at: usize) -> usize {
    at + text[at..].find(|c| !is_word(c)).unwrap_or(text.len() - at)
}

/// `a::b.c` that ends at byte `end`.
fn path_before(text: &str, end: usize) -> &str {
    let outside = |c: char| !is_word(c) && c != ':' && c != '.';
    let start = text[..end].rfind(outside).map_or(0, |at| at + text[at..].chars().next().map_or(1, char::len_utf8));
    &text[start..end]
}
