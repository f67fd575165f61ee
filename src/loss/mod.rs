//! What training minimises: a number from scores and labels, with an exact gradient.
//!
//! | | two-class score (n,) | C scores (n, C) |
//! |---|---|---|
//! | [`cross_entropy`](mod@cross_entropy) | mean of softplus(∓score) | mean of logsumexp(scores) - score of the label |
//! | [`differential`](mod@differential) | mean over pairs of softplus(-(sᵢ - tⱼ)) | mean over pairs of classes c, d of the same of score_c - score_d |
//! | [`surrogates`] | other losses on pairs | the same |
//!
//! Everything is computed in f64, also from f32 scores, and in forms that neither overflow nor cancel: at a score of
//! 700 for the right class cross-entropy is 9.86e-305, for the wrong class 700. Uses `error` only.

mod class_pairs;
pub mod cross_entropy;
pub mod differential;
mod known;
mod labelled;
pub mod surrogates;

use crate::error::Result;
use candle_core::Tensor;
use class_pairs::by_class_pairs;
use known::Known;
use labelled::Labelled;

/// A loss on scores.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Loss {
    /// Mean negative log-likelihood of the label. For one output the logistic loss, else the softmax one.
    CrossEntropy,
    /// Mean logistic loss over all pairs of a positive and a negative, "differential training"; for more than two classes
    /// the mean over pairs of classes. The only loss on pairs here that the theorem on the maximum margin covers.
    Differential,
    /// Mean of (1 - difference)² over pairs, see [`surrogates::squared`]; outside the theorem.
    SquaredPairs,
    /// Mean of max(0, 1 - difference)² over pairs, see [`surrogates::squared_hinge`]; outside the theorem.
    SquaredHingePairs,
    /// Mean logistic loss over this many of the pairs, the hardest ones, see [`surrogates::hardest`]; outside the theorem.
    HardestPairs(usize),
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
            Loss::SquaredPairs => "squared pairs",
            Loss::SquaredHingePairs => "squared hinge pairs",
            Loss::HardestPairs(_) => "hardest pairs",
        }
    }

    /// Whether it sees differences of scores only, so that a constant added to one class's scores changes nothing.
    pub fn is_pairwise(&self) -> bool {
        match self {
            Loss::CrossEntropy => false,
            Loss::Differential | Loss::SquaredPairs | Loss::SquaredHingePairs | Loss::HardestPairs(_) => true,
        }
    }

    /// The loss of `scores` for labels `y`; a scalar of the scores' type, differentiable once.
    ///
    /// `scores`: (n,) or (n, C), f32 or f64; `y`: (n,) u32, below 2 or C. Computed in f64 and rounded once.
    /// Errors: `Shape`; `Value` naming the row of a score that is not finite or of a label out of range; for a loss on
    /// pairs also if a class is absent.
    pub fn value(&self, scores: &Tensor, y: &Tensor) -> Result<Tensor> {
        let labelled = Labelled::new(scores, y)?;
        let (value, gradient) = match self {
            Loss::CrossEntropy => cross_entropy::loss_and_gradient(&labelled),
            Loss::Differential => differential::loss_and_gradient(&labelled)?,
            Loss::SquaredPairs => by_class_pairs(&labelled, surrogates::squared)?,
            Loss::SquaredHingePairs => by_class_pairs(&labelled, surrogates::squared_hinge)?,
            Loss::HardestPairs(count) => by_class_pairs(&labelled, |s, t| surrogates::hardest(s, t, *count))?,
        };
        Known { value, gradient }.attach(scores)
    }
}
