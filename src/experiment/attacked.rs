//! One network under every attack of the protocol, as numbers.

use super::table::{FACTORS, PANEL, PUBLISHED, RADII, STEPS};
use super::{number, numbers};
use crate::attack::fakes::ScaledLogits;
use crate::attack::{
    Attacks, MinimalLinf, MinimalNorm, Model, Objective, Panel, Pgd, Robustness, Verdict, masking, robustness,
};
use crate::data::Dataset;
use crate::error::{Error, Result};
use crate::model::Classifier;
use candle_core::Tensor;
use serde_json::{Value, json};

/// The attacks in words, for the settings of a result.
pub(super) fn words() -> String {
    format!(
        "PGD Linf, {STEPS} steps, one start at the image, radii in [0, 1] {RADII:?}; objectives logit margin and float32 \
         cross-entropy; the latter also at {PUBLISHED} with scores x {FACTORS:?} through one output and through two; minimal \
         L2: MinimalNorm default; minimal Linf: {} halvings of PGD's radius; panel and transfer at {PANEL}",
        MinimalLinf::default().halvings
    )
}

/// Everything about one set.
pub(super) fn set(net: &Classifier, data: &Dataset) -> Result<Value> {
    let curve = |objective| {
        let attacks = Attacks { epsilons: RADII.to_vec(), steps: STEPS, objective, silent: true, ..Attacks::default() };
        robustness(net, data, &attacks)
    };
    let margin = curve(Objective::Margin)?;
    let entropy = curve(Objective::CrossEntropy)?;
    let nearest = MinimalNorm { silent: true, ..MinimalNorm::default() }.run(net, &data.x, &data.y)?;
    let l2 = nearest.distances();
    let linf = MinimalLinf { steps: STEPS, silent: true, ..MinimalLinf::default() }.radii(net, &data.x, &data.y)?;
    Ok(json!({
        "images": data.len(),
        "clean_accuracy": number(margin.clean_accuracy),
        "margin_pgd": told(&margin),
        "cross_entropy_pgd": told(&entropy),
        "l2": numbers(l2),
        "linf": numbers(linf),
    }))
}

fn told(curve: &Robustness) -> Value {
    json!({
        "accuracy": numbers(curve.rows.iter().map(|row| row.accuracy)),
        "zero_gradient": curve.rows.iter().map(|row| row.zero_gradient).collect::<Vec<usize>>(),
        "not_finite": curve.not_finite.len(),
    })
}

/// The published metric: the share of right images for which cross-entropy PGD in float32 finds an adversarial one at
/// [`PUBLISHED`], through each wrapper and with the last layer scaled; beside it the logit margin.
pub(super) fn published(net: &Classifier, data: &Dataset) -> Result<Value> {
    let found = |net: &dyn Model, objective| -> Result<f64> {
        let pgd = Pgd { epsilon: PUBLISHED, step: 0.01, steps: STEPS, objective, silent: true, ..Pgd::default() };
        let found = pgd.run(net, &data.x, &data.y)?;
        let right = found.clean_correct.iter().filter(|right| **right).count();
        Ok(found.found() as f64 / right as f64)
    };
    let mut lines = Vec::new();
    for factor in FACTORS {
        let scaled = ScaledLogits { net, by: factor as f32 };
        let two = TwoOutputs(&scaled);
        let zero = ZeroAndScore(&scaled);
        lines.push(json!({
            "factor": factor,
            "cross_entropy_one_output": number(found(&zero, Objective::CrossEntropy)?),
            "cross_entropy_two_outputs": number(found(&two, Objective::CrossEntropy)?),
            "margin": number(found(&scaled, Objective::Margin)?),
        }));
    }
    Ok(Value::Array(lines))
}

/// The masking panel's gates.
pub(super) fn gates(net: &Classifier, data: &Dataset) -> Result<Value> {
    let panel = Panel { epsilon: PANEL, rows: 40, queries: 300, silent: true, ..Panel::default() };
    let found = masking(net, data, &panel)?;
    let gates = found.gates.iter().map(|gate| {
        let verdict = match gate.verdict {
            Verdict::Pass => "pass",
            Verdict::Fail => "fail",
            Verdict::NotRun => "not run",
        };
        json!({"name": gate.name, "verdict": verdict, "value": number(gate.value), "detail": gate.detail})
    });
    Ok(Value::Array(gates.collect()))
}

/// Two attacked images with what was found nearest to them, every value as eight hexadecimal digits of its f32.
pub(super) fn samples(net: &Classifier, data: &Dataset) -> Result<Value> {
    let labels = data.labels()?;
    let predicted = net.predict(&data.x)?;
    let rows: Vec<usize> = (0..2)
        .filter_map(|class| (0..labels.len()).find(|row| labels[*row] == class && predicted[*row] == class))
        .collect();
    let part = data.select(&rows)?;
    let found = MinimalNorm { silent: true, ..MinimalNorm::default() }.run(net, &part.x, &part.y)?;
    let mut out = Vec::new();
    for (k, row) in rows.into_iter().enumerate() {
        let clean = hex(&part.x.get(k)?)?;
        let attacked = hex(&found.x.get(k)?)?;
        out.push(json!({
            "row": row, "shape": &part.x.dims()[1..], "label": found.labels[k], "predicted": found.predicted[k],
            "l2": number(found.norms[k]), "clean": clean, "attacked": attacked,
        }));
    }
    Ok(Value::Array(out))
}

fn hex(image: &Tensor) -> Result<String> {
    let values = image.flatten_all()?.to_vec1::<f32>().map_err(Error::candle("samples"))?;
    Ok(values.iter().map(|value| format!("{:08x}", value.to_bits())).collect())
}

/// A one-score net as two logits (-s/2, s/2): the gradient of either lives on when the other's is rounded away.
struct TwoOutputs<'a>(&'a dyn Model);

/// A one-score net as logits (0, s), as the first author's 2019 code hands a single output to its attack.
struct ZeroAndScore<'a>(&'a dyn Model);

impl Model for TwoOutputs<'_> {
    fn outputs(&self) -> usize {
        2
    }

    fn score_rows(&self, x: &Tensor) -> Result<Vec<f32>> {
        Ok(self.0.score_rows(x)?.iter().flat_map(|s| [-s / 2.0, s / 2.0]).collect())
    }

    fn score_gradient(&self, x: &Tensor, slopes: &dyn Fn(&[f32]) -> Vec<f32>) -> Result<(Vec<f32>, Vec<f32>)> {
        let pairs = |scores: &[f32]| scores.iter().flat_map(|s| [-s / 2.0, s / 2.0]).collect::<Vec<f32>>();
        let own = |scores: &[f32]| -> Vec<f32> {
            slopes(&pairs(scores)).chunks_exact(2).map(|g| (g[1] - g[0]) / 2.0).collect()
        };
        let (scores, gradient) = self.0.score_gradient(x, &own)?;
        Ok((pairs(&scores), gradient))
    }
}

impl Model for ZeroAndScore<'_> {
    fn outputs(&self) -> usize {
        2
    }

    fn score_rows(&self, x: &Tensor) -> Result<Vec<f32>> {
        Ok(self.0.score_rows(x)?.iter().flat_map(|s| [0.0, *s]).collect())
    }

    fn score_gradient(&self, x: &Tensor, slopes: &dyn Fn(&[f32]) -> Vec<f32>) -> Result<(Vec<f32>, Vec<f32>)> {
        let pairs = |scores: &[f32]| scores.iter().flat_map(|s| [0.0, *s]).collect::<Vec<f32>>();
        let own = |scores: &[f32]| -> Vec<f32> { slopes(&pairs(scores)).chunks_exact(2).map(|g| g[1]).collect() };
        let (scores, gradient) = self.0.score_gradient(x, &own)?;
        Ok((pairs(&scores), gradient))
    }
}
