//! The pair loss, networks and attacks on an NVIDIA card.
//!
//! | file | |
//! |---|---|
//! | `kernels/*.cu` | the CUDA kernels; `kernels/README.md` says how they work |
//! | `kernel.rs` | the launch table: every CUDA kernel's parameters, threads and shared memory |
//! | `machine.rs` | what runs them: a card, or in tests the host's own compiler |
//! | `pairs.rs`, `exact.rs`, `boxes.rs`, `separated.rs` | which kernels are launched, in what order, for the pair loss |
//! | `step.rs`, `course.rs` | projected gradient ascent: one step, and the whole course of an attack |
//! | `convolution.rs`, `pool.rs`, `layers.rs` | the operations of a network and their gradients |
//! | `compiler.rs`, `gpu.rs`, `loader.rs` | NVRTC and the driver, through cudarc; looked for at run time |
//! | `card.rs`, `tensors.rs` | the same on candle's device, stream and tensors (feature `candle-cuda`) |
//!
//! The feature `cuda` builds on any machine; on one without a card [`Gpu::open`] says what is missing in one line. Every
//! sum has an order that the numbers of scores alone fix: two runs, and two cards, give the same bytes in f64.

mod boxes;
#[cfg(feature = "candle-cuda")]
mod card;
mod compiler;
mod convolution;
mod course;
mod exact;
mod gpu;
mod kernel;
pub mod layers;
mod loader;
mod machine;
mod number;
mod pairs;
mod pool;
mod product;
mod separated;
mod step;
#[cfg(feature = "candle-cuda")]
pub(crate) mod tensors;

#[cfg(feature = "candle-cuda")]
pub use card::Card;
pub use compiler::{Compiled, Compiler};
pub use convolution::Convolution;
pub use course::{Course, CourseOf, Found};
pub use gpu::Gpu;
#[cfg(feature = "candle-cuda")]
pub(crate) use gpu::{driver, no_card};
pub use kernel::{KERNELS, Kernel, Source};
pub use machine::{Argument, Machine};
pub use number::Number;
pub use pairs::{Method, Pairs, Precision};
pub use pool::Pooling;
pub use product::{Multiply, Product};
pub use step::{AttackStep, StepNorm};
