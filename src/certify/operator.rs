//! Operator norms: by how much a linear layer stretches a vector, in L2, from above.
//!
//! Dense: the largest singular value. Convolution: of the matrix it is, zero padding and stride included, if that is
//! small; else the largest singular value of its transfer matrix over the frequencies of a torus on which inputs do not
//! wrap around, which bounds it from above (Sedghi, Gupta and Long, arXiv:1805.10408, give the torus itself).
//! Both are largest eigenvalues of a Gram matrix, by faer in f64.

use crate::error::{Error, Result};
use candle_core::Tensor;
use faer::{Mat, Side};

const OP: &str = "lipschitz";
/// The largest side of a Gram matrix that is formed for a convolution.
const SIDE: usize = 640;

/// The largest singular value of a matrix (o, i).
pub(super) fn dense(weight: &Tensor) -> Result<f64> {
    let (o, i) = weight.dims2()?;
    let values = weight.flatten_all()?.to_vec1::<f64>()?;
    largest_singular(&Mat::from_fn(o, i, |a, b| values[a * i + b]))
}

fn largest_singular(matrix: &Mat<f64>) -> Result<f64> {
    let gram = if matrix.nrows() <= matrix.ncols() { matrix * matrix.transpose() } else { matrix.transpose() * matrix };
    Ok(largest_eigenvalue(&gram)?.max(0.0).sqrt())
}

fn largest_eigenvalue(symmetric: &Mat<f64>) -> Result<f64> {
    let values = symmetric.self_adjoint_eigenvalues(Side::Lower).map_err(|error| Error::Value {
        op: OP,
        expected: "weights whose eigenvalues converge".into(),
        got: format!("{error:?}"),
    })?;
    Ok(values.into_iter().fold(0.0, f64::max))
}

/// A convolution: how it meets images of `height` by `width`.
pub(super) struct Window {
    pub stride: usize,
    pub padding: usize,
    pub height: usize,
    pub width: usize,
}

/// The norm of a convolution (o, i, k, k), and whether it is exact.
pub(super) fn convolution(weight: &Tensor, window: &Window) -> Result<(f64, bool)> {
    let (o, i, k, _) = weight.dims4()?;
    let values = weight.flatten_all()?.to_vec1::<f64>()?;
    let at = |o: usize, c: usize, dy: usize, dx: usize| values[((o * i + c) * k + dy) * k + dx];
    let Window { stride, padding, height, width } = *window;
    let (tall, wide) = ((height + 2 * padding - k) / stride + 1, (width + 2 * padding - k) / stride + 1);
    let (rows, columns) = (o * tall * wide, i * height * width);
    if rows.min(columns) <= SIDE {
        let mut matrix = Mat::<f64>::zeros(rows, columns);
        for (a, y, x) in places(o, tall, wide) {
            for (c, dy, dx) in places(i, k, k) {
                let (line, column) = (y * stride + dy, x * stride + dx);
                let inside =
                    (padding..padding + height).contains(&line) && (padding..padding + width).contains(&column);
                if inside {
                    let from = (c * height + line - padding) * width + column - padding;
                    matrix[((a * tall + y) * wide + x, from)] = at(a, c, dy, dx);
                }
            }
        }
        return Ok((largest_singular(&matrix)?, true));
    }
    // On this torus an image and its window do not meet their other ends; a stride only leaves outputs out.
    let (tall, wide) = (height + k - 1, width + k - 1);
    let mut largest = 0.0_f64;
    for (_, fy, fx) in places(1, tall, wide) {
        // Opposite frequencies are conjugate.
        if (fy, fx) > ((tall - fy) % tall, (wide - fx) % wide) {
            continue;
        }
        let angle = |dy: usize, dx: usize| {
            std::f64::consts::TAU * (fy as f64 * dy as f64 / tall as f64 + fx as f64 * dx as f64 / wide as f64)
        };
        let sum = |a: usize, c: usize, part: fn(f64) -> f64| {
            places(1, k, k).map(|(_, dy, dx)| at(a, c, dy, dx) * part(angle(dy, dx))).sum::<f64>()
        };
        let real = Mat::from_fn(o, i, |a, c| sum(a, c, f64::cos));
        let imaginary = Mat::from_fn(o, i, |a, c| sum(a, c, f64::sin));
        // The complex matrix A + iB as the real one [[A, -B], [B, A]], which has the same singular values twice.
        let whole = Mat::from_fn(2 * o, 2 * i, |a, c| match (a < o, c < i) {
            (true, true) => real[(a, c)],
            (true, false) => -imaginary[(a, c - i)],
            (false, true) => imaginary[(a - o, c)],
            (false, false) => real[(a - o, c - i)],
        });
        largest = largest.max(largest_singular(&whole)?);
    }
    Ok((largest, false))
}

fn places(a: usize, b: usize, c: usize) -> impl Iterator<Item = (usize, usize, usize)> {
    (0..a).flat_map(move |x| (0..b).flat_map(move |y| (0..c).map(move |z| (x, y, z))))
}
