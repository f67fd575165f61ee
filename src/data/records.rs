//! Files of equal records, one label byte and then the pixels: the layout of CIFAR-10 and of the embedded digits.

use super::content::Content;
use crate::error::Result;

/// What one record looks like.
pub(super) struct Records {
    /// Pixels, and so bytes, after the label.
    pub pixels: usize,
    /// The largest pixel; it becomes 1.
    pub largest: u8,
    /// Labels are below this.
    pub classes: u8,
}

impl Records {
    /// Appends every record: pixels divided by the largest to `x`, labels to `y`.
    ///
    /// Errors: `Damaged` if there is no record, the last is cut off, or a label or pixel is out of range.
    pub fn append(&self, content: &Content, x: &mut Vec<f32>, y: &mut Vec<u32>) -> Result<()> {
        let size = self.pixels + 1;
        if content.bytes.is_empty() {
            return Err(content.damaged(0, "no record"));
        }
        let cut = content.bytes.len() % size;
        if cut != 0 {
            let whole = content.bytes.len() / size;
            let reason = format!("record {whole} is cut off: {cut} of {size} bytes");
            return Err(content.damaged(whole * size, reason));
        }
        for (number, record) in content.bytes.chunks_exact(size).enumerate() {
            let start = number * size;
            let (label, pixels) = (record[0], &record[1..]);
            if label >= self.classes {
                let reason = format!("record {number} has label {label}, the largest is {}", self.classes - 1);
                return Err(content.damaged(start, reason));
            }
            if let Some(place) = pixels.iter().position(|&pixel| pixel > self.largest) {
                let reason = format!("record {number} has pixel {}, the largest is {}", pixels[place], self.largest);
                return Err(content.damaged(start + 1 + place, reason));
            }
            y.push(u32::from(label));
            x.extend(pixels.iter().map(|&pixel| f32::from(pixel) / f32::from(self.largest)));
        }
        Ok(())
    }
}
