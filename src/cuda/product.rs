//! The product of two matrices: what a machine for networks must have beside our CUDA kernels.

use super::machine::Machine;
use super::number::Number;
use crate::error::Result;

/// c = a · b, or with `add` c + a · b. a: (rows, inner), b: (inner, columns), c: (rows, columns), all row by row.
#[derive(Clone, Copy, Debug)]
pub struct Product {
    /// Address of a; with `turned[0]` it is stored as (inner, rows).
    pub a: u64,
    /// Address of b; with `turned[1]` it is stored as (columns, inner).
    pub b: u64,
    /// Address of c.
    pub c: u64,
    /// Which of a and b are stored turned.
    pub turned: [bool; 2],
    /// Rows of a and c.
    pub rows: u32,
    /// Columns of a, rows of b.
    pub inner: u32,
    /// Columns of b and c.
    pub columns: u32,
    /// Whether c is added to.
    pub add: bool,
    /// Type of all three.
    pub number: Number,
}

/// A machine that multiplies matrices.
pub trait Multiply: Machine {
    /// Starts a product. The same sizes give the same bytes.
    fn multiply(&self, product: &Product) -> Result<()>;
}
