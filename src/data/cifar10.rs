//! CIFAR-10 from the publishers' binary files: 32 x 32 colour images in ten classes.
//!
//! A file is records of 3,073 bytes: the label, then 1,024 red, 1,024 green and 1,024 blue pixels, row by row. An official
//! `data_batch_N.bin` has 10,000 of them; here any whole number will do, so a two-class extract reads the same way.
//! Layout: <https://www.cs.toronto.edu/~kriz/cifar.html>. Check: the first image of `data_batch_1.bin` is a frog,
//! label 6, and its first red values are 59/255, 43/255, 50/255.

use super::content::Content;
use super::records::Records;
use super::{Dataset, Split};
use crate::error::{Error, Result};
use candle_core::{Device, Tensor};
use std::io::ErrorKind;
use std::path::Path;

const RECORDS: Records = Records { pixels: 3 * 32 * 32, largest: 255, classes: 10 };
const CLASSES: [&str; 10] = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"];

/// The images of a folder: `data_batch_1.bin` to `data_batch_5.bin`, those that are there and in this order, train;
/// `test_batch.bin` tests. `x` is (n, 3, 32, 32) in [0, 1].
///
/// Class names come from `batches.meta.txt` where it is there.
/// Errors: `Io` if no training file or no test file is there; `Damaged` if a record is cut off or a label above 9.
pub fn read(dir: &Path) -> Result<Split> {
    let batches = (1..=5).map(|number| dir.join(format!("data_batch_{number}.bin")));
    let mut present = Vec::new();
    let mut missing = None;
    for path in batches {
        match Content::read(&path) {
            Ok(content) => present.push(content),
            Err(error) if is_missing(&error) => {
                missing.get_or_insert(error);
            }
            Err(error) => return Err(error),
        }
    }
    if let (true, Some(error)) = (present.is_empty(), missing) {
        return Err(error);
    }
    let test = Content::read(&dir.join("test_batch.bin"))?;
    let classes = class_names(dir)?;
    Ok(Split {
        train: dataset("CIFAR-10 train", &present, classes.clone())?,
        test: dataset("CIFAR-10 test", &[test], classes)?,
    })
}

/// The images of one file, with the class names of the `batches.meta.txt` beside it where there is one.
///
/// `x` is (n, 3, 32, 32) in [0, 1]. Errors as in [`read`].
pub fn read_file(path: &Path) -> Result<Dataset> {
    let content = Content::read(path)?;
    let name =
        path.file_name().map_or_else(|| "CIFAR-10".into(), |name| format!("CIFAR-10 {}", name.to_string_lossy()));
    dataset(&name, &[content], class_names(path.parent().unwrap_or(Path::new("")))?)
}

fn dataset(name: &str, files: &[Content], classes: Vec<String>) -> Result<Dataset> {
    // Sized once: all of CIFAR-10 is 600 MB as f32, and growing would double that.
    let bytes = files.iter().map(|file| file.bytes.len()).sum::<usize>();
    let mut x = Vec::with_capacity(bytes);
    let mut y = Vec::new();
    for file in files {
        RECORDS.append(file, &mut x, &mut y)?;
    }
    let x = Tensor::from_vec(x, (y.len(), 3, 32, 32), &Device::Cpu)?;
    let y = Tensor::new(y, &Device::Cpu)?;
    Dataset::new(name, x, y, classes)
}

fn class_names(dir: &Path) -> Result<Vec<String>> {
    let content = match Content::read(&dir.join("batches.meta.txt")) {
        Ok(content) => content,
        Err(error) if is_missing(&error) => return Ok(CLASSES.map(String::from).to_vec()),
        Err(error) => return Err(error),
    };
    let text = std::str::from_utf8(&content.bytes)
        .map_err(|error| content.damaged(error.valid_up_to(), "class names that are not UTF-8"))?;
    let names = text.lines().map(str::trim).filter(|line| !line.is_empty()).map(String::from).collect::<Vec<_>>();
    if names.len() == CLASSES.len() {
        Ok(names)
    } else {
        Err(content.damaged(content.bytes.len(), format!("{} class names instead of 10", names.len())))
    }
}

fn is_missing(error: &Error) -> bool {
    matches!(error, Error::Io { source, .. } if source.kind() == ErrorKind::NotFound)
}
