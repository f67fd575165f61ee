//! Stops a running cell from another thread: first politely, then by force.

use super::stop::Stop;
use rustix::process::{Pid, Signal, kill_process};
use std::process::Child;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

/// A handle to the worker process and to whether it runs a cell.
#[derive(Clone)]
pub struct Interrupter {
    worker: Arc<Mutex<Child>>,
    /// 0 while no cell runs; else 1 and the number of interrupts of this cell.
    state: Arc<AtomicUsize>,
    /// Whether the cell runs, or is still compiled.
    running: Arc<AtomicBool>,
    stop: Stop,
}

impl Interrupter {
    pub(super) fn new(worker: Arc<Mutex<Child>>, running: Arc<AtomicBool>, stop: Stop) -> Self {
        Self { worker, state: Arc::default(), running, stop }
    }

    /// Asks the running cell to stop; the second request for one cell kills its process, and all variables with it.
    /// While the cell is compiled, the compiler is ended and nothing is lost.
    ///
    /// Training, attacks and descents return what they have. Code of the cell's own that never asks
    /// [`interrupted`](crate::progress::interrupted) runs on until the second request. Without a running cell nothing happens.
    pub fn interrupt(&self) {
        if !self.running.load(Ordering::SeqCst) {
            if self.state.load(Ordering::SeqCst) > 0 {
                self.stop.request();
                // The cell may begin at this moment: the worker looks at the mark first, and then at the signal.
                self.signal(Signal::INT);
            }
            return;
        }
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
        self.stop.clear();
        self.running.store(false, Ordering::SeqCst);
        self.state.store(1, Ordering::SeqCst);
    }

    /// The cell is over; whether its end was forced.
    pub(super) fn end(&self) -> bool {
        self.state.swap(0, Ordering::SeqCst) > 2
    }

    /// Whether the last cell was interrupted before it ran.
    pub(super) fn stopped_compilation(&self) -> bool {
        self.stop.requested() && !self.running.load(Ordering::SeqCst)
    }
}
