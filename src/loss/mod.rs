//! What training minimises: a number from scores and labels, with an exact gradient.
//!
//! | | two-class score (n,) | C scores (n, C) |
//! |---|---|---|
//! | [`cross_entropy`](mod@cross_entropy) | mean of softplus(∓score) | mean of logsumexp(scores) - score of the label |
//! | hinge, square, label smoothing, logit squeezing | see `baselines.rs` | |
//! | [`differential`](mod@differential) | mean over pairs of softplus(-(sᵢ - tⱼ)) | mean over pairs of classes c, d of the same of score_c - score_d |
//! | [`surrogates`] | other losses on pairs | the same |
//!
//! Everything is computed in f64, also from f32 scores, and in forms that neither overflow nor cancel: at a score of
//! 700 for the right class cross-entropy is 9.86e-305, for the wrong class 700. Uses `error` only.

mod baselines;
mod class_pairs;
pub mod cross_entropy;
pub mod differential;
mod known;
mod labelled;
mod resident;
pub mod surrogates;

use crate::error::{Error, Result};
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
    /// Mean hinge loss, that of a support vector machine; with weight decay its limit is one.
    Hinge,
    /// Mean squared error against -1 and 1, or against 0 and 1 for each of C scores.
    Square,
    /// Cross-entropy with this share of the label spread evenly over all classes, in [0, 1].
    LabelSmoothing(f64),
    /// Cross-entropy plus this factor times the mean squared length of the scores, at least 0.
    LogitSqueezing(f64),
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
            Loss::Hinge => "hinge",
            Loss::Square => "square",
            Loss::LabelSmoothing(_) => "label smoothing",
            Loss::LogitSqueezing(_) => "logit squeezing",
        }
    }

    /// Whether it sees differences of scores only, so that a constant added to one class's scores changes nothing.
    pub fn is_pairwise(&self) -> bool {
        match self {
            Loss::Differential | Loss::SquaredPairs | Loss::SquaredHingePairs | Loss::HardestPairs(_) => true,
            Loss::CrossEntropy | Loss::Hinge | Loss::Square | Loss::LabelSmoothing(_) | Loss::LogitSqueezing(_) => {
                false
            }
        }
    }

    /// The loss of `scores` for labels `y`; a scalar of the scores' type, differentiable once.
    ///
    /// `scores`: (n,) or (n, C), f32 or f64; `y`: (n,) u32, below 2 or C. Computed in f64 and rounded once.
    /// Errors: `Shape`; `Value` naming the row of a score that is not finite or of a label out of range; for a loss on
    /// pairs also if a class is absent.
    pub fn value(&self, scores: &Tensor, y: &Tensor) -> Result<Tensor> {
        if scores.device().is_cpu() {
            let (value, gradient) = self.known(scores, y)?;
            return Known { value, gradient }.attach(scores);
        }
        self.value_in_place(scores, y)
    }

    /// [`Loss::value`] by operations on the scores' own device, as it computes for scores on a card.
    ///
    /// Guarantees: differential and cross-entropy scores do not pass through the host. Errors: as [`Loss::value`].
    pub fn value_in_place(&self, scores: &Tensor, y: &Tensor) -> Result<Tensor> {
        match self {
            Loss::Differential => resident::differential(scores, y),
            Loss::CrossEntropy => resident::cross_entropy(scores, y),
            _ => {
                let (value, gradient) = self.known(scores, y)?;
                resident::known(scores, Known { value, gradient })
            }
        }
    }

    fn known(&self, scores: &Tensor, y: &Tensor) -> Result<(f64, Vec<f64>)> {
        self.check()?;
        let labelled = Labelled::new(scores, y)?;
        Ok(match self {
            Loss::CrossEntropy => cross_entropy::loss_and_gradient(&labelled),
            Loss::Differential => differential::loss_and_gradient(&labelled)?,
            Loss::SquaredPairs => by_class_pairs(&labelled, surrogates::squared)?,
            Loss::SquaredHingePairs => by_class_pairs(&labelled, surrogates::squared_hinge)?,
            Loss::HardestPairs(count) => by_class_pairs(&labelled, |s, t| surrogates::hardest(s, t, *count))?,
            Loss::Hinge => baselines::hinge(&labelled),
            Loss::Square => baselines::square(&labelled),
            Loss::LabelSmoothing(share) => baselines::label_smoothing(&labelled, *share),
            Loss::LogitSqueezing(strength) => baselines::logit_squeezing(&labelled, *strength),
        })
    }

    fn check(&self) -> Result<()> {
        let (expected, got) = match self {
            Loss::LabelSmoothing(share) if !(0.0..=1.0).contains(share) => ("a smoothing share in [0, 1]", share),
            Loss::LogitSqueezing(strength) if !(*strength >= 0.0 && strength.is_finite()) => {
                ("a finite squeezing factor of at least 0", strength)
            }
            _ => return Ok(()),
        };
        Err(Error::Value { op: "loss", expected: expected.into(), got: got.to_string() })
    }
}

/// The TRADES loss: cross-entropy of clean inputs plus `beta` times the divergence of their neighbours' predictions.
///
/// `scores`: (2n,) or (2n, C), first of the n clean inputs, then of their neighbours in the same order; `y`: (2n,) u32, of
/// which the first n count. A scalar, differentiable once in all scores. The divergence is KL(clean ‖ neighbour).
/// Errors: as [`Loss::value`]; `Value` for a negative `beta` or an odd number of rows.
/// Source: Zhang et al., arXiv:1901.08573, equation (5).
pub fn trades(scores: &Tensor, y: &Tensor, beta: f64) -> Result<Tensor> {
    let refuse = |expected: &str, got: String| Err(Error::Value { op: "trades", expected: expected.into(), got });
    if !(beta >= 0.0 && beta.is_finite()) {
        return refuse("a finite beta of at least 0", beta.to_string());
    }
    let labelled = Labelled::new(scores, y)?;
    if labelled.labels.len() % 2 == 1 {
        return refuse("as many neighbours as clean inputs", format!("{} rows", labelled.labels.len()));
    }
    let (value, gradient) = baselines::trades(&labelled, beta);
    let known = Known { value, gradient };
    if scores.device().is_cpu() { known.attach(scores) } else { resident::known(scores, known) }
}
