//! Runs notebook cells: evcxr, unmodified, with the prelude in scope before the first cell.
//!
//! A host program calls [`hook`] first thing in `main`, since the same executable serves as the worker that runs the
//! cells and as the compiler's wrapper. Then:
//!
//! ```no_run
//! use widemargin::session::{Options, Session};
//! # fn main() -> widemargin::Result<()> {
//! widemargin::session::hook();
//! let mut session = Session::start(&Options::default(), &mut |line| eprintln!("{line}"))?;
//! let outcome = session.eval("digits()?.pair(3, 8)?.train.len()", &mut |_| {})?;
//! println!("{:?}", outcome.mime_types());
//! # Ok(()) }
//! ```
//! Uses `error`, `display` and `still` only: it would host any prelude.

mod analyzer;
mod backtrace;
pub mod cache;
mod crash;
mod diagnostic;
mod dylib;
mod evaluator;
pub mod generated;
mod guest;
mod input;
mod interrupter;
mod leftovers;
mod library;
mod outcome;
mod phases;
mod pipes;
mod prelude;
mod pump;
mod runtime;
mod rustc;
mod stop;
mod switches;

pub use evaluator::{Evaluator, Start, Stop};
pub use guest::Guest;
pub use input::{InputRequest, Reader};
pub use interrupter::Interrupter;
pub use outcome::{CellError, Outcome, Output, Stage, Stream, metadata};
pub use pipes::{Arrival, Splitter};
pub use prelude::{Prelude, cache_folder, compiler, compiler_libraries, sources};

use crate::display::Record;
use crate::error::{Error, Result};
use crate::still::Renderer;
use evcxr::{CommandContext, EvalContext};
use phases::Phases;
use pipes::Pipes;
use pump::{Collected, drain, pumped};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::{Instant, SystemTime};

/// Names the part that a child process of ours plays.
const ROLE: &str = "WIDEMARGIN_ROLE";

/// Becomes the worker or the compiler's wrapper if this process was started as one; else returns at once.
pub fn hook() {
    match std::env::var(ROLE).as_deref() {
        Ok("worker") => runtime::run(),
        Ok("rustc") => rustc::run(),
        _ => {
            if let Ok(cache) = cache_folder() {
                // SAFETY: `hook` is the first call of `main`, so no other thread reads the environment.
                unsafe { std::env::set_var("RUST_SRC_PATH", library::folder(&cache)) };
            }
        }
    }
}

/// How a session starts.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The executable that calls [`hook`]; the running one if `None`.
    pub program: Option<PathBuf>,
    /// The formats of figures; those that `WIDEMARGIN_RENDERER` names if `None`.
    pub renderer: Option<Renderer>,
    /// Another library as the prelude; ours if `None`.
    pub guest: Option<Guest>,
}

/// What could stand at a place of a cell.
#[derive(Clone, Debug, Default)]
pub struct Completions {
    /// First byte that a match replaces.
    pub start: usize,
    /// Byte behind the last one.
    pub end: usize,
    /// Each text with its kind: `function`, `struct`, ...
    pub matches: Vec<(String, &'static str)>,
}

/// A running evaluator with its variables.
pub struct Session {
    context: CommandContext,
    pipes: Pipes,
    renderer: Renderer,
    interrupter: Interrupter,
    /// What the worker printed before its pipes were open: reasons why it could not start.
    worker_log: Arc<Mutex<String>>,
    phases: Phases,
    /// The optimisation level of cells that do not ask for one.
    opt: char,
    timing: bool,
}

impl Session {
    /// Starts the evaluator; builds the prelude first if this machine has none. `say` gets a line per step.
    pub fn start(options: &Options, say: &mut dyn FnMut(&str)) -> Result<Self> {
        let renderer = options.renderer.map_or_else(Renderer::from_environment, Ok)?;
        let prelude = Prelude::open(&cache_folder()?, options.guest.as_ref(), say)?;
        let program = match &options.program {
            Some(program) => program.clone(),
            None => std::env::current_exe().map_err(Error::io("find", "this program"))?,
        };
        leftovers::clear(&std::env::temp_dir());
        let pipes = Pipes::new()?;
        leftovers::own(&pipes.folder());
        let mut worker = Command::new(&program);
        worker
            .env(ROLE, "worker")
            .env(runtime::PIPES, pipes.folder())
            .env(runtime::LIBRARY, prelude.library())
            .env("LD_LIBRARY_PATH", &prelude.compiler_libraries);
        let refused = |error: evcxr::Error| Error::Session { stage: "evaluator", reason: error.to_string() };

        let (context, _) = pumped(&pipes, &renderer, &mut |_| {}, || EvalContext::with_subprocess_command(worker));
        let (mut context, outputs) = context.map_err(refused)?;
        let worker_log = drain(outputs);

        let mut state = context.state();
        state.set_build_env("RUSTC_WRAPPER", &program.to_string_lossy());
        state.set_build_env(ROLE, "rustc");
        // cargo would announce the stand-ins on this program's stderr.
        state.set_build_env("CARGO_TERM_QUIET", "true");
        state.set_build_env(rustc::FOLDER, &pipes.folder().to_string_lossy());
        state.set_build_env(rustc::PRELUDE, &prelude.folder.to_string_lossy());
        for (name, stand_in) in prelude.dependencies() {
            state.add_dep(name, &format!("{{ path = {stand_in:?} }}")).map_err(refused)?;
        }
        let (first, _) = pumped(&pipes, &renderer, &mut |_| {}, || context.eval_with_state(&prelude.first_cell, state));
        first.map_err(|error| {
            let detail = match &error {
                evcxr::Error::CompilationErrors(errors) => {
                    diagnostic::compile_error(errors, &prelude.first_cell).detail
                }
                other => other.to_string(),
            };
            let log = worker_log.lock().map(|log| log.clone()).unwrap_or_default();
            Error::Session { stage: "prelude's first cell", reason: format!("{detail}{log}") }
        })?;
        let interrupter =
            Interrupter::new(context.process_handle(), Arc::clone(pipes.running()), stop::Stop::new(&pipes.folder()));
        let mut context = CommandContext::with_eval_context(context);
        if let Some(package) =
            context.execute(":last_compile_dir").ok().and_then(|told| told.get("text/plain").map(PathBuf::from))
        {
            leftovers::own(&package);
        }
        let phases = Phases::new(&pipes.folder());
        let opt = rustc::UNOPTIMISED;
        Ok(Self { context, pipes, renderer, interrupter, worker_log, phases, opt, timing: false })
    }

    /// Runs one cell. `sink` gets every output as it arrives, from another thread; the outcome holds all of them.
    ///
    /// At the head of a cell `:opt 3` compiles it with full optimisation and `:timing` turns a line with the phases of
    /// each cell on and off; `:help` lists evcxr's own commands.
    ///
    /// A cell that does not compile, panics or is stopped by `?` is an `Ok` outcome with its `error` set. Earlier variables
    /// are kept, except those that the failed cell moved or bound anew: `CellError::lost` names them. After a crash all
    /// are gone.
    ///
    /// Errors: `Session` if the evaluator itself is broken.
    pub fn eval(&mut self, code: &str, sink: &mut (dyn FnMut(&Output) + Send)) -> Result<Outcome> {
        let (start, begun) = (Instant::now(), SystemTime::now());
        let (switches, code) = switches::read(code);
        if let Some((line, message)) = switches.refused {
            return Ok(Outcome::refused(line, message));
        }
        self.timing ^= switches.timing;
        if code.trim().is_empty() {
            self.opt = switches.opt.unwrap_or(self.opt);
            return Ok(Outcome::default());
        }
        rustc::set_level(&self.pipes.folder(), switches.opt.unwrap_or(self.opt))?;
        self.phases.clear();
        let before: Vec<String> = self.variables().into_iter().map(|(name, _)| name).collect();
        let context = &mut self.context;
        self.interrupter.begin();
        // rust-analyzer panics on some code; the next cell finds it as it was.
        let (result, mut collected) =
            pumped(&self.pipes, &self.renderer, sink, || catch_unwind(AssertUnwindSafe(|| context.execute(&code))));
        let killed = self.interrupter.end();
        let mut outcome = std::mem::take(&mut collected.outcome);
        match result {
            Ok(Ok(evaluated)) => {
                for (mime, text) in evaluated.content_by_mime_type {
                    let bundle = crate::display::Bundle { data: [(mime, text.into())].into_iter().collect() };
                    emit(&mut outcome, sink, Output::Result(bundle));
                }
                outcome.error = self.failure(collected, &code);
                let panic = outcome.error.as_ref().filter(|error| error.stage == Stage::Panic);
                if let Some(bundle) = panic.and_then(|error| backtrace::folded(&error.detail)) {
                    emit(&mut outcome, sink, Output::Display(bundle));
                }
            }
            Ok(Err(error)) => outcome.error = Some(self.refusal(error, &code, killed)),
            Err(panic) => outcome.error = Some(evaluator_panicked(&*panic)),
        }
        if self.pipes.input().take_refused() {
            outcome.error = Some(input::refusal());
        }
        if let Some(error) = &mut outcome.error {
            let now = self.variables();
            error.lost = before.into_iter().filter(|name| !now.iter().any(|(other, _)| other == name)).collect();
        }
        outcome.phases = self.phases.of_cell(begun);
        outcome.seconds = start.elapsed().as_secs_f64();
        if self.timing {
            let line = outcome.timing();
            emit(&mut outcome, sink, Output::Text(Stream::Stdout, line));
        }
        Ok(outcome)
    }

    /// Lets rust-analyzer read what the first `let` of a session needs: about a second that nobody then waits for.
    pub fn warm(&mut self) {
        const NEEDS_TYPES: &str = "let x = Tensor::zeros(1, DType::F32, &Device::Cpu).unwrap(); x.dims";
        // Without an answer the first `let` takes its second.
        let _ = catch_unwind(AssertUnwindSafe(|| self.complete(NEEDS_TYPES, NEEDS_TYPES.len())));
    }

    /// A handle by which another thread stops a running cell.
    pub fn interrupter(&self) -> Interrupter {
        self.interrupter.clone()
    }

    /// Who is asked when a cell reads its standard input; without anyone, and when the answer is `None`, the cell reads the
    /// end of the input and counts as failed.
    pub fn set_input(&mut self, reader: Option<Reader>) {
        self.pipes.input().set_reader(reader);
    }

    /// Completions at byte `at` of `code`; `None` if the code before it cannot be analysed.
    pub fn complete(&mut self, code: &str, at: usize) -> Option<Completions> {
        let found = self.context.completions(code, at).ok()?;
        let matches = found.completions.into_iter().map(|completion| (completion.code, completion.kind)).collect();
        Some(Completions { start: found.start_offset, end: found.end_offset, matches })
    }

    /// Signature and documentation of the name at byte `at` of `code`, as plain text and as HTML.
    pub fn inspect(&mut self, code: &str, at: usize) -> Option<(String, String)> {
        // rust-analyzer wants the end of the name.
        let rest = code.get(at..)?;
        let end = at + rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
        let (plain, html) = self.context.hover_at(code, end).ok()?;
        (plain != "No documentation found").then_some((plain, html))
    }

    /// Names and types of the variables that cells have bound.
    pub fn variables(&self) -> Vec<(String, String)> {
        self.context.variables_and_types().map(|(name, kind)| (name.to_owned(), kind.to_owned())).collect()
    }

    /// The error of a cell that ran and told of one.
    fn failure(&self, collected: Collected, code: &str) -> Option<CellError> {
        let line = |generated: u32| {
            let source = self.context.last_source().ok()?;
            generated::cell_line(&source, generated as usize, code)
        };
        match collected.failure? {
            Record::Question { message, line: at } => {
                Some(CellError::new(Stage::Question, "Error", &message).with_detail(message.clone()).at(line(at)))
            }
            Record::Panic { message, file, line: at, backtrace } => {
                // The prelude's own files have relative names too.
                let in_cell = file == rustc::REWRITTEN;
                let text = if in_cell { message } else { format!("{message} ({file}:{at})") };
                let error = CellError::new(Stage::Panic, "panic", &text).with_detail(backtrace);
                Some(error.at(line(at).filter(|_| in_cell)))
            }
            _ => None,
        }
    }

    /// The error of a cell that evcxr refused.
    fn refusal(&self, error: evcxr::Error, code: &str, killed: bool) -> CellError {
        if self.interrupter.stopped_compilation() {
            return stop::interrupted();
        }
        let log = self.worker_log.lock().map(|mut log| std::mem::take(&mut *log)).unwrap_or_default();
        match error {
            evcxr::Error::CompilationErrors(errors) => diagnostic::compile_error(&errors, code),
            evcxr::Error::SubprocessTerminated(status) => crash::crashed(&status, killed, log),
            other => CellError::new(Stage::Compile, "error", other.to_string().trim()).with_detail(log),
        }
    }
}

fn emit(outcome: &mut Outcome, sink: &mut (dyn FnMut(&Output) + Send), output: Output) {
    sink(&output);
    outcome.push(output);
}

fn evaluator_panicked(panic: &(dyn std::any::Any + Send)) -> CellError {
    let text = panic.downcast_ref::<String>().map(String::as_str).or(panic.downcast_ref::<&str>().copied());
    let text = text.unwrap_or("without a text");
    let message = format!("the evaluator gave up on this code ({text}); nothing of it ran. Write it another way");
    CellError::new(Stage::Compile, "evaluator", &message)
}
