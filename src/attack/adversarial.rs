//! What an attack found, row by row, with everything a sceptic asks for.

use super::Norm;
use super::inputs::Inputs;
use super::model::Rows;
use super::objective::decide;
use crate::display::{Bundle, Show};
use crate::error::{Error, Result};
use candle_core::Tensor;

/// What became of one row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// An adversarial input was found.
    Found,
    /// None was found: the distance to the boundary is censored, not infinite.
    Censored,
    /// Wrong before any attack: its distance counts as 0.
    MisclassifiedClean,
}

/// One iteration of an attack over all rows, for the first start.
#[derive(Clone, Copy, Debug, PartialEq, Default)]
pub struct Iterate {
    /// Rows attacked in it.
    pub rows: usize,
    /// Rows that are adversarial at the iterate.
    pub wrong: usize,
    /// The mean over rows of the attack's margin: largest wrong score minus the right one.
    pub margin: f64,
    /// Rows whose gradient is exactly zero.
    pub zero_gradient: usize,
}

impl Iterate {
    /// Adds what one part of the rows saw to iteration `step` of the whole.
    pub(super) fn join(self, trace: &mut Vec<Iterate>, step: usize) {
        match trace.get_mut(step) {
            Some(whole) => {
                let rows = whole.rows + self.rows;
                let share = self.rows as f64 / rows as f64;
                whole.margin += share * (self.margin - whole.margin);
                whole.rows = rows;
                whole.wrong += self.wrong;
                whole.zero_gradient += self.zero_gradient;
            }
            None => trace.push(self),
        }
    }
}

/// Attacked inputs beside the clean ones.
///
/// Rows that were already wrong count as found by every untargeted attack: `success` and `any` start from the clean
/// prediction.
#[derive(Clone, Debug)]
pub struct Adversarial {
    /// The inputs, (n, ...).
    pub clean: Tensor,
    /// The attacked inputs, same shape: the last iterate, or for an attack on the distance the nearest one found.
    pub x: Tensor,
    /// The iterate with the largest margin toward the wrong side; an adversarial one wherever `any` is set.
    pub best: Tensor,
    /// The labels, n of them.
    pub labels: Vec<u32>,
    /// The classes that a targeted attack aimed at.
    pub targets: Option<Vec<u32>>,
    /// The class of each row of `clean`.
    pub clean_predicted: Vec<u32>,
    /// The class of each row of `x`; of `clean` for rows not reached before an interrupt or with scores not finite.
    pub predicted: Vec<u32>,
    /// How changes were measured.
    pub norm: Norm,
    /// The radius of each row's ball; infinite for an attack on the distance.
    pub epsilons: Vec<f64>,
    /// The size of each change of `x`, at most the row's epsilon up to rounding.
    pub norms: Vec<f64>,
    /// Whether the last iterate is adversarial (what foolbox reports).
    pub success: Vec<bool>,
    /// Whether some iterate was, the clean input included (what AutoAttack reports).
    pub any: Vec<bool>,
    /// Iterations each row went through, over all starts.
    pub iterations: Vec<usize>,
    /// Gradients computed for each row; 0 for an attack by scores alone.
    pub gradients: Vec<usize>,
    /// Iterates of each row whose gradient was exactly zero: not attacked there, so perhaps masked and not robust.
    pub zero_gradient: Vec<usize>,
    /// Iterates of each row with a gradient or score that was not finite.
    pub not_finite: Vec<usize>,
    /// Whether the clean input is classified correctly.
    pub clean_correct: Vec<bool>,
    /// The course of the first start; empty for attacks that have none.
    pub trace: Vec<Iterate>,
    /// Whether a person stopped the attack early; rows not reached are unchanged.
    pub interrupted: bool,
}

impl Adversarial {
    /// Before any step: all rows at their clean input.
    pub(super) fn start(
        net: &Rows<'_>,
        inputs: &Inputs,
        x: &Tensor,
        norm: Norm,
        epsilons: Vec<f64>,
        targets: Option<&[u32]>,
    ) -> Result<Self> {
        let scores = net.scores(&inputs.values)?;
        let class = |(row, scores): (usize, &[f32])| {
            decide(scores).ok_or_else(|| {
                let bad = scores.iter().find(|score| !score.is_finite()).unwrap_or(&f32::NAN);
                let got = format!("{bad} in row {row}");
                Error::Value { op: net.op, expected: "finite scores of the clean inputs".into(), got }
            })
        };
        let predicted = scores.chunks_exact(net.net.outputs()).enumerate().map(class).collect::<Result<Vec<u32>>>()?;
        let clean_correct: Vec<bool> = predicted.iter().zip(&inputs.labels).map(|(p, y)| p == y).collect();
        let n = inputs.len();
        let success: Vec<bool> = match targets {
            Some(targets) => predicted.iter().zip(targets).map(|(p, target)| p == target).collect(),
            None => clean_correct.iter().map(|right| !right).collect(),
        };
        Ok(Self {
            clean: x.detach(),
            x: x.detach(),
            best: x.detach(),
            labels: inputs.labels.clone(),
            targets: targets.map(<[u32]>::to_vec),
            clean_predicted: predicted.clone(),
            predicted,
            norm,
            epsilons,
            norms: vec![0.0; n],
            any: success.clone(),
            success,
            iterations: vec![0; n],
            gradients: vec![0; n],
            zero_gradient: vec![0; n],
            not_finite: vec![0; n],
            clean_correct,
            trace: Vec::new(),
            interrupted: false,
        })
    }

    /// What became of each row.
    pub fn status(&self) -> Vec<Status> {
        let status = |(right, any): (&bool, &bool)| match (right, any) {
            (false, _) => Status::MisclassifiedClean,
            (true, true) => Status::Found,
            (true, false) => Status::Censored,
        };
        self.clean_correct.iter().zip(&self.any).map(status).collect()
    }

    /// Upper bounds on the distance to another class: 0 for rows wrong from the start, infinite where `x` is not
    /// adversarial.
    pub fn distances(&self) -> Vec<f64> {
        let distance = |row: usize| match (self.clean_correct[row], self.success[row]) {
            (false, _) => 0.0,
            (true, true) => self.norms[row],
            (true, false) => f64::INFINITY,
        };
        (0..self.labels.len()).map(distance).collect()
    }

    /// Share of rows classified correctly before the attack; NaN without rows.
    pub fn clean_accuracy(&self) -> f64 {
        share(&self.clean_correct, true)
    }

    /// Share of rows classified correctly at every iterate; NaN without rows.
    pub fn robust_accuracy(&self) -> f64 {
        let held = self.clean_correct.iter().zip(&self.any).filter(|(right, any)| **right && !**any).count();
        held as f64 / self.labels.len() as f64
    }

    /// Rows that were right and for which an adversarial input was found.
    pub fn found(&self) -> usize {
        self.clean_correct.iter().zip(&self.any).filter(|(right, any)| **right && **any).count()
    }

    /// Rows whose gradient was exactly zero at some iterate.
    pub fn zero_gradient_rows(&self) -> usize {
        self.zero_gradient.iter().filter(|count| **count > 0).count()
    }

    /// The rows with a gradient or score that was not finite at some iterate.
    pub fn rows_not_finite(&self) -> Vec<usize> {
        (0..self.not_finite.len()).filter(|row| self.not_finite[*row] > 0).collect()
    }

    /// Gradients computed in all.
    pub fn gradient_count(&self) -> usize {
        self.gradients.iter().sum()
    }
}

fn share(flags: &[bool], wanted: bool) -> f64 {
    flags.iter().filter(|flag| **flag == wanted).count() as f64 / flags.len() as f64
}

/// `3, 8, 12 and 4 more`.
pub(super) fn some_of(rows: &[usize]) -> String {
    let named = rows.iter().take(5).map(ToString::to_string).collect::<Vec<_>>().join(", ");
    if rows.len() > 5 { format!("{named} and {} more", rows.len() - 5) } else { named }
}

impl Show for Adversarial {
    fn bundle(&self) -> Bundle {
        let n = self.labels.len();
        let largest = self.epsilons.iter().copied().fold(0.0, f64::max);
        let smallest = self.epsilons.iter().copied().fold(largest, f64::min);
        let ball = if largest.is_infinite() {
            format!("nearest in {}", self.norm)
        } else if largest == smallest {
            format!("within {} {largest}", self.norm)
        } else {
            format!("within {} {smallest} to {largest}", self.norm)
        };
        let mut text = format!(
            "{n} inputs {ball}: accuracy {:.3} clean, {:.3} attacked",
            self.clean_accuracy(),
            self.robust_accuracy()
        );
        if self.zero_gradient_rows() > 0 {
            text += &format!("; {} of {n} rows have zero gradient", self.zero_gradient_rows());
        }
        let bad = self.rows_not_finite();
        if !bad.is_empty() {
            text += &format!("; {} rows with values that are not finite: {}", bad.len(), some_of(&bad));
        }
        if self.interrupted {
            text += "; interrupted";
        }
        Bundle::text(text)
    }
}
