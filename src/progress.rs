//! Progress of long calls, and the flag by which a person stops them.
//!
//! A long call polls [`interrupted`] at least every few tens of milliseconds and returns what it has. It reports through
//! [`Progress`], which prints at most ten updates a second under one display id, so a saved notebook holds the last state.

use crate::display::{Bundle, Record};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

static INTERRUPT: AtomicBool = AtomicBool::new(false);
static NEXT_ID: AtomicU64 = AtomicU64::new(0);
const BETWEEN_UPDATES: Duration = Duration::from_millis(100);

/// Asks running long calls to stop. Safe to call from a signal handler.
pub fn interrupt() {
    INTERRUPT.store(true, Ordering::Relaxed);
}

/// Whether a stop was asked for since the last [`clear_interrupt`].
pub fn interrupted() -> bool {
    INTERRUPT.load(Ordering::Relaxed)
}

/// Forgets an interrupt; the session calls it before each cell.
pub fn clear_interrupt() {
    INTERRUPT.store(false, Ordering::Relaxed);
}

/// One line that says how far a call has come.
pub struct Progress {
    label: String,
    total: u64,
    id: String,
    last: Option<Instant>,
    silent: bool,
}

impl Progress {
    /// A progress line for `total` steps. A `silent` one prints nothing.
    pub fn new(label: impl Into<String>, total: usize, silent: bool) -> Self {
        let id = format!("progress-{}-{}", std::process::id(), NEXT_ID.fetch_add(1, Ordering::Relaxed));
        Self { label: label.into(), total: total as u64, id, last: None, silent }
    }

    /// Reports that `done` steps are complete. `note` holds the newest numbers, such as the loss.
    pub fn update(&mut self, done: usize, note: &str) {
        let due = self.last.is_none_or(|last| last.elapsed() >= BETWEEN_UPDATES);
        if self.silent || !(due || done as u64 == self.total) {
            return;
        }
        self.last = Some(Instant::now());
        let text = format!("{}: {done}/{} {note}", self.label, self.total);
        let html = format!(
            "<progress value=\"{done}\" max=\"{}\" aria-label=\"{label}\"></progress> {label}: {done}/{} {note}",
            self.total,
            self.total,
            label = crate::display::escape_html(&self.label),
            note = crate::display::escape_html(note),
        );
        Record::Update(self.id.clone(), Bundle::text(text.trim_end()).with("text/html", html)).emit();
    }
}
