//! Margins of linear classifiers, exact: the largest one, and the one cross-entropy ends at.
//!
//! Points are plain rows (`&[Vec<f64>]`), `pos` for label +1 and `neg` for label -1; a classifier is a [`Hyperplane`].
//! All arithmetic is f64. Uses `error` and `progress` only, and knows no model: pass it inputs or penultimate features.
//!
//! | | solves | by |
//! |---|---|---|
//! | [`hard_margin`] | min ‖w‖² subject to label·(w·x + b) ≥ 1 | nearest points of the two hulls |
//! | [`cross_entropy_limit`] | min ‖w‖² + (b/scale)², same constraints | nearest point to the origin of one hull |
//! | [`two_point_limit`] | the second for one point a side | closed form |
//! | [`descent::gradient_descent`] | where gradient descent is after t steps | running it |
//!
//! Source: Nar et al., arXiv:1901.08360, theorems 1, 2 and 5. For the points (1, 0) and (-1, -M) the last two rows of
//! the table disagree with the first by 4.8°, 67.8°, 87.7° and 89.8° at M = 1, 10, 100, 1000.

mod cross_entropy;
pub mod descent;
mod face;
mod hard;
mod hulls;
mod hyperplane;
mod nearest;
mod points;
mod precise;
mod proof;
mod smo;
mod two_points;

pub use cross_entropy::{certified_cross_entropy_limit, cross_entropy_limit};
pub use hard::{Certificate, certified_hard_margin, hard_margin};
pub use hyperplane::{Hyperplane, bias_between};
pub use points::{Points, Rows};
pub use two_points::two_point_limit;
