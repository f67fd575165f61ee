//! Transfer: what was made against one model, tried on the others.
//!
//! A model whose own attack finds less than one made against its neighbour hides its gradient.

use super::{Model, Pgd};
use crate::data::Dataset;
use crate::display::{Bundle, Show, Table};
use crate::error::{Error, Result};
use crate::model::Classifier;

/// The share of inputs that an attack on one model turns wrong on another.
#[derive(Clone, Debug, PartialEq)]
pub struct Transfer {
    /// The names of the models.
    pub names: Vec<String>,
    /// Rows that all models classify rightly: those that are counted.
    pub rows: usize,
    /// `success[made][tried]`: the share of these rows that is wrong on `tried` after the attack on `made`.
    pub success: Vec<Vec<f64>>,
    /// The attack, in words.
    pub attack: String,
}

/// Attacks every model and tries the result on every model.
///
/// Guarantees: the diagonal is the attack's own success on the same rows. Errors: as [`Pgd::run`]; `Value` if there is no
/// model, or no row that all classify rightly.
pub fn transfer(models: &[(&str, &Classifier)], data: &Dataset, attack: &Pgd) -> Result<Transfer> {
    const OP: &str = "transfer";
    if models.is_empty() {
        return Err(Error::Value { op: OP, expected: "at least one model".into(), got: "none".into() });
    }
    let labels = data.labels()?;
    let mut right = vec![true; labels.len()];
    for (_, net) in models {
        for (right, (class, label)) in right.iter_mut().zip(net.predict(&data.x)?.iter().zip(&labels)) {
            *right &= class == label;
        }
    }
    let rows: Vec<usize> = (0..labels.len()).filter(|row| right[*row]).collect();
    if rows.is_empty() {
        let got = format!("none of {}", labels.len());
        return Err(Error::Value { op: OP, expected: "a row that all models classify rightly".into(), got });
    }
    let part = data.select(&rows)?;
    let labels = part.labels()?;
    let mut success = Vec::new();
    for (_, made) in models {
        let found = attack.run(*made, &part.x, &part.y)?;
        if found.interrupted {
            return Err(Error::Interrupted { op: OP, done: format!("{} of {} models", success.len(), models.len()) });
        }
        let mut line = Vec::new();
        for (_, tried) in models {
            let scores = tried.score_rows(&found.best)?;
            let outputs = Model::outputs(*tried);
            let wrong = scores.chunks_exact(outputs).zip(&labels);
            let wrong = wrong.filter(|(row, y)| super::objective::decide(row).is_some_and(|class| class != **y));
            line.push(wrong.count() as f64 / labels.len() as f64);
        }
        success.push(line);
    }
    let names = models.iter().map(|(name, _)| (*name).to_owned()).collect();
    let attack = format!("PGD {} {}, {} steps, {}", attack.norm, attack.epsilon, attack.steps, attack.objective);
    Ok(Transfer { names, rows: rows.len(), success, attack })
}

impl Transfer {
    /// The models that a neighbour's attack breaks more often than their own does: (made, tried).
    pub fn above_white_box(&self) -> Vec<(usize, usize)> {
        let n = self.names.len();
        let pairs = (0..n).flat_map(|made| (0..n).map(move |tried| (made, tried)));
        pairs.filter(|(made, tried)| self.success[*made][*tried] > self.success[*tried][*tried]).collect()
    }

    fn verdict(&self) -> String {
        let above = self.above_white_box();
        if above.is_empty() {
            return "No attack made elsewhere does better than a model's own.".into();
        }
        let told = |(made, tried): &(usize, usize)| format!("{} on {}", self.names[*made], self.names[*tried]);
        let told: Vec<String> = above.iter().map(told).collect();
        format!("Better than the model's own attack, so its gradient is suspect: {}.", told.join(", "))
    }
}

impl Show for Transfer {
    fn bundle(&self) -> Bundle {
        let caption =
            format!("{}: share of {} rows wrong; made on the line, tried on the column", self.attack, self.rows);
        let head = std::iter::once(String::new()).chain(self.names.iter().cloned());
        let mut table = Table::new(caption, head);
        for (name, line) in self.names.iter().zip(&self.success) {
            table.row(std::iter::once(name.clone()).chain(line.iter().map(|share| format!("{share:.3}"))));
        }
        table.notes.push(self.verdict());
        table.bundle()
    }
}
