//! Stochastic gradient descent with momentum, in PyTorch's form.
//!
//! g ← g + weight_decay · p;  v ← momentum · v + g;  p ← p - learning_rate · v, with v = 0 before the first step.
//! From p = 0 with gradient 1, rate 0.1 and momentum 0.9: p = -0.1, then -0.29.

use super::Trainer;
#[cfg(feature = "candle-cuda")]
use crate::cuda::{layers, tensors};
use crate::error::{Error, Result};
#[cfg(feature = "candle-cuda")]
use candle_core::CudaStorage;
use candle_core::{CpuStorage, InplaceOp1, InplaceOp2, InplaceOp3, Layout, Tensor, Var, bail};
use std::sync::Mutex;

/// The parameters in descent, with their velocities.
pub(super) struct Sgd {
    vars: Vec<Var>,
    velocities: Vec<Vec<f32>>,
    /// On a card the velocities are tensors there, from the first step on.
    resident: Vec<Option<Tensor>>,
    learning_rate: f32,
    momentum: f32,
    weight_decay: f32,
}

impl Sgd {
    pub(super) fn new(settings: &Trainer, vars: Vec<Var>) -> Self {
        let Trainer { learning_rate, momentum, weight_decay, .. } = *settings;
        let velocities = vec![Vec::new(); vars.len()];
        let [learning_rate, momentum, weight_decay] = [learning_rate, momentum, weight_decay].map(|v| v as f32);
        let resident = vec![None; vars.len()];
        Self { velocities, resident, vars, learning_rate, momentum, weight_decay }
    }

    /// One step against `gradients`, one for each parameter; further ones belong to parameters held fixed.
    pub(super) fn step(&mut self, gradients: &[Tensor]) -> Result<()> {
        if self.vars.first().is_some_and(|var| !var.device().is_cpu()) {
            return self.step_in_place(gradients);
        }
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

impl Sgd {
    /// The same step where the parameters are; nothing is brought to the host.
    fn step_in_place(&mut self, gradients: &[Tensor]) -> Result<()> {
        let (rate, momentum, decay) = (self.learning_rate, self.momentum, self.weight_decay);
        for ((var, velocity), gradient) in self.vars.iter().zip(&mut self.resident).zip(gradients) {
            let mut update = || {
                let own = match velocity.take() {
                    Some(own) => own,
                    None => var.as_detached_tensor().zeros_like()?,
                };
                let own = velocity.insert(own);
                own.inplace_op3(var.as_tensor(), &gradient.contiguous()?, &Velocity { momentum, decay })?;
                var.inplace_op2(own, &Descent { rate })
            };
            update().map_err(Error::candle("sgd"))?;
        }
        Ok(())
    }
}

/// v ← momentum · v + (g + decay · p), of p and g.
struct Velocity {
    momentum: f32,
    decay: f32,
}

impl InplaceOp3 for Velocity {
    fn name(&self) -> &'static str {
        "sgd velocity"
    }

    fn cpu_fwd(
        &self,
        v: &mut CpuStorage,
        layout: &Layout,
        p: &CpuStorage,
        p_layout: &Layout,
        g: &CpuStorage,
        g_layout: &Layout,
    ) -> candle_core::Result<()> {
        let (p, g) = (numbers(p, p_layout)?, numbers(g, g_layout)?);
        for ((v, p), g) in numbers_mut(v, layout)?.iter_mut().zip(p).zip(g) {
            *v = self.momentum * *v + (g + self.decay * p);
        }
        Ok(())
    }

    #[cfg(feature = "candle-cuda")]
    fn cuda_fwd(
        &self,
        v: &mut CudaStorage,
        layout: &Layout,
        p: &CudaStorage,
        p_layout: &Layout,
        g: &CudaStorage,
        g_layout: &Layout,
    ) -> candle_core::Result<()> {
        let numbers = layout.shape().elem_count();
        tensors::change("sgd velocity", v, layout, [(p, p_layout), (g, g_layout)], |card, v, [p, g]| {
            layers::velocity(card, [v, p, g], numbers, self.momentum, self.decay)
        })
    }
}

/// p ← p - rate · v.
struct Descent {
    rate: f32,
}

impl InplaceOp2 for Descent {
    fn name(&self) -> &'static str {
        "sgd descent"
    }

    fn cpu_fwd(
        &self,
        p: &mut CpuStorage,
        layout: &Layout,
        v: &CpuStorage,
        v_layout: &Layout,
    ) -> candle_core::Result<()> {
        let v = numbers(v, v_layout)?;
        numbers_mut(p, layout)?.iter_mut().zip(v).for_each(|(p, v)| *p -= self.rate * v);
        Ok(())
    }

    #[cfg(feature = "candle-cuda")]
    fn cuda_fwd(
        &self,
        p: &mut CudaStorage,
        layout: &Layout,
        v: &CudaStorage,
        v_layout: &Layout,
    ) -> candle_core::Result<()> {
        let numbers = layout.shape().elem_count();
        tensors::change("sgd descent", p, layout, [(v, v_layout)], |card, p, [v]| {
            layers::descend(card, [p, v], numbers, self.rate)
        })
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
        let mut velocity = self.velocity.lock().expect("no step has panicked while it held this");
        for ((p, v), g) in numbers_mut(storage, layout)?.iter_mut().zip(velocity.iter_mut()).zip(&self.gradient) {
            *v = self.momentum * *v + (g + self.decay * *p);
            *p -= self.rate * *v;
        }
        Ok(())
    }
}

fn numbers<'a>(storage: &'a CpuStorage, layout: &Layout) -> candle_core::Result<&'a [f32]> {
    match (storage, layout.contiguous_offsets()) {
        (CpuStorage::F32(values), Some((start, end))) => Ok(&values[start..end]),
        _ => bail!("sgd: a parameter must be contiguous and f32"),
    }
}

fn numbers_mut<'a>(storage: &'a mut CpuStorage, layout: &Layout) -> candle_core::Result<&'a mut [f32]> {
    match (storage, layout.contiguous_offsets()) {
        (CpuStorage::F32(values), Some((start, end))) => Ok(&mut values[start..end]),
        _ => bail!("sgd: a parameter must be contiguous and f32"),
    }
}
