//! Measures of features: how many directions they use, where an attack moves them, what a margin at the head is worth.
//!
//! | | says |
//! |---|---|
//! | [`Spectrum`] | singular values and ranks, raw and centred |
//! | [`Svd`] | singular values alone, as exactly as asked, and the thin decomposition |
//! | [`Directions`] | the directions themselves, and the angle of a weight vector to the first k |
//! | [`Displacement`] | along which of them an attack moves the features, beside random changes of equal size |
//! | [`feature_margins`], [`Margins`] | distances at the head beside distances at the input |
//!
//! Takes tensors and numbers and knows no model. Features after a ReLU are not centred, and the mean alone can look like
//! a rank of one, so every measure comes twice: of the raw matrix and of the centred one.

mod directions;
mod displacement;
mod margins;
mod matrix;
mod spectrum;
mod svd;

pub use directions::Directions;
pub use displacement::{Displacement, Moved};
pub(crate) use margins::median;
pub use margins::{Margins, feature_margins};
pub use spectrum::{Profile, Spectrum};
pub use svd::{SingularValues, Svd, Thin, Way};
