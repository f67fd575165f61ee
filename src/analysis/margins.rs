//! The margin at the head beside the margin at the input, row by row.
//!
//! Feature margin: the distance of a row's features to the head's boundary, (z_y - z_k)/‖w_y - w_k‖ for the nearest class k,
//! and ±z/‖w‖ for one output; negative for wrong rows. Input margin: the distance in the input to another class, from an
//! attack. Their ratio is how much the feature map stretches on the way to the boundary (Elsayed et al., arXiv:1803.05598;
//! Hein and Andriushchenko, arXiv:1705.08475). A large feature margin with an unchanged input margin is scale, not robustness.
//! Score 2 with w = (3, 4): feature margin 0.4.

use super::matrix::read;
use crate::display::{Bundle, Show, Table};
use crate::error::{Error, Result};
use candle_core::Tensor;

const OP: &str = "margins";

/// The distance of each row's features (n, d) to the boundary of the head, negative where the row is wrong.
///
/// `weight`: (C, d), `bias`: C numbers, C = 1 for a two-class score; `labels`: n of them. Infinite where the two classes have
/// the same weights and the right one leads. Errors: `Shape` or `Value` for what does not fit or is not finite.
pub fn feature_margins(features: &Tensor, weight: &Tensor, bias: &[f64], labels: &[u32]) -> Result<Vec<f64>> {
    let (x, w) = (read(OP, features)?, read(OP, weight)?);
    let (n, d, classes) = (x.nrows(), x.ncols(), w.nrows());
    if w.ncols() != d || bias.len() != classes || labels.len() != n {
        let expected =
            format!("weight (C, {d}), C biases and {n} labels; with {} biases and {} labels", bias.len(), labels.len());
        return Err(Error::Shape { op: OP, expected, got: weight.dims().into() });
    }
    if let Some(bad) = bias.iter().find(|b| !b.is_finite()) {
        return Err(Error::Value { op: OP, expected: "finite biases".into(), got: bad.to_string() });
    }
    if let Some(row) = labels.iter().position(|y| *y as usize >= classes.max(2)) {
        let got = format!("{} in row {row}", labels[row]);
        return Err(Error::Value { op: OP, expected: format!("labels below {}", classes.max(2)), got });
    }
    let distance = |row: usize, plane: &dyn Fn(usize) -> f64, shift: f64| {
        let (mut value, mut square) = (shift, 0.0);
        for j in 0..d {
            value += plane(j) * x[(row, j)];
            square += plane(j).powi(2);
        }
        match (square > 0.0, value) {
            (true, value) => value / square.sqrt(),
            (false, value) if value > 0.0 => f64::INFINITY,
            (false, _) => 0.0,
        }
    };
    let margin = |row: usize| {
        let label = labels[row] as usize;
        if classes == 1 {
            let sign = if label == 1 { 1.0 } else { -1.0 };
            return distance(row, &|j| sign * w[(0, j)], sign * bias[0]);
        }
        let others = (0..classes).filter(|k| *k != label);
        others
            .map(|k| distance(row, &|j| w[(label, j)] - w[(k, j)], bias[label] - bias[k]))
            .fold(f64::INFINITY, f64::min)
    };
    Ok((0..n).map(margin).collect())
}

/// Margins of the same rows, measured in three ways.
#[derive(Clone, Debug, PartialEq)]
pub struct Margins {
    /// At the head: [`feature_margins`].
    pub feature: Vec<f64>,
    /// At the input: distances that an attack found, 0 if wrong, infinite if censored.
    pub input: Vec<f64>,
    /// At the input, if the network were linear.
    pub linearised: Vec<f64>,
}

impl Margins {
    /// Errors: `Shape` if the lists differ in length; `Value` for NaN.
    pub fn new(feature: Vec<f64>, input: Vec<f64>, linearised: Vec<f64>) -> Result<Self> {
        for list in [&input, &linearised] {
            if list.len() != feature.len() {
                let expected = format!("{} margins, as many as of features", feature.len());
                return Err(Error::Shape { op: OP, expected, got: vec![list.len()] });
            }
        }
        let all = Self { feature, input, linearised };
        for list in [&all.feature, &all.input, &all.linearised] {
            if let Some(row) = list.iter().position(|v| v.is_nan()) {
                return Err(Error::Value { op: OP, expected: "margins".into(), got: format!("NaN in row {row}") });
            }
        }
        Ok(all)
    }

    /// The rows that are right and whose margins are all finite.
    pub fn rows(&self) -> Vec<usize> {
        let finite = |k: &usize| [&self.feature, &self.input, &self.linearised].iter().all(|list| list[*k].is_finite());
        (0..self.feature.len()).filter(|k| self.input[*k] > 0.0 && self.feature[*k] > 0.0).filter(finite).collect()
    }

    /// Feature margin over input margin of [`Margins::rows`]: how much the features stretch on the way to the boundary.
    pub fn stretch(&self) -> Vec<f64> {
        self.rows().into_iter().map(|k| self.feature[k] / self.input[k]).collect()
    }

    /// Spearman's rank correlation of feature and input margin over [`Margins::rows`]; NaN for fewer than two or no spread.
    pub fn rank_correlation(&self) -> f64 {
        let rows = self.rows();
        let pick = |list: &[f64]| ranks(&rows.iter().map(|k| list[*k]).collect::<Vec<f64>>());
        let (a, b) = (pick(&self.feature), pick(&self.input));
        let mean = (rows.len() as f64 - 1.0) / 2.0;
        let sum = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| (a - mean) * (b - mean)).sum::<f64>();
        sum(&a, &b) / (sum(&a, &a) * sum(&b, &b)).sqrt()
    }
}

/// Ranks from 0; equal values share the mean of theirs.
fn ranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|a, b| values[*a].total_cmp(&values[*b]));
    let mut ranks = vec![0.0; values.len()];
    for group in order.chunk_by(|a, b| values[*a] == values[*b]) {
        let first = order.partition_point(|k| values[*k] < values[group[0]]);
        group.iter().for_each(|k| ranks[*k] = first as f64 + (group.len() as f64 - 1.0) / 2.0);
    }
    ranks
}

/// The middle value; NaN without any.
pub(crate) fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    match sorted.len() {
        0 => f64::NAN,
        n if n % 2 == 1 => sorted[n / 2],
        n => (sorted[n / 2 - 1] + sorted[n / 2]) / 2.0,
    }
}

impl Show for Margins {
    fn bundle(&self) -> Bundle {
        let rows = self.rows();
        let caption =
            format!("margins of {} of {} rows that are right and not censored", rows.len(), self.feature.len());
        let mut table = Table::new(caption, ["", "median", "smallest"]);
        let mut line = |name: &str, values: &[f64]| {
            let least = values.iter().copied().reduce(f64::min).unwrap_or(f64::NAN);
            table.row([name.to_owned(), format!("{:.4}", median(values)), format!("{least:.4}")]);
        };
        let pick = |list: &[f64]| rows.iter().map(|k| list[*k]).collect::<Vec<f64>>();
        line("feature margin", &pick(&self.feature));
        line("input margin, found by attack", &pick(&self.input));
        line("input margin, linearised", &pick(&self.linearised));
        line("stretch, feature over input", &self.stretch());
        table.notes.push(format!(
            "Rank correlation of feature and input margin {:.3}: a head that is far from the features says that much about \
             the inputs.",
            self.rank_correlation()
        ));
        table.bundle()
    }
}
