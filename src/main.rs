//! The `widemargin` program.

use std::process::ExitCode;

fn main() -> ExitCode {
    // First of all: this executable is also the worker that runs cells and the wrapper of their compiler.
    widemargin::session::hook();
    widemargin::cli::main()
}
