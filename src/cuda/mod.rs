//! The pair loss, and the step of an attack, on an NVIDIA card.
//!
//! | file | |
//! |---|---|
//! | `kernels/*.cu` | the CUDA kernels; `kernels/README.md` says how they work |
//! | `kernel.rs` | the launch table: every CUDA kernel's parameters, threads and shared memory |
//! | `machine.rs` | what runs them: a card, or in tests the host's own compiler |
//! | `pairs.rs`, `exact.rs`, `boxes.rs`, `separated.rs` | which kernels are launched, in what order, for the pair loss |
//! | `step.rs` | the step of projected gradient ascent |
//! | `compiler.rs`, `gpu.rs` | NVRTC and the driver, through cudarc; looked for at run time |
//!
//! The feature `cuda` builds on any machine; on one without a card [`Gpu::open`] says what is missing in one line. Every
//! sum has an order that the numbers of scores alone fix: two runs, and two cards, give the same bytes in f64.

mod boxes;
mod compiler;
mod exact;
mod gpu;
mod kernel;
mod machine;
mod pairs;
mod separated;
mod step;

pub use compiler::{Compiled, Compiler};
pub use gpu::Gpu;
pub use kernel::{KERNELS, Kernel, Source};
pub use machine::{Argument, Machine};
pub use pairs::{Method, Pairs, Precision};
pub use step::{AttackStep, StepNorm};
