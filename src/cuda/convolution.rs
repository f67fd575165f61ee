//! A convolution and its gradients: the launches of `kernels/columns.cu`, and products of matrices between them.
//!
//! As `model/ops/convolution`, whose tests on the CPU are the specification. Images are taken in parts whose columns fit
//! a gigabyte; the parts depend on the sizes alone.

use super::machine::{Argument, launch};
use super::number::{Number, count};
use super::product::{Multiply, Product};
use crate::error::{Error, Result};
use Argument::{Address, U32};

const OP: &str = "conv2d on a card";
/// Bytes of the columns of one part.
const ROOM: u64 = 1 << 30;
/// Sizes up to here cannot be mistaken for differences below 0.
const LARGEST: usize = 1 << 30;

/// The sizes of a convolution. x: (images, channels, height, width), weight: (filters, channels / groups, kernel), y:
/// (images, filters, out), all row by row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Convolution {
    /// How many images.
    pub images: usize,
    /// Channels of an image, of all groups.
    pub channels: usize,
    /// Channels of a result, of all groups.
    pub filters: usize,
    /// Parts into which the channels are split.
    pub groups: usize,
    /// Height and width of an image.
    pub sides: [usize; 2],
    /// Height and width of the window.
    pub kernel: [usize; 2],
    /// Pixels from window to window.
    pub stride: usize,
    /// Zeros around the image.
    pub padding: usize,
    /// Pixels from tap to tap.
    pub dilation: usize,
    /// Height and width of a result.
    pub out: [usize; 2],
    /// Type of everything.
    pub number: Number,
}

impl Convolution {
    /// y = x * weight + bias.
    pub fn forward<M: Multiply>(&self, on: &M, x: u64, weight: u64, bias: Option<u64>, y: u64) -> Result<()> {
        self.by_part(|part, first| {
            let windows = part.windows()?;
            let columns = part.gather(on, x + first * part.image_bytes())?;
            let turned = on.memory(part.bytes(part.filters * windows as usize))?;
            let (from, to) = (on.address(&columns), on.address(&turned));
            part.by_group(|group| {
                let Group { filters, taps, of_weight, of_columns, of_result } = group;
                on.multiply(&Product {
                    a: weight + of_weight,
                    b: from + of_columns,
                    c: to + of_result,
                    turned: [false, false],
                    rows: filters,
                    inner: taps,
                    columns: windows,
                    add: false,
                    number: part.number,
                })
            })?;
            part.swap(on, to, bias, part.filters, part.images, y + first * part.result_bytes())
        })
    }

    /// The gradient in x from that of y.
    pub fn input_gradient<M: Multiply>(&self, on: &M, gradient: u64, weight: u64, out: u64) -> Result<()> {
        self.by_part(|part, first| {
            let windows = part.windows()?;
            let turned = part.by_channel(on, gradient + first * part.result_bytes())?;
            let columns = on.memory(part.bytes(part.taps() * windows as usize))?;
            let (from, to) = (on.address(&turned), on.address(&columns));
            part.by_group(|group| {
                let Group { filters, taps, of_weight, of_columns, of_result } = group;
                on.multiply(&Product {
                    a: weight + of_weight,
                    b: from + of_result,
                    c: to + of_columns,
                    turned: [true, false],
                    rows: taps,
                    inner: filters,
                    columns: windows,
                    add: false,
                    number: part.number,
                })
            })?;
            let pixels = count(OP, &[part.images, part.sides[0], part.sides[1]])?;
            part.start(on, "images", pixels, to, out + first * part.image_bytes())
        })
    }

    /// The gradient in the weight from that of y; parts are added in turn.
    pub fn weight_gradient<M: Multiply>(&self, on: &M, gradient: u64, x: u64, out: u64) -> Result<()> {
        self.by_part(|part, first| {
            let windows = part.windows()?;
            let columns = part.gather(on, x + first * part.image_bytes())?;
            let turned = part.by_channel(on, gradient + first * part.result_bytes())?;
            let (of_x, of_y) = (on.address(&columns), on.address(&turned));
            part.by_group(|group| {
                let Group { filters, taps, of_weight, of_columns, of_result } = group;
                on.multiply(&Product {
                    a: of_y + of_result,
                    b: of_x + of_columns,
                    c: out + of_weight,
                    turned: [false, true],
                    rows: filters,
                    inner: windows,
                    columns: taps,
                    add: first > 0,
                    number: part.number,
                })
            })
        })
    }

    /// Rows of the columns, of all groups.
    fn taps(&self) -> usize {
        self.channels * self.kernel[0] * self.kernel[1]
    }

    fn windows(&self) -> Result<u32> {
        count(OP, &[self.images, self.out[0], self.out[1]])
    }

    fn bytes(&self, numbers: usize) -> usize {
        self.number.bytes() as usize * numbers.max(1)
    }

    fn image_bytes(&self) -> u64 {
        self.number.bytes() * (self.channels * self.sides[0] * self.sides[1]) as u64
    }

    fn result_bytes(&self) -> u64 {
        self.number.bytes() * (self.filters * self.out[0] * self.out[1]) as u64
    }

    /// Calls `run` with a part of the images and the number of its first one.
    fn by_part(&self, run: impl Fn(&Convolution, u64) -> Result<()>) -> Result<()> {
        let [height, width] = self.sides;
        let sizes = [self.stride, self.dilation, height, width, self.kernel[0], self.kernel[1]];
        if sizes.iter().any(|size| size.saturating_add(2 * self.padding.min(LARGEST)) > LARGEST) {
            let got = format!("{self:?}");
            return Err(Error::Value { op: OP, expected: format!("sizes of at most {LARGEST}"), got });
        }
        let of_image = self.number.bytes() * (self.taps().max(self.filters) * self.out[0] * self.out[1]) as u64;
        let most = (ROOM / of_image.max(1)).max(1) as usize;
        for first in (0..self.images).step_by(most) {
            run(&Convolution { images: most.min(self.images - first), ..*self }, first as u64)?;
        }
        Ok(())
    }

    /// Calls `run` for each group, whose rows are adjacent in the weight, the columns and the result.
    fn by_group(&self, run: impl Fn(Group) -> Result<()>) -> Result<()> {
        let (filters, taps) = (self.filters / self.groups, self.taps() / self.groups);
        let windows = u64::from(self.windows()?);
        for group in 0..self.groups as u64 {
            let bytes = group * self.number.bytes();
            run(Group {
                filters: count(OP, &[filters])?,
                taps: count(OP, &[taps])?,
                of_weight: bytes * (filters * taps) as u64,
                of_columns: bytes * taps as u64 * windows,
                of_result: bytes * filters as u64 * windows,
            })?;
        }
        Ok(())
    }

    /// The columns of x.
    fn gather<M: Multiply>(&self, on: &M, x: u64) -> Result<M::Memory> {
        let windows = self.windows()?;
        let columns = on.memory(self.bytes(self.taps() * windows as usize))?;
        self.start(on, "columns", windows, x, on.address(&columns))?;
        Ok(columns)
    }

    /// The result's gradient with the channel first.
    fn by_channel<M: Multiply>(&self, on: &M, gradient: u64) -> Result<M::Memory> {
        let turned = on.memory(self.bytes(self.filters * self.windows()? as usize))?;
        self.swap(on, gradient, None, self.images, self.filters, on.address(&turned))?;
        Ok(turned)
    }

    fn start<M: Multiply>(&self, on: &M, name: &str, threads: u32, from: u64, to: u64) -> Result<()> {
        let mut arguments = vec![Address(from), U32(count(OP, &[self.images])?)];
        let sizes = [
            self.sides[0],
            self.sides[1],
            self.kernel[0],
            self.kernel[1],
            self.stride,
            self.padding,
            self.dilation,
            self.out[0],
            self.out[1],
        ];
        for size in sizes {
            arguments.push(U32(count(OP, &[size])?));
        }
        arguments.push(Address(to));
        let grid = [threads.div_ceil(256), count(OP, &[self.channels])?];
        launch(on, &format!("{name}_{}", self.number.suffix()), grid, &arguments)
    }

    /// (a, b, pixels of a result) to (b, a, pixels), with a bias for each of a.
    fn swap<M: Multiply>(&self, on: &M, from: u64, bias: Option<u64>, a: usize, b: usize, to: u64) -> Result<()> {
        let pixels = count(OP, &[self.out[0], self.out[1]])?;
        let threads = count(OP, &[a, pixels as usize])?;
        let arguments = [Address(from), Address(bias.unwrap_or(0)), U32(count(OP, &[a])?), U32(pixels), Address(to)];
        let grid = [threads.div_ceil(256), count(OP, &[b])?];
        launch(on, &format!("swap_axes_{}", self.number.suffix()), grid, &arguments)
    }
}

/// One group: its sizes, and where its rows start, in bytes.
struct Group {
    filters: u32,
    taps: u32,
    of_weight: u64,
    of_columns: u64,
    of_result: u64,
}
