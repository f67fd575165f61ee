//! The masking panel: gates that an attack passes on an honest model and fails where something only hides the gradient.
//!
//! A failed gate does not say that the model is weak; it says that its robust accuracy must not be believed. Each gate
//! prints its number. All attacks but the one named "cross-entropy" follow the logit margin. Rows that are wrong without
//! an attack are left out. Sources: Athalye, Carlini and Wagner, arXiv:1802.00420; Carlini et al., arXiv:1902.06705;
//! Pintor et al., arXiv:2106.09947.

use super::gates::{COUNT, Gates};
use super::{Model, Norm, Pgd};
use crate::data::Dataset;
use crate::display::{Bundle, Show, Table};
use crate::error::{Error, Result};
use crate::progress::Progress;

const OP: &str = "masking";

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
    let mut progress = Progress::new("masking panel", COUNT, panel.silent);
    let interrupted = !gates.all(&mut |done| progress.update(done, "gates"))?;
    let attack = format!("{} {}, {} rows that are right", panel.norm, panel.epsilon, right.len());
    Ok(Masking { gates: gates.gates, rows: right.len(), attack, interrupted })
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
