//! Attacks on a [`crate::model::Classifier`]: the worst input within a ball, and how accuracy falls as the ball grows.
//!
//! [`Pgd`] attacks a batch (n, ...) and returns an [`Adversarial`]; [`robustness`] attacks a whole set at several radii
//! and returns the table. The objective is the logit margin unless cross-entropy is asked for by name: in f32 the gradient
//! of cross-entropy is exactly zero once the logits are about 104 apart, so multiplying the last layer by 1000 hides
//! every adversarial input from it while the decision boundary stays where it is. Rows with a zero gradient are counted.
//!
//! Uses `model` and `progress`. Source of the semantics: Madry et al., arXiv:1706.06083, as in foolbox 3.3.4.

mod adversarial;
mod norm;
mod objective;
mod pgd;
mod robustness;

pub use adversarial::Adversarial;
pub use norm::Norm;
pub use objective::Objective;
pub use pgd::Pgd;
pub use robustness::{AtEpsilon, Attacks, Robustness, robustness};
