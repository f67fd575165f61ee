//! The gates of the [masking panel](super::masking()), one method each: an attack that has to agree with another.

use super::fakes::ScaledLogits;
use super::masking::{Gate, Panel, Verdict};
use super::model::Rows;
use super::objective::{decide, margin};
use super::{Adversarial, Fgsm, MinimalNorm, Model, Norm, Objective, Pgd, Square};
use crate::error::Result;
use crate::progress::interrupted;
use crate::rng;
use candle_core::Tensor;

const OP: &str = "masking";
/// How many gates there are.
pub(super) const COUNT: usize = 14;

/// The rows that are right, and what was said of them so far.
pub(super) struct Gates<'a> {
    pub net: &'a dyn Model,
    pub panel: &'a Panel<'a>,
    pub x: Tensor,
    pub y: Tensor,
    pub labels: Vec<u32>,
    pub certified: Option<Vec<f64>>,
    pub gates: Vec<Gate>,
}

impl Gates<'_> {
    /// Runs the gates in their order; false if a person stopped them.
    pub(super) fn all(&mut self, report: &mut dyn FnMut(usize)) -> Result<bool> {
        let base = self.pgd();
        let white = base.run(self.net, &self.x, &self.y)?;
        let found = share(&white);
        macro_rules! gate {
            ($run:expr) => {
                let before = self.gates.len();
                $run;
                if interrupted() {
                    // Its attacks stopped early, so its number would be wrong.
                    self.gates.truncate(before);
                    return Ok(false);
                }
                report(self.gates.len());
            };
        }
        gate!(self.same_scores()?);
        gate!(self.scale_invariance(&white)?);
        gate!(self.cross_entropy(found)?);
        gate!(self.zero_gradient(&white));
        gate!(self.more_work(found)?);
        gate!(self.single_step(found)?);
        gate!(self.whole_box()?);
        gate!(self.monotone()?);
        gate!(self.noise(found)?);
        gate!(self.gradient_free(found)?);
        gate!(self.transferred(found)?);
        gate!(self.certificates()?);
        Ok(true)
    }

    fn pgd(&self) -> Pgd {
        let Panel { norm, epsilon, bounds, seed, .. } = *self.panel;
        Pgd { norm, epsilon, bounds, seed, silent: true, ..Pgd::default() }
    }

    fn run(&self, attack: &Pgd) -> Result<f64> {
        Ok(share(&attack.run(self.net, &self.x, &self.y)?))
    }

    /// Adds a gate that passes if `value` is at most `limit`.
    fn at_most(&mut self, name: &'static str, value: f64, limit: f64, detail: String) {
        // Written so that NaN fails.
        let verdict = if value <= limit + 1e-12 { Verdict::Pass } else { Verdict::Fail };
        self.gates.push(Gate { name, verdict, value, detail });
    }

    fn not_run(&mut self, name: &'static str, detail: &str) {
        self.gates.push(Gate { name, verdict: Verdict::NotRun, value: f64::NAN, detail: detail.into() });
    }

    fn rows(&self) -> Rows<'_> {
        Rows { op: OP, net: self.net, shape: &self.x.dims()[1..] }
    }

    fn same_scores(&mut self) -> Result<()> {
        let x = self.x.flatten_all()?.to_vec1::<f32>()?;
        let (first, again) = (self.rows().scores(&x)?, self.rows().scores(&x)?);
        let change = |(a, b): (&f32, &f32)| if a == b { 0.0 } else { f64::from((a - b).abs()) };
        let largest =
            first.iter().zip(&again).map(change).fold(0.0, |m: f64, c| if c > m || c.is_nan() { c } else { m });
        let detail = format!("the same input twice changes a score by {largest:.3e} (limit 0)");
        self.at_most("same scores twice", largest, 0.0, detail);
        Ok(())
    }

    fn scale_invariance(&mut self, white: &Adversarial) -> Result<()> {
        let mut worst = 0.0_f64;
        for by in [0.01, 100.0] {
            let scaled = self.pgd().run(&ScaledLogits { net: self.net, by }, &self.x, &self.y)?;
            let differ = scaled.any.iter().zip(&white.any).filter(|(a, b)| a != b).count();
            worst = worst.max(differ as f64 / self.labels.len() as f64);
        }
        let detail = format!("scores x 0.01 and x 100 change the success of {} (limit 0)", percent(worst));
        self.at_most("logit scale", worst, 0.0, detail);
        Ok(())
    }

    fn cross_entropy(&mut self, found: f64) -> Result<()> {
        let entropy = Pgd { objective: Objective::CrossEntropy, ..self.pgd() };
        let seen = entropy.run(self.net, &self.x, &self.y)?;
        let (by_entropy, zero) = (share(&seen), seen.zero_gradient_rows() as f64 / self.labels.len() as f64);
        // Two objectives differ by some rows on an honest model.
        let limit = 0.05 + self.panel.tolerance;
        let (a, b) = (percent(found), percent(by_entropy));
        let detail = format!("margin breaks {a}, cross-entropy {b} (limit {} apart)", percent(limit));
        self.at_most("cross-entropy against margin", (found - by_entropy).abs(), limit, detail);
        let detail = format!(
            "{} have no gradient of the cross-entropy in f32, {} would have none in f64 (limit {})",
            percent(zero),
            percent(self.saturated()?),
            percent(self.panel.tolerance)
        );
        self.at_most("zero gradient of the cross-entropy", zero, self.panel.tolerance, detail);
        Ok(())
    }

    /// The share of rows whose cross-entropy has no gradient at the input in f64 either: e^-gap is 0 from 746 on.
    fn saturated(&self) -> Result<f64> {
        let scores = self.rows().scores(&self.x.flatten_all()?.to_vec1::<f32>()?)?;
        let rows = scores.chunks_exact(self.net.outputs()).zip(&self.labels);
        let gone = rows.filter(|(scores, label)| margin(scores, **label).exp() == 0.0).count();
        Ok(gone as f64 / self.labels.len() as f64)
    }

    fn zero_gradient(&mut self, white: &Adversarial) {
        let zero = white.zero_gradient_rows() as f64 / self.labels.len() as f64;
        let detail =
            format!("{} have no gradient of the margin (limit {})", percent(zero), percent(self.panel.tolerance));
        self.at_most("zero gradient of the margin", zero, self.panel.tolerance, detail);
    }

    fn more_work(&mut self, found: f64) -> Result<()> {
        let limit = 0.05 + self.panel.tolerance;
        let (few, many) = (self.run(&Pgd { steps: 10, ..self.pgd() })?, self.run(&Pgd { steps: 100, ..self.pgd() })?);
        let detail =
            format!("10 steps break {}, 100 steps {} (limit {} apart)", percent(few), percent(many), percent(limit));
        self.at_most("10 to 100 iterations", (many - few).abs(), limit, detail);
        let many = self.run(&Pgd { restarts: 10, ..self.pgd() })?;
        let detail =
            format!("1 start breaks {}, 10 starts {} (limit {} apart)", percent(found), percent(many), percent(limit));
        self.at_most("1 to 10 restarts", (many - found).abs(), limit, detail);
        Ok(())
    }

    fn single_step(&mut self, found: f64) -> Result<()> {
        let Panel { norm, epsilon, bounds, .. } = *self.panel;
        let fgsm = Fgsm { norm, epsilon, bounds, silent: true, ..Fgsm::default() };
        let one = share(&fgsm.run(self.net, &self.x, &self.y)?);
        let detail = format!("one step breaks {}, PGD {}", percent(one), percent(found));
        self.at_most("one step below PGD", one - found, self.panel.tolerance, detail);
        Ok(())
    }

    fn whole_box(&mut self) -> Result<()> {
        let [low, high] = self.panel.bounds;
        let all = Pgd { norm: Norm::Linf, epsilon: high - low, restarts: 3, ..self.pgd() };
        let missed = 1.0 - self.run(&all)?;
        let detail = format!("a ball as large as the box leaves {} right (limit 0)", percent(missed));
        self.at_most("unbounded reaches all", missed, 0.0, detail);
        Ok(())
    }

    fn monotone(&mut self) -> Result<()> {
        let factors = [0.25, 0.5, 1.0, 2.0];
        let shares = factors.map(|by| self.run(&Pgd { epsilon: by * self.panel.epsilon, ..self.pgd() }));
        let shares = shares.into_iter().collect::<Result<Vec<f64>>>()?;
        let fall = shares.windows(2).map(|w| w[0] - w[1]).fold(0.0, f64::max);
        let told: Vec<String> = shares.iter().map(|share| percent(*share)).collect();
        let detail = format!("radii x 0.25, 0.5, 1, 2 break {}", told.join(", "));
        self.at_most("monotone in epsilon", fall, self.panel.tolerance, detail);
        Ok(())
    }

    fn noise(&mut self, found: f64) -> Result<()> {
        let Panel { norm, epsilon, bounds, seed, samples, .. } = *self.panel;
        let [low, high] = bounds.map(|b| b as f32);
        let x = self.x.flatten_all()?.to_vec1::<f32>()?;
        let (width, outputs) = (x.len() / self.labels.len(), self.net.outputs());
        let mut broken = vec![false; self.labels.len()];
        for sample in 0..samples {
            if interrupted() {
                return Ok(());
            }
            let mut tried = x.clone();
            for (row, values) in tried.chunks_exact_mut(width).enumerate() {
                let mut rng = rng::stream(seed, &format!("noise {sample} row {row}"));
                let change = norm.uniform(epsilon, width, &mut rng);
                values.iter_mut().zip(change).for_each(|(x, c)| *x = (*x + c).clamp(low, high));
            }
            let scores = self.rows().scores(&tried)?;
            for (row, scores) in scores.chunks_exact(outputs).enumerate() {
                broken[row] |= decide(scores).is_some_and(|class| class != self.labels[row]);
            }
        }
        let share = broken.iter().filter(|broken| **broken).count() as f64 / broken.len() as f64;
        let detail = format!("the best of {samples} random points breaks {}, PGD {}", percent(share), percent(found));
        self.at_most("random noise below PGD", share - found, self.panel.tolerance, detail);
        Ok(())
    }

    fn gradient_free(&mut self, found: f64) -> Result<()> {
        let Panel { norm, epsilon, bounds, seed, queries, .. } = *self.panel;
        let square = Square { norm, epsilon, queries, bounds, seed, silent: true, ..Square::default() };
        let blind = share(&square.run(self.net, &self.x, &self.y)?);
        let detail = format!("Square with {queries} queries breaks {}, PGD {}", percent(blind), percent(found));
        self.at_most("gradient-free below PGD", blind - found, self.panel.tolerance, detail);
        Ok(())
    }

    fn transferred(&mut self, found: f64) -> Result<()> {
        const NAME: &str = "transfer below PGD";
        let Some(substitute) = self.panel.substitute else {
            self.not_run(NAME, "no substitute model was given");
            return Ok(());
        };
        let made = self.pgd().run(substitute, &self.x, &self.y)?;
        let scores = self.rows().scores(&made.best.flatten_all()?.to_vec1::<f32>()?)?;
        let rows = scores.chunks_exact(self.net.outputs()).zip(&self.labels);
        let broken = rows.filter(|(row, label)| decide(row).is_some_and(|class| class != **label)).count();
        let share = broken as f64 / self.labels.len() as f64;
        let detail = format!("made on the substitute breaks {}, PGD {}", percent(share), percent(found));
        self.at_most(NAME, share - found, self.panel.tolerance, detail);
        Ok(())
    }

    fn certificates(&mut self) -> Result<()> {
        const NAME: &str = "no certificate contradicted";
        let Some(certified) = &self.certified else {
            self.not_run(NAME, "no certified radii were given");
            return Ok(());
        };
        let minimal = MinimalNorm { bounds: self.panel.bounds, silent: true, ..MinimalNorm::default() };
        let distances = minimal.run(self.net, &self.x, &self.y)?.distances();
        // Distances are lengths of f32 vectors, so a radius may exceed one by rounding.
        let below = distances.iter().zip(certified).filter(|(d, c)| **d < **c * (1.0 - 1e-5) - 1e-6).count();
        let share = below as f64 / distances.len() as f64;
        let detail =
            format!("{below} of {} rows have an adversarial input inside their certified radius", distances.len());
        self.at_most(NAME, share, 0.0, detail);
        Ok(())
    }
}

fn share(found: &Adversarial) -> f64 {
    found.found() as f64 / found.labels.len() as f64
}

fn percent(share: f64) -> String {
    format!("{:.1} %", 100.0 * share)
}
