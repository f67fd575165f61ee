//! Pools and their gradients: the launches of `kernels/pool.cu`.

use super::machine::{Argument, Machine, launch};
use super::number::{Number, count};
use crate::error::Result;
use Argument::{Address, U32};

const OP: &str = "pool on a card";

/// The sizes of a pool. x: (planes, height, width), y: (planes, rows, columns) with rows and columns the windows that fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pooling {
    /// Images times channels.
    pub planes: usize,
    /// Height and width.
    pub sides: [usize; 2],
    /// Side of a window, at most the sides.
    pub size: usize,
    /// Pixels from window to window.
    pub stride: usize,
    /// Whether the maximum of a window is taken, else its mean.
    pub maximum: bool,
    /// Type of everything.
    pub number: Number,
}

impl Pooling {
    /// y from x.
    pub fn forward<M: Machine>(&self, on: &M, x: u64, y: u64) -> Result<()> {
        let [rows, columns] = self.windows();
        self.start(on, "", &[Address(x)], [rows, columns], y)
    }

    /// The gradient in x from that of y.
    pub fn gradient<M: Machine>(&self, on: &M, gradient: u64, x: u64, out: u64) -> Result<()> {
        self.start(on, "gradient_", &[Address(gradient), Address(x)], self.sides, out)
    }

    fn windows(&self) -> [usize; 2] {
        self.sides.map(|side| (side - self.size) / self.stride + 1)
    }

    fn start<M: Machine>(&self, on: &M, what: &str, from: &[Argument], out: [usize; 2], to: u64) -> Result<()> {
        let threads = count(OP, &[self.planes, out[0], out[1]])?;
        let ([height, width], [rows, columns]) = (self.sides, self.windows());
        let mut arguments = from.to_vec();
        for size in [self.planes, height, width, self.size, self.stride, rows, columns] {
            arguments.push(U32(count(OP, &[size])?));
        }
        arguments.push(Address(to));
        // What each thread indexes by has to fit too.
        count(OP, &[self.planes, height, width])?;
        let kind = if self.maximum { "max" } else { "average" };
        let name = format!("{kind}_pool_{what}{}", self.number.suffix());
        if threads == 0 { Ok(()) } else { launch(on, &name, [threads.div_ceil(256), 1], &arguments) }
    }
}
