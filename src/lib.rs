//! See, run and test the margin of a classifier.
//!
//! Nar, Ocal, Sastry and Ramchandran (arXiv:1901.08360) argue that cross-entropy and low-rank features put the decision
//! boundary close to the data, and propose *differential training*: a loss on the differences between features of
//! opposite classes, which drives a linear classifier to the maximum margin. This crate holds the pieces to check it:
//!
//! [`data`] → [`model`] → [`loss`] → [`train`] → [`attack`], [`certify`], [`margin`], [`analysis`] → [`figure`] → [`display`].
//!
//! A notebook cell sees [`prelude`]. With the feature `kernel` (default) the crate also evaluates notebooks: `session`
//! runs cells through evcxr with the prelude loaded once, `notebook` runs whole files and exports HTML.

#![warn(missing_docs)]

pub mod analysis;
pub mod attack;
pub mod cell;
pub mod certify;
#[cfg(feature = "cuda")]
pub mod cuda;
pub mod data;
pub mod device;
pub mod display;
pub mod error;
pub mod experiment;
pub mod figure;
pub mod guard;
pub mod loss;
pub mod margin;
pub mod model;
pub mod prelude;
pub mod progress;
pub mod rng;
pub mod train;

#[cfg(feature = "kernel")]
pub mod cli;
#[cfg(feature = "kernel")]
pub mod fetch;
#[cfg(feature = "kernel")]
pub mod jupyter;
#[cfg(feature = "kernel")]
pub mod notebook;
#[cfg(feature = "kernel")]
pub mod session;
#[cfg(feature = "kernel")]
pub mod still;

pub use device::device;
pub use error::{Error, Result};
