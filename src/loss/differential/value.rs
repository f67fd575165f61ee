//! What an evaluation of the pair loss returns beside its vectors.

/// Which engine answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Algo {
    /// The definition, pair by pair.
    Reference,
    /// Symmetric polynomials of blocks of pairs.
    Blocks,
    /// The definition's formula row by row, for scores that are very far apart, for weights and for second derivatives.
    Rows,
    /// Near pairs by interpolation between boxes, far pairs by series: linear time.
    Boxes,
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
    /// A bound on the relative error of the mean and of every component of the scaled gradient: the engine's
    /// approximation, and to first order in 2^-53 the roundings that were counted, in f64. Gradients returned as f32 are
    /// rounded once more. A component below 1e-290 may also be 0.
    pub certified_rel: f64,
    /// Which engine answered.
    pub algo: Algo,
}

impl Value {
    pub(super) fn unscaled(mean: f64, certified_rel: f64, algo: Algo) -> Self {
        Value { mean, log_mean: mean.ln(), grad_log_scale: 0.0, certified_rel, algo }
    }
}

/// What second derivatives come with; they are exp(`log_scale`) times the vectors written beside it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Curvature {
    /// The logarithm of the factor on both vectors: that of the loss for [`Algo::Separated`], else 0.
    pub log_scale: f64,
    /// A bound on the error as in [`Value::certified_rel`]: relative to a component of the diagonal, and for a product to
    /// the sum of the absolute values of its terms, H_ik v_k.
    pub certified_rel: f64,
    /// Which engine answered.
    pub algo: Algo,
}
