//! One call for each figure of the book: the results turned back into what the attacks and the training return.

use super::table::{RADII, STEPS};
use super::{Results, read};
use crate::analysis::{Profile, Spectrum};
use crate::attack::{Adversarial, AtEpsilon, Norm, Objective, Robustness, Transfer};
use crate::error::{Error, Result};
use crate::figure::{self, Figure, Scale};
use crate::train::{Epoch, History};
use candle_core::{Device, Tensor};
use serde_json::Value;

/// The words of the two sets.
const SETS: [&str; 2] = ["train", "test"];

impl Results {
    /// Accuracy against the radius in Linf on `"train"` or `"test"`, under PGD on the margin; the first seed.
    ///
    /// Errors: `Unknown` for another network or set.
    pub fn robust_accuracy(&self, network: &str, set: &str) -> Result<Figure> {
        self.curve_of(network, set, "margin_pgd", Objective::Margin)
    }

    /// The same under PGD on float32 cross-entropy: what a masked attack sees.
    ///
    /// Errors: as [`Results::robust_accuracy`].
    pub fn masked_accuracy(&self, network: &str, set: &str) -> Result<Figure> {
        self.curve_of(network, set, "cross_entropy_pgd", Objective::CrossEntropy)
    }

    fn curve_of(&self, network: &str, set: &str, key: &str, objective: Objective) -> Result<Figure> {
        check_set(set)?;
        let first = self.first_runs(network)?;
        let curve = |n: &Value| {
            let part = &n["attacked"][set];
            let shares = list(&part[key]["accuracy"]);
            let zero = part[key]["zero_gradient"].as_array().cloned().unwrap_or_default();
            let rows = RADII.iter().zip(shares).enumerate().map(|(k, (epsilon, accuracy))| AtEpsilon {
                epsilon: *epsilon,
                accuracy,
                attacked: 0,
                zero_gradient: zero.get(k).and_then(Value::as_u64).unwrap_or(0) as usize,
            });
            Robustness {
                data: set.to_owned(),
                n: part["images"].as_u64().unwrap_or(0) as usize,
                norm: Norm::Linf,
                objective,
                steps: STEPS,
                restarts: 1,
                clean_accuracy: read(&part["clean_accuracy"]).unwrap_or(f64::NAN),
                rows: rows.collect(),
                gradients: 0,
                seconds: 0.0,
                not_finite: Vec::new(),
                interrupted: false,
            }
        };
        let curves: Vec<(String, Robustness)> = first.into_iter().map(|(name, n)| (name, curve(n))).collect();
        Ok(figure::robust_accuracy(&curves.iter().map(|(name, c)| (name.as_str(), c)).collect::<Vec<_>>()))
    }

    /// The distribution of the L2 distance to the other class on `"train"` or `"test"`; the first seed.
    ///
    /// Errors: as [`Results::robust_accuracy`].
    pub fn distances(&self, network: &str, set: &str) -> Result<Figure> {
        check_set(set)?;
        let sets: Vec<(String, Vec<f64>)> =
            self.first_runs(network)?.into_iter().map(|(name, n)| (name, list(&n["attacked"][set]["l2"]))).collect();
        figure::distances(&sets.iter().map(|(name, d)| (name.as_str(), d.as_slice())).collect::<Vec<_>>())
    }

    /// Training loss against epoch; the first seed.
    ///
    /// Errors: `Unknown` for another network.
    pub fn training(&self, network: &str) -> Result<Figure> {
        let history = |(name, n): (String, &Value)| {
            let epochs = list(&n["loss"]).into_iter().zip(list(&n["batch_accuracy"])).enumerate();
            let epoch = |(k, (loss, accuracy))| Epoch { epoch: k + 1, loss, accuracy, seconds: 0.0 };
            (name.clone(), History { loss_name: name, epochs: epochs.map(epoch).collect(), interrupted: false })
        };
        let runs: Vec<(String, History)> = self.first_runs(network)?.into_iter().map(history).collect();
        Ok(figure::curves(&runs.iter().map(|(name, h)| (name.as_str(), h)).collect::<Vec<_>>()))
    }

    /// The spectra of the trained features, raw and centred, of cross-entropy and differential training; the first seed.
    ///
    /// Errors: `Unknown` for another network.
    pub fn spectra(&self, network: &str) -> Result<Figure> {
        let spectrum = |(name, n): (String, &Value)| {
            let s = &n["spectrum"];
            let count = |key: &str| s[key].as_u64().unwrap_or(0) as usize;
            let profile = |key: &str| Profile { singular_values: list(&s[key]) };
            let (raw, centred) = (profile("raw"), profile("centred"));
            (name, Spectrum { rows: count("rows"), columns: count("columns"), raw, centred })
        };
        let two = |(name, _): &(String, &Value)| ["cross-entropy", "differential"].contains(&name.as_str());
        let all: Vec<(String, Spectrum)> = self.first_runs(network)?.into_iter().filter(two).map(spectrum).collect();
        Ok(figure::spectra(&all.iter().map(|(name, s)| (name.as_str(), s)).collect::<Vec<_>>()))
    }

    /// Directions that hold 99 % of the features' energy, against the epoch, raw and centred; the first seed.
    ///
    /// Errors: `Unknown` for another network.
    pub fn ranks(&self, network: &str) -> Result<Figure> {
        let mut series = Vec::new();
        for (name, n) in self.first_runs(network)? {
            if !["cross-entropy", "differential", "squared-pairs"].contains(&name.as_str()) {
                continue;
            }
            for kind in ["raw", "centred"] {
                let entries = n["ranks"].as_array().cloned().unwrap_or_default();
                let point = |e: &Value| Some((e["epoch"].as_f64()?, read(&e[kind]["k99"])?));
                let points: Points = entries.iter().filter_map(point).collect();
                series.push((format!("{name}, {kind}"), points));
            }
        }
        lines("Rank of the features", "epoch", "directions with 99 % of the energy", &series)
    }

    /// Training accuracy against the share of pairs drawn so far, for several sizes of a batch.
    ///
    /// Errors: `Value` for results that hold no numbers.
    pub fn pairs_used(&self) -> Result<Figure> {
        let mut series = Vec::new();
        for record in &self.records {
            let n = &record["numbers"];
            if record["settings"]["loss"] != "Differential" || n["attacked"].is_object() {
                continue;
            }
            let share = read(&n["pairs_drawn_each_epoch"]).unwrap_or(f64::NAN);
            let entries = n["accuracy"].as_array().cloned().unwrap_or_default();
            let point = |e: &Value| Some((e["epoch"].as_f64()? * share, read(&e["train"])?));
            let name = format!("{}, batches of {}", text(&record["settings"]["network"]), record["settings"]["batch"]);
            series.push((name, entries.iter().filter_map(point).collect::<Points>()));
        }
        lines("Pairs used", "share of all pairs drawn (with repetition)", "training accuracy", &series)
    }

    /// The published ratio against the factor of the last layer: a cosmetic change that moves no boundary.
    ///
    /// Errors: as [`Results::robust_accuracy`].
    pub fn logit_scale(&self, network: &str, set: &str) -> Result<Figure> {
        check_set(set)?;
        let mut series = Vec::new();
        for (name, n) in self.first_runs(network)? {
            if !["cross-entropy", "differential"].contains(&name.as_str()) {
                continue;
            }
            let entries = n["published"][set].as_array().cloned().unwrap_or_default();
            for (key, words) in [
                ("cross_entropy_one_output", "cross-entropy PGD, one output"),
                ("cross_entropy_two_outputs", "cross-entropy PGD, two outputs"),
                ("margin", "margin PGD"),
            ] {
                let points: Points =
                    entries.iter().filter_map(|l| Some((l["factor"].as_f64()?, read(&l[key])?))).collect();
                series.push((format!("{name}: {words}"), points));
            }
        }
        lines("Ratio found at 0.3", "factor of the last layer", "share of images", &series)
    }

    /// The transfer matrix of cross-entropy and differential training, the first seed.
    ///
    /// Errors: `Unknown` for another network.
    pub fn transfer(&self, network: &str) -> Result<Figure> {
        let kind = |r: &&Value| r["settings"]["kind"] == "transfer" && r["settings"]["network"] == network;
        let n = &self.records.iter().find(kind).ok_or_else(|| self.unknown(network))?["numbers"];
        let names = n["names"].as_array().into_iter().flatten().map(text).collect();
        let success = n["success"].as_array().into_iter().flatten().map(list).collect();
        let rows = n["rows"].as_u64().unwrap_or(0) as usize;
        Ok(Transfer { names, rows, success, attack: text(&n["attack"]) }.matrix())
    }

    /// An image of each class, what the nearest attack in L2 changes, and the result; the first seed.
    ///
    /// Errors: `Unknown` for another network or a method without kept images; `Value` for damaged images.
    pub fn images(&self, network: &str, method: &str) -> Result<Vec<Figure>> {
        let runs = self.runs(network, method);
        let kept = runs.iter().find_map(|r| r["numbers"]["samples"].as_array());
        let kept = kept.ok_or_else(|| self.unknown(&format!("{network} {method} with images")))?;
        kept.iter().map(|sample| figure::triptych(&adversarial(sample)?, 0)).collect()
    }

    /// Each method's numbers of the first seed.
    fn first_runs(&self, network: &str) -> Result<Vec<(String, &Value)>> {
        let runs: Vec<(String, &Value)> = self
            .methods(network)
            .into_iter()
            .filter_map(|method| {
                let numbers = &self.runs(network, &method).first().copied()?["numbers"];
                Some((method, numbers))
            })
            .collect();
        if runs.is_empty() { Err(self.unknown(network)) } else { Ok(runs) }
    }

    pub(super) fn unknown(&self, got: &str) -> Error {
        Error::Unknown { what: "network", got: got.into(), known: self.networks() }
    }
}

type Points = Vec<(f64, f64)>;

/// Lines on linear axes.
fn lines(title: &str, x: &str, y: &str, series: &[(String, Points)]) -> Result<Figure> {
    let curves: Vec<(&str, &[(f64, f64)])> =
        series.iter().map(|(name, points)| (name.as_str(), points.as_slice())).collect();
    figure::lines(title, Scale::Linear(x), Scale::Linear(y), &curves)
}

fn check_set(set: &str) -> Result<()> {
    if SETS.contains(&set) {
        return Ok(());
    }
    Err(Error::Unknown { what: "set", got: set.into(), known: SETS.map(String::from).to_vec() })
}

fn list(values: &Value) -> Vec<f64> {
    values.as_array().into_iter().flatten().map(|v| read(v).unwrap_or(f64::NAN)).collect()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn adversarial(sample: &Value) -> Result<Adversarial> {
    let wrong = |what: &str| Error::Value {
        op: "images",
        expected: format!("a kept image with its {what}"),
        got: "another".into(),
    };
    let shape: Vec<usize> =
        sample["shape"].as_array().into_iter().flatten().filter_map(|d| d.as_u64()).map(|d| d as usize).collect();
    let image = |key: &str| -> Result<Tensor> {
        let digits = sample[key].as_str().filter(|digits| digits.is_ascii()).ok_or_else(|| wrong(key))?;
        let value = |at: usize| {
            let one = digits.get(at..at + 8).and_then(|one| u32::from_str_radix(one, 16).ok());
            one.map(f32::from_bits).ok_or_else(|| wrong(key))
        };
        let values = (0..digits.len()).step_by(8).map(value).collect::<Result<Vec<f32>>>()?;
        Tensor::from_vec(values, [&[1], shape.as_slice()].concat(), &Device::Cpu).map_err(Error::candle("images"))
    };
    let number = |key: &str| sample[key].as_u64().map(|n| n as u32).ok_or_else(|| wrong(key));
    let (clean, x) = (image("clean")?, image("attacked")?);
    let (label, predicted) = (number("label")?, number("predicted")?);
    Ok(Adversarial {
        best: x.clone(),
        clean,
        x,
        labels: vec![label],
        targets: None,
        clean_predicted: vec![label],
        predicted: vec![predicted],
        norm: Norm::L2,
        epsilons: vec![f64::INFINITY],
        norms: vec![read(&sample["l2"]).ok_or_else(|| wrong("l2"))?],
        success: vec![predicted != label],
        any: vec![predicted != label],
        iterations: vec![0],
        gradients: vec![0],
        zero_gradient: vec![0],
        not_finite: vec![0],
        clean_correct: vec![true],
        trace: Vec::new(),
        interrupted: false,
    })
}
