//! Two controls to look at: the classes in a plane through an input, and random changes as large as the attack's.
//!
//! The plane is spanned by the attack's change and a random direction at a right angle to it, of the same length (Warde-Farley
//! and Goodfellow 2016 call the picture a church window). Random changes of equal size say what the size alone does.

use super::adversarial::Adversarial;
use super::inputs::Inputs;
use super::model::{Model, Rows};
use super::objective::decide;
use super::{Norm, nearest};
use crate::error::{Error, Result};
use crate::rng;
use candle_core::Tensor;
use rand::Rng;
use rand_distr::{Distribution, StandardNormal};

/// The classes in a plane through one input.
#[derive(Clone, Debug, PartialEq)]
pub struct Slice {
    /// Multiples of the attack's change, increasing.
    pub along: Vec<f64>,
    /// Multiples of the random direction, increasing.
    pub across: Vec<f64>,
    /// `classes[across][along]`; `None` where a score is not finite.
    pub classes: Vec<Vec<Option<u32>>>,
    /// The Euclidean length of a multiple of 1 in either direction, in units of the input.
    pub length: f64,
    /// The label of the input.
    pub label: u32,
}

/// The classes around row `row` of `found`, `points` each way from -2 to 2 times the attack's change; not clipped to a box.
///
/// Same seed, same plane. Errors: `Value` if there is no such row, its change is zero, or `points` is below 2.
pub fn slice(net: &dyn Model, found: &Adversarial, row: usize, points: usize, seed: u64) -> Result<Slice> {
    const OP: &str = "slice";
    let n = found.labels.len();
    if row >= n || points < 2 {
        let got = format!("row {row} and {points} points");
        return Err(Error::Value { op: OP, expected: format!("a row below {n} and at least 2 points"), got });
    }
    let clean = found.clean.get(row)?.flatten_all()?.to_vec1::<f32>()?;
    let after = found.x.get(row)?.flatten_all()?.to_vec1::<f32>()?;
    let u: Vec<f64> = after.iter().zip(&clean).map(|(a, c)| f64::from(*a) - f64::from(*c)).collect();
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    let length = dot(&u, &u).sqrt();
    if !(length > 0.0) {
        let got = format!("{length}");
        return Err(Error::Value { op: OP, expected: format!("a change of row {row} above 0"), got });
    }
    let mut rng = rng::stream(seed, &format!("slice row {row}"));
    let mut v: Vec<f64> = u.iter().map(|_| StandardNormal.sample(&mut rng)).collect();
    let share = dot(&u, &v) / (length * length);
    v.iter_mut().zip(&u).for_each(|(v, u)| *v -= share * u);
    let scale = length / dot(&v, &v).sqrt().max(f64::MIN_POSITIVE);
    v.iter_mut().for_each(|v| *v *= scale);
    let steps: Vec<f64> = (0..points).map(|k| -2.0 + 4.0 * k as f64 / (points - 1) as f64).collect();
    let shape = found.clean.dims()[1..].to_vec();
    let rows = Rows { op: OP, net, shape: &shape };
    let mut classes = Vec::new();
    for b in &steps {
        let line: Vec<f32> = steps
            .iter()
            .flat_map(|a| clean.iter().zip(&u).zip(&v).map(move |((c, u), v)| (f64::from(*c) + a * u + b * v) as f32))
            .collect();
        classes.push(rows.scores(&line)?.chunks_exact(net.outputs()).map(decide).collect());
    }
    Ok(Slice { along: steps.clone(), across: steps, classes, length, label: found.labels[row] })
}

/// Random changes as large as those of `found`, row by row: what changes of that size do without a direction.
///
/// L2: a direction uniform on the sphere; Linf: every pixel by plus or minus the size; L1: signs and shares uniform on the
/// sphere of that norm. Brought into `bounds`, so some come out shorter. Same seed, same bytes.
/// Errors: as [`Pgd::run`](super::Pgd::run).
pub fn equal_noise(net: &dyn Model, found: &Adversarial, bounds: [f64; 2], seed: u64) -> Result<Adversarial> {
    const OP: &str = "equal_noise";
    let y = Tensor::new(found.labels.as_slice(), found.clean.device())?;
    let inputs = Inputs::read(OP, &found.clean, &y, bounds, net.outputs())?;
    let rows = Rows { op: OP, net, shape: &inputs.shape };
    let mut noise = Adversarial::start(&rows, &inputs, &found.clean, found.norm, found.norms.clone(), None)?;
    let [low, high] = bounds;
    let mut x = Vec::with_capacity(inputs.values.len());
    for row in 0..inputs.len() {
        let mut rng = rng::stream(seed, &format!("equal noise row {row}"));
        let mut change: Vec<f64> = match found.norm {
            Norm::Linf => (0..inputs.width).map(|_| if rng.random::<bool>() { 1.0 } else { -1.0 }).collect(),
            Norm::L2 => (0..inputs.width).map(|_| StandardNormal.sample(&mut rng)).collect(),
            Norm::L1 => found.norm.uniform(1.0, inputs.width, &mut rng).into_iter().map(f64::from).collect(),
        };
        let size = match found.norm {
            Norm::Linf => 1.0,
            Norm::L2 => change.iter().map(|c| c * c).sum::<f64>().sqrt(),
            Norm::L1 => change.iter().map(|c| c.abs()).sum(),
        };
        change.iter_mut().for_each(|c| *c *= found.norms[row] / f64::max(size, f64::MIN_POSITIVE));
        x.extend(inputs.row(row).iter().zip(change).map(|(x, c)| (f64::from(*x) + c).clamp(low, high) as f32));
    }
    let scores = rows.scores(&x)?;
    for (row, scores) in scores.chunks_exact(net.outputs()).enumerate() {
        let own = &x[row * inputs.width..(row + 1) * inputs.width];
        noise.norms[row] = nearest::distance(found.norm, own, inputs.row(row));
        let Some(class) = decide(scores) else {
            noise.not_finite[row] += 1;
            continue;
        };
        noise.predicted[row] = class;
        noise.success[row] = class != inputs.labels[row];
        noise.any[row] |= noise.success[row];
    }
    noise.x = inputs.tensor(OP, x)?;
    noise.best = noise.x.clone();
    Ok(noise)
}
