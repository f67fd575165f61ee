//! The thread that owns the session: cells, completion and inspection, one after the other.

use super::assist;
use super::build::Build;
use super::history::History;
use super::interrupts::Interrupts;
use super::known::{Known, collect};
use super::message::Message;
use super::outbox::Outbox;
use super::stdin::Keyboard;
use super::task::Task;
use crate::session::{CellError, Evaluator, Outcome, Output, Stage, Start, Stream, metadata};
use serde_json::{Value, json};
use std::collections::{HashMap, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// With nothing to do for this long, the evaluator collects names for the time when it is busy.
const QUIET: Duration = Duration::from_millis(400);
/// Between two pieces of such work: time for a request to come first.
const BETWEEN_PIECES: Duration = Duration::from_millis(20);
/// Cells that were sent together with one that failed arrive within this time.
const TOGETHER: Duration = Duration::from_millis(10);

/// What the evaluator shares with the sockets' tasks.
#[derive(Clone)]
pub struct Shared {
    /// Where messages go.
    pub outbox: Outbox,
    /// The cells so far.
    pub history: Arc<Mutex<History>>,
    /// Names for the time when a cell runs.
    pub known: Arc<Mutex<Known>>,
    /// The way to stop a cell.
    pub interrupts: Interrupts,
    /// Who answers a cell that reads its input.
    pub keyboard: Keyboard,
}

/// Runs until the channel closes.
pub fn run(tasks: &Receiver<Task>, shared: &Shared, mut start: Start) {
    let mut evaluator = Desk {
        session: Err(String::new()),
        shared,
        waiting: VecDeque::new(),
        opened: None,
        count: 0,
        shown: HashMap::new(),
        warm: false,
    };
    evaluator.start(&mut start, tasks);
    while let Some(task) = evaluator.next(tasks) {
        if !task.take() {
            continue;
        }
        if task.is_cell() {
            // What failed to start may be mended by now: a compiler installed, space made.
            if evaluator.session.is_err() {
                evaluator.start(&mut start, tasks);
            }
            let before = shared.interrupts.count();
            evaluator.cell(&task.request, tasks, before);
        } else {
            evaluator.assist(&task.request);
        }
    }
}

/// Where requests come to the one evaluator.
struct Desk<'a> {
    session: Result<Box<dyn Evaluator>, String>,
    /// Whether the evaluator has been warmed.
    warm: bool,
    shared: &'a Shared,
    waiting: VecDeque<Task>,
    /// Id of the cell that is announced already: it waits for the session.
    opened: Option<Value>,
    count: u64,
    /// Display ids that already have an output, and the count of the cell that shows it.
    shown: HashMap<String, u64>,
}

impl Desk<'_> {
    /// Starts a session. A first cell that waits for a build of the prelude shows its progress.
    fn start(&mut self, start: &mut Start, tasks: &Receiver<Task>) {
        let mut build = Build::default();
        let started = start(&mut |line| {
            self.waiting.extend(tasks.try_iter());
            if self.opened.is_none() {
                let visible = |task: &&Task| task.is_cell() && task.request.content["silent"] != true;
                if let Some(request) = self.waiting.iter().find(visible).map(|task| task.request.clone()) {
                    self.open(&request);
                    build.show_on(request);
                }
            }
            build.say(line, &self.shared.outbox);
        });
        build.end(started.as_ref().err().map(ToString::to_string).as_deref(), &self.shared.outbox);
        if let Ok(session) = &started {
            self.shared.interrupts.set(session.stopper());
        }
        self.warm = false;
        self.session = started.map_err(|error| format!("{error}; `widemargin kernel doctor` looks for the cause"));
    }

    /// The next request; collects names while there is none.
    fn next(&mut self, tasks: &Receiver<Task>) -> Option<Task> {
        let mut patience = QUIET;
        loop {
            if let Some(task) = self.waiting.pop_front() {
                return Some(task);
            }
            match tasks.recv_timeout(patience) {
                Ok(task) => return Some(task),
                Err(RecvTimeoutError::Disconnected) => return None,
                Err(RecvTimeoutError::Timeout) => {
                    if !self.prepare() {
                        return tasks.recv().ok();
                    }
                    patience = BETWEEN_PIECES;
                }
            }
        }
    }

    /// The cells queued behind one that failed or was interrupted: "run all" stops.
    fn queued(&mut self, tasks: &Receiver<Task>) -> Vec<Task> {
        while let Ok(task) = tasks.recv_timeout(TOGETHER) {
            self.waiting.push_back(task);
        }
        let (cells, others): (Vec<_>, Vec<_>) = self.waiting.drain(..).partition(Task::is_cell);
        self.waiting.extend(others);
        cells
    }

    fn abort(&self, task: &Task) {
        let outbox = &self.shared.outbox;
        outbox.busy(&task.request);
        outbox.shell(task.request.reply("execute_reply", json!({"status": "aborted"})));
        outbox.idle(&task.request);
    }

    /// Does one piece of work that nobody waits for; false if none is left.
    fn prepare(&mut self) -> bool {
        let Ok(session) = &mut self.session else { return false };
        if !std::mem::replace(&mut self.warm, true) {
            session.warm();
            return true;
        }
        catch_unwind(AssertUnwindSafe(|| collect(&mut **session, &self.shared.known))).unwrap_or(false)
    }

    fn assist(&mut self, request: &Message) {
        let outbox = &self.shared.outbox;
        outbox.busy(request);
        let known = &self.shared.known;
        let session = self.session.as_mut().ok();
        // rust-analyzer may panic on code that it is the first to see; the next request finds it as it was.
        let (kind, content) = match request.kind() {
            "complete_request" => {
                let found = catch_unwind(AssertUnwindSafe(|| assist::complete(session, &request.content)));
                ("complete_reply", found.unwrap_or_else(|_| assist::complete(None, &request.content)))
            }
            _ => {
                let found = catch_unwind(AssertUnwindSafe(|| assist::inspect(session, known, &request.content)));
                ("inspect_reply", found.unwrap_or_else(|_| assist::inspect(None, known, &request.content)))
            }
        };
        outbox.shell(request.reply(kind, content));
        outbox.idle(request);
    }

    /// Announces a cell: busy, its input and its count.
    fn open(&mut self, request: &Message) {
        let code = request.content["code"].as_str().unwrap_or_default();
        let silent = request.content["silent"] == true;
        let keep = !silent && request.content["store_history"] != false;
        self.shared.outbox.begin(request);
        if keep {
            self.count += 1;
            if let Ok(mut history) = self.shared.history.lock() {
                history.push(self.count, code);
            }
        }
        if !silent {
            self.publish(request, "execute_input", json!({"code": code, "execution_count": self.count}));
        }
        self.opened = Some(request.header["msg_id"].clone());
    }

    /// Runs a cell and replies. `interrupts` counts those before it.
    fn cell(&mut self, request: &Message, tasks: &Receiver<Task>, interrupts: u64) {
        if self.opened.take().as_ref() != Some(&request.header["msg_id"]) {
            self.open(request);
            self.opened = None;
        }
        let (content, failed) = self.execute(request);
        let stops = failed && request.content["stop_on_error"] != false;
        let interrupted = self.shared.interrupts.count() != interrupts;
        // Taken before the reply goes out: what comes after it was sent by someone who knows of the failure.
        let aborted = if stops || interrupted { self.queued(tasks) } else { Vec::new() };
        self.shared.outbox.shell(request.reply("execute_reply", content));
        self.shared.outbox.end(request);
        aborted.iter().for_each(|task| self.abort(task));
    }

    fn execute(&mut self, request: &Message) -> (Value, bool) {
        let code = request.content["code"].as_str().unwrap_or_default();
        let silent = request.content["silent"] == true;
        let count = self.count;
        if let Ok(session) = &mut self.session {
            session.set_input(self.shared.keyboard.reader(request));
        }
        self.with_known(|known, _| known.begin(code));
        let outcome = self.evaluate(request, code, silent);
        self.with_known(|known, variables| known.end(variables));
        if let Some(error) = &outcome.error {
            let mut content = error_content(error);
            if !silent {
                self.publish(request, "error", content.clone());
            }
            content["status"] = "error".into();
            content["execution_count"] = count.into();
            return (content, true);
        }
        let value = outcome.outputs.iter().rev().find_map(|output| match output {
            Output::Result(bundle) => bundle.data.get("text/plain")?.as_str(),
            _ => None,
        });
        if let (Some(value), false, Ok(mut history)) = (value, silent, self.shared.history.lock()) {
            history.set_output(count, value);
        }
        let expressions = self.expressions(request);
        let reply = json!({"status": "ok", "execution_count": count, "payload": [], "user_expressions": expressions});
        (reply, false)
    }

    fn with_known(&self, change: impl FnOnce(&mut Known, Vec<(String, String)>)) {
        let variables = self.session.as_ref().map(|session| session.variables()).unwrap_or_default();
        if let Ok(mut known) = self.shared.known.lock() {
            change(&mut known, variables);
        }
    }

    fn evaluate(&mut self, request: &Message, code: &str, silent: bool) -> Outcome {
        if code.trim().is_empty() {
            return Outcome::default();
        }
        let (outbox, shown, count) = (&self.shared.outbox, &mut self.shown, self.count);
        let session = match &mut self.session {
            Ok(session) => session,
            Err(reason) => return failed(reason.clone()),
        };
        let mut sink = |output: &Output| {
            if !silent {
                let (kind, content) = published(output, count, shown);
                outbox.iopub(Message::new(kind, request.header.clone(), content));
                outbox.keep_pace();
            }
        };
        let evaluated = catch_unwind(AssertUnwindSafe(|| session.eval(code, &mut sink)));
        match evaluated {
            Ok(outcome) => outcome.unwrap_or_else(|error| failed(error.to_string())),
            Err(_) => {
                // Its state is not to be trusted any more; the next cell starts a new one.
                self.session = Err("the evaluator was restarted".into());
                failed(
                    "the evaluator itself failed on this cell; it is started anew, and all variables are gone".into(),
                )
            }
        }
    }

    /// Evaluates the request's `user_expressions`, each on its own and with nobody to ask for input.
    fn expressions(&mut self, request: &Message) -> Value {
        let mut answers = serde_json::Map::new();
        for (name, code) in request.content["user_expressions"].as_object().into_iter().flatten() {
            if let Ok(session) = &mut self.session {
                session.set_input(None);
            }
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

    fn publish(&self, request: &Message, kind: &str, content: Value) {
        self.shared.outbox.iopub(Message::new(kind, request.header.clone(), content));
    }
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

fn published(output: &Output, count: u64, shown: &mut HashMap<String, u64>) -> (&'static str, Value) {
    match output {
        Output::Text(stream, text) => {
            let name = if *stream == Stream::Stdout { "stdout" } else { "stderr" };
            ("stream", json!({"name": name, "text": text}))
        }
        Output::Display(bundle) => {
            ("display_data", json!({"data": bundle.data, "metadata": metadata(bundle), "transient": {}}))
        }
        Output::Result(bundle) => {
            ("execute_result", json!({"data": bundle.data, "metadata": metadata(bundle), "execution_count": count}))
        }
        Output::Update(id, bundle) => {
            let known = shown.contains_key(id);
            shown.entry(id.clone()).or_insert(count);
            let kind = if known { "update_display_data" } else { "display_data" };
            (kind, json!({"data": bundle.data, "metadata": metadata(bundle), "transient": {"display_id": id}}))
        }
        Output::Clear { wait } => {
            // A frontend forgets the ids of what it removes: an update would find no output.
            shown.retain(|_, cell| *cell != count);
            ("clear_output", json!({"wait": wait}))
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
