//! What an evaluation of the pair loss returns beside its gradients, and the range of the scores it was made from.

/// Which engine answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Algo {
    /// The definition, pair by pair.
    Reference,
    /// Symmetric polynomials of blocks of pairs.
    Blocks,
    /// The definition's formula row by row, for scores that are very far apart.
    Rows,
    /// The log domain, for sides that are far apart in the right order.
    Separated,
}

/// The loss; its gradient is exp(`grad_log_scale`) times the vectors written beside it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Value {
    /// The mean over pairs; 0 where it is below the range of f64.
    pub mean: f64,
    /// Its logarithm, also where `mean` is 0.
    pub log_mean: f64,
    /// The logarithm of the factor on both gradients: `log_mean` for [`Algo::Separated`], else 0.
    pub grad_log_scale: f64,
    /// A bound, first order in 2^-53, on the relative error of the mean and of every component of the scaled gradient,
    /// from the roundings that were counted; below 1e-290 a component may also be 0.
    pub certified_rel: f64,
    /// Which engine answered.
    pub algo: Algo,
}

impl Value {
    pub(super) fn unscaled(mean: f64, certified_rel: f64, algo: Algo) -> Self {
        Value { mean, log_mean: mean.ln(), grad_log_scale: 0.0, certified_rel, algo }
    }
}

/// The extremes of both sides.
#[derive(Clone, Copy)]
pub(super) struct Range {
    pub(super) s: (f64, f64),
    pub(super) t: (f64, f64),
}

impl Range {
    fn extremes(&self) -> (f64, f64) {
        (self.s.0.min(self.t.0), self.s.1.max(self.t.1))
    }

    /// The largest score less the smallest.
    pub(super) fn spread(&self) -> f64 {
        let (low, high) = self.extremes();
        high - low
    }

    pub(super) fn centre(&self) -> f64 {
        let (low, high) = self.extremes();
        low / 2.0 + high / 2.0
    }

    /// The least difference of a positive's score and a negative's.
    pub(super) fn margin(&self) -> f64 {
        self.s.0 - self.t.1
    }

    /// The relative error of a sum of `terms` by the definition's formula.
    pub(super) fn rounding(&self, terms: usize) -> f64 {
        // A rounded difference moves exp by as much; from 746 on exp is 0 or its rounding no longer counts.
        (terms as f64 + self.spread().min(746.0) + 8.0) * f64::EPSILON / 2.0
    }
}
