//! What the generated code around a cell calls. Nothing here is for people.
//!
//! evcxr pastes its variable store and its error glue into every cell. The session replaces both with calls to this
//! module, which is compiled once, optimised, inside the prelude (`session::generated` makes the replacement).

mod trace;

use crate::display::{Bundle, Record, Show};
use std::fmt::{Debug, Display, Write as _};
use std::io::Write;
use std::panic::Location;
use std::sync::{Condvar, Mutex};
use std::time::Duration;

/// The variables of a session, by name. The same operations as evcxr's own store.
pub mod store {
    use std::any::Any;
    use std::collections::HashMap;
    use std::sync::Arc;

    /// Variables that outlive their cell.
    #[derive(Default)]
    pub struct VariableStore {
        variables: HashMap<String, Box<dyn Any>>,
    }

    impl VariableStore {
        /// Keeps `value` under `name`.
        pub fn put_variable<T: 'static>(&mut self, name: &str, value: T) {
            self.variables.insert(name.to_owned(), Box::new(value));
        }

        /// Whether the variable still has the type `T`; tells evcxr and the user if it has not.
        pub fn check_variable<T: 'static>(&mut self, name: &str) -> bool {
            let value = self.variables.get(name);
            let same = value.is_some_and(|value| value.is::<T>());
            if !same {
                let why = if value.is_some() { "its type was redefined" } else { "the cell that last used it took it" };
                eprintln!("the value of the variable {name} is lost: {why}");
                super::Record::Evcxr(format!("EVCXR_VARIABLE_CHANGED_TYPE:{name}")).emit();
            }
            same
        }

        /// Takes the variable out for the cell that is about to run.
        pub fn take_variable<T: 'static>(&mut self, name: &str) -> T {
            match self.variables.remove(name).map(|value| value.downcast::<T>()) {
                Some(Ok(value)) => *value,
                Some(Err(_)) => panic!("the variable {name} changed its type"),
                None => panic!("the variable {name} is gone: the cell that last used it panicked"),
            }
        }

        /// A value shared by all cells and made on first use (the async runtime).
        pub fn lazy_arc<T: 'static, F: FnOnce() -> T>(&mut self, name: &str, create: F) -> Arc<T> {
            let slot = self.variables.entry(name.to_owned()).or_insert_with(|| Box::new(Arc::new(create())));
            Arc::clone(slot.downcast_ref::<Arc<T>>().expect("only lazy_arc uses this name"))
        }
    }

    /// A store that lives as long as the process.
    pub fn create_variable_store() -> *mut VariableStore {
        Box::into_raw(Box::default())
    }
}

/// Reports that `?` met `error` and ended the cell; the caller is the place of the `?`.
#[track_caller]
pub fn question_mark(error: &dyn Display) {
    Record::Question { message: error.to_string(), line: Location::caller().line() }.emit();
    Record::Evcxr("EVCXR_ERROR_OCCURRED".into()).emit();
}

/// Reports that the cell's code panicked and was caught.
pub fn panicked() {
    Record::Evcxr("EVCXR_PANIC_NOTIFICATION".into()).emit();
}

/// A cell's last value on its way to the reader: by [`Show`] where the type has it, else by `Debug`, else by its name.
///
/// The generated code calls `(&&&Last(value)).widemargin_show()`; method lookup takes the first trait whose bounds hold.
pub struct Last<'a, T: ?Sized>(pub &'a T);

/// Chosen first by method lookup.
pub trait ViaShow {
    /// Shows the value.
    fn widemargin_show(&self);
}

impl<T: Show + ?Sized> ViaShow for &&Last<'_, T> {
    fn widemargin_show(&self) {
        result(self.0.bundle());
    }
}

/// Chosen when [`ViaShow`] does not apply.
pub trait ViaDebug {
    /// Shows the value's `Debug`.
    fn widemargin_show(&self);
}

impl<T: Debug + ?Sized> ViaDebug for &Last<'_, T> {
    fn widemargin_show(&self) {
        let mut text = Limited(String::new());
        // The writer refuses text beyond its limit; a `Debug` that fails for a reason of its own is shown as far as it came.
        let whole = write!(text, "{:?}", &self.0).is_ok();
        if !whole {
            text.0.push_str("…\n(cut here: print it with println! to see all of it)");
        }
        result(Bundle::text(text.0));
    }
}

/// Chosen when neither [`ViaShow`] nor [`ViaDebug`] applies.
pub trait ViaName {
    /// Shows the type's name.
    fn widemargin_show(&self);
}

impl<T: ?Sized> ViaName for Last<'_, T> {
    fn widemargin_show(&self) {
        let name = std::any::type_name::<T>();
        let name = name.split_once("::").filter(|(krate, _)| *krate == "ctx").map_or(name, |(_, name)| name);
        result(Bundle::text(format!("a value of type {name}; #[derive(Debug)] or `impl Show` makes it visible")));
    }
}

fn result(bundle: Bundle) {
    if !bundle.data.is_empty() {
        Record::Result(bundle).emit();
    }
}

/// Text up to a length that a person may want to read; a value of a million numbers would fill the notebook's file.
struct Limited(String);

const LONGEST_DEBUG: usize = 10_000;

impl std::fmt::Write for Limited {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        let room = LONGEST_DEBUG.saturating_sub(self.0.len());
        if text.len() <= room {
            self.0.push_str(text);
            return Ok(());
        }
        let end = (0..=room).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0);
        self.0.push_str(&text[..end]);
        Err(std::fmt::Error)
    }
}

/// Called once when the worker has loaded the prelude: panics on the cell's thread become records.
#[unsafe(no_mangle)]
pub extern "C" fn widemargin_cell_start() {
    crate::display::enter_notebook();
    std::thread::spawn(flush_while_running);
    let main = std::thread::current().id();
    let standard = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        if std::thread::current().id() != main {
            return standard(info);
        }
        let message = info.payload_as_str().unwrap_or("the panic carries no text").to_owned();
        let (file, line) = info.location().map_or(("", 0), |place| (place.file(), place.line()));
        let backtrace = trace::functions();
        Record::Panic { message, file: file.to_owned(), line, backtrace }.emit();
    }));
}

/// How long printed text without a newline may stay in the buffer of a running cell.
const BETWEEN_FLUSHES: Duration = Duration::from_millis(50);

static RUNNING: Mutex<bool> = Mutex::new(false);
static STARTED: Condvar = Condvar::new();

/// Passes on what `print!` left in the buffer: a dot per step, or a line that overwrites itself by carriage returns.
fn flush_while_running() {
    loop {
        let Ok(running) = RUNNING.lock() else { return };
        let Ok(running) = STARTED.wait_while(running, |running| !*running) else { return };
        drop(running);
        std::thread::sleep(BETWEEN_FLUSHES);
        let _ = std::io::stdout().flush();
    }
}

fn set_running(value: bool) {
    if let Ok(mut running) = RUNNING.lock() {
        *running = value;
    }
    STARTED.notify_all();
}

/// Called when a cell has run.
#[unsafe(no_mangle)]
pub extern "C" fn widemargin_cell_end() {
    set_running(false);
    widemargin_cell_flush();
}

/// Called after each cell, and when one waits for input: text without a newline leaves the buffer with the cell that printed it.
#[unsafe(no_mangle)]
pub extern "C" fn widemargin_cell_flush() {
    let _ = std::io::stdout().flush();
}

/// Called before each cell: an interrupt that came too late for the one before is forgotten.
#[unsafe(no_mangle)]
pub extern "C" fn widemargin_cell_clear() {
    crate::progress::clear_interrupt();
    set_running(true);
}

/// Called by the worker's signal handler.
#[unsafe(no_mangle)]
pub extern "C" fn widemargin_cell_interrupt() {
    crate::progress::interrupt();
}
