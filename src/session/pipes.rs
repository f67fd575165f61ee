//! The session's end of the worker's pipes: bytes in, outputs and records out, in order.

use super::input::{Input, InputRequest, WAITING};
use super::outcome::Stream;
use super::runtime::{BEGIN_OF_CELL, COMPLETE, END_OF_CELL};
use crate::display::{Bundle, MARK, Record};
use crate::error::{Error, Result};
use rustix::fs::{CWD, Mode};
use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex};

/// So many pieces of at most 64 KiB wait in memory; a worker that prints more waits for the reader.
const QUEUED: usize = 256;
/// Written by the session itself, on both pipes, when an evaluation is over.
const FINISHED: &str = "\u{1e}finished";
const BEGIN_CONTENT: &str = "EVCXR_BEGIN_CONTENT ";
const END_CONTENT: &str = "EVCXR_END_CONTENT";

/// What was read from a pipe.
#[derive(Debug)]
pub enum Arrival {
    /// Printed text.
    Text(Stream, String),
    /// A display, a result or an error's record.
    Record(Record),
    /// The cell starts to run: it is compiled.
    BeginOfCell,
    /// What evcxr_input printed: the prompt of the wait that follows.
    Prompt(InputRequest),
    /// A thread of the cell waits for a line of input.
    Waiting,
    /// The worker has run the cell; this pipe holds nothing more of it.
    EndOfCell,
    /// The session asked for the end; this pipe is empty.
    Finished,
}

/// Named pipes in a private folder, and the threads that read them.
pub struct Pipes {
    folder: tempfile::TempDir,
    arrivals: Mutex<Receiver<Arrival>>,
    writers: [File; 2],
    control: File,
    input: Input,
    running: Arc<AtomicBool>,
}

impl Pipes {
    /// Makes the pipes and starts reading.
    pub fn new() -> Result<Self> {
        let folder = tempfile::Builder::new()
            .prefix("widemargin-")
            .tempdir()
            .map_err(Error::io("create a folder in", std::env::temp_dir()))?;
        let (sender, arrivals) = sync_channel(QUEUED);
        let writers = [
            read_pipe(&folder.path().join("stdout"), Stream::Stdout, sender.clone())?,
            read_pipe(&folder.path().join("stderr"), Stream::Stderr, sender)?,
        ];
        let control = make_pipe(&folder.path().join("control"))?;
        let input = Input::new(folder.path(), make_pipe)?;
        Ok(Self { folder, arrivals: Mutex::new(arrivals), writers, control, input, running: Arc::default() })
    }

    /// The folder that the worker is told about.
    pub fn folder(&self) -> PathBuf {
        self.folder.path().to_owned()
    }

    /// Where cells read what a person types.
    pub fn input(&self) -> &Input {
        &self.input
    }

    /// Whether the worker runs a cell; false while one is compiled.
    pub fn running(&self) -> &Arc<AtomicBool> {
        &self.running
    }

    /// The next thing a cell printed or showed.
    pub fn next(&self) -> Option<Arrival> {
        self.arrivals.lock().ok()?.recv().ok()
    }

    /// Sends a line to evcxr through the worker.
    pub fn tell_evcxr(&self, line: &str) -> std::io::Result<()> {
        writeln!(&self.control, "{line}")
    }

    /// Tells evcxr that all output of the cell has arrived.
    pub fn complete(&self) -> std::io::Result<()> {
        self.tell_evcxr(COMPLETE)
    }

    /// Puts the last mark behind everything that was printed.
    pub fn finish(&self) -> std::io::Result<()> {
        for mut writer in &self.writers {
            writeln!(writer, "{FINISHED}")?;
        }
        Ok(())
    }
}

/// A new pipe, opened for both directions: opening does not wait, and reading survives a restart of the worker.
fn make_pipe(path: &Path) -> Result<File> {
    rustix::fs::mknodat(CWD, path, rustix::fs::FileType::Fifo, Mode::RUSR | Mode::WUSR, 0)
        .map_err(|e| Error::io("create the pipe", path)(e.into()))?;
    OpenOptions::new().read(true).write(true).open(path).map_err(Error::io("open the pipe", path))
}

fn read_pipe(path: &Path, stream: Stream, sender: SyncSender<Arrival>) -> Result<File> {
    let mut pipe = make_pipe(path)?;
    let writer = pipe.try_clone().map_err(Error::io("open the pipe", path))?;
    std::thread::spawn(move || {
        let mut splitter = Splitter::new(stream);
        let mut buffer = vec![0; 1 << 16];
        while let Ok(count @ 1..) = pipe.read(&mut buffer) {
            for arrival in splitter.feed(&buffer[..count]) {
                if sender.send(arrival).is_err() {
                    return;
                }
            }
        }
    });
    Ok(writer)
}

/// Cuts a stream of bytes into text and records.
pub struct Splitter {
    stream: Stream,
    bytes: Vec<u8>,
    content: Option<(String, String)>,
}

impl Splitter {
    /// A splitter for one stream.
    pub fn new(stream: Stream) -> Self {
        Self { stream, bytes: Vec::new(), content: None }
    }

    /// Everything that is complete after `bytes`; the rest waits for more.
    pub fn feed(&mut self, bytes: &[u8]) -> Vec<Arrival> {
        self.bytes.extend_from_slice(bytes);
        let mut out = Vec::new();
        while let Some(piece) = self.piece() {
            self.take(&piece, &mut out);
        }
        out
    }

    /// The next whole line, the text before a mark, or unfinished text that cannot become something else.
    fn piece(&mut self) -> Option<String> {
        let mark = self.bytes.iter().position(|&b| b == MARK as u8);
        let newline = self.bytes.iter().position(|&b| b == b'\n');
        let end = match (mark, newline) {
            (Some(mark), Some(newline)) if mark > 0 && mark < newline => mark,
            (Some(mark), None) if mark > 0 => mark,
            (_, Some(newline)) => newline + 1,
            (Some(_), None) => return None,
            (None, None) => self.unfinished()?,
        };
        let rest = self.bytes.split_off(end);
        let piece = std::mem::replace(&mut self.bytes, rest);
        Some(String::from_utf8_lossy(&piece).into_owned())
    }

    /// How much of a line without its end may be passed on: not the start of evcxr's own block, no half character.
    fn unfinished(&self) -> Option<usize> {
        let start = &self.bytes[..self.bytes.len().min(BEGIN_CONTENT.len())];
        let whole = match std::str::from_utf8(&self.bytes) {
            Ok(_) => self.bytes.len(),
            Err(error) if error.error_len().is_none() => error.valid_up_to(),
            Err(_) => self.bytes.len(),
        };
        let held = self.content.is_some() || BEGIN_CONTENT.as_bytes().starts_with(start);
        (whole > 0 && !held).then_some(whole)
    }

    fn take(&mut self, piece: &str, out: &mut Vec<Arrival>) {
        let line = piece.trim_end_matches('\n');
        if let Some((mime, mut text)) = self.content.take() {
            if line == END_CONTENT {
                let text = text.trim_end_matches('\n').to_owned();
                let bundle = Bundle { data: [(mime, text.into())].into_iter().collect() };
                out.push(Arrival::Record(Record::Result(bundle)));
            } else {
                text.push_str(piece);
                self.content = Some((mime, text));
            }
        } else if let Some(mime) = line.strip_prefix(BEGIN_CONTENT) {
            self.content = Some((mime.to_owned(), String::new()));
        } else if line == BEGIN_OF_CELL {
            out.push(Arrival::BeginOfCell);
        } else if line == WAITING {
            out.push(Arrival::Waiting);
        } else if let Some(request) = InputRequest::parse(line) {
            out.push(Arrival::Prompt(request));
        } else if line == END_OF_CELL {
            out.push(Arrival::EndOfCell);
        } else if line == FINISHED {
            out.push(Arrival::Finished);
        } else if let Some(record) = Record::parse(line) {
            out.push(Arrival::Record(record));
        } else {
            out.push(Arrival::Text(self.stream, piece.to_owned()));
        }
    }
}
