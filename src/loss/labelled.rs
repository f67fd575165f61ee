//! Scores with their labels, checked and in f64: what every loss starts from.

use crate::error::{Error, Result};
use candle_core::{DType, Tensor};

/// `values` holds `outputs` finite scores per row; each label is below the number of classes.
pub(super) struct Labelled {
    pub(super) values: Vec<f64>,
    pub(super) outputs: usize,
    pub(super) labels: Vec<u32>,
}

pub(super) const OP: &str = "loss";
// Differences and means of such scores stay finite in f64.
const LARGEST: f64 = 1e300;

impl Labelled {
    /// Checks `scores` (n,) or (n, C) and `y` (n,) u32; see [`super::Loss::value`] for the errors.
    pub(super) fn new(scores: &Tensor, y: &Tensor) -> Result<Self> {
        let (labels, outputs) = labels_of(scores, y)?;
        let read = || scores.detach().to_dtype(DType::F64)?.flatten_all()?.to_vec1::<f64>();
        let values = read().map_err(Error::candle(OP))?;
        Self { values, outputs, labels }.checked()
    }

    /// `values`: rows of `classes` scores, at least two, one after the other; `labels`: one a row. Same errors.
    pub(super) fn of_rows(values: &[f64], labels: &[u32], classes: usize) -> Result<Self> {
        if classes < 2 || labels.is_empty() || Some(values.len()) != labels.len().checked_mul(classes) {
            let expected = "n rows of C scores and n labels, with n at least 1 and C at least 2".into();
            let got = format!("{} scores for {} labels and C = {classes}", values.len(), labels.len());
            return Err(Error::Value { op: OP, expected, got });
        }
        Self { values: values.to_vec(), outputs: classes, labels: labels.to_vec() }.checked()
    }

    /// The rows of each class, two classes at least.
    pub(super) fn rows_by_class(&self) -> Vec<Vec<usize>> {
        let mut rows = vec![Vec::new(); self.outputs.max(2)];
        for (row, label) in self.labels.iter().enumerate() {
            rows[*label as usize].push(row);
        }
        rows
    }

    fn checked(self) -> Result<Self> {
        let Self { values, outputs, labels } = &self;
        let wrong = |expected: &str, got: String| Err(Error::Value { op: OP, expected: expected.into(), got });
        check_range(labels, *outputs)?;
        if let Some(at) = values.iter().position(|value| value.is_nan() || value.abs() > LARGEST) {
            return wrong("finite scores of at most 1e300", format!("{} at row {}", values[at], at / outputs));
        }
        Ok(self)
    }
}

/// The labels and how many scores a row has, checked but for the scores' values.
pub(super) fn checked_labels(scores: &Tensor, y: &Tensor) -> Result<(Vec<u32>, usize)> {
    let (labels, outputs) = labels_of(scores, y)?;
    check_range(&labels, outputs)?;
    Ok((labels, outputs))
}

fn check_range(labels: &[u32], outputs: usize) -> Result<()> {
    let classes = outputs.max(2);
    match labels.iter().position(|&label| label as usize >= classes) {
        Some(row) => {
            let got = format!("{} at row {row}", labels[row]);
            Err(Error::Value { op: OP, expected: format!("labels below {classes}"), got })
        }
        None => Ok(()),
    }
}

/// Shapes and types are checked, values are not.
fn labels_of(scores: &Tensor, y: &Tensor) -> Result<(Vec<u32>, usize)> {
    let (rows, outputs) = match *scores.dims() {
        [n] if n > 0 => (n, 1),
        [n, c] if n > 0 && c >= 2 => (n, c),
        ref dims => {
            let expected = "scores (n,) or (n, C) with n at least 1 and C at least 2".into();
            return Err(Error::Shape { op: OP, expected, got: dims.to_vec() });
        }
    };
    if y.dims() != [rows] {
        return Err(Error::Shape { op: OP, expected: format!("labels ({rows},)"), got: y.dims().to_vec() });
    }
    let wrong = |expected: &str, got: String| Err(Error::Value { op: OP, expected: expected.into(), got });
    if y.dtype() != DType::U32 {
        return wrong("u32 labels", format!("{:?}", y.dtype()));
    }
    if !matches!(scores.dtype(), DType::F32 | DType::F64) {
        return wrong("f32 or f64 scores", format!("{:?}", scores.dtype()));
    }
    let labels = y.to_vec1::<u32>().map_err(Error::candle(OP))?;
    Ok((labels, outputs))
}
