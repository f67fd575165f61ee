//! Max and average pools over windows of `size` × `size`, `stride` apart.
//!
//! `(n, c, h, w)` to `(n, c, (h - size) / stride + 1, (w - size) / stride + 1)`, rounded down: rows and columns that fill
//! no window are left out. The gradient of a maximum goes to the first maximum of the window in row-major order, as in
//! PyTorch; a NaN wins its window. Where windows overlap, gradients add up.
//! One window [[1, 3], [3, 2]] with gradient 1: maximum 3, gradient [[0, 1], [0, 0]]; average 2.25, gradient 1/4 each.

use super::simd::{Level, Number, Vectors, Work};
#[cfg(feature = "candle-cuda")]
use super::tensors;
use super::{SECOND, by_type, contiguous, is_ours};
#[cfg(feature = "candle-cuda")]
use crate::cuda::{Number as Type, Pooling};
use crate::error::{Error, Result};
#[cfg(feature = "candle-cuda")]
use candle_core::CudaStorage;
use candle_core::{CpuStorage, CustomOp1, CustomOp2, Layout, Shape, Tensor, bail};
use rayon::prelude::*;

/// The maximum of each window; see the top of [`super`] for why candle's is not used.
///
/// `x`: (n, c, h, w) f32 or f64, with h and w at least `size`. Differentiable once.
/// Errors: `Shape` for another rank or an image smaller than the window; `Value` if `size` or `stride` is 0.
pub fn max_pool(x: &Tensor, size: usize, stride: usize) -> Result<Tensor> {
    pool(x, Pool { size, stride }, Kind::Maximum)
}

/// The mean of each window.
///
/// `x`: (n, c, h, w) f32 or f64, with h and w at least `size`. Differentiable once.
/// Errors: `Shape` for another rank or an image smaller than the window; `Value` if `size` or `stride` is 0.
pub fn average_pool(x: &Tensor, size: usize, stride: usize) -> Result<Tensor> {
    pool(x, Pool { size, stride }, Kind::Average)
}

fn pool(x: &Tensor, pool: Pool, kind: Kind) -> Result<Tensor> {
    let op = kind.name();
    let Pool { size, stride } = pool;
    for (name, value) in [("size", size), ("stride", stride)] {
        if value == 0 {
            return Err(Error::Value { op, expected: format!("a {name} of at least 1"), got: "0".into() });
        }
    }
    match x.dims() {
        [_, _, h, w] if *h >= size && *w >= size => {}
        dims => {
            let expected = format!("(n, c, h, w) with h and w at least {size}");
            return Err(Error::Shape { op, expected, got: dims.to_vec() });
        }
    }
    let apply = || if is_ours(x) { x.contiguous()?.apply_op1(PoolOp { pool, kind }) } else { composed(x, pool, kind) };
    apply().map_err(Error::candle(op))
}

/// The same from candle's operations, for other devices: one tensor for each place in the window.
fn composed(x: &Tensor, pool: Pool, kind: Kind) -> candle_core::Result<Tensor> {
    let (_, _, h, w) = x.dims4()?;
    let Pool { size, stride } = pool;
    let every = |side: usize, first: usize| {
        let places: Vec<u32> = (0..pool.side(side)).map(|at| (at * stride + first) as u32).collect();
        Tensor::new(places, x.device())
    };
    let mut places = Vec::new();
    for at in 0..size * size {
        places.push(x.index_select(&every(h, at / size)?, 2)?.index_select(&every(w, at % size)?, 3)?);
    }
    let windows = Tensor::stack(&places, 4)?;
    if kind == Kind::Average {
        return windows.mean(4);
    }
    // The weights fall, so that of several maxima the first has the largest.
    let falling: Vec<f32> = (1..=size * size).rev().map(|weight| weight as f32).collect();
    let seen = windows.detach();
    let top = seen.broadcast_ge(&seen.max_keepdim(4)?)?.to_dtype(candle_core::DType::F32)?;
    let first = top.broadcast_mul(&Tensor::new(falling, x.device())?)?.argmax_keepdim(4)?;
    windows.gather(&first, 4)?.squeeze(4)
}

/// A window and its step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Pool {
    pub size: usize,
    pub stride: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Maximum,
    Average,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Kind::Maximum => "max_pool",
            Kind::Average => "average_pool",
        }
    }
}

impl Pool {
    #[cfg(feature = "candle-cuda")]
    fn on_card(&self, kind: Kind, [n, c, h, w]: [usize; 4], number: Type) -> Pooling {
        let Pool { size, stride } = *self;
        Pooling { planes: n * c, sides: [h, w], size, stride, maximum: kind == Kind::Maximum, number }
    }

    /// Windows along a side.
    pub(crate) fn side(&self, pixels: usize) -> usize {
        if pixels < self.size { 0 } else { (pixels - self.size) / self.stride + 1 }
    }

    /// Writes the maximum of each window of a plane (h, w), and where in the plane it lies.
    pub(crate) fn maximum<T: Number>(&self, plane: &[T], [h, w]: [usize; 2], out: &mut [T], at: &mut [u32]) {
        let Pool { size, stride } = *self;
        let columns = self.side(w);
        if size == 2 && stride == 2 {
            return T::run(Level::best(), MaximumOfFour { plane, sides: [h, w], out, at });
        }
        for (window, (out, at)) in out.iter_mut().zip(at).enumerate() {
            let corner = window / columns * stride * w + window % columns * stride;
            let mut best = corner;
            for y in 0..size {
                for x in corner + y * w..corner + y * w + size {
                    if wins(plane[x], plane[best]) {
                        best = x;
                    }
                }
            }
            (*out, *at) = (plane[best], best as u32);
        }
    }

    /// Adds the gradient of each maximum to where it lay.
    pub(crate) fn maximum_gradient<T: Number>(gradient: &[T], at: &[u32], out: &mut [T]) {
        for (g, at) in gradient.iter().zip(at) {
            out[*at as usize] += *g;
        }
    }

    /// Writes the mean of each window of a plane.
    pub(crate) fn average<T: Number>(&self, plane: &[T], [_, w]: [usize; 2], out: &mut [T]) {
        let Pool { size, stride } = *self;
        let (columns, share) = (self.side(w), T::from_f64(1.0 / (size * size) as f64));
        for (window, out) in out.iter_mut().enumerate() {
            let corner = window / columns * stride * w + window % columns * stride;
            let row = |y: usize| plane[corner + y * w..][..size].iter().fold(T::zero(), |sum, x| sum + *x);
            *out = (0..size).fold(T::zero(), |sum, y| sum + row(y)) * share;
        }
    }

    /// Adds each mean's gradient to its window.
    pub(crate) fn average_gradient<T: Number>(&self, gradient: &[T], [_, w]: [usize; 2], out: &mut [T]) {
        let Pool { size, stride } = *self;
        let (columns, share) = (self.side(w), T::from_f64(1.0 / (size * size) as f64));
        for (window, g) in gradient.iter().enumerate() {
            let corner = window / columns * stride * w + window % columns * stride;
            for y in 0..size {
                out[corner + y * w..][..size].iter_mut().for_each(|out| *out += *g * share);
            }
        }
    }
}

/// Whether a later value of a window takes the place of the best so far.
#[inline(always)]
fn wins<T: Number>(value: T, best: T) -> bool {
    // Only a NaN differs from itself; the comparison alone would lose it.
    #[allow(clippy::eq_op)]
    let nan = value != value;
    value > best || nan
}

/// The usual pool, without loops inside: compiled for the processor, the comparisons become vectors.
struct MaximumOfFour<'a, T> {
    plane: &'a [T],
    sides: [usize; 2],
    out: &'a mut [T],
    at: &'a mut [u32],
}

impl<T: Number> Work<T> for MaximumOfFour<'_, T> {
    type Out = ();

    #[inline(always)]
    fn run<V: Vectors<Number = T>>(self, _: V) {
        let Self { plane, sides: [h, w], out, at } = self;
        let columns = w / 2;
        for row in 0..h / 2 {
            let (top, bottom) = (&plane[2 * row * w..][..2 * columns], &plane[(2 * row + 1) * w..][..2 * columns]);
            let (out, at) = (&mut out[row * columns..][..columns], &mut at[row * columns..][..columns]);
            let first = (2 * row * w) as u32;
            let pairs = top.as_chunks::<2>().0.iter().zip(bottom.as_chunks::<2>().0);
            for (column, ((out, at), ([a, b], [c, d]))) in out.iter_mut().zip(at).zip(pairs).enumerate() {
                let (mut best, mut place) = (*a, 0);
                for (value, here) in [(*b, 1), (*c, w as u32), (*d, w as u32 + 1)] {
                    let wins = wins(value, best);
                    best = if wins { value } else { best };
                    place = if wins { here } else { place };
                }
                (*out, *at) = (best, first + 2 * column as u32 + place);
            }
        }
    }
}

struct PoolOp {
    pool: Pool,
    kind: Kind,
}

/// Takes the gradient of the result and the pool's input; returns the gradient of the input.
struct PoolGradient {
    pool: Pool,
    kind: Kind,
}

impl CustomOp1 for PoolOp {
    fn name(&self) -> &'static str {
        self.kind.name()
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> candle_core::Result<(CpuStorage, Shape)> {
        let (n, c, h, w) = layout.shape().dims4()?;
        let (rows, columns) = (self.pool.side(h), self.pool.side(w));
        let out = by_type!(self.name(), storage, T => {
            let x = contiguous::<T>(self.name(), storage, layout)?;
            let mut out: Vec<T> = vec![0.0; n * c * rows * columns];
            out.par_chunks_exact_mut(rows * columns).zip(x.par_chunks_exact(h * w)).for_each_init(
                || vec![0; rows * columns],
                |at, (out, x)| match self.kind {
                    Kind::Maximum => self.pool.maximum(x, [h, w], out, at),
                    Kind::Average => self.pool.average(x, [h, w], out),
                },
            );
            out
        });
        Ok((out, Shape::from((n, c, rows, columns))))
    }

    #[cfg(feature = "candle-cuda")]
    fn cuda_fwd(&self, storage: &CudaStorage, layout: &Layout) -> candle_core::Result<(CudaStorage, Shape)> {
        let (n, c, h, w) = layout.shape().dims4()?;
        let shape = Shape::from((n, c, self.pool.side(h), self.pool.side(w)));
        tensors::run(self.name(), [(storage, layout)], shape, |card, number, [x], y| {
            self.pool.on_card(self.kind, [n, c, h, w], number).forward(card, x, y)
        })
    }

    fn bwd(&self, x: &Tensor, _pooled: &Tensor, gradient: &Tensor) -> candle_core::Result<Option<Tensor>> {
        gradient.contiguous()?.apply_op2(x, PoolGradient { pool: self.pool, kind: self.kind }).map(Some)
    }
}

impl CustomOp2 for PoolGradient {
    fn name(&self) -> &'static str {
        "pool_gradient"
    }

    fn cpu_fwd(
        &self,
        gradient: &CpuStorage,
        gradient_layout: &Layout,
        x: &CpuStorage,
        x_layout: &Layout,
    ) -> candle_core::Result<(CpuStorage, Shape)> {
        let (_, _, h, w) = x_layout.shape().dims4()?;
        let windows = self.pool.side(h) * self.pool.side(w);
        let out = by_type!(self.name(), x, T => {
            let x = contiguous::<T>(self.name(), x, x_layout)?;
            let gradient = contiguous::<T>(self.name(), gradient, gradient_layout)?;
            let mut out: Vec<T> = vec![0.0; x.len()];
            let planes = out.par_chunks_exact_mut(h * w).zip(x.par_chunks_exact(h * w));
            planes.zip(gradient.par_chunks_exact(windows)).for_each_init(
                || (vec![0.0; windows], vec![0; windows]),
                |(values, at), ((out, x), gradient)| match self.kind {
                    Kind::Maximum => {
                        self.pool.maximum(x, [h, w], values, at);
                        Pool::maximum_gradient(gradient, at, out);
                    }
                    Kind::Average => self.pool.average_gradient(gradient, [h, w], out),
                },
            );
            out
        });
        Ok((out, x_layout.shape().clone()))
    }

    #[cfg(feature = "candle-cuda")]
    fn cuda_fwd(
        &self,
        gradient: &CudaStorage,
        gradient_layout: &Layout,
        x: &CudaStorage,
        x_layout: &Layout,
    ) -> candle_core::Result<(CudaStorage, Shape)> {
        let (n, c, h, w) = x_layout.shape().dims4()?;
        let shape = x_layout.shape().clone();
        tensors::run(self.name(), [(gradient, gradient_layout), (x, x_layout)], shape, |card, number, [g, x], out| {
            self.pool.on_card(self.kind, [n, c, h, w], number).gradient(card, g, x, out)
        })
    }

    fn bwd(
        &self,
        _: &Tensor,
        _: &Tensor,
        _: &Tensor,
        _: &Tensor,
    ) -> candle_core::Result<(Option<Tensor>, Option<Tensor>)> {
        bail!("{}: {SECOND}", self.kind.name())
    }
}
