//! The type of the numbers of a tensor on a machine, and counts of them.

use crate::error::{Error, Result};

/// f32 or f64.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Number {
    /// `float`
    F32,
    /// `double`
    F64,
}

impl Number {
    /// Bytes of one.
    pub fn bytes(self) -> u64 {
        match self {
            Number::F32 => 4,
            Number::F64 => 8,
        }
    }

    /// The end of the names of CUDA kernels that take it.
    pub(super) fn suffix(self) -> &'static str {
        match self {
            Number::F32 => "f32",
            Number::F64 => "f64",
        }
    }
}

/// A product of sizes as the CUDA kernels count.
pub(super) fn count(op: &'static str, sizes: &[usize]) -> Result<u32> {
    let product = sizes.iter().try_fold(1_usize, |product, size| product.checked_mul(*size));
    match product.and_then(|count| u32::try_from(count).ok()).filter(|count| *count < 1 << 31) {
        Some(count) => Ok(count),
        None => {
            let expected = "fewer than 2^31 numbers at a time on a card; use smaller batches".into();
            Err(Error::Value { op, expected, got: format!("{sizes:?}") })
        }
    }
}
