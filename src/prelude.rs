//! The names a notebook cell has in scope.

pub use crate::data::{self, Dataset, Pair, Split, digits};
pub use crate::display::{Bundle, Show, show};
pub use crate::error::{Error, Result};
pub use crate::margin;
pub use candle_core::{self, D, DType, Device, IndexOp, Tensor, Var};
pub use candle_nn;
