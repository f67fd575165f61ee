//! The linearised margin: the distance to another class if the network went on as it starts at the input.
//!
//! min over k of (z_y - z_k) / ‖∇(z_y - z_k)‖ in the dual norm; |z| / ‖∇z‖ for one output. An estimate and no bound: on networks
//! 1 to 3 times off. Source: Moosavi-Dezfooli et al., arXiv:1511.04599; Elsayed et al., arXiv:1803.05598.
//! On 3a + 4b - 1 at (1, 1): 1.2 in L2, 6/7 in Linf, 1.5 in L1.

use super::deepfool::toward;
use super::inputs::Inputs;
use super::model::{Model, Rows};
use super::{Adversarial, Norm};
use crate::error::{Error, Result};
use crate::progress::interrupted;
use candle_core::Tensor;

const OP: &str = "linearised_margins";
/// Rows whose gradients are taken together.
const ROWS: usize = 128;

/// The linearised margin of each row: 0 if wrong, infinite where no gradient leads to another class.
///
/// `x`: (n, ...) f32 inside `bounds`, `y`: (n,) u32. The box is not taken into account. Errors: as
/// [`Pgd::run`](super::Pgd::run); `Value` naming the row of a gradient that is not finite; `Interrupted`.
pub fn linearised_margins(net: &dyn Model, x: &Tensor, y: &Tensor, norm: Norm, bounds: [f64; 2]) -> Result<Vec<f64>> {
    let outputs = net.outputs();
    let inputs = Inputs::read(OP, x, y, bounds, outputs)?;
    let rows = Rows { op: OP, net, shape: &inputs.shape };
    let clean = Adversarial::start(&rows, &inputs, x, norm, vec![f64::INFINITY; inputs.len()], None)?;
    let right: Vec<usize> = (0..inputs.len()).filter(|row| clean.clean_correct[*row]).collect();
    let mut margins: Vec<f64> =
        clean.clean_correct.iter().map(|right| if *right { f64::INFINITY } else { 0.0 }).collect();
    for members in right.chunks(ROWS) {
        let x = inputs.gather(members);
        let label = |k: usize| inputs.labels[members[k]] as usize;
        // The class that a row goes to in this round: every other one in turn.
        let target = |k: usize, round: usize| if outputs > 1 && round >= label(k) { round + 1 } else { round };
        for round in 0..outputs.max(2) - 1 {
            if interrupted() {
                return Err(Error::Interrupted { op: OP, done: format!("part of {} rows", inputs.len()) });
            }
            let slopes = |k: usize, _: &[f32]| toward(target(k, round), label(k), outputs);
            let (scores, gradient) = rows.gradient(&x, slopes)?;
            for (k, row) in members.iter().enumerate() {
                let own = &scores[k * outputs..(k + 1) * outputs];
                let slopes = toward(target(k, round), label(k), outputs);
                let gap = -slopes.iter().zip(own).map(|(a, z)| f64::from(*a) * f64::from(*z)).sum::<f64>();
                let gradient = &gradient[k * inputs.width..(k + 1) * inputs.width];
                let dual = match norm {
                    Norm::Linf => Norm::L1.length(gradient),
                    Norm::L2 => Norm::L2.length(gradient),
                    Norm::L1 => Norm::Linf.length(gradient),
                };
                if !dual.is_finite() {
                    let got = format!("{dual} in row {row}");
                    return Err(Error::Value { op: OP, expected: "a finite gradient".into(), got });
                }
                let distance = if dual > 0.0 { gap / dual } else { f64::INFINITY };
                margins[*row] = margins[*row].min(distance);
            }
        }
    }
    Ok(margins)
}
