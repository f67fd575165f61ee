//! Operations on the CPU with the gradients that the mathematics, and PyTorch, say, and at PyTorch's speed.
//!
//! | | candle 0.11.1 | here |
//! |---|---|---|
//! | convolution | 4 to 14 times PyTorch's time; both gradients whether asked for or not | at most PyTorch's time; what is asked for |
//! | fully connected | both gradients whether asked for or not | what is asked for |
//! | max-pool of size k | 1/k² of the gradient; with ties, the whole of it to each; stride = size only | the whole of it to the first maximum; any stride |
//! | average pool | no gradient unless stride = size | any stride |
//! | rectifier at 0 | gradient 1 | gradient 0 (`slope` for the leaky one) |
//! | batch normalisation | not in one piece | mean and variance in f64 |
//!
//! All take f32 and f64 tensors, in any memory layout; f32 runs on the widest vectors the processor has, f64 is there
//! to check gradients. With the feature `candle-cuda` a card runs CUDA kernels of ours (`kernels/columns.cu`, `pool.cu`,
//! `layers.cu`), all but batch normalisation; tensors on any other device go through candle's operations, composed so that
//! the gradients are the same. Each is differentiable once: candle cuts the graph of a gradient, so a second derivative would be silently
//! wrong, and every gradient refuses it with a message.

mod batch_norm;
mod channel_sums;
pub mod convolution;
mod dense;
mod once;
pub(crate) mod pool;
pub(crate) mod rectifier;
pub(crate) mod simd;

pub use batch_norm::{Statistics, batch_norm, batch_norm_by};
pub use convolution::{Conv2d, conv2d};
pub use dense::dense;
pub use pool::{average_pool, max_pool};
pub use rectifier::leaky_relu;

pub(crate) use channel_sums::add_channels;

use candle_core::{CpuStorage, Layout, Result, Tensor, WithDType, bail};
use channel_sums::ChannelSums;
use once::Once;
use std::ops::Range;

#[cfg(feature = "candle-cuda")]
use crate::cuda::tensors;

/// Why a gradient has none of its own.
const SECOND: &str = "a second derivative was asked for and is not supported; a penalty on input gradients must be \
                      computed without differentiating them";

fn on_cpu(tensor: &Tensor) -> bool {
    tensor.device().is_cpu()
}

/// Whether our own operation runs where the tensor lies; elsewhere it is composed from candle's.
fn is_ours(tensor: &Tensor) -> bool {
    on_cpu(tensor) || (cfg!(feature = "candle-cuda") && tensor.device().is_cuda())
}

/// The part of a storage that a contiguous tensor occupies.
fn contiguous<'a, T: WithDType>(name: &str, storage: &'a CpuStorage, layout: &Layout) -> Result<&'a [T]> {
    match layout.contiguous_offsets() {
        Some((start, end)) => Ok(&T::cpu_storage_as_slice(storage)?[start..end]),
        None => bail!("{name}: the layout is not contiguous"),
    }
}

/// `0..count` in at most sixteen parts, whatever the number of threads, so that sums are added in one order.
pub(crate) fn pieces(count: usize) -> Vec<Range<usize>> {
    let parts = count.min(16);
    (0..parts).map(|part| part * count / parts..(part + 1) * count / parts).collect()
}

/// Evaluates a block that makes a `Vec<$T>` once for f32 and once for f64, as the storage asks.
macro_rules! by_type {
    ($name:expr, $storage:expr, $T:ident => $body:block) => {
        match $storage {
            candle_core::CpuStorage::F32(_) => {
                type $T = f32;
                candle_core::CpuStorage::F32($body)
            }
            candle_core::CpuStorage::F64(_) => {
                type $T = f64;
                candle_core::CpuStorage::F64($body)
            }
            _ => candle_core::bail!("{}: the values must be f32 or f64", $name),
        }
    };
}
use by_type;
