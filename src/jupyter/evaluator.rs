//! The thread that owns the session: execute, complete and inspect requests, one after the other.

use super::history::History;
use super::message::Message;
use super::server::Outbox;
use crate::session::{CellError, Completions, Interrupter, Options, Outcome, Output, Session, Stage, Stream};
use serde_json::{Value, json};
use std::collections::HashSet;
use std::sync::mpsc::{Receiver, SyncSender};
use std::sync::{Arc, Mutex};

/// Runs until the channel closes. `ready` gets the handle that interrupts cells, once there is a session.
pub fn run(tasks: &Receiver<Message>, outbox: &Outbox, history: &Arc<Mutex<History>>, ready: &SyncSender<Interrupter>) {
    let session = Session::start(&Options::default(), &mut |line| eprintln!("{line}"));
    if let Ok(session) = &session {
        let _ = ready.send(session.interrupter());
    }
    let mut evaluator =
        Evaluator { session: session.map_err(|e| e.to_string()), outbox, history, count: 0, shown: HashSet::new() };
    let mut waiting = Vec::new();
    loop {
        let request = if waiting.is_empty() {
            let Ok(request) = tasks.recv() else { break };
            request
        } else {
            waiting.remove(0)
        };
        let failed = evaluator.handle(&request);
        if failed && request.content["stop_on_error"] != false {
            // "Run all" stops: what is queued behind a failed cell is not run.
            for next in tasks.try_iter() {
                if next.kind() == "execute_request" {
                    outbox.busy(&next);
                    outbox.shell(next.reply("execute_reply", json!({"status": "aborted"})));
                    outbox.idle(&next);
                } else {
                    waiting.push(next);
                }
            }
        }
    }
}

struct Evaluator<'a> {
    session: Result<Session, String>,
    outbox: &'a Outbox,
    history: &'a Arc<Mutex<History>>,
    count: u64,
    /// Display ids that already have an output.
    shown: HashSet<String>,
}

impl Evaluator<'_> {
    /// Answers one request; true if it was a cell that failed.
    fn handle(&mut self, request: &Message) -> bool {
        self.outbox.busy(request);
        let mut failed = false;
        let reply = match request.kind() {
            "execute_request" => {
                let (content, error) = self.execute(request);
                failed = error;
                request.reply("execute_reply", content)
            }
            "complete_request" => request.reply("complete_reply", self.complete(&request.content)),
            _ => request.reply("inspect_reply", self.inspect(&request.content)),
        };
        self.outbox.shell(reply);
        self.outbox.idle(request);
        failed
    }

    fn execute(&mut self, request: &Message) -> (Value, bool) {
        let code = request.content["code"].as_str().unwrap_or_default();
        let silent = request.content["silent"] == true;
        let keep = !silent && request.content["store_history"] != false;
        if keep {
            self.count += 1;
            if let Ok(mut history) = self.history.lock() {
                history.push(self.count, code);
            }
        }
        let count = self.count;
        if !silent {
            self.publish(request, "execute_input", json!({"code": code, "execution_count": count}));
        }
        let outcome = self.evaluate(request, code, silent);
        if let Some(error) = &outcome.error {
            let mut content = error_content(error);
            if !silent {
                self.publish(request, "error", content.clone());
            }
            content["status"] = "error".into();
            content["execution_count"] = count.into();
            return (content, true);
        }
        let expressions = self.expressions(request);
        let reply = json!({"status": "ok", "execution_count": count, "payload": [], "user_expressions": expressions});
        (reply, false)
    }

    fn evaluate(&mut self, request: &Message, code: &str, silent: bool) -> Outcome {
        if code.trim().is_empty() {
            return Outcome::default();
        }
        let (outbox, shown, count) = (self.outbox, &mut self.shown, self.count);
        let session = match &mut self.session {
            Ok(session) => session,
            Err(reason) => return failed(reason.clone()),
        };
        let mut sink = |output: &Output| {
            if !silent {
                let (kind, content) = published(output, count, shown);
                outbox.iopub(Message::new(kind, request.header.clone(), content));
            }
        };
        session.eval(code, &mut sink).unwrap_or_else(|error| failed(error.to_string()))
    }

    /// Evaluates the request's `user_expressions`, each on its own.
    fn expressions(&mut self, request: &Message) -> Value {
        let mut answers = serde_json::Map::new();
        for (name, code) in request.content["user_expressions"].as_object().into_iter().flatten() {
            let outcome = self.evaluate(request, code.as_str().unwrap_or_default(), true);
            let result = outcome.outputs.into_iter().find_map(|output| match output {
                Output::Result(bundle) => Some(bundle.data),
                _ => None,
            });
            let answer = match outcome.error {
                Some(error) => {
                    let mut content = error_content(&error);
                    content["status"] = "error".into();
                    content
                }
                None => json!({"status": "ok", "data": result.unwrap_or_default(), "metadata": {}}),
            };
            answers.insert(name.clone(), answer);
        }
        Value::Object(answers)
    }

    fn complete(&mut self, content: &Value) -> Value {
        let (code, at) = code_and_cursor(content);
        let points = |byte: usize| code.get(..byte).map_or(0, |before| before.chars().count());
        let found = self.session.as_mut().ok().and_then(|session| session.complete(code, at));
        let found = found.unwrap_or(Completions { start: at, end: at, matches: Vec::new() });
        let (start, end) = (points(found.start), points(found.end));
        let kinds =
            found.matches.iter().map(|(text, kind)| json!({"text": text, "type": kind, "start": start, "end": end}));
        json!({
            "status": "ok",
            "cursor_start": start,
            "cursor_end": end,
            "metadata": {"_jupyter_types_experimental": kinds.collect::<Vec<_>>()},
            "matches": found.matches.iter().map(|(text, _)| text).collect::<Vec<_>>(),
        })
    }

    fn inspect(&mut self, content: &Value) -> Value {
        let (code, at) = code_and_cursor(content);
        let found = self.session.as_mut().ok().and_then(|session| session.inspect(code, at));
        let data = found.map(|(plain, html)| json!({"text/plain": plain, "text/html": html}));
        json!({"status": "ok", "found": data.is_some(), "data": data.unwrap_or(json!({})), "metadata": {}})
    }

    fn publish(&self, request: &Message, kind: &str, content: Value) {
        self.outbox.iopub(Message::new(kind, request.header.clone(), content));
    }
}

/// The code and the cursor's byte; Jupyter counts in code points.
fn code_and_cursor(content: &Value) -> (&str, usize) {
    let code = content["code"].as_str().unwrap_or_default();
    let points = content["cursor_pos"].as_u64().and_then(|at| usize::try_from(at).ok()).unwrap_or(usize::MAX);
    (code, code.char_indices().nth(points).map_or(code.len(), |(byte, _)| byte))
}

fn failed(reason: String) -> Outcome {
    let error = CellError {
        stage: Stage::Crash,
        name: "kernel".into(),
        message: reason.clone(),
        line: None,
        detail: reason,
        lost: Vec::new(),
    };
    Outcome { error: Some(error), ..Outcome::default() }
}

fn published(output: &Output, count: u64, shown: &mut HashSet<String>) -> (&'static str, Value) {
    match output {
        Output::Text(stream, text) => {
            let name = if *stream == Stream::Stdout { "stdout" } else { "stderr" };
            ("stream", json!({"name": name, "text": text}))
        }
        Output::Display(bundle) => ("display_data", json!({"data": bundle.data, "metadata": {}, "transient": {}})),
        Output::Result(bundle) => {
            ("execute_result", json!({"data": bundle.data, "metadata": {}, "execution_count": count}))
        }
        Output::Update(id, bundle) => {
            let kind = if shown.insert(id.clone()) { "display_data" } else { "update_display_data" };
            (kind, json!({"data": bundle.data, "metadata": {}, "transient": {"display_id": id}}))
        }
    }
}

/// Name, message and traceback: the compiler's report, or the message in one line.
fn error_content(error: &CellError) -> Value {
    let mut traceback = vec![error.to_string()];
    if error.stage == Stage::Compile || error.stage == Stage::Crash {
        traceback.extend(error.detail.lines().map(str::to_owned));
    }
    json!({"ename": error.name, "evalue": error.message, "traceback": traceback})
}
