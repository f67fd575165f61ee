//! What a host needs of something that runs cells: [`Session`] is one, and the Jupyter kernel serves any other too.

use super::{Completions, Interrupter, Outcome, Output, Reader, Session};
use crate::error::Result;
use std::sync::Arc;

/// Runs cells, one after the other, and keeps what they bind.
pub trait Evaluator {
    /// Runs one cell; `sink` gets every output as it arrives, the outcome holds all. A failed cell is an `Ok` outcome with
    /// its `error` set.
    ///
    /// Errors: only if no further cell can be run.
    fn eval(&mut self, code: &str, sink: &mut (dyn FnMut(&Output) + Send)) -> Result<Outcome>;

    /// What could stand at byte `at` of `code`; `None` if that is not known.
    fn complete(&mut self, code: &str, at: usize) -> Option<Completions>;

    /// What is known of the name at byte `at` of `code`, as plain text and as HTML.
    fn inspect(&mut self, code: &str, at: usize) -> Option<(String, String)>;

    /// Names and types of what cells have bound.
    fn variables(&self) -> Vec<(String, String)>;

    /// The way to stop a cell from another thread.
    fn stopper(&self) -> Arc<dyn Stop>;

    /// Who is asked when a cell reads its input; nobody if `None`.
    fn set_input(&mut self, reader: Option<Reader>);

    /// Prepares, while nobody waits, what the first cells will need.
    fn warm(&mut self) {}
}

/// Stops a running cell; without one nothing happens.
pub trait Stop: Send + Sync {
    /// Asks the cell to end; a second request for the same cell may cost its variables.
    fn interrupt(&self);

    /// Ends whatever runs: the host is about to end.
    fn kill(&self);
}

/// Makes an evaluator, again after a failure; gets a function that tells a person of each step.
pub type Start = Box<dyn FnMut(&mut dyn FnMut(&str)) -> Result<Box<dyn Evaluator>> + Send>;

impl Evaluator for Session {
    fn eval(&mut self, code: &str, sink: &mut (dyn FnMut(&Output) + Send)) -> Result<Outcome> {
        Session::eval(self, code, sink)
    }

    fn complete(&mut self, code: &str, at: usize) -> Option<Completions> {
        Session::complete(self, code, at)
    }

    fn inspect(&mut self, code: &str, at: usize) -> Option<(String, String)> {
        Session::inspect(self, code, at)
    }

    fn variables(&self) -> Vec<(String, String)> {
        Session::variables(self)
    }

    fn stopper(&self) -> Arc<dyn Stop> {
        Arc::new(self.interrupter())
    }

    fn set_input(&mut self, reader: Option<Reader>) {
        Session::set_input(self, reader);
    }

    fn warm(&mut self) {
        Session::warm(self);
    }
}

impl Stop for Interrupter {
    fn interrupt(&self) {
        Interrupter::interrupt(self);
    }

    fn kill(&self) {
        Interrupter::kill(self);
    }
}
