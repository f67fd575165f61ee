//! Attacks on a classifier: the worst input within a ball, the nearest adversarial one, and how accuracy falls.
//!
//! | | finds | by |
//! |---|---|---|
//! | [`Fgsm`], [`Pgd`] | the worst input within an Linf, L2 or L1 ball | gradients |
//! | [`MinimalNorm`] | the nearest adversarial input in L2, bounded from above | [`Ddn`], linearisation, bisection |
//! | [`MinimalLinf`] | the same in Linf | [`Pgd`] within a radius of its own for each row, bisection |
//! | [`DeepFool`] | an estimate of the same, cheaply, L2 or Linf | linearisation |
//! | [`linearised_margins`] | the same from one gradient, neither bound nor attack | linearisation |
//! | [`Square`] | an adversarial input within an Linf or L2 ball | random search, by scores alone |
//! | [`PairAttack`] | the worst input for a net trained by pairs | [`Pgd`] on the pair loss itself |
//! | [`transfer`] | what an attack on one model does to another | |
//! | [`slice`](slice()), [`equal_noise`] | controls to look at | a plane through an input, random changes |
//! | [`robustness`] | accuracy at several radii | [`Pgd`] on the rows still right |
//! | [`evaluate`], [`compare`] | tables: training and test set; models over seeds | the above |
//! | [`masking`](masking()) | whether an attack only seems to fail | gates, each with its number |
//!
//! All take rows (n, ...) with labels (n,) and return an [`Adversarial`] with what became of each row. They attack any
//! [`Model`]: a [`Classifier`](crate::model::Classifier) of ours or one of yours.
//!
//! The objective is the logit margin unless cross-entropy is asked for by name: in f32 the gradient of cross-entropy is
//! exactly zero once the logits are about 104 apart, so multiplying the last layer by 1000 hides every adversarial input
//! from it while the decision boundary stays where it is. Zero gradients are counted.
//!
//! Uses `data`, `model`, `rng`, `display` and `progress`. Source of the semantics: Madry et al., arXiv:1706.06083, as in
//! foolbox 3.3.4.

mod adversarial;
mod batch;
mod compare;
mod ddn;
mod deepfool;
mod evaluate;
pub mod fakes;
mod fgsm;
mod gates;
mod halfspace;
mod inputs;
mod linearised;
mod masking;
mod minimal;
mod minimal_linf;
mod model;
mod nearest;
mod norm;
mod objective;
mod pairs;
mod pgd;
#[cfg(feature = "candle-cuda")]
mod resident;
mod robustness;
mod slice;
mod square;
mod transfer;

pub use adversarial::{Adversarial, Iterate, Status};
pub use compare::{Comparison, Quantity, Spread, compare};
pub use ddn::Ddn;
pub use deepfool::DeepFool;
pub use evaluate::{Evaluated, Evaluation, Part, evaluate};
pub use fgsm::Fgsm;
pub(crate) use halfspace::nearest_across;
pub use linearised::linearised_margins;
pub use masking::{Gate, Masking, Panel, Verdict, masking};
pub use minimal::MinimalNorm;
pub use minimal_linf::MinimalLinf;
pub use model::Model;
pub use norm::Norm;
pub use objective::Objective;
pub use pairs::PairAttack;
pub use pgd::Pgd;
pub use robustness::{AtEpsilon, Attacks, Robustness, robustness};
pub use slice::{Slice, equal_noise, slice};
pub use square::Square;
pub use transfer::{Transfer, transfer};
