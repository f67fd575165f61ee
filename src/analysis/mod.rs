//! Measures of features: how many directions a set of them uses.
//!
//! Takes tensors and numbers and knows no model. Features after a ReLU are not centred, and the mean alone can look like
//! a rank of one, so every measure comes twice: of the raw matrix and of the centred one.

mod spectrum;

pub use spectrum::{Profile, Spectrum};
