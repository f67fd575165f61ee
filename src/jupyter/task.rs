//! A request on its way to the evaluator.

use super::message::Message;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// A request that the evaluator answers, or, if it takes too long to come to it, someone else.
#[derive(Clone)]
pub struct Task {
    /// The request.
    pub request: Message,
    taken: Arc<AtomicBool>,
}

impl Task {
    /// A task that nobody has taken.
    pub fn new(request: Message) -> Self {
        Self { request, taken: Arc::default() }
    }

    /// True for the first caller, who then has to answer.
    pub fn take(&self) -> bool {
        !self.taken.swap(true, Ordering::SeqCst)
    }

    /// Whether someone answers it or has answered.
    pub fn is_taken(&self) -> bool {
        self.taken.load(Ordering::SeqCst)
    }

    /// Whether it is a cell.
    pub fn is_cell(&self) -> bool {
        self.request.kind() == "execute_request"
    }
}
