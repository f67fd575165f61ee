//! The names a notebook cell has in scope.

pub use crate::display::{Bundle, Show, show};
pub use crate::error::{Error, Result};
pub use candle_core::{self, D, DType, Device, IndexOp, Tensor, Var};
pub use candle_nn;
