//! The first images of each class as one picture.

use super::Dataset;
use crate::display::Png;
use crate::error::{Error, Result};
use candle_core::DType;

const OP: &str = "grid";
/// White pixels between two images.
const GAP: usize = 1;

impl Dataset {
    /// The first `columns` images of each class, one class a line, as one picture with words.
    ///
    /// Images (n, 1, h, w) are grey and (n, 3, h, w) coloured; values in [0, 1] are drawn as they are, others scaled from
    /// their range, which the words then say.
    /// Errors: `Shape` for other shapes; `Value` without an image, for no columns, and for a value that is not finite.
    pub fn grid(&self, columns: usize) -> Result<Png> {
        let (channels, height, width) = match self.x.dims() {
            [_, c @ (1 | 3), h, w] if *h > 0 && *w > 0 => (*c, *h, *w),
            got => {
                let expected = "images (n, 1, h, w) or (n, 3, h, w)".into();
                return Err(Error::Shape { op: OP, expected, got: got.into() });
            }
        };
        let labels = self.labels()?;
        let first = |class: usize| {
            let members = labels.iter().enumerate().filter(move |(_, label)| **label as usize == class);
            members.map(|(row, _)| row).take(columns).collect::<Vec<usize>>()
        };
        let lines: Vec<Vec<usize>> = (0..self.classes.len()).map(first).collect();
        let rows = lines.concat();
        if rows.is_empty() {
            let expected = "at least one image and one column".into();
            return Err(Error::Value { op: OP, expected, got: format!("{} and {columns}", self.len()) });
        }
        let values = self.select(&rows)?.x.to_dtype(DType::F32)?.flatten_all()?.to_vec1::<f32>()?;
        if let Some(at) = values.iter().position(|v| !v.is_finite()) {
            let got = format!("{} in row {}", values[at], rows[at / (channels * height * width)]);
            return Err(Error::Value { op: OP, expected: "finite values".into(), got });
        }
        let low = values.iter().copied().fold(f32::INFINITY, f32::min);
        let high = values.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let (low, high, note) = if low >= 0.0 && high <= 1.0 {
            (0.0, 1.0, String::new())
        } else {
            (low, high, format!(" Black is {low} and white is {high}."))
        };
        let scale = if high > low { 255.0 / (high - low) } else { 0.0 };

        let across = lines.iter().map(Vec::len).max().unwrap_or(0);
        let mut picture = Png {
            width: across * (width + GAP) - GAP,
            height: lines.len() * (height + GAP) - GAP,
            channels,
            pixels: Vec::new(),
            alt: format!(
                "The first {across} images of each class of {}, {height} by {width} pixels, one class a line: {}.{note}",
                self.name,
                self.classes.join(", ")
            ),
        };
        picture.pixels = vec![255; picture.width * picture.height * channels];
        let mut images = values.chunks_exact(channels * height * width);
        for (line, members) in lines.iter().enumerate() {
            for (column, image) in (0..members.len()).zip(&mut images) {
                for (at, value) in image.iter().enumerate() {
                    let (channel, y, x) = (at / (height * width), at / width % height, at % width);
                    let (y, x) = (line * (height + GAP) + y, column * (width + GAP) + x);
                    picture.pixels[(y * picture.width + x) * channels + channel] =
                        ((value - low) * scale).round() as u8;
                }
            }
        }
        Ok(picture)
    }
}
