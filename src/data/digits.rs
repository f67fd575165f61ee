//! The UCI handwritten digits, inside the crate: 1,797 images of 8 x 8 in ten classes.
//!
//! `digits.bin` is scikit-learn's copy of the test partition of "Optical Recognition of Handwritten Digits" (Alpaydin
//! and Kaynak 1998, doi:10.24432/C50P49, CC BY 4.0; see `digits.LICENSE.md`), written by `tests/reference/digits.py`.
//! The split is the file's order: the first 1,197 images train, the last 600 test.
//!
//! | | 0 | 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9 |
//! |---|---|---|---|---|---|---|---|---|---|---|
//! | train | 119 | 120 | 117 | 121 | 119 | 123 | 120 | 118 | 118 | 122 |
//! | test | 59 | 62 | 60 | 62 | 62 | 59 | 61 | 61 | 56 | 58 |
//!
//! Images of one writer stand together in the file, so this split is harder than a shuffled one: the nearest training
//! image names 579 of the 600 test images, against 588 to 598 after shuffling (10 seeds).

use super::content::Content;
use super::records::Records;
use super::{Dataset, Split};
use crate::error::Result;
use candle_core::{Device, Tensor};

static PACKED: &[u8] = include_bytes!("digits.bin");
const TRAIN: usize = 1197;

/// The handwritten digits: `x` (n, 1, 8, 8) in [0, 1] (ink 0 to 16, divided by 16), `y` the digit; 1,197 train, 600 test.
///
/// Guarantees: the same bytes on every machine, without a network or a file.
/// Source: UCI, doi:10.24432/C50P49, CC BY 4.0, through scikit-learn.
pub fn digits() -> Result<Split> {
    let content = Content::of(PACKED.to_vec(), "digits.bin inside widemargin")?;
    let (mut x, mut y) = (Vec::new(), Vec::new());
    Records { pixels: 64, largest: 16, classes: 10 }.append(&content, &mut x, &mut y)?;
    let (x_test, y_test) = (x.split_off(TRAIN * 64), y.split_off(TRAIN));
    let part = |name: &str, x: Vec<f32>, y: Vec<u32>| {
        let x = Tensor::from_vec(x, (y.len(), 1, 8, 8), &Device::Cpu)?;
        let y = Tensor::new(y, &Device::Cpu)?;
        Dataset::new(name, x, y, (0..10).map(|digit| digit.to_string()).collect())
    };
    Ok(Split { train: part("digits train", x, y)?, test: part("digits test", x_test, y_test)? })
}
