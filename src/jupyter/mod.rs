//! The Jupyter kernel: protocol 5.4 over ZeroMQ in front of a [`Session`](crate::session::Session).
//!
//! One thread evaluates cells; everything that needs no evaluator (kernel_info, is_complete, history, interrupt) is
//! answered while a cell runs, and completion and inspection from the names known before it. Uses `session`, `display` and
//! `error` only: it would serve any prelude.
//!
//! | file | part |
//! |---|---|
//! | `connection` | the connection file |
//! | `message`, `gate` | frames, header, signature; what may come in |
//! | `server` | the five sockets and their tasks |
//! | `outbox`, `iopub` | what goes out, and to all frontends |
//! | `stdin`, `interrupts` | lines typed for a cell; how a cell is stopped |
//! | `shell`, `complete`, `history` | requests that need no evaluator |
//! | `evaluator`, `task`, `assist`, `build` | the thread that runs cells |
//! | `known` | names for the time when a cell runs |
//! | `kernelspec` | where Jupyter looks for kernels |

mod assist;
mod build;
mod complete;
mod connection;
mod evaluator;
mod gate;
mod history;
mod interrupts;
mod iopub;
pub mod kernelspec;
mod known;
mod message;
mod outbox;
mod server;
mod shell;
mod stdin;
mod task;

pub use assist::code_and_cursor;
pub use complete::{Completeness, completeness};
pub use connection::Connection;
pub use gate::{Dropped, Gate};
pub use history::History;
pub use message::{Message, PROTOCOL, Refusal, Signer};
pub use server::serve;
pub use shell::answer;
