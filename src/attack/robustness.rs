//! Accuracy against the radius of the attack, for a whole set.
//!
//! Each radius is attacked by [`Pgd`] on the rows that are still right, so the curve can only fall: a row broken within
//! a small ball is broken within every larger one. Rows that are wrong before any attack count as broken at 0.

use super::adversarial::some_of;
use super::{Model, Norm, Objective, Pgd};
use crate::data::Dataset;
use crate::display::{Bundle, Show, Table, number};
use crate::error::{Error, Result};
use crate::progress::Progress;
use std::time::Instant;

/// The attacks of [`robustness`].
#[derive(Clone, Debug)]
pub struct Attacks {
    /// How changes are measured.
    pub norm: Norm,
    /// The radii, in any order.
    pub epsilons: Vec<f64>,
    /// Steps of each attack; a step has the length 2.5 · epsilon / steps.
    pub steps: usize,
    /// What is increased.
    pub objective: Objective,
    /// How often each attack starts; all but the first start are random.
    pub restarts: usize,
    /// Draws the random starts.
    pub seed: u64,
    /// The smallest and largest allowed input.
    pub bounds: [f64; 2],
    /// Print no progress.
    pub silent: bool,
}

impl Default for Attacks {
    fn default() -> Self {
        Self {
            norm: Norm::Linf,
            epsilons: vec![0.02, 0.05, 0.1, 0.15, 0.2, 0.3],
            steps: 40,
            objective: Objective::Margin,
            restarts: 1,
            seed: 0,
            bounds: [0.0, 1.0],
            silent: false,
        }
    }
}

/// Accuracy at one radius.
#[derive(Clone, Debug, PartialEq)]
pub struct AtEpsilon {
    /// The radius.
    pub epsilon: f64,
    /// Share of all rows that stay right.
    pub accuracy: f64,
    /// Rows attacked: those that survived the smaller radii.
    pub attacked: usize,
    /// Attacked rows whose gradient was exactly zero at some iterate.
    pub zero_gradient: usize,
}

/// How accuracy falls as the attack grows.
#[derive(Clone, Debug)]
pub struct Robustness {
    /// The name of the set.
    pub data: String,
    /// Number of rows.
    pub n: usize,
    /// How changes were measured.
    pub norm: Norm,
    /// What the attacks increased.
    pub objective: Objective,
    /// Steps of each attack.
    pub steps: usize,
    /// Starts of each attack.
    pub restarts: usize,
    /// Share of rows that are right without an attack.
    pub clean_accuracy: f64,
    /// One entry per radius, increasing; only those finished before an interrupt.
    pub rows: Vec<AtEpsilon>,
    /// The rows of the set with a gradient or score that was not finite at some iterate, increasing.
    pub not_finite: Vec<usize>,
    /// Gradients computed in all.
    pub gradients: usize,
    /// Wall time.
    pub seconds: f64,
    /// Whether a person stopped it early.
    pub interrupted: bool,
}

impl Robustness {
    /// Accuracy at a radius of the table; `None` if it has no such radius.
    pub fn at(&self, epsilon: f64) -> Option<f64> {
        self.rows.iter().find(|row| row.epsilon == epsilon).map(|row| row.accuracy)
    }

    /// Attacked rows with a zero gradient, the largest number over all radii.
    pub fn zero_gradient(&self) -> usize {
        self.rows.iter().map(|row| row.zero_gradient).max().unwrap_or(0)
    }
}

/// Attacks every input of `data` at every radius.
///
/// Guarantees: accuracy never rises with the radius. An interrupt returns the radii finished so far.
/// Errors: as [`Pgd::run`]; `Value` for a set without inputs.
pub fn robustness(net: &dyn Model, data: &Dataset, attacks: &Attacks) -> Result<Robustness> {
    let start = Instant::now();
    if data.is_empty() {
        let expected = "a set with at least one input".into();
        return Err(Error::Value { op: "robustness", expected, got: format!("`{}` without any", data.name) });
    }
    let pgd = |epsilon| Pgd {
        norm: attacks.norm,
        epsilon,
        step: 0.0,
        steps: attacks.steps,
        objective: attacks.objective,
        restarts: attacks.restarts,
        seed: attacks.seed,
        bounds: attacks.bounds,
        silent: true,
        ..Pgd::default()
    };
    // Radius 0 runs all checks and classifies the clean inputs.
    let clean = pgd(0.0).run(net, &data.x, &data.y)?;
    let mut standing: Vec<usize> = (0..data.len()).filter(|row| clean.clean_correct[*row]).collect();
    let mut epsilons = attacks.epsilons.clone();
    epsilons.sort_by(f64::total_cmp);
    epsilons.dedup();
    let mut result = Robustness {
        data: data.name.clone(),
        n: data.len(),
        norm: attacks.norm,
        objective: attacks.objective,
        steps: attacks.steps,
        restarts: attacks.restarts,
        not_finite: Vec::new(),
        gradients: 0,
        clean_accuracy: clean.clean_accuracy(),
        rows: Vec::new(),
        seconds: 0.0,
        interrupted: false,
    };
    let mut progress = Progress::new(format!("attacking {}", data.name), epsilons.len(), attacks.silent);
    for (done, epsilon) in epsilons.into_iter().enumerate() {
        let attacked = standing.len();
        let mut zero_gradient = 0;
        if attacked > 0 {
            let part = data.select(&standing)?;
            let found = pgd(epsilon).run(net, &part.x, &part.y)?;
            if found.interrupted {
                result.interrupted = true;
                break;
            }
            zero_gradient = found.zero_gradient_rows();
            result.not_finite.extend(found.rows_not_finite().iter().map(|row| standing[*row]));
            result.gradients += found.gradient_count();
            standing = standing.into_iter().zip(&found.any).filter(|(_, any)| !**any).map(|(row, _)| row).collect();
        }
        let accuracy = standing.len() as f64 / data.len() as f64;
        result.rows.push(AtEpsilon { epsilon, accuracy, attacked, zero_gradient });
        progress.update(done + 1, &format!("radii, accuracy {accuracy:.3} at {epsilon}"));
    }
    result.not_finite.sort_unstable();
    result.not_finite.dedup();
    result.seconds = start.elapsed().as_secs_f64();
    Ok(result)
}

impl Show for Robustness {
    fn bundle(&self) -> Bundle {
        let caption = format!(
            "{}: {} rows, PGD {} on the {}, {} steps, {:.1} s{}",
            self.data,
            self.n,
            self.norm,
            self.objective,
            self.steps,
            self.seconds,
            if self.interrupted { ", interrupted" } else { "" }
        );
        let mut table = Table::new(caption, ["epsilon", "accuracy", "rows attacked", "zero gradient"]);
        table.row(["clean".to_owned(), percent(self.clean_accuracy), "-".to_owned(), "-".to_owned()]);
        for row in &self.rows {
            let cells = [number(row.epsilon, 4), percent(row.accuracy)];
            table.row(cells.into_iter().chain([row.attacked.to_string(), row.zero_gradient.to_string()]));
        }
        table.notes.extend(not_finite(&self.not_finite));
        table.bundle()
    }
}

/// A sentence that names the rows, if there are any.
pub(super) fn not_finite(rows: &[usize]) -> Option<String> {
    (!rows.is_empty()).then(|| {
        format!("{} rows had values that are not finite and were not attacked there: {}.", rows.len(), some_of(rows))
    })
}

fn percent(share: f64) -> String {
    format!("{:.1} %", 100.0 * share)
}
