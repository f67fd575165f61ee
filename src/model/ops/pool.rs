//! Max-pool over windows of `size` × `size` that do not overlap.
//!
//! `(n, c, h, w)` to `(n, c, h / size, w / size)`, rounded down: rows and columns that fill no window are left out.
//! The gradient goes to the first maximum of a window in row-major order, as in PyTorch; a NaN wins its window.
//! One window [[1, 3], [3, 2]] with gradient 1: value 3, gradient [[0, 1], [0, 0]].

use super::contiguous;
use crate::error::{Error, Result};
use candle_core::{CpuStorage, CustomOp1, CustomOp2, Layout, Shape, Tensor, WithDType, bail};

/// Max-pool with stride `size`; see [`super`] for why candle's is not used.
///
/// `x`: (n, c, h, w) f32 or f64, with h and w at least `size`. Differentiable once.
/// Errors: `Shape` for another rank or an image smaller than the window; `Value` if `size` is 0.
pub fn max_pool(x: &Tensor, size: usize) -> Result<Tensor> {
    if size == 0 {
        return Err(Error::Value { op: "max_pool", expected: "a size of at least 1".into(), got: "0".into() });
    }
    match x.dims() {
        [_, _, h, w] if *h >= size && *w >= size => {}
        dims => {
            let expected = format!("(n, c, h, w) with h and w at least {size}");
            return Err(Error::Shape { op: "max_pool", expected, got: dims.to_vec() });
        }
    }
    let pool = || x.contiguous()?.apply_op1(MaxPool { size });
    pool().map_err(Error::candle("max_pool"))
}

struct MaxPool {
    size: usize,
}

/// Takes the pool's input and the gradient of its output; returns the gradient of the input.
struct MaxPoolGradient {
    size: usize,
}

/// Where the maximum of each window lies in the input, window after window.
fn maxima<'a, T: WithDType>(x: &'a [T], dims: [usize; 4], size: usize) -> impl Iterator<Item = usize> + 'a {
    let [n, c, h, w] = dims;
    let (rows, columns) = (h / size, w / size);
    (0..n * c * rows * columns).map(move |window| {
        let (plane, row, column) = (window / (rows * columns), window / columns % rows, window % columns);
        let corner = plane * h * w + row * size * w + column * size;
        let mut best = corner;
        for dy in 0..size {
            for at in corner + dy * w..corner + dy * w + size {
                // Only a NaN differs from itself; the comparison alone would lose it.
                #[allow(clippy::eq_op)]
                if x[at] > x[best] || x[at] != x[at] {
                    best = at;
                }
            }
        }
        best
    })
}

impl CustomOp1 for MaxPool {
    fn name(&self) -> &'static str {
        "max_pool"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> candle_core::Result<(CpuStorage, Shape)> {
        let (n, c, h, w) = layout.shape().dims4()?;
        let dims = [n, c, h, w];
        let pooled = match storage {
            CpuStorage::F32(x) => {
                let x = contiguous("max_pool", x, layout)?;
                CpuStorage::F32(maxima(x, dims, self.size).map(|at| x[at]).collect())
            }
            CpuStorage::F64(x) => {
                let x = contiguous("max_pool", x, layout)?;
                CpuStorage::F64(maxima(x, dims, self.size).map(|at| x[at]).collect())
            }
            _ => bail!("max_pool: the values must be f32 or f64"),
        };
        Ok((pooled, Shape::from((n, c, h / self.size, w / self.size))))
    }

    fn bwd(&self, x: &Tensor, _pooled: &Tensor, gradient: &Tensor) -> candle_core::Result<Option<Tensor>> {
        x.apply_op2_no_bwd(&gradient.contiguous()?, &MaxPoolGradient { size: self.size }).map(Some)
    }
}

impl CustomOp2 for MaxPoolGradient {
    fn name(&self) -> &'static str {
        "max_pool_gradient"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        x_layout: &Layout,
        gradient: &CpuStorage,
        gradient_layout: &Layout,
    ) -> candle_core::Result<(CpuStorage, Shape)> {
        fn scatter<T: WithDType>(x: &[T], dims: [usize; 4], size: usize, gradient: &[T]) -> Vec<T> {
            let mut out = vec![T::zero(); x.len()];
            for (at, g) in maxima(x, dims, size).zip(gradient) {
                out[at] = *g; // windows do not overlap
            }
            out
        }
        let (n, c, h, w) = x_layout.shape().dims4()?;
        let dims = [n, c, h, w];
        let name = self.name();
        let out = match (x, gradient) {
            (CpuStorage::F32(x), CpuStorage::F32(g)) => {
                let (x, g) = (contiguous(name, x, x_layout)?, contiguous(name, g, gradient_layout)?);
                CpuStorage::F32(scatter(x, dims, self.size, g))
            }
            (CpuStorage::F64(x), CpuStorage::F64(g)) => {
                let (x, g) = (contiguous(name, x, x_layout)?, contiguous(name, g, gradient_layout)?);
                CpuStorage::F64(scatter(x, dims, self.size, g))
            }
            _ => bail!("{name}: values and gradient must both be f32 or both f64"),
        };
        Ok((out, x_layout.shape().clone()))
    }
}
