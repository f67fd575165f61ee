//! Both sides of an evaluation, checked once: what every engine starts from.

use super::simd::{Arithmetic, Lanes, Vectors};
use super::{OP, Score};
use crate::error::{Error, Result};

/// One side's scores, with a weight for each or 1 for all.
pub(super) struct Side<'a, S> {
    pub(super) scores: &'a [S],
    pub(super) weights: Option<&'a [f64]>,
    /// The sum of the weights; the number of scores if there are none.
    pub(super) total: f64,
    pub(super) low: f64,
    pub(super) high: f64,
}

/// Positives `s` and negatives `t`.
pub(super) struct Points<'a, S> {
    pub(super) s: Side<'a, S>,
    pub(super) t: Side<'a, S>,
}

impl<'a, S: Score> Points<'a, S> {
    /// `weights`: of the positives and of the negatives. See [`super::PairLoss`] for the errors.
    pub(super) fn new(s: &'a [S], t: &'a [S], weights: Option<(&'a [f64], &'a [f64])>) -> Result<Self> {
        let s = Side::new("positive", s, weights.map(|w| w.0))?;
        let t = Side::new("negative", t, weights.map(|w| w.1))?;
        let points = Points { s, t };
        // Half the range of f64 also keeps the mean over pairs finite.
        let (s, t) = (&points.s, &points.t);
        let half = (t.high / 2.0 - s.low / 2.0).max(s.high / 2.0 - t.low / 2.0);
        if half > f64::MAX / 4.0 / points.pairs().max(1.0) {
            let got = format!("scores {:e} apart in {} pairs", 2.0 * half, points.pairs());
            return Err(Error::Value { op: OP, expected: "score differences whose sum is finite".into(), got });
        }
        Ok(points)
    }

    /// Refuses a vector, a gradient say, that has not one component for each score.
    pub(super) fn check_lengths(&self, what: &str, of_s: usize, of_t: usize) -> Result<()> {
        for (name, scores, length) in [("positive", self.s.scores, of_s), ("negative", self.t.scores, of_t)] {
            if scores.len() != length {
                let expected = format!("a {what} of {} for the {name}s", scores.len());
                return Err(Error::Value { op: OP, expected, got: length.to_string() });
            }
        }
        Ok(())
    }

    /// Refuses a direction that has the wrong length or a component that is not finite.
    pub(super) fn check_along(&self, along: (&[f64], &[f64])) -> Result<()> {
        self.check_lengths("direction", along.0.len(), along.1.len())?;
        for (name, along) in [("positive", along.0), ("negative", along.1)] {
            // Its products with weights of up to 1e150, and their sums, are then finite.
            if let Some(at) = along.iter().position(|v| !(v.abs() <= 1e100)) {
                let expected = "a direction of finite components of at most 1e100".into();
                return Err(Error::Value { op: OP, expected, got: format!("{} at {name} {at}", along[at]) });
            }
        }
        Ok(())
    }

    /// The number of pairs, or the sum of their weights.
    pub(super) fn pairs(&self) -> f64 {
        self.s.total * self.t.total
    }

    /// m + n.
    pub(super) fn count(&self) -> usize {
        self.s.scores.len() + self.t.scores.len()
    }

    pub(super) fn weighted(&self) -> bool {
        self.s.weights.is_some() || self.t.weights.is_some()
    }

    pub(super) fn low(&self) -> f64 {
        self.s.low.min(self.t.low)
    }

    pub(super) fn high(&self) -> f64 {
        self.s.high.max(self.t.high)
    }

    /// The largest score less the smallest.
    pub(super) fn spread(&self) -> f64 {
        self.high() - self.low()
    }

    pub(super) fn centre(&self) -> f64 {
        self.low() / 2.0 + self.high() / 2.0
    }

    /// The least difference of a positive's score and a negative's.
    pub(super) fn margin(&self) -> f64 {
        self.s.low - self.t.high
    }

    /// The relative error of a sum over one side by the definition's formula.
    pub(super) fn rounding(&self) -> f64 {
        // A rounded difference moves exp by as much; from 746 on exp is 0 or its rounding no longer counts.
        (self.count() as f64 + self.spread().min(746.0) + 8.0) * f64::EPSILON / 2.0
    }
}

impl<'a, S: Score> Side<'a, S> {
    fn new(name: &str, scores: &'a [S], weights: Option<&'a [f64]>) -> Result<Self> {
        let error = |expected: String, got: String| Err(Error::Value { op: OP, expected, got });
        if scores.is_empty() {
            return error("at least one positive and one negative".into(), format!("no {name}"));
        }
        let (low, high, finite) = Vectors::widest().run(Extremes(scores));
        if !finite {
            let at = scores.iter().position(|score| !score.to_f64().is_finite()).unwrap_or_default();
            return error("finite scores".into(), format!("{} at {name} {at}", scores[at]));
        }
        let mut side = Side { scores, weights, total: scores.len() as f64, low, high };
        if let Some(weights) = weights {
            if weights.len() != scores.len() {
                return error(format!("a weight for each of {} {name}s", scores.len()), weights.len().to_string());
            }
            if let Some(at) = weights.iter().position(|w| !(w.is_finite() && *w >= 0.0)) {
                return error("finite weights of at least 0".into(), format!("{} at {name} {at}", weights[at]));
            }
            side.total = weights.iter().sum();
            if !(side.total > 0.0 && side.total < 1e150) {
                return error(
                    format!("weights of the {name}s with a sum above 0, below 1e150"),
                    side.total.to_string(),
                );
            }
        }
        Ok(side)
    }

    /// The weight of a score.
    #[inline(always)]
    pub(super) fn weight(&self, at: usize) -> f64 {
        self.weights.map_or(1.0, |weights| weights[at])
    }
}

/// The least score, the largest, and whether all are finite.
struct Extremes<'a, S>(&'a [S]);

impl<S: Score> Arithmetic for Extremes<'_, S> {
    type Out = (f64, f64, bool);

    #[inline(always)]
    fn run<L: Lanes>(self) -> Self::Out {
        let (mut low, mut high, mut rest) = ([f64::INFINITY; 16], [f64::NEG_INFINITY; 16], [0.0; 16]);
        let (chunks, tail) = self.0.as_chunks::<16>();
        for chunk in chunks {
            for l in 0..16 {
                let x = chunk[l].to_f64();
                low[l] = if x < low[l] { x } else { low[l] };
                high[l] = if x > high[l] { x } else { high[l] };
                rest[l] += x * 0.0; // 0, or NaN from the first NaN or infinity on
            }
        }
        for (l, x) in tail.iter().enumerate() {
            let x = x.to_f64();
            low[l] = low[l].min(x);
            high[l] = high[l].max(x);
            rest[l] += x * 0.0;
        }
        let least = low.into_iter().fold(f64::INFINITY, f64::min);
        let largest = high.into_iter().fold(f64::NEG_INFINITY, f64::max);
        (least, largest, rest.iter().all(|x| *x == 0.0))
    }
}
