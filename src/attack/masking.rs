//! The masking panel: gates that an attack passes on an honest model and fails where something only hides the gradient.
//!
//! A failed gate does not say that the model is weak; it says that its robust accuracy must not be believed. Each gate
//! prints its number. All attacks but the one named "cross-entropy" follow the logit margin. Rows that are wrong without
//! an attack are left out. Sources: Athalye, Carlini and Wagner, arXiv:1802.00420; Carlini et al., arXiv:1902.06705;
//! Pintor et al., arXiv:2106.09947.

use super::fakes::ScaledLogits;
use super::model::Rows;
use super::objective::decide;
use super::{Adversarial, Fgsm, MinimalNorm, Model, Norm, Objective, Pgd, Square};
use crate::data::Dataset;
use crate::display::{Bundle, Show, Table};
use crate::error::{Error, Result};
use crate::progress::{Progress, interrupted};
use crate::rng;
use candle_core::Tensor;

const OP: &str = "masking";
const GATES: usize = 14;

/// What became of a gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing to see.
    Pass,
    /// The attack is hindered: its numbers are no evidence of robustness.
    Fail,
    /// What the gate needs was not given.
    NotRun,
}

/// One gate with its number.
#[derive(Clone, Debug, PartialEq)]
pub struct Gate {
    /// What is asked.
    pub name: &'static str,
    /// The answer.
    pub verdict: Verdict,
    /// The number behind it; NaN if it was not run.
    pub value: f64,
    /// The number in words, with the limit.
    pub detail: String,
}

/// The settings of [`masking`](super::masking()).
pub struct Panel<'a> {
    /// How changes are measured: Linf or L2.
    pub norm: Norm,
    /// The radius of the ball. Choose one at which the attack breaks some rows and not all.
    pub epsilon: f64,
    /// How many rows are attacked, the first ones that are right.
    pub rows: usize,
    /// Queries of the gradient-free attack.
    pub queries: usize,
    /// How many random points of the ball are tried for each row.
    pub samples: usize,
    /// The share of rows by which a gate may be missed: a row or two prove nothing.
    pub tolerance: f64,
    /// Another model for the same task, to attack in place of this one.
    pub substitute: Option<&'a dyn Model>,
    /// For each row of the data a certified radius in L2, for instance from a Lipschitz bound.
    pub certified: Option<&'a [f64]>,
    /// The smallest and largest allowed input.
    pub bounds: [f64; 2],
    /// Draws starts, noise and squares.
    pub seed: u64,
    /// Print no progress.
    pub silent: bool,
}

impl Default for Panel<'_> {
    fn default() -> Self {
        Self {
            norm: Norm::Linf,
            epsilon: 0.1,
            rows: 64,
            queries: 500,
            samples: 20,
            tolerance: 0.02,
            substitute: None,
            certified: None,
            bounds: [0.0, 1.0],
            seed: 0,
            silent: false,
        }
    }
}

/// The panel's answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Masking {
    /// All gates in their order.
    pub gates: Vec<Gate>,
    /// Rows attacked.
    pub rows: usize,
    /// The attack, in words.
    pub attack: String,
    /// Whether a person stopped it early; later gates were not run.
    pub interrupted: bool,
}

impl Masking {
    /// Whether some gate failed.
    pub fn flagged(&self) -> bool {
        self.gates.iter().any(|gate| gate.verdict == Verdict::Fail)
    }

    /// The gate of this name.
    pub fn gate(&self, name: &str) -> Option<&Gate> {
        self.gates.iter().find(|gate| gate.name == name)
    }
}

/// Runs the panel on the first rows of `data` that `net` classifies rightly.
///
/// Same seed, same result for a model that always gives the same scores. An interrupt returns the gates finished so far.
/// Errors: as [`Pgd::run`]; `Value` if no row is right, or `certified` has not one radius per row of `data`.
pub fn masking(net: &dyn Model, data: &Dataset, panel: &Panel<'_>) -> Result<Masking> {
    if !(panel.tolerance >= 0.0 && panel.tolerance < 1.0) {
        let got = panel.tolerance.to_string();
        return Err(Error::Value { op: OP, expected: "tolerance in [0, 1)".into(), got });
    }
    if let Some(certified) = panel.certified.filter(|certified| certified.len() != data.len()) {
        let expected = format!("{} certified radii, one per row", data.len());
        return Err(Error::Value { op: OP, expected, got: certified.len().to_string() });
    }
    let start = Pgd { epsilon: 0.0, bounds: panel.bounds, silent: true, ..Pgd::default() };
    let clean = start.run(net, &data.x, &data.y)?;
    let right: Vec<usize> = (0..data.len()).filter(|row| clean.clean_correct[*row]).take(panel.rows).collect();
    if right.is_empty() {
        let got = format!("none of {}", data.len());
        return Err(Error::Value { op: OP, expected: "a row that the model classifies rightly".into(), got });
    }
    let part = data.select(&right)?;
    let mut gates = Gates {
        net,
        panel,
        x: part.x.clone(),
        y: part.y.clone(),
        labels: part.labels()?,
        certified: panel.certified.map(|all| right.iter().map(|row| all[*row]).collect()),
        gates: Vec::new(),
    };
    let mut progress = Progress::new("masking panel", GATES, panel.silent);
    let interrupted = !gates.all(&mut |done| progress.update(done, "gates"))?;
    let attack = format!("{} {}, {} rows that are right", panel.norm, panel.epsilon, right.len());
    Ok(Masking { gates: gates.gates, rows: right.len(), attack, interrupted })
}

struct Gates<'a> {
    net: &'a dyn Model,
    panel: &'a Panel<'a>,
    x: Tensor,
    y: Tensor,
    labels: Vec<u32>,
    certified: Option<Vec<f64>>,
    gates: Vec<Gate>,
}

impl Gates<'_> {
    /// Runs the gates in their order; false if a person stopped them.
    fn all(&mut self, report: &mut dyn FnMut(usize)) -> Result<bool> {
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
            "{} have no gradient of the cross-entropy (limit {})",
            percent(zero),
            percent(self.panel.tolerance)
        );
        self.at_most("zero gradient of the cross-entropy", zero, self.panel.tolerance, detail);
        Ok(())
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

impl Show for Masking {
    fn bundle(&self) -> Bundle {
        let word = |verdict| match verdict {
            Verdict::Pass => "pass",
            Verdict::Fail => "FAIL",
            Verdict::NotRun => "not run",
        };
        let mut table = Table::new(format!("masking panel, {}", self.attack), ["gate", ""]);
        for gate in &self.gates {
            table.row([format!("{}: {}", gate.name, gate.detail), word(gate.verdict).into()]);
        }
        let failed = self.gates.iter().filter(|gate| gate.verdict == Verdict::Fail).count();
        let run = self.gates.iter().filter(|gate| gate.verdict != Verdict::NotRun).count();
        table.notes.push(match failed {
            0 => format!("All {run} gates that were run passed: nothing here says that the gradient is hidden."),
            _ => format!("{failed} of {run} gates failed: the robust accuracy of this model is no evidence."),
        });
        if self.interrupted {
            table.notes.push("Interrupted: the other gates were not run.".into());
        }
        table.bundle()
    }
}
