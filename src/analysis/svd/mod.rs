//! Singular values by the cheapest way that is as exact as asked, each with a bound on its error.
//!
//! | way | cost for (n, d), n >= d | error of σ_k |
//! |---|---|---|
//! | [`Way::Full`] | about 4 n d², not all of it at full speed | max(n, d) · 2.2e-16 · σ_1 |
//! | [`Way::Gram`] | n d² at full speed: eigenvalues of AᵀA | about 1e-13 · σ_1 (σ_1/σ_k): none of a small value's digits may be right |
//! | [`Way::Randomised`] | 2 (q + 1) (k + p) n d for the first k | the value is a lower bound; an upper one from what is left of the matrix |
//!
//! The cheap ways are tried first where the shape makes them cheap, and their answer is taken if its own bound says that
//! it is exact enough. Gram, after centring: as in principal component analysis. Randomised: Halko, Martinsson and Tropp
//! 2011 (SIAM Review 53), algorithm 4.4. The decompositions are faer's, in f64.

mod full;
mod gram;
mod randomised;

use super::matrix::Rows;
use crate::error::{Error, Result};
use candle_core::{Device, Tensor};
use faer::Par;

pub(super) use full::thin;

const OP: &str = "svd";
/// Numbers below which the full decomposition takes no time worth saving.
const SMALL: usize = 20_000;
/// Beyond these squares leave the range of f64: such a matrix is multiplied by a power of two, which rounds nothing.
const SQUARES: [f64; 2] = [1e-140, 1e140];

/// How faer cuts its work: it adds in another order for another number, so this one is the same on every machine.
fn cut() -> Par {
    Par::rayon(4)
}

/// How singular values were found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// From a bidiagonal form of the matrix itself.
    Full,
    /// As roots of the eigenvalues of the Gram matrix.
    Gram,
    /// From the matrix's range under random vectors.
    Randomised,
}

/// How exactly, and how many.
///
/// ```
/// use candle_core::{Device, Tensor};
/// use widemargin::analysis::{Svd, Way};
/// let a = Tensor::new(&[[3.0_f64, 0.0], [0.0, 2.0], [0.0, 0.0]], &Device::Cpu)?;
/// let found = Svd::default().values(&a)?;
/// assert_eq!((found.values, found.way), (vec![3.0, 2.0], Way::Full));
/// # Ok::<(), widemargin::error::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Svd {
    /// The largest bound on a value's error, relative to that value, with which a cheaper way is taken; infinity takes the
    /// cheapest, 0 always the full one.
    pub accuracy: f64,
    /// Only the first ones.
    pub top: Option<usize>,
    /// Random vectors beyond `top`.
    pub oversampling: usize,
    /// Rounds of multiplication by A and Aᵀ, which sharpen the randomised way.
    pub power: usize,
    /// Of the random vectors.
    pub seed: u64,
}

impl Default for Svd {
    fn default() -> Self {
        Self { accuracy: 1e-8, top: None, oversampling: 10, power: 4, seed: 0 }
    }
}

/// Singular values with their errors.
#[derive(Clone, Debug, PartialEq)]
pub struct SingularValues {
    /// Not increasing; min(n, d) of them, or `top`.
    pub values: Vec<f64>,
    /// The true value is no further from each than this, absolute.
    pub errors: Vec<f64>,
    /// The way that was taken.
    pub way: Way,
}

/// A = U diag(values) Vᵀ.
#[derive(Clone, Debug)]
pub struct Thin {
    /// (n, r) f64, orthonormal columns.
    pub u: Tensor,
    /// r values, not increasing.
    pub values: Vec<f64>,
    /// (d, r) f64, orthonormal columns.
    pub v: Tensor,
}

impl Svd {
    /// The singular values of `matrix`, (n, d) f32 or f64.
    ///
    /// Guarantees: the same bytes for any number of threads. Errors: `Shape` unless the rank is 2 and n, d > 0; `Value`
    /// for a value that is not finite, with its place, and for settings out of range.
    pub fn values(&self, matrix: &Tensor) -> Result<SingularValues> {
        Rows::lend(OP, matrix, |rows| self.of(rows))
    }

    /// The same of rows; a copy of them only where they need one.
    pub(super) fn of(&self, rows: &Rows) -> Result<SingularValues> {
        let largest = rows.largest;
        if largest == 0.0 || (SQUARES[0]..SQUARES[1]).contains(&largest) {
            return self.in_range(rows);
        }
        let mut copy = Rows { values: rows.values.clone(), ..*rows };
        let scale = bring_into_range(&mut copy);
        let mut found = self.in_range(&copy)?;
        found.values.iter_mut().chain(&mut found.errors).for_each(|v| *v /= scale);
        Ok(found)
    }

    /// The thin decomposition, r = min(n, d) or `top`; always the full way.
    ///
    /// Errors: as [`Svd::values`].
    pub fn thin(&self, matrix: &Tensor) -> Result<Thin> {
        self.check()?;
        let mut rows = Rows::read(OP, matrix)?;
        let scale = bring_into_range(&mut rows);
        let (u, values, v) = full::thin(rows.mat())?;
        let values: Vec<f64> = values.into_iter().map(|v| v / scale).collect();
        let r = self.top.unwrap_or(usize::MAX).min(rows.n.min(rows.d));
        let tensor = |m: faer::MatRef<'_, f64>| {
            let values: Vec<f64> = (0..m.nrows()).flat_map(|i| (0..r).map(move |k| m[(i, k)])).collect();
            Tensor::from_vec(values, (m.nrows(), r), &Device::Cpu).map_err(Error::candle(OP))
        };
        Ok(Thin { u: tensor(u.as_ref())?, values: values[..r].to_vec(), v: tensor(v.as_ref())? })
    }

    fn in_range(&self, rows: &Rows) -> Result<SingularValues> {
        self.check()?;
        let short = rows.n.min(rows.d);
        let wanted = self.top.unwrap_or(short).min(short);
        let enough = |found: &SingularValues| {
            let exact = |(error, value): (&f64, &f64)| *error <= self.accuracy * value;
            let all = self.accuracy.is_infinite() || found.errors.iter().zip(&found.values).take(wanted).all(exact);
            all && found.values.len() >= wanted
        };
        let first = |mut found: SingularValues| {
            found.values.truncate(wanted);
            found.errors.truncate(wanted);
            found
        };
        let vectors = (wanted + self.oversampling).min(short);
        let cheap = rows.n * rows.d > SMALL && self.accuracy > 0.0;
        if cheap && self.top.is_some() && vectors * 2 * (self.power + 1) < short {
            let found = randomised::values(rows, vectors, self.power, self.seed)?;
            if enough(&found) {
                return Ok(first(found));
            }
        }
        if cheap {
            let found = gram::values(rows)?;
            if enough(&found) {
                return Ok(first(found));
            }
        }
        let values = full::values(rows.mat())?;
        let error = rows.n.max(rows.d) as f64 * f64::EPSILON * values[0];
        Ok(first(SingularValues { errors: vec![error; values.len()], values, way: Way::Full }))
    }

    fn check(&self) -> Result<()> {
        if !(self.accuracy >= 0.0) {
            let got = self.accuracy.to_string();
            return Err(Error::Value { op: OP, expected: "an accuracy of 0 or more".into(), got });
        }
        if self.top == Some(0) {
            return Err(Error::Value { op: OP, expected: "at least one value".into(), got: "top 0".into() });
        }
        Ok(())
    }
}

/// Multiplies by the power of two that is returned.
fn bring_into_range(rows: &mut Rows) -> f64 {
    let largest = rows.largest;
    if largest == 0.0 || (SQUARES[0]..SQUARES[1]).contains(&largest) {
        return 1.0;
    }
    // Of subnormal numbers not all the way, which is far enough.
    let scale = 2.0_f64.powi(-(largest.log2() as i32).clamp(-1000, 1000));
    rows.values.to_mut().iter_mut().for_each(|v| *v *= scale);
    rows.largest *= scale;
    scale
}
