//! The fully connected layers and the head: products of matrices.
//!
//! y = rectify(x · wᵀ + b), x: (n, i), w: (o, i), b: (o,).

use super::super::ops::{add_channels, rectifier};
use super::super::plan::{Plan, Step};
use candle_core::{Device, Result, Tensor};

pub(super) struct Tail {
    layers: Vec<Layer>,
}

struct Layer {
    weight: Tensor,
    bias: Option<Vec<f32>>,
    slope: Option<f32>,
}

impl Tail {
    /// `steps`: fully connected layers and rectifiers; `parameters`: theirs, then the head's.
    pub(super) fn new(plan: &Plan, steps: &[Step], mut parameters: std::slice::Iter<Tensor>) -> Result<Self> {
        let mut next = || parameters.next().expect("the classifier holds every parameter of its plan");
        let mut layers: Vec<Layer> = Vec::new();
        for step in steps {
            match step {
                Step::Dense { .. } => {
                    let weight = next().detach();
                    layers.push(Layer { weight, bias: Some(next().to_vec1()?), slope: None });
                }
                Step::Rectifier { slope } => {
                    let layer = layers.last_mut().expect("the tail starts with a fully connected layer");
                    layer.slope = Some(*slope as f32);
                }
                other => unreachable!("{other:?} after a fully connected layer: no plan makes one"),
            }
        }
        let weight = next().detach();
        let bias = if plan.head_bias { Some(next().to_vec1()?) } else { None };
        layers.push(Layer { weight, bias, slope: None });
        Ok(Self { layers })
    }

    /// The scores, and the input of each layer if they are to be kept.
    pub(super) fn forward(&self, mut x: Tensor, keep: bool) -> Result<(Tensor, Vec<Tensor>)> {
        let mut inputs = Vec::new();
        for layer in &self.layers {
            let product = x.matmul(&layer.weight.t()?)?;
            let shape = product.shape().clone();
            let y = if layer.bias.is_some() || layer.slope.is_some() {
                let mut y = product.flatten_all()?.to_vec1::<f32>()?;
                if let Some(bias) = &layer.bias {
                    for row in y.chunks_exact_mut(bias.len()) {
                        row.iter_mut().zip(bias).for_each(|(y, bias)| *y += bias);
                    }
                }
                if let Some(slope) = layer.slope {
                    rectifier::rectify(&mut y, slope);
                }
                Tensor::from_vec(y, shape, &Device::Cpu)?
            } else {
                product
            };
            let input = std::mem::replace(&mut x, y);
            if keep {
                inputs.push(input);
            }
        }
        Ok((x, inputs))
    }

    /// From the gradient of the scores (n, C), that of the layers' weights and biases into `parameters`, and that of the
    /// first input if it is asked for.
    pub(super) fn backward(
        &self,
        scores: &Tensor,
        inputs: &[Tensor],
        mut parameters: Option<&mut Vec<Tensor>>,
        first: bool,
    ) -> Result<Option<Tensor>> {
        let mut gradient = scores.clone();
        let mut last_first = Vec::new();
        for (at, layer) in self.layers.iter().enumerate().rev() {
            if let Some(slope) = layer.slope {
                let shape = gradient.shape().clone();
                let mut own = gradient.flatten_all()?.to_vec1::<f32>()?;
                // The input of the next layer is this one's result.
                let result = inputs[at + 1].flatten_all()?.to_vec1::<f32>()?;
                rectifier::rectify_gradient(&result, slope, &mut own);
                gradient = Tensor::from_vec(own, shape, &Device::Cpu)?;
            }
            if parameters.is_some() {
                if let Some(bias) = &layer.bias {
                    let mut sums = vec![0.0; bias.len()];
                    let own = gradient.flatten_all()?.to_vec1::<f32>()?;
                    own.chunks_exact(bias.len()).for_each(|row| add_channels(row, &mut sums));
                    last_first.push(Tensor::from_vec(sums, bias.len(), &Device::Cpu)?);
                }
                last_first.push(gradient.t()?.matmul(&inputs[at])?);
            }
            if at == 0 && !first {
                break;
            }
            gradient = gradient.matmul(&layer.weight)?;
        }
        if let Some(parameters) = parameters.as_mut() {
            parameters.extend(last_first.into_iter().rev());
        }
        Ok(first.then_some(gradient))
    }
}
