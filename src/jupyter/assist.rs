//! Completion and inspection replies, from the session or from what is known without it.

use super::known::{Known, word_end};
use crate::session::{Completions, Evaluator};
use serde_json::{Value, json};
use std::sync::Mutex;

/// The code and the cursor's byte; Jupyter counts in code points.
pub fn code_and_cursor(content: &Value) -> (&str, usize) {
    let code = content["code"].as_str().unwrap_or_default();
    let points = content["cursor_pos"].as_u64().and_then(|at| usize::try_from(at).ok()).unwrap_or(usize::MAX);
    (code, code.char_indices().nth(points).map_or(code.len(), |(byte, _)| byte))
}

/// A `complete_reply` by the session.
pub fn complete(session: Option<&mut Box<dyn Evaluator>>, content: &Value) -> Value {
    let (code, at) = code_and_cursor(content);
    let found = session.and_then(|session| session.complete(code, at));
    completed(code, found.unwrap_or(Completions { start: at, end: at, matches: Vec::new() }), json!({}))
}

/// A `complete_reply` while a cell runs; its metadata says so.
pub fn complete_meanwhile(known: &Known, content: &Value) -> Value {
    let (code, at) = code_and_cursor(content);
    completed(code, known.complete(code, at), meanwhile())
}

/// An `inspect_reply` by the session; `known` keeps what it found.
pub fn inspect(session: Option<&mut Box<dyn Evaluator>>, known: &Mutex<Known>, content: &Value) -> Value {
    let (code, at) = code_and_cursor(content);
    let found = session.and_then(|session| session.inspect(code, at));
    if let (Some(found), Ok(mut known)) = (&found, known.lock()) {
        known.keep(code, word_end(code, at), found);
    }
    inspected(found, json!({}))
}

/// An `inspect_reply` while a cell runs; its metadata says so.
pub fn inspect_meanwhile(known: &Known, content: &Value) -> Value {
    let (code, at) = code_and_cursor(content);
    inspected(known.inspect(code, at), meanwhile())
}

fn meanwhile() -> Value {
    json!({"widemargin": {"partial": "a cell runs; these names were known before it"}})
}

fn completed(code: &str, found: Completions, mut metadata: Value) -> Value {
    let points = |byte: usize| code.get(..byte).map_or(0, |before| before.chars().count());
    let (start, end) = (points(found.start), points(found.end));
    let kinds =
        found.matches.iter().map(|(text, kind)| json!({"text": text, "type": kind, "start": start, "end": end}));
    metadata["_jupyter_types_experimental"] = kinds.collect();
    json!({
        "status": "ok",
        "cursor_start": start,
        "cursor_end": end,
        "metadata": metadata,
        "matches": found.matches.iter().map(|(text, _)| text).collect::<Vec<_>>(),
    })
}

fn inspected(found: Option<(String, String)>, metadata: Value) -> Value {
    let data = found.map(|(plain, html)| json!({"text/plain": plain, "text/html": html}));
    json!({"status": "ok", "found": data.is_some(), "data": data.unwrap_or(json!({})), "metadata": metadata})
}
