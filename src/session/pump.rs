//! Passes on what arrives while evcxr evaluates, and answers evcxr when a cell's output is complete.

use super::outcome::{Outcome, Output, Stream};
use super::pipes::{Arrival, Pipes};
use crate::display::Record;
use crate::still::Renderer;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};

/// Keeps evcxr's channels empty (evcxr waits for its stdout channel); its worker's early stderr is kept.
pub fn drain(outputs: evcxr::EvalContextOutputs) -> Arc<Mutex<String>> {
    let log = Arc::new(Mutex::new(String::new()));
    let kept = Arc::clone(&log);
    std::thread::spawn(move || for _ in outputs.stdout {});
    std::thread::spawn(move || {
        for line in outputs.stderr {
            if let Ok(mut log) = kept.lock() {
                log.push_str(&line);
                log.push('\n');
            }
        }
    });
    log
}

/// What came through the pipes during one evaluation.
#[derive(Default)]
pub struct Collected {
    /// Outputs in order.
    pub outcome: Outcome,
    /// The record of the panic or the `?` by which the cell ended.
    pub failure: Option<Record>,
}

/// Calls `evaluate` while another thread passes on what arrives, until the pipes are empty.
pub fn pumped<T>(
    pipes: &Pipes,
    renderer: &Renderer,
    sink: &mut (dyn FnMut(&Output) + Send),
    evaluate: impl FnOnce() -> T,
) -> (T, Collected) {
    std::thread::scope(|scope| {
        let pump = scope.spawn(|| pump(pipes, renderer, sink));
        let result = evaluate();
        // Both pipes are open in this process, so writing their last mark cannot fail.
        let _ = pipes.finish();
        (result, pump.join().unwrap_or_default())
    })
}

/// How much of a cell's output is kept: no notebook file or page stands more, and a loop that prints must not fill memory.
const TEXT: usize = 4 << 20;
const DISPLAYS: usize = 256 << 20;

/// What of a cell's output still fits, and what did not.
#[derive(Default)]
struct Measure {
    text: usize,
    displays: usize,
    dropped: usize,
}

impl Measure {
    /// Whether `output` fits; at the first that does not, `note` gets a line that says so.
    fn fits(&mut self, output: &Output, note: &mut dyn FnMut(Output)) -> bool {
        let (size, total, most) = match output {
            Output::Clear { .. } => return true,
            Output::Text(_, text) => (text.len(), &mut self.text, TEXT),
            Output::Display(bundle) | Output::Result(bundle) | Output::Update(_, bundle) => {
                (bundle.size(), &mut self.displays, DISPLAYS)
            }
        };
        *total += size;
        if *total <= most {
            return true;
        }
        if self.dropped == 0 {
            note(stderr(format!("\n[this cell's output is over {} MiB: the rest is not kept]\n", most >> 20)));
        }
        self.dropped += size;
        false
    }
}

fn stderr(text: String) -> Output {
    Output::Text(Stream::Stderr, text)
}

fn pump(pipes: &Pipes, renderer: &Renderer, sink: &mut (dyn FnMut(&Output) + Send)) -> Collected {
    let mut collected = Collected::default();
    let (mut ended, mut finished) = (0, 0);
    let mut last_words = None;
    let mut measure = Measure::default();
    while finished < 2 {
        let Some(arrival) = pipes.next() else { break };
        let mut output = match arrival {
            Arrival::EndOfCell => {
                ended += 1;
                if ended % 2 == 0 {
                    // The worker may have died meanwhile; then evcxr sees the end of its stdout instead.
                    let _ = pipes.complete();
                }
                continue;
            }
            Arrival::BeginOfCell => {
                pipes.running().store(true, Ordering::SeqCst);
                continue;
            }
            Arrival::Prompt(request) => {
                pipes.input().announce(request);
                continue;
            }
            Arrival::Waiting => {
                pipes.input().answer();
                continue;
            }
            Arrival::Finished => {
                finished += 1;
                continue;
            }
            Arrival::Record(Record::Evcxr(line)) => {
                if line == "EVCXR_ERROR_OCCURRED" || line == "EVCXR_PANIC_NOTIFICATION" {
                    collected.failure = last_words.take();
                }
                let _ = pipes.tell_evcxr(&line);
                continue;
            }
            // An error only if the cell then ends by it: code may catch a panic.
            Arrival::Record(record @ (Record::Question { .. } | Record::Panic { .. })) => {
                last_words = Some(record);
                continue;
            }
            Arrival::Record(Record::Display(bundle)) => Output::Display(bundle),
            Arrival::Record(Record::Result(bundle)) => Output::Result(bundle),
            Arrival::Record(Record::Update(id, bundle)) => Output::Update(id, bundle),
            Arrival::Record(Record::Clear { wait }) => Output::Clear { wait },
            Arrival::Text(stream, text) => Output::Text(stream, text),
        };
        if let Output::Display(bundle) | Output::Result(bundle) | Output::Update(_, bundle) = &mut output {
            renderer.dress(bundle);
        }
        let mut pass = |output: Output| {
            sink(&output);
            collected.outcome.push(output);
        };
        if measure.fits(&output, &mut pass) {
            pass(output);
        }
    }
    if measure.dropped > 0 {
        let note = stderr(format!("[{:.1} MiB were not kept]\n", measure.dropped as f64 / f64::from(1 << 20)));
        sink(&note);
        collected.outcome.push(note);
    }
    collected
}
