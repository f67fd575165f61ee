//! Stops a running cell from another thread: first politely, then by force.

use rustix::process::{Pid, Signal, kill_process};
use std::process::Child;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

/// A handle to the worker process and to whether it runs a cell.
#[derive(Clone)]
pub struct Interrupter {
    worker: Arc<Mutex<Child>>,
    /// 0 while no cell runs; else 1 and the number of interrupts of this cell.
    state: Arc<AtomicUsize>,
}

impl Interrupter {
    pub(super) fn new(worker: Arc<Mutex<Child>>) -> Self {
        Self { worker, state: Arc::default() }
    }

    /// Asks the running cell to stop; the second request for one cell kills its process, and all variables with it.
    ///
    /// Training, attacks and descents return what they have. Code of the cell's own that never asks
    /// [`interrupted`](crate::progress::interrupted) runs on until the second request. Without a running cell nothing happens.
    pub fn interrupt(&self) {
        let earlier =
            self.state.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |state| (state > 0).then_some(state + 1));
        match earlier {
            Ok(1) => self.signal(Signal::INT),
            Ok(_) => self.signal(Signal::KILL),
            Err(_) => {}
        }
    }

    /// Ends the worker process, whatever it does.
    pub fn kill(&self) {
        self.signal(Signal::KILL);
    }

    fn signal(&self, signal: Signal) {
        let Ok(worker) = self.worker.lock() else { return };
        if let Some(pid) = i32::try_from(worker.id()).ok().and_then(Pid::from_raw) {
            // The process may have ended by itself; then there is nothing to stop.
            let _ = kill_process(pid, signal);
        }
    }

    pub(super) fn begin(&self) {
        self.state.store(1, Ordering::SeqCst);
    }

    pub(super) fn end(&self) {
        self.state.store(0, Ordering::SeqCst);
    }
}
