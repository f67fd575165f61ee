//! Operations whose gradient in candle 0.11.1 is not the one the mathematics, and PyTorch, say.
//!
//! | | candle | here |
//! |---|---|---|
//! | max-pool of size k | 1/k² of the gradient; with ties, the whole of it to each | the whole of it to the first maximum |
//! | rectifier at 0 | gradient 1 | gradient 0 (`slope` for the leaky one) |
//!
//! Both take f32 and f64 tensors on the CPU, in any memory layout.

mod pool;
mod rectifier;

pub use pool::max_pool;
pub use rectifier::leaky_relu;

use candle_core::{Layout, Result, bail};

/// The part of a storage that a contiguous tensor occupies.
fn contiguous<'a, T>(name: &str, values: &'a [T], layout: &Layout) -> Result<&'a [T]> {
    match layout.contiguous_offsets() {
        Some((start, end)) => Ok(&values[start..end]),
        None => bail!("{name}: the layout is not contiguous"),
    }
}
