//! A cell that reads its standard input gets the lines that a person types.
//!
//! The worker's file descriptor 0 is a named pipe of the session. A thread of the worker sees that one of its threads waits
//! in a `read` of it, and says so on the stdout pipe; the host asks for a line and writes it. Lines of the crate `evcxr_input`
//! (a prompt, perhaps for a password) are understood too. Without anyone to ask, the cell reads the end of the input.

use super::outcome::{CellError, Stage};
use crate::error::{Error, Result};
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Duration;

/// The pipe's name in the session's folder.
pub const PIPE: &str = "stdin";
/// What the worker prints when a cell waits for a line.
pub const WAITING: &str = "\u{1e}input";
/// evcxr_input's own words, with a prompt behind a colon.
const PROMPT: &str = "EVCXR_INPUT_REQUEST:";
const PASSWORD: &str = "EVCXR_INPUT_REQUEST_PASSWORD:";
const BETWEEN_LOOKS: Duration = Duration::from_millis(50);

/// A cell's wish for a line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InputRequest {
    /// What to show beside the field; empty if the cell printed its own.
    pub prompt: String,
    /// Whether the typed text must not be seen.
    pub password: bool,
}

impl InputRequest {
    /// The request in a printed line of evcxr_input.
    pub fn parse(line: &str) -> Option<Self> {
        let request =
            |start: &str, password| line.strip_prefix(start).map(|prompt| Self { prompt: prompt.to_owned(), password });
        request(PASSWORD, true).or_else(|| request(PROMPT, false))
    }
}

/// Who is asked for a line; `None` means the end of the input.
pub type Reader = Box<dyn FnMut(&InputRequest) -> Option<String> + Send>;

/// The host's end of the pipe.
pub struct Input {
    path: PathBuf,
    state: Mutex<State>,
}

struct State {
    /// Without a writer cells read the end.
    pipe: Option<File>,
    reader: Option<Reader>,
    announced: InputRequest,
    refused: bool,
}

impl Input {
    /// The host's end of the pipe that `make_pipe` makes in `folder`.
    pub fn new(folder: &Path, make_pipe: impl FnOnce(&Path) -> Result<File>) -> Result<Self> {
        let path = folder.join(PIPE);
        let both = make_pipe(&path)?;
        let writer = writer(&path)?;
        drop(both);
        let state = State { pipe: Some(writer), reader: None, announced: InputRequest::default(), refused: false };
        Ok(Self { path, state: Mutex::new(state) })
    }

    /// Who answers from now on.
    pub fn set_reader(&self, reader: Option<Reader>) {
        self.state().reader = reader;
    }

    /// Keeps a prompt for the wait that follows.
    pub fn announce(&self, request: InputRequest) {
        self.state().announced = request;
    }

    /// Asks for a line and hands it to the cell that waits.
    pub fn answer(&self) {
        let mut state = self.state();
        if state.refused {
            return;
        }
        let request = std::mem::take(&mut state.announced);
        match state.reader.as_mut().and_then(|reader| reader(&request)) {
            Some(line) => {
                if let Some(pipe) = &mut state.pipe {
                    // The worker holds the other end; if it is gone, so is the cell.
                    let _ = writeln!(pipe, "{line}");
                }
            }
            None => {
                state.refused = true;
                // Closing the only writer is what the cell sees as the end of its input.
                state.pipe = None;
            }
        }
    }

    /// Whether a cell was given the end of the input since the last call; makes the pipe usable again.
    pub fn take_refused(&self) -> bool {
        let mut state = self.state();
        let refused = std::mem::take(&mut state.refused);
        if refused {
            state.pipe = writer(&self.path).ok();
        }
        refused
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

/// The pipe opened for writing only: opened for reading too, this end would keep the end of the input from the worker.
fn writer(path: &Path) -> Result<File> {
    let open = |read| OpenOptions::new().read(read).write(true).open(path).map_err(Error::io("open the pipe", path));
    // Opening for writing waits for a reader; opening for both never does.
    let both = open(true)?;
    let writer = open(false)?;
    drop(both);
    Ok(writer)
}

/// The worker's side: makes the pipe its standard input; returns the lines of the protocol that came there before.
pub fn take_over(folder: &Path) -> std::result::Result<File, String> {
    let protocol = rustix::io::dup(std::io::stdin()).map_err(|e| format!("stdin: {e}"))?;
    let path = folder.join(PIPE);
    let pipe = File::open(&path).map_err(|e| format!("{}: {e}", path.display()))?;
    rustix::stdio::dup2_stdin(&pipe).map_err(|e| format!("stdin: {e}"))?;
    Ok(File::from(protocol))
}

/// Drops what was typed for an earlier cell and not read.
pub fn discard() {
    let stdin = std::io::stdin();
    let now = rustix::event::Timespec::default();
    loop {
        let mut wanted = [rustix::event::PollFd::new(&stdin, rustix::event::PollFlags::IN)];
        let ready = rustix::event::poll(&mut wanted, Some(&now)).is_ok_and(|count| count > 0);
        let readable = ready && wanted[0].revents().contains(rustix::event::PollFlags::IN);
        if !readable || !rustix::io::read(&stdin, &mut [0; 4096][..]).is_ok_and(|count| count > 0) {
            return;
        }
    }
}

/// Looks for threads that wait in a read of descriptor 0, as Linux tells it, and calls `report` once for each wait.
pub fn watch(mut report: impl FnMut() + Send + 'static) {
    std::thread::spawn(move || {
        let mut reported = None;
        loop {
            std::thread::sleep(BETWEEN_LOOKS);
            let wait = waiting();
            if wait.is_some() && wait != reported {
                report();
            }
            reported = wait;
        }
    });
}

/// The thread that waits and how often it has gone to sleep: the same pair is the same wait.
fn waiting() -> Option<(PathBuf, String)> {
    let waits = |thread: &Path| {
        // "number argument argument ...": the call that the thread is in.
        let call = std::fs::read_to_string(thread.join("syscall")).unwrap_or_default();
        let mut words = call.split(' ');
        words.next().and_then(|number| number.parse().ok()) == Some(libc::SYS_read) && words.next() == Some("0x0")
    };
    let threads = std::fs::read_dir("/proc/self/task").ok()?;
    let thread = threads.flatten().map(|thread| thread.path()).find(|thread| waits(thread))?;
    let status = std::fs::read_to_string(thread.join("status")).ok()?;
    let slept = status.lines().find(|line| line.starts_with("voluntary_ctxt_switches"))?.to_owned();
    Some((thread, slept))
}

/// The error of a cell that asked in vain.
pub fn refusal() -> CellError {
    let message = "nobody answered (the notebook allows no input, or the wait was interrupted), so the cell read the end of its input";
    CellError::new(Stage::Input, "input", message)
}
