//! Outputs that change after they were shown.

use super::{Bundle, Record, Show};
use std::sync::atomic::{AtomicU64, Ordering};

/// A place in a cell's output whose content can be replaced, by this cell or a later one.
///
/// ```
/// use widemargin::display::{Bundle, Slot};
/// let slot = Slot::new(&Bundle::text("fitting"));
/// slot.update(&Bundle::text("done")); // stands where "fitting" stood
/// ```
#[derive(Clone, Debug)]
pub struct Slot {
    id: String,
}

impl Slot {
    /// Shows `value` in a new place.
    pub fn new(value: &(impl Show + ?Sized)) -> Self {
        let slot = Self::unused();
        slot.update(value);
        slot
    }

    /// Replaces what the place shows.
    pub fn update(&self, value: &(impl Show + ?Sized)) {
        Record::Update(self.id.clone(), value.bundle()).emit();
    }

    /// A place that appears with its first content.
    pub(crate) fn unused() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        // With the process id: a frontend that outlives this process must not take a new place for an old one.
        Self { id: format!("slot-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed)) }
    }
}

impl Show for Slot {
    /// Nothing: the place has been shown already.
    fn bundle(&self) -> Bundle {
        Bundle::default()
    }
}

/// Removes what the running cell has shown and printed so far. With `wait`, only when its next output comes: no flicker.
pub fn clear_output(wait: bool) {
    // Text without a newline may still be in this process; it would arrive after the record.
    let _ = std::io::Write::flush(&mut std::io::stdout());
    Record::Clear { wait }.emit();
}
