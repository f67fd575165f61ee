//! The fast gradient method: one step as long as the radius.
//!
//! Source: Goodfellow, Shlens and Szegedy, arXiv:1412.6572 (Linf); as foolbox's `FGSM`, `L2FastGradientAttack` and
//! `L1FastGradientAttack`. On the score 3a - 4b at epsilon 0.1 a row of class 1 moves by (-0.1, 0.1).

use super::{Adversarial, Model, Norm, Objective, Pgd};
use crate::error::Result;
use candle_core::Tensor;

/// [`Pgd`] with one step of length `epsilon` from the input; for L1 along the gradient itself.
#[derive(Clone, Debug)]
pub struct Fgsm {
    /// How changes are measured.
    pub norm: Norm,
    /// The radius of the ball, in units of the input.
    pub epsilon: f64,
    /// What is increased.
    pub objective: Objective,
    /// The smallest and largest allowed input.
    pub bounds: [f64; 2],
    /// Print no progress.
    pub silent: bool,
}

impl Default for Fgsm {
    fn default() -> Self {
        let Pgd { norm, epsilon, objective, bounds, silent, .. } = Pgd::default();
        Self { norm, epsilon, objective, bounds, silent }
    }
}

impl Fgsm {
    /// The inputs one step away. Shapes, guarantees and errors as [`Pgd::run`].
    pub fn run(&self, net: &dyn Model, x: &Tensor, y: &Tensor) -> Result<Adversarial> {
        self.as_pgd().run(net, x, y)
    }

    /// [`Fgsm::run`] toward the classes `targets`, as [`Pgd::run_targeted`].
    pub fn run_targeted(&self, net: &dyn Model, x: &Tensor, y: &Tensor, targets: &Tensor) -> Result<Adversarial> {
        self.as_pgd().run_targeted(net, x, y, targets)
    }

    fn as_pgd(&self) -> Pgd {
        let Fgsm { norm, epsilon, objective, bounds, silent } = *self;
        let one = Pgd { steps: 1, step: epsilon, sparsity: 0.0, ..Pgd::default() };
        Pgd { norm, epsilon, objective, bounds, silent, ..one }
    }
}
