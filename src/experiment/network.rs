//! One network from its first epoch to its last attack.

use super::table::{Kind, Network, Run};
use super::{attacked, number, numbers};
use crate::analysis::{Profile, Spectrum};
use crate::data::{Dataset, Pair};
use crate::error::{Error, Result};
use crate::loss::Loss;
use crate::margin::{AffineSubspace, cross_entropy_limit, hard_margin};
use crate::model::{Classifier, Mlp};
use crate::train::refit_head;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// Images whose features have their spectrum taken.
const FEATURES: usize = 1000;

/// Where the trained network of a run lies.
pub(super) fn place(work: &Path, id: &str) -> PathBuf {
    work.join(format!("{id}.safetensors"))
}

pub(super) fn run(run: &Run, data: &Pair, work: &Path) -> Result<Value> {
    let Kind::Train { network, method, images, samples, matched } = &run.kind else {
        let got = run.id.clone();
        return Err(Error::Value { op: "reproduce", expected: "a run that trains".into(), got });
    };
    let trainer = &method.trainer;
    let mut net = start(*network, run.seed)?;
    let (last, early) = (place(work, &run.id), place(work, &format!("{}-matched", run.id)));
    let undecided = undecided(&trainer.loss);
    let mut reached = None;
    let mut spectra = Vec::new();
    let mut accuracies = Vec::new();
    let history = trainer.fit_watched(&mut net, &data.train, &mut |net, epoch| {
        // Measured on a copy with its threshold placed, so that the training goes on as without a spectator.
        let doubling = epoch.epoch.is_power_of_two() || epoch.epoch == trainer.epochs;
        let meets = matched.is_some_and(|share| epoch.loss <= share * undecided) && reached.is_none();
        if !doubling && !meets && *images > 0 {
            return Ok(());
        }
        let path = place(work, &format!("{}-now", run.id));
        net.save(&path)?;
        let mut copy = Classifier::load(&path)?;
        trainer.place_biases(&mut copy, &data.train)?;
        if meets {
            copy.save(&early)?;
            reached = Some(epoch.clone());
        }
        accuracies.push(json!({
            "epoch": epoch.epoch,
            "train": number(copy.accuracy(&data.train.x, &data.train.y)?),
            "test": number(copy.accuracy(&data.test.x, &data.test.y)?),
        }));
        if doubling {
            let spectrum = spectrum(&copy, &data.train)?;
            spectra.push(json!({
                "epoch": epoch.epoch, "raw": ranks(&spectrum.raw), "centred": ranks(&spectrum.centred),
            }));
        }
        Ok(())
    })?;
    // What the copies went through is no result.
    let _ = std::fs::remove_file(place(work, &format!("{}-now", run.id)));
    if history.interrupted {
        return Err(Error::Interrupted { op: "reproduce", done: run.id.clone() });
    }
    net.save(&last)?;
    let spectrum = spectrum(&net, &data.train)?;
    let values = |profile: &Profile| numbers(profile.singular_values.iter().copied());
    let mut out = json!({
        "loss": numbers(history.epochs.iter().map(|epoch| epoch.loss)),
        "batch_accuracy": numbers(history.epochs.iter().map(|epoch| epoch.accuracy)),
        "accuracy": accuracies,
        "clean_train": number(net.accuracy(&data.train.x, &data.train.y)?),
        "clean_test": number(net.accuracy(&data.test.x, &data.test.y)?),
        "ranks": spectra,
        "spectrum": {
            "rows": spectrum.rows, "columns": spectrum.columns,
            "raw": values(&spectrum.raw), "centred": values(&spectrum.centred),
        },
        // An epoch with batches of b out of n draws, with as many of each class, b/n of all pairs.
        "pairs_drawn_each_epoch": number(trainer.batch as f64 / data.train.len() as f64),
    });
    if *images == 0 {
        return Ok(out);
    }
    let (train, test) = (data.train.take(*images)?, data.test.take(*images)?);
    out["attacked"] = json!({"train": attacked::set(&net, &train)?, "test": attacked::set(&net, &test)?});
    out["published"] = json!({"train": attacked::published(&net, &train)?, "test": attacked::published(&net, &test)?});
    out["gates"] = attacked::gates(&net, &test)?;
    if let Some(epoch) = reached {
        let net = Classifier::load(&early)?;
        out["matched"] = json!({
            "epoch": epoch.epoch, "loss": number(epoch.loss),
            "clean_test": number(net.accuracy(&data.test.x, &data.test.y)?),
            "attacked": {"train": attacked::set(&net, &train)?, "test": attacked::set(&net, &test)?},
        });
    }
    if *samples {
        out["samples"] = attacked::samples(&net, &test)?;
    }
    out["head"] = head(&mut net, &data.train, &test)?;
    Ok(out)
}

/// A fresh network.
fn start(network: Network, seed: u64) -> Result<Classifier> {
    match network {
        Network::Mlp => {
            Classifier::mlp(&Mlp { inputs: 64, hidden: vec![32], features: 16, outputs: 1, ..Mlp::default() }, seed)
        }
        Network::LeNet | Network::Wide => Classifier::lenet(&network.lenet(), seed),
    }
}

/// The loss where all scores are 0.
fn undecided(loss: &Loss) -> f64 {
    match loss {
        Loss::SquaredPairs | Loss::SquaredHingePairs | Loss::Hinge | Loss::Square => 1.0,
        _ => std::f64::consts::LN_2,
    }
}

fn spectrum(net: &Classifier, data: &Dataset) -> Result<Spectrum> {
    Spectrum::of(&net.features(&data.take(FEATURES)?.x)?.detach())
}

fn ranks(profile: &Profile) -> Value {
    json!({
        "k90": profile.k90(), "k99": profile.k99(),
        "effective": number(profile.effective_rank()), "stable": number(profile.stable_rank()),
    })
}

/// The control: the same features under the plane of largest margin, on the images that the head itself separates.
///
/// Beside the margins of the three planes D and h, the distances of the origin to the features' affine subspace and to the
/// plane: cross-entropy loses margin only where h is large beside D + 1/D.
fn head(net: &mut Classifier, train: &Dataset, test: &Dataset) -> Result<Value> {
    let labels = train.labels()?;
    let predicted = net.predict(&train.x)?;
    let rows: Vec<usize> = (0..labels.len()).filter(|row| predicted[*row] == labels[*row]).collect();
    // Separable because the head separates them; a bounded number keeps the exact solver to seconds.
    let rows: Vec<usize> = rows.into_iter().take(2 * FEATURES).collect();
    let part = train.select(&rows)?;
    let labels = part.labels()?;
    let mut sides: [Vec<Vec<f64>>; 2] = [Vec::new(), Vec::new()];
    for (row, label) in net.features(&part.x)?.detach().to_vec2::<f32>()?.iter().zip(labels) {
        sides[label as usize].push(row.iter().map(|v| f64::from(*v)).collect());
    }
    let [neg, pos] = &sides;
    let (w, b): (Vec<f64>, f64) = (net.weight()?.iter().map(|w| f64::from(*w)).collect(), f64::from(net.bias()?));
    let own = crate::margin::Hyperplane { w, b };
    let (best, limit) = match (hard_margin(pos, neg), cross_entropy_limit(pos, neg, 1.0)) {
        (Ok(best), Ok(limit)) => (best, limit),
        (Err(error), _) | (_, Err(error)) => return Ok(json!({"not_solved": error.to_string()})),
    };
    let length = best.w.iter().map(|w| w * w).sum::<f64>().sqrt();
    let largest = best.margin(pos, neg);
    refit_head(net, &part)?;
    Ok(json!({
        "images": rows.len(),
        "margin": number(largest),
        "own_ratio": number(own.margin(pos, neg) / largest),
        "limit_ratio": number(limit.margin(pos, neg) / largest),
        "own_angle_degrees": number(own.angle_degrees(&best)),
        "D": number(AffineSubspace::of(pos, neg)?.distance()),
        "h": number(best.b.abs() / length),
        "refitted": {"test": attacked::set(net, test)?},
    }))
}
