//! The pairwise logistic loss on score differences ("differential training").
//!
//! L(s, t) = 1/(m n) · sum_ij softplus(-(s_i - t_j)),   s: (m,) scores of positives, t: (n,) of negatives; result: ().
//! Small when every positive outranks every negative; a shift of all scores changes nothing, so a bias is left free.
//! Source: Nar, Ocal, Sastry, Ramchandran, arXiv:1901.08360, section 3, the logistic pair loss, the one its theorem on
//! the maximum margin covers.
//!
//! [`Reference`] is the specification: the double sum in f64. [`Exact`] sums all pairs without exp or log in its inner loop, on all
//! cores; [`AllPairs`] adds the log domain for well separated sides, and is what [`Loss::Differential`](super::Loss) uses.
//! Every engine returns a bound on its error, and the tests hold it against 60-digit numbers. [`Boxes`] takes linear time;
//! [`AllPairs`] uses it beyond a few hundred scores. [`multiclass`] is the mean over pairs of classes.
//!
//! ```
//! use widemargin::loss::differential::{AllPairs, PairLoss, Reference};
//! let (loss, _, _) = Reference.loss_and_grads(&[2.0], &[0.0])?;
//! assert!((loss - 0.126_928_011_042_972_5).abs() < 1e-16); // ln(1 + e^-2)
//! let (mut in_s, mut in_t) = ([0.0], [0.0]);
//! let value = AllPairs::default().evaluate(&[2000.0], &[0.0], &mut in_s, &mut in_t)?;
//! assert_eq!((value.mean, value.log_mean, in_s, in_t), (0.0, -2000.0, [-1.0], [1.0])); // in units of exp(-2000)
//! # Ok::<(), widemargin::Error>(())
//! ```

mod all_pairs;
mod boxes;
mod engine;
mod exact;
mod multiclass;
mod points;
mod reference;
mod rows;
mod score;
mod separated;
mod simd;
mod tolerance;
mod value;

pub use all_pairs::AllPairs;
pub use boxes::Boxes;
pub use exact::Exact;
pub use multiclass::multiclass;
pub use reference::Reference;
pub use score::Score;
pub use simd::Vectors;
pub use tolerance::Tol;
pub use value::{Algo, Curvature, Value};

#[cfg(feature = "cuda")]
pub(crate) use boxes::tables as box_tables;
pub(super) use multiclass::loss_and_gradient;

use crate::error::Result;

use simd::{LANES, Pack};

const OP: &str = "differential loss";

/// A weight for each positive and for each negative: finite, at least 0, not all 0.
pub type Weights<'a> = (&'a [f64], &'a [f64]);

/// A component for each positive's score and for each negative's.
pub type Along<'a> = (&'a [f64], &'a [f64]);

/// An engine for the pair loss, its gradient and its second derivatives. It may keep memory from call to call.
pub trait PairLoss<S: Score = f64> {
    /// The loss; writes the gradient in `s` and in `t`, both in units of exp([`Value::grad_log_scale`]).
    ///
    /// `s`: (m,) scores of the positives, `t`: (n,) of the negatives; `in_s` and `in_t` have their lengths.
    /// Guarantees: every component of the gradient in `s` is at most 0, of that in `t` at least 0; the components of
    /// both together sum to 0 up to rounding; the same input gives the same bytes on any number of threads.
    /// Errors: `Value` if a side is empty or a gradient's length is not its side's, or naming side and index of a score
    /// that is not finite.
    fn evaluate(&mut self, s: &[S], t: &[S], in_s: &mut [S], in_t: &mut [S]) -> Result<Value>;

    /// The same of the weighted mean, sum_ij p_i q_j softplus(t_j - s_i) / (sum_i p_i · sum_j q_j) for `weights` (p, q).
    ///
    /// Errors: also naming side and index of a weight that is negative or not finite, and if a side's sum is 0.
    fn evaluate_weighted(
        &mut self,
        s: &[S],
        t: &[S],
        weights: Weights,
        in_s: &mut [S],
        in_t: &mut [S],
    ) -> Result<Value>;

    /// The diagonal of the Hessian in all scores, for `weights` or for equal ones.
    ///
    /// Written to `of_s`, (m,), and `of_t`, (n,): sum_j p_i q_j σ'(t_j - s_i) / pairs, and the same over i.
    /// Errors: as for [`PairLoss::evaluate`] and [`PairLoss::evaluate_weighted`].
    fn hessian_diagonal(
        &mut self,
        s: &[S],
        t: &[S],
        weights: Option<Weights>,
        of_s: &mut [f64],
        of_t: &mut [f64],
    ) -> Result<Curvature>;

    /// The product of the Hessian in all scores with the vector `along` = (v, u), never forming the matrix.
    ///
    /// Written to `of_s`, (m,), and `of_t`, (n,): sum_j p_i q_j σ'(t_j - s_i) (v_i - u_j) / pairs, and the same over i of
    /// u_j - v_i. The Hessian is positive semidefinite, and takes equal components to 0.
    /// Errors: as for [`PairLoss::hessian_diagonal`]; also naming a component of `along` above 1e100 or not finite.
    fn hessian_product(
        &mut self,
        s: &[S],
        t: &[S],
        weights: Option<Weights>,
        along: Along,
        of_s: &mut [f64],
        of_t: &mut [f64],
    ) -> Result<Curvature>;

    /// The loss, its gradient in `s` and its gradient in `t`; errors as for [`PairLoss::evaluate`].
    fn loss_and_grads(&mut self, s: &[S], t: &[S]) -> Result<(f64, Vec<S>, Vec<S>)> {
        let (mut in_s, mut in_t) = (vec![S::ZERO; s.len()], vec![S::ZERO; t.len()]);
        let value = self.evaluate(s, t, &mut in_s, &mut in_t)?;
        if value.grad_log_scale != 0.0 {
            // The scale is then log L, and `mean` is its exp without the rounding of a logarithm of 700.
            in_s.iter_mut().chain(&mut in_t).for_each(|g| *g = S::from_f64(g.to_f64() * value.mean));
        }
        Ok((value.mean, in_s, in_t))
    }
}

fn grow(packs: &mut Vec<Pack>, length: usize) {
    packs.clear();
    packs.resize(length, Pack::default());
}

/// Adds each further `length` packs to the first.
fn add_parts(packs: &mut [Pack], length: usize) {
    let (sum, parts) = packs.split_at_mut(length);
    for part in parts.chunks(length) {
        for (sum, part) in sum.iter_mut().zip(part) {
            (0..LANES).for_each(|l| sum.0[l] += part.0[l]);
        }
    }
}
