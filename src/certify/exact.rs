//! The exact distance of a linear classifier's inputs to its boundary.
//!
//! Without a box |w·x + b| / ‖w‖ in the dual norm; with one, the nearest point of the plane inside it. For w = (3, 4),
//! b = -1 and x = (0.5, 0.5): 0.5 in L2, 2.5/7 in Linf, 0.625 in L1.

use super::read;
use crate::attack::{Norm, nearest_across};
use crate::error::{Error, Result};
use crate::model::Classifier;
use candle_core::Tensor;

const OP: &str = "linear_distances";

/// The distance of each row of `x` to the boundary of a linear classifier, in f64.
///
/// `x`: (n, ...), `y`: (n,) u32. With `bounds` only inputs inside them count, and a row that no such input can leave has
/// infinite distance. Rows that are wrong have distance 0; a score of 0 is class 0.
/// Errors: `Value` if `net` is not [`Linear`](crate::model::Linear) or a row lies outside of `bounds`; `Shape`.
pub fn linear_distances(
    net: &Classifier,
    x: &Tensor,
    y: &Tensor,
    norm: Norm,
    bounds: Option<[f64; 2]>,
) -> Result<Vec<f64>> {
    let layers = net.layers()?;
    if !layers.features.is_empty() || net.outputs() != 1 {
        let got = format!("{net:?}");
        return Err(Error::Value { op: OP, expected: "a linear classifier".into(), got });
    }
    let (rows, labels) = read(OP, net, x, y)?;
    let w = layers.head_weight.flatten_all()?.to_vec1::<f64>()?;
    let b = layers.head_bias.map_or(Ok(vec![0.0]), |bias| bias.to_vec1::<f64>())?[0];
    let [low, high] = bounds.unwrap_or([f64::NEG_INFINITY, f64::INFINITY]);
    let mut distances = Vec::new();
    for (row, (x, label)) in rows.iter().zip(&labels).enumerate() {
        if x.len() != w.len() {
            let expected = format!("inputs of {} numbers", w.len());
            return Err(Error::Shape { op: OP, expected, got: vec![x.len()] });
        }
        if let Some(bad) = x.iter().find(|v| !(**v >= low && **v <= high)) {
            let got = format!("{bad} in row {row}");
            return Err(Error::Value { op: OP, expected: format!("inputs in [{low}, {high}]"), got });
        }
        let value = x.iter().zip(&w).map(|(x, w)| x * w).sum::<f64>() + b;
        let right = (value > 0.0) == (*label == 1);
        distances.push(match right {
            true => nearest_across(norm, x, &w, value, [low, high]).map_or(f64::INFINITY, |found| found.distance),
            false => 0.0,
        });
    }
    Ok(distances)
}
