//! Stochastic gradient descent with momentum, in PyTorch's form.
//!
//! g ← g + weight_decay · p;  v ← momentum · v + g;  p ← p - learning_rate · v, with v = 0 before the first step.
//! From p = 0 with gradient 1, rate 0.1 and momentum 0.9: p = -0.1, then -0.29.

use super::Trainer;
use crate::error::{Error, Result};
use candle_core::{CpuStorage, InplaceOp1, Layout, Tensor, Var, bail};
use std::sync::Mutex;

/// The parameters in descent, with their velocities.
pub(super) struct Sgd {
    vars: Vec<Var>,
    velocities: Vec<Vec<f32>>,
    learning_rate: f32,
    momentum: f32,
    weight_decay: f32,
}

impl Sgd {
    pub(super) fn new(settings: &Trainer, vars: Vec<Var>) -> Self {
        let Trainer { learning_rate, momentum, weight_decay, .. } = *settings;
        let velocities = vec![Vec::new(); vars.len()];
        let [learning_rate, momentum, weight_decay] = [learning_rate, momentum, weight_decay].map(|v| v as f32);
        Self { velocities, vars, learning_rate, momentum, weight_decay }
    }

    /// One step against `gradients`, one for each parameter; further ones belong to parameters held fixed.
    pub(super) fn step(&mut self, gradients: &[Tensor]) -> Result<()> {
        for ((var, velocity), gradient) in self.vars.iter().zip(&mut self.velocities).zip(gradients) {
            let mut update = || {
                let gradient = gradient.flatten_all()?.to_vec1::<f32>()?;
                velocity.resize(gradient.len(), 0.0);
                let (rate, momentum, decay) = (self.learning_rate, self.momentum, self.weight_decay);
                var.inplace_op1(&Step { gradient, velocity: Mutex::new(velocity), rate, momentum, decay })
            };
            update().map_err(Error::candle("sgd"))?;
        }
        Ok(())
    }
}

/// Moves one parameter in place: a step written in tensors makes five of its size.
struct Step<'a> {
    gradient: Vec<f32>,
    velocity: Mutex<&'a mut Vec<f32>>,
    rate: f32,
    momentum: f32,
    decay: f32,
}

impl InplaceOp1 for Step<'_> {
    fn name(&self) -> &'static str {
        "sgd"
    }

    fn cpu_fwd(&self, storage: &mut CpuStorage, layout: &Layout) -> candle_core::Result<()> {
        let (CpuStorage::F32(values), Some((start, end))) = (storage, layout.contiguous_offsets()) else {
            bail!("sgd: a parameter must be contiguous and f32");
        };
        let mut velocity = self.velocity.lock().expect("no step has panicked while it held this");
        for ((p, v), g) in values[start..end].iter_mut().zip(velocity.iter_mut()).zip(&self.gradient) {
            *v = self.momentum * *v + (g + self.decay * *p);
            *p -= self.rate * *v;
        }
        Ok(())
    }
}
