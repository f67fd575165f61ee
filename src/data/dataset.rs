//! Inputs with labels, checked once and then trusted.
//!
//! ```
//! let data = widemargin::data::synthetic::two_points()?;
//! assert_eq!(data.points()?, (vec![vec![1.0, 0.0]], vec![vec![-1.0, -3.0]]));
//! # Ok::<(), widemargin::Error>(())
//! ```

use crate::error::{Error, Result};
use candle_core::{DType, Device, Tensor};

const OP: &str = "dataset";
/// Rows looked at together when a set is checked: a bounded copy instead of one of the whole set.
const ROWS_AT_ONCE: usize = 1024;

/// Points in f64, one row each, as the exact computations on margins take them.
pub type Rows = Vec<Vec<f64>>;

/// A set of inputs `x`: (n, ...) f32 with labels `y`: (n,) u32 and the names of the classes.
///
/// Guarantees of [`Dataset::new`]: `x` has rank 2 or more, is finite, contiguous and outside any gradient graph; each
/// label has a name. The fields are public to read; a changed field is checked by nobody.
#[derive(Clone, Debug)]
pub struct Dataset {
    /// What a table or a figure calls the set.
    pub name: String,
    /// Inputs, (n, ...) f32. Images are (n, c, h, w) in [0, 1].
    pub x: Tensor,
    /// Labels, (n,) u32, each below `classes.len()`.
    pub y: Tensor,
    /// Names of the classes, by label.
    pub classes: Vec<String>,
}

impl Dataset {
    /// A checked set from `x`: (n, ...) f32 and `y`: (n,) u32.
    ///
    /// Errors: `Shape` if the ranks or the first dimensions do not fit; `Value` if a type is wrong, an input is not
    /// finite, or a label has no name.
    pub fn new(name: impl Into<String>, x: Tensor, y: Tensor, classes: Vec<String>) -> Result<Self> {
        let n = match x.dims() {
            [n, _, ..] => *n,
            got => {
                return Err(Error::Shape { op: OP, expected: "x (n, ...) of rank 2 or more".into(), got: got.into() });
            }
        };
        if y.dims() != [n] {
            return Err(Error::Shape {
                op: OP,
                expected: format!("y ({n},), one label per input"),
                got: y.dims().into(),
            });
        }
        for (tensor, name, wanted) in [(&x, "x", DType::F32), (&y, "y", DType::U32)] {
            if tensor.dtype() != wanted {
                let (wanted, got) = (wanted.as_str(), tensor.dtype().as_str());
                return Err(Error::Value { op: OP, expected: format!("{name} of type {wanted}"), got: got.into() });
            }
        }
        let (x, y) = (x.detach().contiguous()?, y.detach().contiguous()?);
        let data = Self { name: name.into(), x, y, classes };
        data.check_finite()?;
        let labels = data.labels()?;
        match labels.iter().position(|&label| label as usize >= data.classes.len()) {
            Some(row) => Err(Error::Value {
                op: OP,
                expected: format!("labels below {}, the number of class names", data.classes.len()),
                got: format!("{} in row {row}", labels[row]),
            }),
            None => Ok(data),
        }
    }

    /// The set on a device, where a network there takes it; see [`crate::device()`].
    pub fn to_device(&self, device: &Device) -> Result<Dataset> {
        let moved = || Ok(self.with(self.x.to_device(device)?, self.y.to_device(device)?));
        moved().map_err(Error::candle("to_device"))
    }

    /// Number of inputs.
    pub fn len(&self) -> usize {
        self.x.dims().first().copied().unwrap_or(0)
    }

    /// Whether there is no input.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The labels, n of them.
    pub fn labels(&self) -> Result<Vec<u32>> {
        self.y.to_vec1().map_err(Error::candle("labels"))
    }

    /// How many inputs each class has, by label.
    pub fn counts(&self) -> Result<Vec<usize>> {
        let mut counts = vec![0; self.classes.len()];
        for label in self.labels()? {
            // A label without a name can only come from a changed field.
            if let Some(count) = counts.get_mut(label as usize) {
                *count += 1;
            }
        }
        Ok(counts)
    }

    /// The inputs at these positions, in this order; a position may come twice.
    ///
    /// Errors: `Value` if a position is not below n.
    pub fn select(&self, rows: &[usize]) -> Result<Dataset> {
        if let Some(row) = rows.iter().find(|&&row| row >= self.len()) {
            return Err(Error::Value {
                op: "select",
                expected: format!("positions below {}", self.len()),
                got: row.to_string(),
            });
        }
        let rows = rows.iter().map(|&row| row as i64).collect::<Vec<_>>();
        let rows = Tensor::new(rows, self.x.device())?;
        Ok(self.with(self.x.index_select(&rows, 0)?, self.y.index_select(&rows, 0)?))
    }

    /// The first `n` inputs, or all where there are fewer.
    pub fn take(&self, n: usize) -> Result<Dataset> {
        let n = n.min(self.len());
        Ok(self.with(self.x.narrow(0, 0, n)?, self.y.narrow(0, 0, n)?))
    }

    /// The inputs of class 1 of a two-class set, in their order.
    ///
    /// Errors: `Value` if the set has not two classes, or no input of this one.
    pub fn positives(&self) -> Result<Tensor> {
        Ok(self.side(1)?.x)
    }

    /// The inputs of class 0 of a two-class set, in their order. Errors as in [`Dataset::positives`].
    pub fn negatives(&self) -> Result<Tensor> {
        Ok(self.side(0)?.x)
    }

    /// The inputs as one row each: (n, d).
    pub fn flat(&self) -> Result<Tensor> {
        let inputs = self.x.dims().iter().skip(1).product::<usize>();
        self.x.reshape((self.len(), inputs)).map_err(Error::candle("flat"))
    }

    /// The inputs as n rows of d numbers in f64.
    pub fn rows(&self) -> Result<Rows> {
        self.flat()?.to_dtype(DType::F64)?.to_vec2().map_err(Error::candle("rows"))
    }

    /// Rows of the positives and of the negatives in f64: what an exact margin takes.
    ///
    /// Errors as in [`Dataset::positives`].
    pub fn points(&self) -> Result<(Rows, Rows)> {
        Ok((self.side(1)?.rows()?, self.side(0)?.rows()?))
    }

    fn side(&self, label: u32) -> Result<Dataset> {
        if self.classes.len() != 2 {
            let got = format!("{} classes in {}", self.classes.len(), self.name);
            return Err(Error::Value { op: OP, expected: "two classes (see Split::pair)".into(), got });
        }
        let rows =
            self.labels()?.iter().enumerate().filter(|(_, y)| **y == label).map(|(row, _)| row).collect::<Vec<_>>();
        if rows.is_empty() {
            let expected = format!("an input of class `{}`", self.classes[label as usize]);
            return Err(Error::Value { op: OP, expected, got: format!("none in {}", self.name) });
        }
        self.select(&rows)
    }

    fn with(&self, x: Tensor, y: Tensor) -> Dataset {
        Dataset { name: self.name.clone(), x, y, classes: self.classes.clone() }
    }

    fn check_finite(&self) -> Result<()> {
        for start in (0..self.len()).step_by(ROWS_AT_ONCE) {
            let rows = self.x.narrow(0, start, ROWS_AT_ONCE.min(self.len() - start))?;
            let values = rows.flatten_all()?.to_vec1::<f32>()?;
            if let Some(place) = values.iter().position(|value| !value.is_finite()) {
                let row = start + place / (values.len() / rows.dims()[0]);
                let got = format!("{} in row {row}", values[place]);
                return Err(Error::Value { op: OP, expected: "finite inputs".into(), got });
            }
        }
        Ok(())
    }
}
