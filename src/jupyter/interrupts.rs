//! Interrupts, whether they come as a message or as a signal.

use super::message::Message;
use super::outbox::Outbox;
use crate::session::Stop;
use serde_json::json;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// A cell that still runs this long after an interrupt is told how to end.
const PATIENCE: Duration = Duration::from_secs(2);
const ADVICE: &str = "interrupt: this cell does not ask whether it should stop (training, attacks and other calls of the \
                      prelude do, code of your own can: `progress::interrupted()`). A second interrupt ends its process, \
                      and all variables are lost.\n";

/// The way to the session's worker, once there is one.
#[derive(Clone, Default)]
pub struct Interrupts {
    /// Goes up with each interrupt.
    pub count: Arc<AtomicU64>,
    handle: Arc<Mutex<Option<Arc<dyn Stop>>>>,
}

impl Interrupts {
    /// The evaluator whose cells are meant from now on.
    pub fn set(&self, stopper: Arc<dyn Stop>) {
        if let Ok(mut handle) = self.handle.lock() {
            *handle = Some(stopper);
        }
    }

    /// How many there were.
    pub fn count(&self) -> u64 {
        self.count.load(Ordering::SeqCst)
    }

    /// Interrupts the running cell; without one nothing happens.
    pub fn interrupt(&self, outbox: &Outbox) {
        let before = self.count.fetch_add(1, Ordering::SeqCst);
        if let Some(handle) = self.handle.lock().ok().and_then(|handle| handle.clone()) {
            handle.interrupt();
        }
        let Some(header) = outbox.current() else { return };
        let (outbox, count) = (outbox.clone(), Arc::clone(&self.count));
        tokio::spawn(async move {
            tokio::time::sleep(PATIENCE).await;
            let same = outbox.current().as_ref() == Some(&header) && count.load(Ordering::SeqCst) == before + 1;
            if same {
                outbox.iopub(Message::new("stream", header, json!({"name": "stderr", "text": ADVICE})));
            }
        });
    }

    /// Ends whatever runs: the kernel is about to end.
    pub fn kill(&self) {
        self.count.fetch_add(1, Ordering::SeqCst);
        if let Some(handle) = self.handle.lock().ok().and_then(|handle| handle.clone()) {
            handle.kill();
        }
    }
}
