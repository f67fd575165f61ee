//! MNIST, and sets in its format such as Fashion-MNIST, from IDX files, plain or gzip.
//!
//! Images: the numbers 0x803, n, 28, 28 as big-endian u32, then n times 784 pixels. Labels: 0x801, n, then n bytes 0 to 9.
//! Any n will do, and what the header says has to be what follows. Layout: LeCun, Cortes and Burges, "The MNIST database".
//! Check: the official test set has 10,000 images, and its first is a 7.

use super::content::Content;
use super::{Dataset, Split};
use crate::error::{Error, Result};
use candle_core::{Device, Tensor};
use std::path::{Path, PathBuf};

const SIDE: u32 = 28;

/// The images of a folder with the official file names, each plain or with `.gz`: `train-images-idx3-ubyte`,
/// `train-labels-idx1-ubyte`, `t10k-images-idx3-ubyte`, `t10k-labels-idx1-ubyte`.
///
/// `x` is (n, 1, 28, 28) in [0, 1]. Errors: `Io` if a file is missing; otherwise as in [`read_files`].
pub fn read(dir: &Path) -> Result<Split> {
    let part = |name: &str, prefix: &str| {
        let images = found(dir, &format!("{prefix}-images-idx3-ubyte"));
        let labels = found(dir, &format!("{prefix}-labels-idx1-ubyte"));
        Ok::<_, Error>(Dataset { name: name.into(), ..read_files(&images, &labels)? })
    };
    Ok(Split { train: part("MNIST train", "train")?, test: part("MNIST test", "t10k")? })
}

/// The images of one file with the labels of another: `x` (n, 1, 28, 28) in [0, 1].
///
/// Errors: `Io` if a file cannot be read; `Damaged` if a gzip stream is corrupt, a header is not the expected one or does
/// not fit what follows, a label is above 9, or there are more images than labels or fewer.
pub fn read_files(images: &Path, labels: &Path) -> Result<Dataset> {
    let (images, labels) = (Content::read(images)?, Content::read(labels)?);
    let pixels = body(&images, 0x803, &[SIDE, SIDE])?;
    let marks = body(&labels, 0x801, &[])?;
    let n = marks.len();
    if pixels.len() != n * (SIDE * SIDE) as usize {
        let reason = format!("{n} labels for the {} images of {}", pixels.len() / 784, images.path().display());
        return Err(labels.damaged(4, reason));
    }
    if let Some(place) = marks.iter().position(|&mark| mark > 9) {
        return Err(labels.damaged(8 + place, format!("label {}, the largest is 9", marks[place])));
    }
    let x = pixels.iter().map(|&pixel| f32::from(pixel) / 255.0).collect::<Vec<_>>();
    let x = Tensor::from_vec(x, (n, 1, SIDE as usize, SIDE as usize), &Device::Cpu)?;
    let y = Tensor::new(marks.iter().map(|&mark| u32::from(mark)).collect::<Vec<_>>(), &Device::Cpu)?;
    Dataset::new("MNIST", x, y, (0..10).map(|digit| digit.to_string()).collect())
}

/// What follows the header, checked to be n items of the given sides.
fn body<'a>(content: &'a Content, magic: u32, sides: &[u32]) -> Result<&'a [u8]> {
    let size = 4 * (2 + sides.len());
    let Some((header, body)) = content.bytes.split_at_checked(size) else {
        let reason = format!("header cut off: {} of {size} bytes", content.bytes.len());
        return Err(content.damaged(content.bytes.len(), reason));
    };
    let words = header.chunks_exact(4).map(|word| word.iter().fold(0, |all, &byte| all << 8 | u32::from(byte)));
    let words = words.collect::<Vec<u32>>();
    if words[0] != magic {
        return Err(
            content.damaged(0, format!("starts with {:#x}, an IDX file of this kind with {:#x}", words[0], magic))
        );
    }
    for (place, (got, wanted)) in words[2..].iter().zip(sides).enumerate() {
        if got != wanted {
            return Err(content.damaged(8 + 4 * place, format!("images with a side of {got}, expected {wanted}")));
        }
    }
    let each = sides.iter().map(|&side| u64::from(side)).product::<u64>();
    let announced = u64::from(words[1]) * each;
    match (words[1], body.len() as u64) {
        (0, _) => Err(content.damaged(4, "the header announces no item")),
        (_, there) if there == announced => Ok(body),
        (n, there) => {
            let offset = size + there.min(announced) as usize;
            let reason = format!("the header announces {n} items, {announced} bytes, and {there} follow");
            Err(content.damaged(offset, reason))
        }
    }
}

/// The plain file where there is one, else the name of the packed one.
fn found(dir: &Path, name: &str) -> PathBuf {
    let plain = dir.join(name);
    if plain.exists() { plain } else { dir.join(format!("{name}.gz")) }
}
