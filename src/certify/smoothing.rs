//! Randomised smoothing: a certificate for the classifier that answers with the majority under Gaussian noise.
//!
//! If the majority class has probability p under noise of deviation σ, no change shorter than σ·Φ⁻¹(p) alters it. p is
//! estimated from `samples` draws, after other draws chose the class; the bounds on p are those of Clopper and Pearson
//! (exact binomial), so `radius[0]` holds with probability `confidence` over the draws. For a linear score the true radius
//! is |w·x + b|/‖w‖ whatever σ. Source: Cohen, Rosenfeld and Kolter, arXiv:1902.02918.
//!
//! The certificate is about the smoothed classifier, not about the network: never compare it with an attack on the latter.

use crate::attack::Model;
use crate::display::{Bundle, Show};
use crate::error::{Error, Result};
use crate::progress::{Progress, interrupted};
use crate::rng;
use candle_core::{DType, Device, Tensor};
use rand_distr::{Distribution, StandardNormal};

const OP: &str = "smoothing";
/// Noisy copies classified together.
const BATCH: usize = 256;

/// How to smooth.
#[derive(Clone, Debug)]
pub struct Smoothing {
    /// The standard deviation of the noise, in units of the input.
    pub deviation: f64,
    /// Draws that choose the class.
    pub choosing: usize,
    /// Draws that estimate its probability.
    pub samples: usize,
    /// The probability with which both bounds on the radius hold, for each row.
    pub confidence: f64,
    /// Draws the noise.
    pub seed: u64,
    /// Print no progress.
    pub silent: bool,
}

impl Default for Smoothing {
    fn default() -> Self {
        Self { deviation: 0.25, choosing: 100, samples: 1000, confidence: 0.999, seed: 0, silent: false }
    }
}

/// What smoothing says of one row.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Smoothed {
    /// The majority class of the first draws.
    pub class: u32,
    /// How many of the second draws had it.
    pub votes: usize,
    /// Bounds on σ·Φ⁻¹(p): the certified radius, and the largest one that more draws could still give.
    ///
    /// The first is 0 where the class is not the majority with confidence: the classifier abstains.
    pub radius: [f64; 2],
}

impl Smoothed {
    /// Whether the class could not be told with confidence.
    pub fn abstains(&self) -> bool {
        self.radius[0] == 0.0
    }
}

impl Smoothing {
    /// Certifies every row of `x`, (n, ...) f32. Same seed, same result; a row's noise does not depend on the others.
    ///
    /// Errors: `Value` for settings out of range or a score that is not finite, naming the row; `Interrupted`.
    pub fn run(&self, net: &dyn Model, x: &Tensor) -> Result<Vec<Smoothed>> {
        let refuse = |expected: &str, got: String| Err(Error::Value { op: OP, expected: expected.into(), got });
        if !(self.deviation > 0.0 && self.deviation.is_finite()) {
            return refuse("a finite deviation above 0", self.deviation.to_string());
        }
        if !(self.confidence > 0.0 && self.confidence < 1.0) {
            return refuse("confidence in (0, 1)", self.confidence.to_string());
        }
        if self.choosing == 0 || self.samples == 0 {
            return refuse("at least one draw of each kind", format!("{} and {}", self.choosing, self.samples));
        }
        if x.rank() < 2 || x.dtype() != DType::F32 {
            let expected = format!("x (n, ...) of type f32, got type {} and shape", x.dtype().as_str());
            return Err(Error::Shape { op: OP, expected, got: x.dims().into() });
        }
        let factorials = factorials(self.samples);
        let mut progress = Progress::new("smoothing", x.dims()[0], self.silent);
        let mut all = Vec::new();
        for row in 0..x.dims()[0] {
            if interrupted() {
                return Err(Error::Interrupted { op: OP, done: format!("{row} of {} rows", x.dims()[0]) });
            }
            let one = x.get(row)?.flatten_all()?.to_vec1::<f32>()?;
            let shape = &x.dims()[1..];
            let counts = self.votes(net, &one, shape, row, "choose", self.choosing)?;
            // Of equals the first.
            let class = (0..counts.len()).fold(0, |best, k| if counts[k] > counts[best] { k } else { best });
            let votes = self.votes(net, &one, shape, row, "estimate", self.samples)?[class];
            let tail = (1.0 - self.confidence) / 2.0;
            let lower = clopper_pearson_lower(votes, self.samples, tail, &factorials);
            // The upper bound on p is one less the lower bound on the others' share.
            let others = clopper_pearson_lower(self.samples - votes, self.samples, tail, &factorials);
            let radius = |p: f64| if p > 0.5 { self.deviation * normal_quantile(p) } else { 0.0 };
            let upper = if others > 0.0 { radius(1.0 - others) } else { f64::INFINITY };
            all.push(Smoothed { class: class as u32, votes, radius: [radius(lower), upper] });
            progress.update(row + 1, "rows");
        }
        Ok(all)
    }

    /// How often each class wins under noise.
    fn votes(
        &self,
        net: &dyn Model,
        x: &[f32],
        shape: &[usize],
        row: usize,
        purpose: &str,
        draws: usize,
    ) -> Result<Vec<usize>> {
        let outputs = net.outputs();
        let mut rng = rng::stream(self.seed, &format!("smoothing {purpose} row {row}"));
        let mut counts = vec![0; outputs.max(2)];
        for start in (0..draws).step_by(BATCH) {
            let count = BATCH.min(draws - start);
            let noisy = (0..count).flat_map(|_| x.iter()).map(|x| {
                let normal: f64 = StandardNormal.sample(&mut rng);
                (f64::from(*x) + self.deviation * normal) as f32
            });
            let noisy = Tensor::from_vec(noisy.collect::<Vec<f32>>(), [&[count], shape].concat(), &Device::Cpu)?;
            for scores in net.score_rows(&noisy)?.chunks_exact(outputs) {
                if let Some(bad) = scores.iter().find(|score| !score.is_finite()) {
                    let got = format!("{bad} in row {row}");
                    return Err(Error::Value { op: OP, expected: "finite scores".into(), got });
                }
                let class = match scores {
                    [score] => usize::from(*score > 0.0),
                    scores => (1..outputs).fold(0, |best, k| if scores[k] > scores[best] { k } else { best }),
                };
                counts[class] += 1;
            }
        }
        Ok(counts)
    }
}

/// ln k! for k up to n.
fn factorials(n: usize) -> Vec<f64> {
    let mut all = vec![0.0; n + 1];
    (1..=n).for_each(|k| all[k] = all[k - 1] + (k as f64).ln());
    all
}

/// The p for which `votes` or more of `n` draws have probability `tail`: a lower bound on the true p.
fn clopper_pearson_lower(votes: usize, n: usize, tail: f64, factorials: &[f64]) -> f64 {
    if votes == 0 {
        return 0.0;
    }
    let at_least = |p: f64| -> f64 {
        let (yes, no) = (p.ln(), (-p).ln_1p());
        let term = |k: usize| {
            let choose = factorials[n] - factorials[k] - factorials[n - k];
            (choose + k as f64 * yes + if k == n { 0.0 } else { (n - k) as f64 * no }).exp()
        };
        (votes..=n).map(term).sum()
    };
    let (mut low, mut high) = (0.0, 1.0);
    for _ in 0..60 {
        let middle = (low + high) / 2.0;
        if at_least(middle) < tail { low = middle } else { high = middle }
    }
    low
}

/// The x with Φ(x) = p, for p in [1/2, 1).
fn normal_quantile(p: f64) -> f64 {
    // Φ(x) - 1/2 = φ(x) (x + x³/3 + x⁵/15 + ...), all terms of one sign.
    let above_half = |x: f64| {
        let (mut term, mut sum, mut k) = (x, x, 1.0);
        while term > sum * 1e-17 {
            k += 2.0;
            term *= x * x / k;
            sum += term;
        }
        sum * (-x * x / 2.0).exp() / std::f64::consts::TAU.sqrt()
    };
    // Φ(8) differs from 1 by 6e-16.
    let (mut low, mut high) = (0.0, 8.0);
    for _ in 0..60 {
        let middle = (low + high) / 2.0;
        if above_half(middle) < p - 0.5 { low = middle } else { high = middle }
    }
    low
}

impl Show for Smoothed {
    fn bundle(&self) -> Bundle {
        let Smoothed { class, votes, radius: [low, high] } = self;
        Bundle::text(match self.abstains() {
            true => format!("no class has the majority with confidence; {votes} votes for class {class}"),
            false => format!("class {class} by {votes} votes, radius {low:.4} to {high:.4} (L2, smoothed classifier)"),
        })
    }
}
