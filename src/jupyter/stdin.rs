//! Lines that a person types for a cell that waits for them.

use super::message::Message;
use super::outbox::Outbox;
use crate::session::{InputRequest, Reader};
use serde_json::json;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

const BETWEEN_LOOKS: Duration = Duration::from_millis(50);

/// The frontends' keyboards.
#[derive(Clone)]
pub struct Keyboard {
    outbox: Outbox,
    replies: Arc<Mutex<Receiver<Message>>>,
    interrupts: Arc<AtomicU64>,
}

impl Keyboard {
    /// A keyboard, and where the stdin socket puts what arrives. `interrupts` counts up with each interrupt.
    pub fn new(outbox: Outbox, interrupts: Arc<AtomicU64>) -> (Self, Sender<Message>) {
        let (sender, replies) = channel();
        (Self { outbox, replies: Arc::new(Mutex::new(replies)), interrupts }, sender)
    }

    /// Who answers the cell of `request`: its frontend, or nobody if that takes no input.
    pub fn reader(&self, request: &Message) -> Option<Reader> {
        if request.content["allow_stdin"] == false {
            return None;
        }
        let (keyboard, request) = (self.clone(), request.clone());
        Some(Box::new(move |wanted| keyboard.ask(&request, wanted)))
    }

    /// Asks for one line and waits for it, or for an interrupt.
    fn ask(&self, request: &Message, wanted: &InputRequest) -> Option<String> {
        let replies = self.replies.lock().ok()?;
        // Answers to questions of earlier cells.
        for _ in replies.try_iter() {}
        let before = self.interrupts.load(Ordering::SeqCst);
        let content = json!({"prompt": wanted.prompt, "password": wanted.password});
        self.outbox.stdin(request.reply("input_request", content));
        while self.interrupts.load(Ordering::SeqCst) == before {
            match replies.recv_timeout(BETWEEN_LOOKS) {
                // Clients do not all name the request as the reply's parent.
                Ok(reply) if reply.kind() == "input_reply" => {
                    return Some(reply.content["value"].as_str().unwrap_or_default().to_owned());
                }
                Ok(_) | Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return None,
            }
        }
        None
    }
}
