//! What every solver here asks of its points before it starts, and the two vector operations they share.

use crate::error::{Error, Result};

/// The common length of all rows of both sides.
///
/// Errors: `Value` for an empty side or a value that is not finite, `Shape` for rows of different lengths.
pub(super) fn dimension(op: &'static str, pos: &[Vec<f64>], neg: &[Vec<f64>]) -> Result<usize> {
    let mut d = None;
    for (side, rows) in [("positive", pos), ("negative", neg)] {
        if rows.is_empty() {
            return Err(Error::Value { op, expected: format!("at least one {side} point"), got: "none".into() });
        }
        for (i, row) in rows.iter().enumerate() {
            let d = *d.get_or_insert(row.len());
            if row.len() != d || d == 0 {
                let expected = if d == 0 { "(n, d) with d > 0".into() } else { format!("rows of length {d}") };
                return Err(Error::Shape { op, expected, got: vec![row.len()] });
            }
            if let Some(k) = row.iter().position(|v| !v.is_finite()) {
                let got = format!("{} in {side} point {i}, coordinate {k}", row[k]);
                return Err(Error::Value { op, expected: "finite coordinates".into(), got });
            }
        }
    }
    Ok(d.expect("both sides hold a row"))
}

/// The inner product.
pub(super) fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// The Euclidean length.
pub(super) fn length(a: &[f64]) -> f64 {
    dot(a, a).sqrt()
}

/// The row with the smallest inner product with `direction`, and that product; the first of equals.
pub(super) fn lowest(rows: &[Vec<f64>], direction: &[f64]) -> (usize, f64) {
    let mut best = (0, f64::INFINITY);
    for (i, row) in rows.iter().enumerate() {
        let value = dot(row, direction);
        if value < best.1 {
            best = (i, value);
        }
    }
    best
}
