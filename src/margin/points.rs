//! Point sets: what every solver here takes, what it asks of them before it starts, and the vector operations it shares.
//!
//! ```
//! use widemargin::margin::{Points, Rows};
//! let flat = Points::new(vec![0.0, 1.0, 2.0, 3.0], 2)?;
//! assert_eq!((flat.count(), flat.row(1)), (2, &[2.0, 3.0][..]));
//! # Ok::<(), widemargin::Error>(())
//! ```

use crate::error::{Error, Result};

/// Points as rows: `[Vec<f64>]`, `Vec<[f64; 2]>` and the like, or [`Points`] for one block of memory.
pub trait Rows {
    /// How many points.
    fn count(&self) -> usize;
    /// The coordinates of point `i`, which is below [`Rows::count`].
    fn row(&self, i: usize) -> &[f64];
}

impl<R: AsRef<[f64]>> Rows for [R] {
    fn count(&self) -> usize {
        self.len()
    }
    fn row(&self, i: usize) -> &[f64] {
        self[i].as_ref()
    }
}

impl<R: AsRef<[f64]>> Rows for Vec<R> {
    fn count(&self) -> usize {
        self.len()
    }
    fn row(&self, i: usize) -> &[f64] {
        self[i].as_ref()
    }
}

impl<R: AsRef<[f64]>, const N: usize> Rows for [R; N] {
    fn count(&self) -> usize {
        N
    }
    fn row(&self, i: usize) -> &[f64] {
        self[i].as_ref()
    }
}

/// Points of one dimension in one block, row after row: for sets whose separate rows would cost an allocation each.
#[derive(Clone, Debug, PartialEq)]
pub struct Points {
    values: Vec<f64>,
    dimension: usize,
}

impl Points {
    /// The points whose coordinates are `values`, (n · dimension,), row-major.
    ///
    /// Errors: `Shape` if `dimension` is zero or does not divide the number of values.
    pub fn new(values: Vec<f64>, dimension: usize) -> Result<Self> {
        if dimension == 0 || !values.len().is_multiple_of(dimension) {
            let expected = format!("(n, {dimension}) with a positive dimension");
            return Err(Error::Shape { op: "points", expected, got: vec![values.len()] });
        }
        Ok(Self::of(values, dimension))
    }

    /// The same for a dimension that is known to fit.
    pub(super) fn of(values: Vec<f64>, dimension: usize) -> Self {
        Self { values, dimension }
    }
}

impl Rows for Points {
    fn count(&self) -> usize {
        self.values.len() / self.dimension
    }
    fn row(&self, i: usize) -> &[f64] {
        &self.values[i * self.dimension..(i + 1) * self.dimension]
    }
}

/// The common length of all rows of both sides.
///
/// Errors: `Value` for an empty side or a value that is not finite, `Shape` for rows of different lengths.
pub(super) fn dimension(op: &'static str, pos: &(impl Rows + ?Sized), neg: &(impl Rows + ?Sized)) -> Result<usize> {
    Ok(extent(op, pos, neg)?.0)
}

/// The common length of all rows of both sides, and the largest absolute coordinate. Errors as [`dimension`].
pub(super) fn extent(op: &'static str, pos: &(impl Rows + ?Sized), neg: &(impl Rows + ?Sized)) -> Result<(usize, f64)> {
    let (d, of_pos) = check(op, "positive", pos, None)?;
    let (d, of_neg) = check(op, "negative", neg, Some(d))?;
    Ok((d, of_pos.max(of_neg)))
}

fn check(op: &'static str, side: &str, rows: &(impl Rows + ?Sized), d: Option<usize>) -> Result<(usize, f64)> {
    if rows.count() == 0 {
        let expected = format!("at least one {side} point");
        return Err(Error::Value { op, expected, got: "none".into() });
    }
    let d = d.unwrap_or_else(|| rows.row(0).len());
    let mut largest = 0.0;
    for i in 0..rows.count() {
        let row = rows.row(i);
        if row.len() != d || d == 0 {
            let expected = if d == 0 { "(n, d) with d > 0".into() } else { format!("rows of length {d}") };
            return Err(Error::Shape { op, expected, got: vec![row.len()] });
        }
        // x · 0 is 0 unless x is infinite or NaN. Lanes, as in `dot`.
        let (mut sizes, mut finite) = ([0.0_f64; 4], [0.0; 4]);
        let chunks = row.chunks_exact(4);
        for (k, v) in chunks.remainder().iter().enumerate() {
            sizes[k] = if v.abs() > sizes[k] { v.abs() } else { sizes[k] };
            finite[k] += v * 0.0;
        }
        for chunk in chunks {
            for (k, v) in chunk.iter().enumerate() {
                sizes[k] = if v.abs() > sizes[k] { v.abs() } else { sizes[k] };
                finite[k] += v * 0.0;
            }
        }
        largest = sizes.into_iter().fold(largest, f64::max);
        if finite != [0.0; 4] {
            let k = row.iter().position(|v| !v.is_finite()).expect("one of them is not finite");
            let got = format!("{} in {side} point {i}, coordinate {k}", row[k]);
            return Err(Error::Value { op, expected: "finite coordinates".into(), got });
        }
    }
    Ok((d, largest))
}

/// All rows of a set.
pub(super) fn rows_of(set: &(impl Rows + ?Sized)) -> impl Iterator<Item = &[f64]> {
    (0..set.count()).map(|i| set.row(i))
}

/// The inner product, in eight partial sums: they fill vector registers and keep the rounding low.
pub(super) fn dot(a: &[f64], b: &[f64]) -> f64 {
    let mut lanes = [0.0; 8];
    let (left, right) = (a.chunks_exact(8), b.chunks_exact(8));
    let rest: f64 = left.remainder().iter().zip(right.remainder()).map(|(a, b)| a * b).sum();
    for (a, b) in left.zip(right) {
        for k in 0..8 {
            lanes[k] += a[k] * b[k];
        }
    }
    let [a, b, c, d, e, f, g, h] = lanes;
    ((a + e) + (b + f)) + ((c + g) + (d + h)) + rest
}

/// `to += by * of`.
pub(super) fn add_scaled(to: &mut [f64], by: f64, of: &[f64]) {
    to.iter_mut().zip(of).for_each(|(to, of)| *to += by * of);
}

/// The Euclidean length, for coordinates of any size.
pub(super) fn length(a: &[f64]) -> f64 {
    let largest = a.iter().fold(0.0, |m: f64, v| m.max(v.abs()));
    if (1e-140..1e140).contains(&largest) || largest == 0.0 || !largest.is_finite() {
        return dot(a, a).sqrt();
    }
    a.iter().map(|v| (v / largest).powi(2)).sum::<f64>().sqrt() * largest
}
