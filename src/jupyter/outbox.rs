//! Where the parts of the kernel put what they have to send.

use super::message::Message;
use serde_json::{Value, json};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// Printed text that may wait to be sent; beyond it the cell waits.
const BACKLOG_BYTES: usize = 8 << 20;

/// Queues of the sockets' tasks.
#[derive(Clone)]
pub struct Outbox {
    shell: UnboundedSender<Message>,
    iopub: UnboundedSender<Message>,
    stdin: UnboundedSender<Message>,
    /// The header of the cell that runs.
    running: Arc<Mutex<Option<Value>>>,
    backlog: Backlog,
}

/// Bytes of printed text that are queued.
#[derive(Clone, Default)]
pub struct Backlog(Arc<AtomicUsize>);

impl Backlog {
    /// Tells that a message of the iopub queue has left it.
    pub fn sent(&self, message: &Message) {
        self.0.fetch_sub(text_bytes(message), Ordering::Relaxed);
    }
}

/// The other ends of the queues.
pub struct Queues {
    /// Replies of the shell channel.
    pub shell: UnboundedReceiver<Message>,
    /// What all frontends see.
    pub iopub: UnboundedReceiver<Message>,
    /// Requests for input.
    pub stdin: UnboundedReceiver<Message>,
}

impl Outbox {
    /// An outbox and the queues it fills.
    pub fn new() -> (Self, Queues) {
        let (shell, shell_out) = unbounded_channel();
        let (iopub, iopub_out) = unbounded_channel();
        let (stdin, stdin_out) = unbounded_channel();
        let outbox = Self { shell, iopub, stdin, running: Arc::default(), backlog: Backlog::default() };
        (outbox, Queues { shell: shell_out, iopub: iopub_out, stdin: stdin_out })
    }

    /// Queues a reply on the shell channel. A closed queue means that the kernel is ending.
    pub fn shell(&self, message: Message) {
        let _ = self.shell.send(message);
    }

    /// Queues a message for all frontends.
    pub fn iopub(&self, message: Message) {
        self.backlog.0.fetch_add(text_bytes(&message), Ordering::Relaxed);
        let _ = self.iopub.send(message);
    }

    /// Queues a request for input.
    pub fn stdin(&self, message: Message) {
        let _ = self.stdin.send(message);
    }

    /// Waits while too much printed text is queued: a flood waits in the cell, not in this process's memory.
    pub fn keep_pace(&self) {
        while self.backlog.0.load(Ordering::Relaxed) > BACKLOG_BYTES {
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// What the iopub socket's task counts down.
    pub fn backlog(&self) -> Backlog {
        self.backlog.clone()
    }

    /// A cell starts; until [`Outbox::end`] the kernel is busy with it.
    pub fn begin(&self, request: &Message) {
        *self.running() = Some(request.header.clone());
        self.status(&request.header, "busy");
    }

    /// The cell has ended.
    pub fn end(&self, request: &Message) {
        *self.running() = None;
        self.status(&request.header, "idle");
    }

    /// The header of the cell that runs.
    pub fn current(&self) -> Option<Value> {
        self.running().clone()
    }

    /// Work on a request other than a cell begins.
    pub fn busy(&self, request: &Message) {
        self.status(&request.header, "busy");
    }

    /// That work has ended. Frontends show the last state they hear of, so a cell that still runs is busy again.
    pub fn idle(&self, request: &Message) {
        let running = self.running();
        self.status(&request.header, "idle");
        if let Some(header) = &*running {
            self.status(header, "busy");
        }
    }

    fn status(&self, parent: &Value, state: &str) {
        self.iopub(Message::new("status", parent.clone(), json!({"execution_state": state})));
    }

    fn running(&self) -> MutexGuard<'_, Option<Value>> {
        self.running.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

fn text_bytes(message: &Message) -> usize {
    message.content["text"].as_str().map_or(0, str::len)
}
