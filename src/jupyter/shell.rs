//! Requests that are answered at once, whatever the evaluator does.

use super::complete::{Completeness, completeness};
use super::gate::Gate;
use super::history::History;
use super::message::{Message, PROTOCOL};
use serde_json::{Value, json};
use std::process::Command;
use std::sync::OnceLock;

/// The reply to `request`, if it has one, and what all frontends are told.
pub fn answer(request: &Message, history: &History, gate: &Gate) -> (Option<Message>, Option<Message>) {
    let (kind, content) = match request.kind() {
        "kernel_info_request" => ("kernel_info_reply", kernel_info(gate)),
        "is_complete_request" => ("is_complete_reply", is_complete(&request.content)),
        "history_request" => ("history_reply", json!({"status": "ok", "history": history.answer(&request.content)})),
        "comm_info_request" => ("comm_info_reply", json!({"status": "ok", "comms": {}})),
        // There are no targets here: who opens a comm is told that it is closed.
        "comm_open" => {
            let content = json!({"comm_id": request.content["comm_id"], "data": {}});
            return (None, Some(Message::new("comm_close", request.header.clone(), content)));
        }
        _ => return (None, None),
    };
    (Some(request.reply(kind, content)), None)
}

/// The version of the `rustc` that compiles cells; the oldest that does where it cannot be asked.
pub fn compiler_version() -> &'static str {
    static VERSION: OnceLock<String> = OnceLock::new();
    VERSION.get_or_init(|| {
        let output = Command::new("rustc").arg("--version").output().ok();
        let text = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
        let version = text.split(' ').nth(1).map(str::to_owned);
        version.unwrap_or_else(|| env!("CARGO_PKG_RUST_VERSION").to_owned())
    })
}

fn kernel_info(gate: &Gate) -> Value {
    json!({
        "status": "ok",
        "protocol_version": PROTOCOL,
        "implementation": "widemargin",
        "implementation_version": env!("CARGO_PKG_VERSION"),
        "language_info": {
            "name": "rust",
            "version": compiler_version(),
            "mimetype": "text/rust",
            "file_extension": ".rs",
            "pygments_lexer": "rust",
            "codemirror_mode": "rust",
        },
        "banner": format!("widemargin {}: Rust cells with candle, the paper's losses and attacks", env!("CARGO_PKG_VERSION")),
        "debugger": false,
        "supported_features": [],
        "help_links": [{"text": "The paper", "url": "https://arxiv.org/abs/1901.08360"}],
        "dropped_messages": gate.dropped().content(),
    })
}

fn is_complete(content: &Value) -> Value {
    match completeness(content["code"].as_str().unwrap_or_default()) {
        Completeness::Complete => json!({"status": "complete"}),
        Completeness::Incomplete(spaces) => json!({"status": "incomplete", "indent": " ".repeat(spaces)}),
        Completeness::Invalid => json!({"status": "invalid"}),
    }
}
