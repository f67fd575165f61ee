//! The inputs of an attack, checked: values inside the bounds, labels that the model knows.

use super::objective::check_labels;
use crate::error::{Error, Result};
use candle_core::{DType, Device, Tensor};

/// Rows of plain numbers with their labels.
pub(super) struct Inputs {
    pub values: Vec<f32>,
    pub labels: Vec<u32>,
    /// The shape of one input.
    pub shape: Vec<usize>,
    pub width: usize,
    pub bounds: [f32; 2],
    pub device: Device,
}

impl Inputs {
    /// `x`: (n, ...) f32 inside `bounds`; `y`: (n,) u32, below the number of classes that `outputs` tell apart.
    pub(super) fn read(op: &'static str, x: &Tensor, y: &Tensor, bounds: [f64; 2], outputs: usize) -> Result<Self> {
        let [low, high] = bounds;
        if low.partial_cmp(&high) != Some(std::cmp::Ordering::Less) {
            let got = format!("[{low}, {high}]");
            return Err(Error::Value { op, expected: "bounds [low, high] with low < high".into(), got });
        }
        if x.rank() < 2 {
            return Err(Error::Shape { op, expected: "x (n, ...) of rank 2 or more".into(), got: x.dims().into() });
        }
        if y.dims() != [x.dims()[0]] {
            let expected = format!("y ({},), one label per input", x.dims()[0]);
            return Err(Error::Shape { op, expected, got: y.dims().into() });
        }
        for (tensor, name, wanted) in [(x, "x", DType::F32), (y, "y", DType::U32)] {
            if tensor.dtype() != wanted {
                let got = tensor.dtype().as_str().into();
                return Err(Error::Value { op, expected: format!("{name} of type {}", wanted.as_str()), got });
            }
        }
        let values = x.flatten_all().and_then(|x| x.to_vec1::<f32>()).map_err(Error::candle(op))?;
        let labels = y.to_vec1::<u32>().map_err(Error::candle(op))?;
        let shape = x.dims()[1..].to_vec();
        let width = shape.iter().product();
        // Written so that NaN fails too.
        if let Some(at) = values.iter().position(|v| !(f64::from(*v) >= low && f64::from(*v) <= high)) {
            let got = format!("{} in row {}", values[at], at / width);
            return Err(Error::Value { op, expected: format!("inputs in [{low}, {high}]"), got });
        }
        check_labels(op, &labels, outputs)?;
        Ok(Self { values, labels, shape, width, bounds: [low as f32, high as f32], device: x.device().clone() })
    }

    pub(super) fn len(&self) -> usize {
        self.labels.len()
    }

    pub(super) fn row(&self, row: usize) -> &[f32] {
        &self.values[row * self.width..(row + 1) * self.width]
    }

    /// The values of some rows, one after the other.
    pub(super) fn gather(&self, rows: &[usize]) -> Vec<f32> {
        rows.iter().flat_map(|row| self.row(*row)).copied().collect()
    }

    /// Rows of values as a tensor of the inputs' shape, where the inputs are.
    pub(super) fn tensor(&self, op: &'static str, values: Vec<f32>) -> Result<Tensor> {
        let shape = [&[self.len()], self.shape.as_slice()].concat();
        Tensor::from_vec(values, shape, &self.device).map_err(Error::candle(op))
    }
}
