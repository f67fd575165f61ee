//! The Jupyter kernel: protocol 5.4 over ZeroMQ in front of a [`Session`](crate::session::Session).
//!
//! One thread evaluates cells; everything that needs no evaluator (kernel_info, is_complete, history, interrupt) is
//! answered while a cell runs. Uses `session`, `display` and `error` only: it would serve any prelude.
//!
//! | file | part |
//! |---|---|
//! | `connection` | the connection file |
//! | `message` | frames, header, signature |
//! | `server` | the five sockets and their tasks |
//! | `shell` | requests that need no evaluator |
//! | `evaluator` | the thread that runs cells |
//! | `kernelspec` | where Jupyter looks for kernels |

mod complete;
mod connection;
mod evaluator;
mod history;
pub mod kernelspec;
mod message;
mod server;
mod shell;

pub use complete::{Completeness, completeness};
pub use connection::Connection;
pub use message::{Message, Signer};
pub use server::serve;
