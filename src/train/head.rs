//! What a step does to the head beside descending: a bias on another scale, and features without their mean.
//!
//! A bias b = s·c with c trained is a step s² as long for b. Centred features φ - μ give the gradient g_w - g_b·μ for w; the
//! bias of the plain classifier is that of the centred one less w·μ, so it falls by Δw·μ with every step.
//! Nar et al., arXiv:1901.08360, section 3, leave both remedies out; on points of one line either brings the margin back.

use super::Trainer;
use crate::data::Dataset;
use crate::error::{Error, Result};
use crate::model::Classifier;
use candle_core::Tensor;

const OP: &str = "fit";

pub(super) struct Head {
    bias_scale: f64,
    centred: bool,
    /// The mean of the features, if they are centred.
    mean: Vec<f64>,
    /// The head's weight after the last step.
    weight: Vec<f32>,
}

impl Head {
    pub(super) fn new(settings: &Trainer, net: &mut Classifier) -> Result<Self> {
        if settings.bias_scale == 0.0 {
            net.set_head_bias(&vec![0.0; net.outputs()])?;
        }
        let Trainer { bias_scale, centre_features, .. } = *settings;
        Ok(Self { bias_scale, centred: centre_features, mean: Vec::new(), weight: Vec::new() })
    }

    /// Takes the mean of the features over the training set.
    pub(super) fn begin_epoch(&mut self, net: &Classifier, data: &Dataset) -> Result<()> {
        if !self.centred {
            return Ok(());
        }
        const ROWS: usize = 512;
        let mut sum = Vec::new();
        for start in (0..data.len()).step_by(ROWS) {
            let part = data.x.narrow(0, start, ROWS.min(data.len() - start))?;
            for row in net.features(&part)?.detach().to_vec2::<f32>()? {
                sum.resize(row.len(), 0.0);
                sum.iter_mut().zip(row).for_each(|(sum, value)| *sum += f64::from(value));
            }
        }
        self.mean = sum.into_iter().map(|sum| sum / data.len() as f64).collect();
        self.weight = weight(net)?;
        Ok(())
    }

    /// Changes the gradients, of which the head's are the last two.
    pub(super) fn prepare(&self, gradients: &mut [Tensor]) -> Result<()> {
        let count = gradients.len();
        if self.centred {
            let bias = gradients[count - 1].to_vec1::<f32>()?;
            let shape = gradients[count - 2].dims().to_vec();
            let mut weight = gradients[count - 2].flatten_all()?.to_vec1::<f32>()?;
            for (row, bias) in weight.chunks_exact_mut(self.mean.len()).zip(bias) {
                row.iter_mut().zip(&self.mean).for_each(|(w, m)| *w = (f64::from(*w) - f64::from(bias) * m) as f32);
            }
            let device = gradients[count - 2].device().clone();
            gradients[count - 2] = Tensor::from_vec(weight, shape, &device).map_err(Error::candle(OP))?;
        }
        if self.bias_scale != 1.0 {
            gradients[count - 1] = (&gradients[count - 1] * self.bias_scale.powi(2)).map_err(Error::candle(OP))?;
        }
        Ok(())
    }

    /// Moves the bias by what the weight's step changed at the mean.
    pub(super) fn follow(&mut self, net: &mut Classifier) -> Result<()> {
        if !self.centred {
            return Ok(());
        }
        let now = weight(net)?;
        let vars = net.vars();
        let bias = vars[vars.len() - 1].to_vec1::<f32>()?;
        let width = self.mean.len();
        let moved = |(k, bias): (usize, &f32)| {
            let rows = now[k * width..(k + 1) * width].iter().zip(&self.weight[k * width..(k + 1) * width]);
            let change: f64 = rows.zip(&self.mean).map(|((now, old), m)| (f64::from(*now) - f64::from(*old)) * m).sum();
            (f64::from(*bias) - change) as f32
        };
        net.set_head_bias(&bias.iter().enumerate().map(moved).collect::<Vec<f32>>())?;
        self.weight = now;
        Ok(())
    }
}

/// The head's weight; the nets that come here have a bias after it.
fn weight(net: &Classifier) -> Result<Vec<f32>> {
    let vars = net.vars();
    vars[vars.len() - 2].flatten_all().and_then(|w| w.to_vec1()).map_err(Error::candle(OP))
}
