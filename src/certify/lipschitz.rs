//! The Lipschitz bound: no score can change faster than the product of what the layers can stretch.
//!
//! radius = gap / (product · ‖w_y - w_k‖), the smallest over the other classes k; for one output |score| / (product · ‖w‖).
//! Global, so loose: the product of the layers' worst directions, which hardly ever meet. Sources: Szegedy et al.,
//! arXiv:1312.6199; Tsuzuku, Sato and Sugiyama, arXiv:1802.04034, here with the exact norm of each pair of head rows.

use super::operator::{Window, convolution, dense};
use super::{ALLOWANCE, read};
use crate::display::{Bundle, Show};
use crate::error::{Error, Result};
use crate::model::{Classifier, Layer};
use candle_core::{DType, Tensor};

const OP: &str = "lipschitz";

/// How much each layer of a network can stretch, in L2.
#[derive(Clone, Debug, PartialEq)]
pub struct Lipschitz {
    /// Name and norm of each layer that is not 1, and whether the norm is exact or a bound from above.
    pub layers: Vec<(String, f64, bool)>,
    /// The product: the Lipschitz constant of the features.
    pub features: f64,
    /// ‖w_j - w_k‖ of the head's rows, or ‖w‖ for one output.
    pub head: Vec<Vec<f64>>,
}

impl Lipschitz {
    /// Bounds the network at its present parameters; linear layers exactly up to an allowance of 1e-9.
    ///
    /// Errors: `Value` for parameters that are not finite.
    pub fn of(net: &Classifier) -> Result<Self> {
        let layers = net.layers()?;
        let mut norms = Vec::new();
        let mut shape = layers.input.clone();
        let features = product(&layers.features, "features", &mut shape, &mut norms)? * (1.0 + ALLOWANCE);
        let rows = layers.head_weight.to_vec2::<f64>()?;
        let apart = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum::<f64>().sqrt();
        let head: Vec<Vec<f64>> = match rows.as_slice() {
            [row] => vec![vec![apart(row, &vec![0.0; row.len()])]],
            rows => rows.iter().map(|a| rows.iter().map(|b| apart(a, b)).collect()).collect(),
        };
        if !features.is_finite() || head.iter().flatten().any(|norm| !norm.is_finite()) {
            let got = format!("a product of {features}");
            return Err(Error::Value { op: OP, expected: "finite parameters".into(), got });
        }
        Ok(Self { layers: norms, features, head })
    }

    /// For each row a radius in L2 without an adversarial input; 0 for rows that are wrong.
    ///
    /// `x`: (n, ...) f32, `y`: (n,) u32. Errors: `Shape` or `Value` as [`Classifier::scores`].
    pub fn radii(&self, net: &Classifier, x: &Tensor, y: &Tensor) -> Result<Vec<f64>> {
        let (_, labels) = read(OP, net, x, y)?;
        let outputs = net.outputs();
        let scores = net.scores(&x.to_dtype(DType::F32)?)?.flatten_all()?.to_vec1::<f32>()?;
        let radius = |(scores, label): (&[f32], &u32)| {
            let label = *label as usize;
            let rate = |norm: f64| self.features * norm * (1.0 + ALLOWANCE);
            // A network whose scores cannot change has no adversarial input at any distance.
            let over = |gap: f64, rate: f64| if gap <= 0.0 { 0.0 } else { gap / rate };
            match scores {
                [score] => over(f64::from(if label == 1 { *score } else { -score }), rate(self.head[0][0])),
                scores => {
                    let others = (0..outputs).filter(|k| *k != label);
                    let gap = |k: usize| f64::from(scores[label]) - f64::from(scores[k]);
                    others.map(|k| over(gap(k), rate(self.head[label][k]))).fold(f64::INFINITY, f64::min)
                }
            }
        };
        Ok(scores.chunks_exact(outputs).zip(&labels).map(radius).collect())
    }
}

/// The product of the norms of some layers; `shape` is that of their input and becomes that of their output.
fn product(
    layers: &[Layer],
    prefix: &str,
    shape: &mut Vec<usize>,
    norms: &mut Vec<(String, f64, bool)>,
) -> Result<f64> {
    let mut all = 1.0;
    for (index, layer) in layers.iter().enumerate() {
        let name = format!("{prefix}.{index}");
        let (norm, exact) = match layer {
            Layer::Dense { weight, .. } => {
                *shape = vec![weight.dims()[0]];
                (dense(weight)?, true)
            }
            Layer::Convolution { weight, stride, padding, .. } => {
                let window = Window { stride: *stride, padding: *padding, height: shape[1], width: shape[2] };
                let side = |pixels: usize| (pixels + 2 * padding - weight.dims()[2]) / stride + 1;
                *shape = vec![weight.dims()[0], side(shape[1]), side(shape[2])];
                convolution(weight, &window)?
            }
            Layer::Affine { scale, .. } => {
                let scale = scale.to_vec1::<f64>()?;
                (scale.iter().fold(0.0, |m: f64, s| if s.abs() > m || s.is_nan() { s.abs() } else { m }), true)
            }
            Layer::Rectifier { slope } => (slope.max(1.0), true),
            // Windows side by side: each value enters at most one of them.
            Layer::MaxPool { size } => {
                *shape = vec![shape[0], shape[1] / size, shape[2] / size];
                (1.0, true)
            }
            Layer::AveragePool { size } => {
                *shape = vec![shape[0], shape[1] / size, shape[2] / size];
                (1.0 / *size as f64, true)
            }
            Layer::Flatten => {
                *shape = vec![shape.iter().product()];
                (1.0, true)
            }
            Layer::Residual { main, shortcut } => {
                let mut other = shape.clone();
                let short = product(shortcut, &format!("{name}.shortcut"), &mut other, norms)?;
                // Its layers are listed one by one; their sum is the norm of the block.
                all *= product(main, &format!("{name}.main"), shape, norms)? + short;
                continue;
            }
        };
        if norm != 1.0 {
            norms.push((name, norm, exact));
        }
        all *= norm;
    }
    Ok(all)
}

impl Show for Lipschitz {
    fn bundle(&self) -> Bundle {
        let line = |(name, norm, exact): &(String, f64, bool)| {
            format!("\n{name:>24} {norm:>12.4} {}", if *exact { "exact" } else { "bound" })
        };
        let lines: String = self.layers.iter().map(line).collect();
        Bundle::text(format!("operator norms in L2, product {:.4}{lines}", self.features))
    }
}
