//! Progress of long calls, and the flag by which a person stops them.
//!
//! A long call polls [`interrupted`] at least every few tens of milliseconds and returns what it has. It reports through
//! [`Progress`], a bar in one output that is replaced at most ten times a second; a saved notebook holds its last state.
//! For a loop of your own:
//!
//! ```
//! use widemargin::progress::bar;
//! let mut sum = 0;
//! for k in bar("adding", 1..=100) {
//!     sum += k;
//! }
//! assert_eq!(sum, 5050);
//! ```

use crate::display::{Bundle, Slot, escape_html, in_notebook};
use std::io::{IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

static INTERRUPT: AtomicBool = AtomicBool::new(false);
const BETWEEN_UPDATES: Duration = Duration::from_millis(100);
/// How long a call must have run before it says when it will end.
const BEFORE_ESTIMATE: Duration = Duration::from_secs(2);

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

/// A bar that says how far a call has come.
///
/// In a notebook it is one output with `<progress>` and text; on a terminal one line of stderr; elsewhere it is silent.
/// Dropping it shows the last state that [`Progress::update`] told of.
pub struct Progress {
    label: String,
    total: Option<usize>,
    slot: Slot,
    start: Instant,
    shown: Option<Instant>,
    done: usize,
    note: String,
    /// Whether what is shown is not the last state: one came too soon after another, or an estimate is still there.
    stale: bool,
    silent: bool,
}

impl Progress {
    /// A bar for `total` steps, shown at once. A `silent` one never shows anything.
    pub fn new(label: impl Into<String>, total: usize, silent: bool) -> Self {
        Self::start(label.into(), Some(total), silent)
    }

    fn start(label: String, total: Option<usize>, silent: bool) -> Self {
        let slot = Slot::unused();
        let (start, note) = (Instant::now(), String::new());
        let mut bar = Self { label, total, slot, start, shown: None, done: 0, note, stale: false, silent };
        bar.draw(true);
        bar
    }

    /// Reports that `done` steps are complete. `note` holds the newest numbers, such as the loss.
    pub fn update(&mut self, done: usize, note: &str) {
        self.done = done;
        self.note = note.to_owned();
        self.stale = true;
        if self.shown.is_none_or(|last| last.elapsed() >= BETWEEN_UPDATES) || Some(done) == self.total {
            self.draw(true);
        }
    }

    fn draw(&mut self, running: bool) {
        self.stale = false;
        self.shown = Some(Instant::now());
        if self.silent {
            return;
        }
        let done = self.done;
        let count = self.total.map_or_else(|| done.to_string(), |total| format!("{done}/{total}"));
        let mut text = format!("{}: {count} {}", self.label, self.note).trim_end().to_owned();
        if let Some(left) = self.left().filter(|_| running) {
            text += &format!(" ({left} left)");
            self.stale = true;
        }
        if in_notebook() {
            let value = self.total.map(|total| format!(" value=\"{done}\" max=\"{total}\"")).unwrap_or_default();
            let (label, line) = (escape_html(&self.label), escape_html(&text));
            let html = format!("<progress{value} aria-label=\"{label}\"></progress> {line}");
            self.slot.update(&Bundle::text(text).with("text/html", html));
        } else if std::io::stderr().is_terminal() {
            // Back to the start of the line, and erase it. A closed stderr has no reader.
            let _ = write!(std::io::stderr(), "\r\x1b[2K{text}");
        }
    }

    /// The time that is left, if the speed stays; only for calls long enough to ask.
    fn left(&self) -> Option<String> {
        let (total, done, elapsed) = (self.total?, self.done, self.start.elapsed());
        if done == 0 || done >= total || elapsed < BEFORE_ESTIMATE {
            return None;
        }
        let seconds = elapsed.as_secs_f64() / done as f64 * (total - done) as f64;
        Some(if seconds < 90.0 { format!("{seconds:.0} s") } else { format!("{:.0} min", seconds / 60.0) })
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.stale {
            self.draw(false);
        }
        if !self.silent && !in_notebook() && std::io::stderr().is_terminal() {
            let _ = writeln!(std::io::stderr());
        }
    }
}

/// Goes through `items` and shows how far it has come.
///
/// An interrupt ends the loop before its next item; the bar then says so, and [`interrupted`] is true until the cell ends.
pub fn bar<I: IntoIterator>(label: impl Into<String>, items: I) -> Bar<I::IntoIter> {
    let items = items.into_iter();
    let total = match items.size_hint() {
        (low, Some(high)) if low == high => Some(high),
        _ => None,
    };
    Bar { items, done: 0, begun: false, progress: Progress::start(label.into(), total, false) }
}

/// What [`bar`] returns: the same items, counted.
pub struct Bar<I> {
    items: I,
    done: usize,
    begun: bool,
    progress: Progress,
}

impl<I: Iterator> Iterator for Bar<I> {
    type Item = I::Item;

    fn next(&mut self) -> Option<I::Item> {
        // The item handed out last is done when the next one is asked for.
        if self.begun {
            self.done += 1;
            self.begun = false;
        }
        if interrupted() {
            self.progress.update(self.done, "(interrupted)");
            return None;
        }
        let item = self.items.next();
        self.begun = item.is_some();
        self.progress.update(self.done, "");
        item
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        // An interrupt may end the loop at any item.
        (0, self.items.size_hint().1)
    }
}
