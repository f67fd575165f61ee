//! What training minimises: a number from scores and labels, with an exact gradient.
//!
//! | | two-class score (n,) | C scores (n, C) |
//! |---|---|---|
//! | [`cross_entropy`](mod@cross_entropy) | mean of softplus(∓score) | mean of logsumexp(scores) - score of the label |
//! | [`differential`](mod@differential) | mean over pairs of softplus(-(sᵢ - tⱼ)) | C = 2: the same of s = score₁ - score₀ |
//!
//! Everything is computed in f64, also from f32 scores, and in forms that neither overflow nor cancel: at a score of
//! 700 for the right class cross-entropy is 9.86e-305, for the wrong class 700. Uses `error` only.

pub mod cross_entropy;
pub mod differential;
mod known;
mod labelled;

use crate::error::Result;
use candle_core::Tensor;
use known::Known;
use labelled::Labelled;

/// A loss on scores.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Loss {
    /// Mean negative log-likelihood of the label. For one output the logistic loss, else the softmax one.
    CrossEntropy,
    /// Mean logistic loss over all pairs of a positive and a negative; "differential training", binary for now.
    Differential,
}

impl Loss {
    /// [`Loss::CrossEntropy`].
    pub fn cross_entropy() -> Self {
        Loss::CrossEntropy
    }

    /// [`Loss::Differential`].
    pub fn differential() -> Self {
        Loss::Differential
    }

    /// The name that tables and legends show.
    pub fn name(&self) -> &'static str {
        match self {
            Loss::CrossEntropy => "cross-entropy",
            Loss::Differential => "differential",
        }
    }

    /// The loss of `scores` for labels `y`; a scalar of the scores' type, differentiable once.
    ///
    /// `scores`: (n,) or (n, C), f32 or f64; `y`: (n,) u32, below 2 or C. Computed in f64 and rounded once.
    /// Errors: `Shape`; `Value` naming the row of a score that is not finite or of a label out of range; for
    /// [`Loss::Differential`] also if a class is absent or C is above 2.
    pub fn value(&self, scores: &Tensor, y: &Tensor) -> Result<Tensor> {
        let labelled = Labelled::new(scores, y)?;
        let (value, gradient) = match self {
            Loss::CrossEntropy => cross_entropy::loss_and_gradient(&labelled),
            Loss::Differential => differential::loss_and_gradient(&labelled)?,
        };
        Known { value, gradient }.attach(scores)
    }
}
