//! What happened during training, one record an epoch.

use crate::display::{Bundle, Show, Table};
use std::fmt;

/// The course of one call of [`Trainer::fit`](super::Trainer::fit).
#[derive(Clone, Debug, PartialEq)]
pub struct History {
    /// [`Loss::name`](crate::loss::Loss::name) of what was minimised.
    pub loss_name: String,
    /// The completed epochs, in order.
    pub epochs: Vec<Epoch>,
    /// Whether an interrupt ended the training early.
    pub interrupted: bool,
}

/// One pass through the training set.
#[derive(Clone, Debug, PartialEq)]
pub struct Epoch {
    /// 1 for the first.
    pub epoch: usize,
    /// Mean loss over the epoch's batches, each taken before its step and weighted by its size.
    pub loss: f64,
    /// Share of training examples classified rightly, taken before each step; for a loss on pairs at the best biases
    /// of the batch, since it leaves them free.
    pub accuracy: f64,
    /// Wall time. The only number that differs between two runs of one seed.
    pub seconds: f64,
}

impl History {
    /// The last completed epoch, if any.
    pub fn last(&self) -> Option<&Epoch> {
        self.epochs.last()
    }
}

impl fmt::Display for History {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.epochs.len();
        write!(f, "{}: {count} epochs", self.loss_name)?;
        if let (Some(first), Some(last)) = (self.epochs.first(), self.last()) {
            let seconds: f64 = self.epochs.iter().map(|epoch| epoch.seconds).sum();
            let (from, to, accuracy) = (first.loss, last.loss, last.accuracy);
            write!(f, ", loss {from:.4} to {to:.4}, training accuracy {accuracy:.3}, {seconds:.1} s")?;
        }
        if self.interrupted { f.write_str(" (interrupted)") } else { Ok(()) }
    }
}

/// Epochs of a long run that a table shows from its start and from its end.
const SHOWN: usize = 3;

impl Show for History {
    fn bundle(&self) -> Bundle {
        let mut table = Table::new(self.to_string(), ["epoch", "loss", "training accuracy", "seconds"]);
        let count = self.epochs.len();
        for (k, epoch) in self.epochs.iter().enumerate() {
            if count <= 2 * SHOWN + 1 || k < SHOWN || k >= count - SHOWN {
                let numbers = [format!("{:.4}", epoch.loss), format!("{:.3}", epoch.accuracy)];
                let row = [epoch.epoch.to_string()].into_iter().chain(numbers).chain([format!("{:.2}", epoch.seconds)]);
                table.row(row);
            } else if k == SHOWN {
                table.row(["…"; 4]);
            }
        }
        table.bundle()
    }
}
