//! Margins of linear classifiers, exact: the largest one, and the one cross-entropy ends at.
//!
//! Points are [`Rows`], such as `&[Vec<f64>]`: `pos` for label +1 and `neg` for label -1; a classifier is a [`Hyperplane`].
//! All arithmetic is f64. Uses `error` and `progress` only, and knows no model: pass it inputs or penultimate features.
//!
//! | | solves | by |
//! |---|---|---|
//! | [`hard_margin`] | min ‖w‖² subject to label·(w·x + b) ≥ 1 | nearest points of the two hulls |
//! | [`pair_loss_limit`] | where the differential loss leads: the same plane | annealed Newton on the loss itself |
//! | [`cross_entropy_limit`] | min ‖w‖² + (b/scale)², same constraints | nearest point to the origin of one hull |
//! | [`two_point_limit`] | the third for one point a side | closed form |
//! | [`margin_bounds`] | between what the margin of the third lies | closed form from the first |
//! | [`AffineSubspace::of`] | the (r_k, Δ_k) with r_k·x = Δ_k for all points | singular values |
//! | [`descent::gradient_descent`] | where gradient descent is after t steps | running it |
//!
//! The first and the third return a [`Certificate`] on request: bounds on the margin and on the angle to the exact
//! direction that hold whatever the solver did.
//!
//! Source: Nar et al., arXiv:1901.08360, theorems 1 to 3 and 5. For the points (1, 0) and (-1, -M) the limit of
//! cross-entropy disagrees with the largest margin by 4.8°, 67.8°, 87.7° and 89.8° at M = 1, 10, 100, 1000.

mod bounds;
mod cross_entropy;
pub mod descent;
mod face;
mod hard;
mod hulls;
mod hyperplane;
mod nearest;
mod newton;
mod objective;
mod points;
mod precise;
mod proof;
mod smo;
mod subspace;
mod two_points;

pub use bounds::{MarginBounds, margin_bounds};
pub use cross_entropy::{certified_cross_entropy_limit, cross_entropy_limit};
pub use hard::{Certificate, certified_hard_margin, hard_margin};
pub use hyperplane::{Hyperplane, bias_between};
pub use newton::{PairLossLimit, pair_loss_limit};
pub use points::{Points, Rows};
pub use subspace::AffineSubspace;
pub use two_points::two_point_limit;
