//! Labelled sets of inputs: real images, and the paper's synthetic points.
//!
//! A [`Dataset`] is `x`: (n, ...) f32 beside `y`: (n,) u32; images are (n, c, h, w) in [0, 1], synthetic points (n, d).
//! A [`Split`] holds the training and the test part, a [`Pair`] the same for one class against another.
//!
//! | source | x | where it comes from |
//! |---|---|---|
//! | [`digits()`] | (n, 1, 8, 8) | inside the crate, UCI handwritten digits (CC BY 4.0) |
//! | [`cifar10::read`] | (n, 3, 32, 32) | a folder with the publishers' binary files |
//! | [`mnist::read`] | (n, 1, 28, 28) | a folder with IDX files, plain or gzip |
//! | [`synthetic`] | (n, d) | computed: the paper's examples with known margins |
//!
//! Readers accept any whole number of records and panic on no bytes: damage is [`Error::Damaged`] with file, offset and
//! reason, a missing file is [`Error::Io`]. Uses `error`, `rng` and `display` only; anything may use it.
//!
//! ```
//! let pair = widemargin::data::digits()?.pair(3, 8)?;
//! assert_eq!((pair.train.len(), pair.test.len()), (239, 118)); // 121 + 118 and 62 + 56
//! # Ok::<(), widemargin::Error>(())
//! ```

pub mod cifar10;
mod content;
mod dataset;
mod digits;
mod grid;
pub mod mnist;
mod pair;
mod records;
mod show;
pub mod synthetic;

pub use dataset::{Dataset, Rows};
pub use digits::digits;
pub use pair::{Pair, Split};

use crate::error::{Error, Result};

/// The data set of this name, from inside the crate: `"digits"`.
///
/// Errors: `Unknown`, with the known names. Sets that live in files have their own readers: [`cifar10`], [`mnist`].
pub fn load(name: &str) -> Result<Split> {
    match name {
        "digits" => digits(),
        _ => Err(Error::Unknown { what: "data set", got: name.into(), known: vec!["digits".into()] }),
    }
}
