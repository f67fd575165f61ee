//! Fits a classifier: stochastic gradient descent with momentum on a [`Loss`].
//!
//! Uses `data`, `model`, `loss`, `progress`, and `attack` for adversarial training. Each epoch goes once through the data
//! in batches that keep the mix of classes ([`Trainer::batch`]), each batch is one step of PyTorch's `SGD`. A loss on pairs,
//! as the differential one, sees only score differences, so the head's bias is held fixed during training and set
//! afterwards by [`threshold`], the rule (8) of the paper (arXiv:1901.08360): positives with least score 3 and negatives
//! with largest 1 give the bias -2. For more than two classes the biases are those closest, in least squares, to that
//! rule for each pair of classes.
//!
//! Same data, settings and seed: same parameters and same history (but for `seconds`), with any number of threads.

mod adversary;
mod batches;
mod biases;
mod controls;
mod head;
mod history;
mod sgd;
mod threshold;

pub use adversary::Adversary;
pub use controls::{refit_head, scale_scores};
pub use history::{Epoch, History};
pub use threshold::threshold;

use crate::data::Dataset;
use crate::error::{Error, Result};
use crate::loss::{self, Loss};
use crate::model::Classifier;
use crate::progress::{Progress, interrupted};
use crate::{guard, rng};
use biases::biases;
use candle_core::{Tensor, Var};
use head::Head;
use sgd::Sgd;
use std::time::Instant;

/// How to train. `Trainer { loss: Loss::differential(), ..Trainer::default() }.fit(&mut net, &pair.train)?`
#[derive(Clone, Debug, PartialEq)]
pub struct Trainer {
    /// What to minimise.
    pub loss: Loss,
    /// Passes through the data.
    pub epochs: usize,
    /// Examples per step; 0, or anything not below the size of the data, is the full batch in the data's order.
    ///
    /// Batches are stratified: every class is shuffled and spread evenly over them, so they differ by a few examples
    /// in size and each holds every class. A loss on pairs pairs within the batch.
    pub batch: usize,
    /// Factor of a step.
    pub learning_rate: f64,
    /// Share of the last step's velocity that the next one keeps, in [0, 1).
    pub momentum: f64,
    /// Added to the gradient: `weight_decay` times the parameter, biases included.
    pub weight_decay: f64,
    /// How strongly the head's bias is felt: as if it were the weight of a constant feature of this size. 1 is the plain
    /// bias, 10 moves it a hundred times as fast, 0 takes it out.
    pub bias_scale: f64,
    /// Train the head on features minus their mean over the training set, which is taken anew before each epoch; the
    /// bias makes up for it, so the classifier itself stays what it is.
    pub centre_features: bool,
    /// Train on attacked inputs.
    pub adversary: Option<Adversary>,
    /// Orders the examples of each epoch; the starting parameters have their own seed.
    pub seed: u64,
    /// Whether to leave out the progress line.
    pub silent: bool,
}

impl Default for Trainer {
    fn default() -> Self {
        Self {
            loss: Loss::CrossEntropy,
            epochs: 40,
            batch: 32,
            learning_rate: 0.05,
            momentum: 0.9,
            weight_decay: 0.0,
            bias_scale: 1.0,
            centre_features: false,
            adversary: None,
            seed: 0,
            silent: false,
        }
    }
}

const OP: &str = "fit";

impl Trainer {
    /// Trains `net` on `data` in place and returns what happened, epoch by epoch.
    ///
    /// Training continues from the net's present parameters. On an interrupt the result is `Ok` with
    /// [`History::interrupted`] set and the epochs that were completed; the bias rule is applied then too.
    /// Errors: `Value` for a setting out of range, labels the net has no output for, a class missing from a batch, a net
    /// without bias under a loss on pairs, and a loss that is no longer finite (naming the epoch; the net is then spoilt and must be made anew); `Shape` if the data does not fit the net.
    pub fn fit(&self, net: &mut Classifier, data: &Dataset) -> Result<History> {
        self.fit_watched(net, data, &mut |_, _| Ok(()))
    }

    /// [`Trainer::fit`] with a look at the net after each epoch; an error of `watch` ends the training.
    ///
    /// Under a loss on pairs the net's biases are not placed yet: save it, load a copy, and call
    /// [`Trainer::place_biases`] on that. Guarantees: the same net as without watching.
    pub fn fit_watched(
        &self,
        net: &mut Classifier,
        data: &Dataset,
        watch: &mut dyn FnMut(&Classifier, &Epoch) -> Result<()>,
    ) -> Result<History> {
        guard::one_copy()?;
        let labels = data.labels()?;
        self.check(net, &labels)?;
        let mut shuffle = rng::stream(self.seed, "shuffle");
        let mut sgd = Sgd::new(self, self.trained(net));
        let mut head = Head::new(self, net)?;
        let mut progress = Progress::new(format!("training ({})", self.loss.name()), self.epochs, self.silent);
        let mut history = History { loss_name: self.loss.name().into(), epochs: Vec::new(), interrupted: false };
        let mut step = 0;
        for epoch in 1..=self.epochs {
            let start = Instant::now();
            head.begin_epoch(net, data)?;
            let (mut loss, mut right) = (0.0, 0.0);
            // On a card scores stay there until the epoch ends.
            let resident = !net.device().is_cpu();
            let mut waiting: Vec<(Tensor, Vec<u32>)> = Vec::new();
            for rows in batches::stratified(&labels, self.batch, &mut shuffle) {
                if interrupted() {
                    history.interrupted = true;
                    self.place_biases(net, data)?;
                    return Ok(history);
                }
                let batch = if rows.len() == labels.len() { data.clone() } else { data.select(&rows)? };
                let count = rows.len();
                step += 1;
                let Some(batch) = self.attacked(net, batch, step)? else {
                    history.interrupted = true;
                    self.place_biases(net, data)?;
                    return Ok(history);
                };
                let mut found = net.gradients(&batch.x, |scores| {
                    if !resident {
                        self.check_finite(&scores.flatten_all()?.to_vec1::<f32>()?, epoch)?;
                    }
                    match self.adversary.as_ref().and_then(|adversary| adversary.trades) {
                        Some(beta) => loss::trades(scores, &batch.y, beta),
                        None => self.loss.value(scores, &batch.y),
                    }
                })?;
                if !found.value.is_finite() {
                    return Err(self.diverged("loss", found.value, epoch));
                }
                loss += found.value * count as f64;
                let own: Vec<u32> = rows.iter().map(|row| labels[*row]).collect();
                if resident {
                    waiting.push((found.scores.narrow(0, 0, count)?, own));
                } else {
                    let seen = found.scores.flatten_all()?.to_vec1::<f32>()?;
                    right += self.right(&seen[..count * net.outputs()], net.outputs(), &own)?;
                }
                head.prepare(&mut found.parameters)?;
                sgd.step(&found.parameters)?;
                head.follow(net)?;
            }
            for (scores, own) in waiting {
                let seen = scores.flatten_all()?.to_vec1::<f32>()?;
                self.check_finite(&seen, epoch)?;
                right += self.right(&seen, net.outputs(), &own)?;
            }
            let count = labels.len() as f64;
            let seconds = start.elapsed().as_secs_f64();
            let done = Epoch { epoch, loss: loss / count, accuracy: right / count, seconds };
            progress.update(epoch, &format!("loss {:.4} accuracy {:.3}", done.loss, done.accuracy));
            watch(net, &done)?;
            history.epochs.push(done);
        }
        self.place_biases(net, data)?;
        Ok(history)
    }

    fn check(&self, net: &Classifier, labels: &[u32]) -> Result<()> {
        let wrong = |expected: String, got: String| Err(Error::Value { op: OP, expected, got });
        if !(self.learning_rate.is_finite() && self.learning_rate > 0.0) {
            return wrong("a finite learning_rate above 0".into(), self.learning_rate.to_string());
        }
        if !(0.0..1.0).contains(&self.momentum) {
            return wrong("a momentum in [0, 1)".into(), self.momentum.to_string());
        }
        if !(self.weight_decay.is_finite() && self.weight_decay >= 0.0) {
            return wrong("a finite weight_decay of at least 0".into(), self.weight_decay.to_string());
        }
        if !(self.bias_scale.is_finite() && self.bias_scale >= 0.0) {
            return wrong("a finite bias_scale of at least 0".into(), self.bias_scale.to_string());
        }
        if (self.bias_scale != 1.0 || self.centre_features) && net.head_bias().is_none() {
            return wrong(
                "a net with a bias, to scale it or to centre features".into(),
                "Linear { bias: false, .. }".into(),
            );
        }
        if self.centre_features && self.bias_scale == 0.0 {
            return wrong("a bias to centre features with".into(), "bias_scale 0".into());
        }
        if let Some(adversary) = &self.adversary {
            adversary.check(self)?;
        }
        let classes = net.outputs().max(2);
        if let Some(row) = labels.iter().position(|&label| label as usize >= classes) {
            let expected = format!("labels below {classes}, as many as the net tells apart");
            return wrong(expected, format!("{} at row {row}", labels[row]));
        }
        if labels.is_empty() {
            return wrong("at least one example".into(), "none".into());
        }
        if self.loss.is_pairwise() {
            if net.head_bias().is_none() {
                let expected = "a net with a bias, which places the threshold after training".into();
                return wrong(expected, "Linear { bias: false, .. }".into());
            }
            let count = batches::count(labels.len(), self.batch);
            for class in 0..classes {
                let members = labels.iter().filter(|&&label| label as usize == class).count();
                if members < count {
                    let expected = format!("an example of class {class} in each of the {count} batches");
                    return wrong(expected, format!("{members} examples; use larger batches"));
                }
            }
        }
        Ok(())
    }

    /// The parameters that descend. Score differences do not depend on the head's bias: its gradient is rounding noise.
    fn trained(&self, net: &Classifier) -> Vec<Var> {
        let mut vars = net.vars();
        if self.loss.is_pairwise() {
            vars.pop();
        }
        vars
    }

    fn check_finite(&self, scores: &[f32], epoch: usize) -> Result<()> {
        match scores.iter().find(|score| !score.is_finite()) {
            Some(bad) => Err(self.diverged("score", f64::from(*bad), epoch)),
            None => Ok(()),
        }
    }

    fn diverged(&self, what: &str, value: f64, epoch: usize) -> Error {
        Error::Value {
            op: OP,
            expected: format!("a finite {what}"),
            got: format!(
                "{value} in epoch {epoch}; make the net anew and lower learning_rate (now {}), or scale the inputs to [0, 1]",
                self.learning_rate
            ),
        }
    }

    /// How many rows are classified as labelled; a loss on pairs is judged at the batch's own biases.
    fn right(&self, scores: &[f32], outputs: usize, labels: &[u32]) -> Result<f64> {
        let biases = if self.loss.is_pairwise() { biases(scores, outputs, labels)? } else { vec![0.0; outputs] };
        let class = |row: &[f32]| {
            if outputs <= 2 {
                // One rounding: the difference of two scores against the difference of their biases.
                let margin = f64::from(row[outputs - 1]) - if outputs == 2 { f64::from(row[0]) } else { 0.0 };
                let cut = if outputs == 2 { biases[0] } else { 0.0 } - biases[outputs - 1];
                return u32::from(margin > cut);
            }
            let score = |c: usize| f64::from(row[c]) + biases[c];
            (1..outputs).fold(0, |best, c| if score(c) > score(best) { c } else { best }) as u32
        };
        Ok(scores.chunks_exact(outputs).zip(labels).filter(|(row, label)| class(row) == **label).count() as f64)
    }

    /// Sets the biases that a loss on pairs leaves free; does nothing under any other loss.
    ///
    /// Errors: `Value` for scores that are not finite; as [`Trainer::fit`] for data that does not fit.
    pub fn place_biases(&self, net: &mut Classifier, data: &Dataset) -> Result<()> {
        if !self.loss.is_pairwise() {
            return Ok(());
        }
        let labels = data.labels()?;
        net.set_head_bias(&vec![0.0; net.outputs()])?;
        let scores = net.score_values(OP, &data.x)?;
        self.check_finite(&scores, self.epochs)?;
        let biases: Vec<f32> = biases(&scores, net.outputs(), &labels)?.iter().map(|b| *b as f32).collect();
        net.set_head_bias(&biases)
    }
}
