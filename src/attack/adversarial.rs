//! What an attack found, row by row, with everything a sceptic asks for.

use super::Norm;
use crate::display::{Bundle, Show};
use candle_core::Tensor;

/// Attacked inputs beside the clean ones.
///
/// Rows that were already wrong count as found by every attack: `success` and `any` start from the clean prediction.
#[derive(Clone, Debug)]
pub struct Adversarial {
    /// The inputs, (n, ...).
    pub clean: Tensor,
    /// The attacked inputs, same shape: the last iterate.
    pub x: Tensor,
    /// The labels, n of them.
    pub labels: Vec<u32>,
    /// The class of each row of `x`; of `clean` for rows not reached before an interrupt or with scores not finite.
    pub predicted: Vec<u32>,
    /// How changes were measured.
    pub norm: Norm,
    /// The radius of the ball.
    pub epsilon: f64,
    /// The size of each change, at most `epsilon` up to rounding.
    pub norms: Vec<f64>,
    /// Whether the last iterate is classified wrongly (what foolbox reports).
    pub success: Vec<bool>,
    /// Whether some iterate was, the clean input included (what AutoAttack reports).
    pub any: Vec<bool>,
    /// Rows whose gradient was exactly zero at some iterate: not attacked there, so perhaps masked and not robust.
    pub zero_gradient: usize,
    /// Rows with a gradient or score that was not finite at some iterate.
    pub not_finite: usize,
    /// Whether the clean input is classified correctly.
    pub clean_correct: Vec<bool>,
    /// Whether a person stopped the attack early; rows not reached are unchanged.
    pub interrupted: bool,
}

impl Adversarial {
    /// Share of rows classified correctly before the attack; NaN without rows.
    pub fn clean_accuracy(&self) -> f64 {
        share(&self.clean_correct, true)
    }

    /// Share of rows classified correctly at every iterate; NaN without rows.
    pub fn robust_accuracy(&self) -> f64 {
        share(&self.any, false)
    }
}

fn share(flags: &[bool], wanted: bool) -> f64 {
    flags.iter().filter(|flag| **flag == wanted).count() as f64 / flags.len() as f64
}

impl Show for Adversarial {
    fn bundle(&self) -> Bundle {
        let mut text = format!(
            "{} inputs within {} {}: accuracy {:.3} clean, {:.3} attacked",
            self.labels.len(),
            self.norm,
            self.epsilon,
            self.clean_accuracy(),
            self.robust_accuracy()
        );
        if self.zero_gradient > 0 {
            text += &format!("; {} of {} rows have zero gradient", self.zero_gradient, self.labels.len());
        }
        if self.not_finite > 0 {
            text += &format!("; {} rows with values that are not finite", self.not_finite);
        }
        if self.interrupted {
            text += "; interrupted";
        }
        Bundle::text(text)
    }
}
