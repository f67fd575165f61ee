//! Training and test part together, and one class against another: the paper's task.
//!
//! ```
//! let pair = widemargin::data::digits()?.pair(3, 8)?;
//! assert_eq!(pair.train.classes, ["8", "3"]); // y = 1 for the positive class
//! # Ok::<(), widemargin::Error>(())
//! ```

use super::Dataset;
use crate::error::{Error, Result};
use candle_core::Tensor;

/// A training part and a test part with the same classes.
#[derive(Clone, Debug)]
pub struct Split {
    /// The part a network is fitted to.
    pub train: Dataset,
    /// The part kept for measuring.
    pub test: Dataset,
}

/// One class against another: `y` is 1 for the positive class and 0 for the negative one, `classes` is
/// `[negative, positive]`, and the order of the inputs is that of the split.
#[derive(Clone, Debug)]
pub struct Pair {
    /// The part a network is fitted to.
    pub train: Dataset,
    /// The part kept for measuring.
    pub test: Dataset,
}

impl Split {
    /// The inputs of class `pos` against those of class `neg`.
    ///
    /// Errors: `Value` if the two are equal, one is no class of the set, or a part has no input of one.
    pub fn pair(&self, pos: u32, neg: u32) -> Result<Pair> {
        Ok(Pair { train: against(&self.train, pos, neg)?, test: against(&self.test, pos, neg)? })
    }
}

fn against(data: &Dataset, pos: u32, neg: u32) -> Result<Dataset> {
    let refuse = |expected: String, got: String| Err(Error::Value { op: "pair", expected, got });
    if pos == neg {
        return refuse("two different classes".into(), format!("{pos} twice"));
    }
    let name = |label: u32| data.classes.get(label as usize).cloned();
    let (Some(neg_name), Some(pos_name)) = (name(neg), name(pos)) else {
        return refuse(format!("classes below {}", data.classes.len()), format!("{pos} and {neg}"));
    };
    let labels = data.labels()?;
    for (label, name) in [(pos, &pos_name), (neg, &neg_name)] {
        if !labels.contains(&label) {
            return refuse(format!("an input of class `{name}`"), format!("none in {}", data.name));
        }
    }
    let is_in = |row: &usize| labels[*row] == pos || labels[*row] == neg;
    let rows = (0..labels.len()).filter(is_in).collect::<Vec<_>>();
    let y = rows.iter().map(|&row| u32::from(labels[row] == pos)).collect::<Vec<_>>();
    let y = Tensor::new(y, data.y.device())?;
    let title = format!("{}, {pos_name} against {neg_name}", data.name);
    Dataset::new(title, data.select(&rows)?.x, y, vec![neg_name, pos_name])
}
