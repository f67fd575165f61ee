//! Requests that are answered at once, whatever the evaluator does.

use super::complete::{Completeness, completeness};
use super::history::History;
use super::message::{Message, PROTOCOL};
use serde_json::{Value, json};

/// The reply to `request`, if it needs no evaluator.
pub fn answer(request: &Message, history: &History) -> Option<Message> {
    let (kind, content) = match request.kind() {
        "kernel_info_request" => ("kernel_info_reply", kernel_info()),
        "is_complete_request" => ("is_complete_reply", is_complete(&request.content)),
        "history_request" => ("history_reply", json!({"status": "ok", "history": history.answer(&request.content)})),
        "comm_info_request" => ("comm_info_reply", json!({"status": "ok", "comms": {}})),
        _ => return None,
    };
    Some(request.reply(kind, content))
}

fn kernel_info() -> Value {
    json!({
        "status": "ok",
        "protocol_version": PROTOCOL,
        "implementation": "widemargin",
        "implementation_version": env!("CARGO_PKG_VERSION"),
        "language_info": {
            "name": "rust",
            "version": env!("CARGO_PKG_RUST_VERSION"),
            "mimetype": "text/rust",
            "file_extension": ".rs",
            "pygments_lexer": "rust",
            "codemirror_mode": "rust",
        },
        "banner": format!("widemargin {}: Rust cells with candle, the paper's losses and attacks", env!("CARGO_PKG_VERSION")),
        "debugger": false,
        "help_links": [{"text": "The paper", "url": "https://arxiv.org/abs/1901.08360"}],
    })
}

fn is_complete(content: &Value) -> Value {
    match completeness(content["code"].as_str().unwrap_or_default()) {
        Completeness::Complete => json!({"status": "complete"}),
        Completeness::Incomplete(spaces) => json!({"status": "incomplete", "indent": " ".repeat(spaces)}),
        Completeness::Invalid => json!({"status": "invalid"}),
    }
}
