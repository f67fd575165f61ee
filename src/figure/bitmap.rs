//! One image out of a batch, as rows of pixels.

use crate::error::{Error, Result};
use candle_core::{DType, Tensor};

/// An image: `channels` planes of `height` rows of `width` values.
pub(super) struct Bitmap {
    pub channels: usize,
    pub height: usize,
    pub width: usize,
    values: Vec<f64>,
}

impl Bitmap {
    /// Image `row` of a batch (n, c, h, w) with 1 or 3 channels.
    pub fn of(op: &'static str, batch: &Tensor, row: usize) -> Result<Self> {
        let (n, channels, height, width) = match batch.dims() {
            [n, c @ (1 | 3), h, w] => (*n, *c, *h, *w),
            got => {
                let expected = "images (n, 1, h, w) or (n, 3, h, w)".into();
                return Err(Error::Shape { op, expected, got: got.into() });
            }
        };
        if row >= n {
            return Err(Error::Value { op, expected: format!("a row below {n}"), got: row.to_string() });
        }
        let values = batch.get(row)?.to_dtype(DType::F64)?.flatten_all()?.to_vec1::<f64>()?;
        Ok(Self { channels, height, width, values })
    }

    /// The image with `f` applied to each value and the value of `other` at its place.
    pub fn zip(&self, other: &Bitmap, f: impl Fn(f64, f64) -> f64) -> Bitmap {
        let values = self.values.iter().zip(&other.values).map(|(a, b)| f(*a, *b)).collect();
        Bitmap { values, ..*self }
    }

    /// The largest absolute value.
    pub fn largest(&self) -> f64 {
        self.values.iter().fold(0.0, |m, v| v.abs().max(m))
    }

    /// The Euclidean length of all values.
    pub fn length(&self) -> f64 {
        self.values.iter().map(|v| v * v).sum::<f64>().sqrt()
    }

    /// The sum of all absolute values.
    pub fn sum_of_sizes(&self) -> f64 {
        self.values.iter().map(|v| v.abs()).sum()
    }

    /// The first channel, one vector per line.
    pub fn lines(&self) -> Vec<Vec<f64>> {
        self.values[..self.height * self.width].chunks_exact(self.width).map(<[f64]>::to_vec).collect()
    }

    /// Three channels as bytes, one vector per line.
    pub fn colours(&self) -> Vec<Vec<[u8; 3]>> {
        let plane = self.height * self.width;
        let byte = |channel: usize, at: usize| {
            let value = self.values[(channel % self.channels) * plane + at];
            (value.clamp(0.0, 1.0) * 255.0).round() as u8
        };
        let pixel = |at: usize| [byte(0, at), byte(1, at), byte(2, at)];
        (0..self.height).map(|i| (0..self.width).map(|j| pixel(i * self.width + j)).collect()).collect()
    }
}
