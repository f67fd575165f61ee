//! One call that attacks the training and the test images and says everything a sceptic asks for in one table.
//!
//! For each set: PGD at every radius on the rows still right, and the [`MinimalNorm`] of every row. Rows that are wrong
//! without an attack count once: as broken at radius 0, with distance 0. Rows for which no adversarial input was found are
//! censored: they enter the quantiles as larger than all others and are counted.

use super::robustness::{Attacks, Robustness, not_finite, robustness};
use super::{Adversarial, MinimalNorm, Model};
use crate::data::Dataset;
use crate::display::{Bundle, Show, Table};
use crate::error::{Error, Result};
use std::time::Instant;

/// What [`evaluate`] runs.
#[derive(Clone, Debug, Default)]
pub struct Evaluation {
    /// PGD at several radii.
    pub attacks: Attacks,
    /// The distance to another class in L2. Its bounds and `silent` are those of `attacks`.
    pub minimal: MinimalNorm,
}

/// What the attacks found on one set.
#[derive(Clone, Debug)]
pub struct Part {
    /// Accuracy at each radius.
    pub robustness: Robustness,
    /// The distance of each row to another class in L2, from above: 0 if wrong without an attack, infinite if censored.
    /// Empty if an interrupt came before; rows that it left unsearched are censored.
    pub distances: Vec<f64>,
    /// The nearest adversarial inputs; `None` if an interrupt came before.
    pub nearest: Option<Adversarial>,
    /// Gradients computed for this set.
    pub gradients: usize,
    /// Wall time.
    pub seconds: f64,
}

/// The table of [`evaluate`].
#[derive(Clone, Debug)]
pub struct Evaluated {
    /// One part per set, in the order given.
    pub parts: Vec<Part>,
    /// The seed of the random starts.
    pub seed: u64,
    /// Whether a person stopped it early: the last part then holds what was done of its set, and later sets are left out.
    pub interrupted: bool,
}

/// Attacks every set, usually `&[&pair.train, &pair.test]`.
///
/// An interrupt returns what was found so far. Errors: as [`Pgd::run`](super::Pgd::run); `Value` for a set without
/// inputs or no set at all.
pub fn evaluate(net: &dyn Model, sets: &[&Dataset], settings: &Evaluation) -> Result<Evaluated> {
    if sets.is_empty() {
        return Err(Error::Value { op: "evaluate", expected: "at least one set".into(), got: "none".into() });
    }
    let attacks = &settings.attacks;
    let minimal = MinimalNorm { bounds: attacks.bounds, silent: attacks.silent, ..settings.minimal.clone() };
    let mut result = Evaluated { parts: Vec::new(), seed: attacks.seed, interrupted: false };
    for data in sets {
        let start = Instant::now();
        let robustness = robustness(net, data, attacks)?;
        let nearest = if robustness.interrupted { None } else { Some(minimal.run(net, &data.x, &data.y)?) };
        let gradients = robustness.gradients + nearest.as_ref().map_or(0, Adversarial::gradient_count);
        let distances = nearest.as_ref().map_or_else(Vec::new, Adversarial::distances);
        result.interrupted = nearest.as_ref().is_none_or(|nearest| nearest.interrupted);
        let seconds = start.elapsed().as_secs_f64();
        result.parts.push(Part { distances, robustness, nearest, gradients, seconds });
        if result.interrupted {
            break;
        }
    }
    Ok(result)
}

impl Part {
    /// The smallest distance that at least a share `q` of the rows does not exceed; infinite if censored rows reach it,
    /// NaN if no distance was computed.
    pub fn quantile(&self, q: f64) -> f64 {
        if self.distances.is_empty() {
            return f64::NAN;
        }
        let mut sorted = self.distances.clone();
        sorted.sort_by(f64::total_cmp);
        let rank = (q * sorted.len() as f64).ceil() as usize;
        sorted[rank.clamp(1, sorted.len()) - 1]
    }

    /// The median distance.
    pub fn median(&self) -> f64 {
        self.quantile(0.5)
    }

    /// Rows that are right and for which no adversarial input was found.
    pub fn censored(&self) -> usize {
        self.distances.iter().filter(|distance| distance.is_infinite()).count()
    }

    /// Share of rows that are further than `radius` from another class in L2, as far as the attack found out.
    pub fn beyond(&self, radius: f64) -> f64 {
        self.distances.iter().filter(|distance| **distance > radius).count() as f64 / self.distances.len() as f64
    }

    /// Rows whose gradient was exactly zero in some attack, the larger of the two counts.
    pub fn zero_gradient(&self) -> usize {
        self.robustness.zero_gradient().max(self.nearest.as_ref().map_or(0, Adversarial::zero_gradient_rows))
    }

    /// The rows with a gradient or score that was not finite in some attack, increasing.
    pub fn not_finite(&self) -> Vec<usize> {
        let mut rows = self.nearest.as_ref().map_or_else(Vec::new, Adversarial::rows_not_finite);
        rows.extend(&self.robustness.not_finite);
        rows.sort_unstable();
        rows.dedup();
        rows
    }

    /// Rows that are right and that an interrupt left without a search for the distance.
    fn unsearched(&self) -> usize {
        let Some(nearest) = self.nearest.as_ref().filter(|nearest| nearest.interrupted) else { return 0 };
        nearest.clean_correct.iter().zip(&nearest.iterations).filter(|(right, count)| **right && **count == 0).count()
    }
}

/// A distance for a table.
pub(super) fn told(distance: f64) -> String {
    match distance {
        d if d.is_nan() => "-".into(),
        d if d.is_infinite() => "censored".into(),
        d => format!("{d:.4}"),
    }
}

impl Show for Evaluated {
    fn bundle(&self) -> Bundle {
        let Some(first) = self.parts.first() else {
            return Bundle::text("evaluation: no set");
        };
        let r = &first.robustness;
        let caption = format!(
            "PGD {} on the {}, {} steps, {} start(s), seed {}; minimal norm in L2{}",
            r.norm,
            r.objective,
            r.steps,
            r.restarts,
            self.seed,
            if self.interrupted { "; interrupted" } else { "" }
        );
        let names = self.parts.iter().map(|part| part.robustness.data.clone());
        let mut table = Table::new(caption, std::iter::once(String::new()).chain(names));
        let mut line = |name: &str, value: &dyn Fn(&Part) -> String| {
            table.row(std::iter::once(name.to_owned()).chain(self.parts.iter().map(value)));
        };
        let percent = |share: f64| format!("{:.1} %", 100.0 * share);
        line("rows", &|part| part.robustness.n.to_string());
        line("clean accuracy", &|part| percent(part.robustness.clean_accuracy));
        for (k, row) in r.rows.iter().enumerate() {
            let name = format!("robust accuracy, {} {}", r.norm, row.epsilon);
            line(&name, &|part| part.robustness.rows.get(k).map_or("-".into(), |row| percent(row.accuracy)));
        }
        line("median distance, L2", &|part| told(part.median()));
        line("5th percentile", &|part| told(part.quantile(0.05)));
        line("no adversarial input found", &|part| part.censored().to_string());
        line("rows with zero gradient", &|part| part.zero_gradient().to_string());
        line("gradients computed", &|part| part.gradients.to_string());
        line("seconds", &|part| format!("{:.1}", part.seconds));
        let note = "Rows wrong without an attack count once, as broken at radius 0 and at distance 0. Distances are upper \
                    bounds; a row without an adversarial input is censored and counts as further than all others.";
        table.notes.push(note.into());
        for part in &self.parts {
            if part.unsearched() > 0 {
                let (name, count) = (&part.robustness.data, part.unsearched());
                table
                    .notes
                    .push(format!("{name}: the interrupt left {count} rows unsearched; they count as censored."));
            }
            table.notes.extend(not_finite(&part.not_finite()).map(|text| format!("{}: {text}", part.robustness.data)));
        }
        table.bundle()
    }
}
