//! Stochastic gradient descent with momentum, in PyTorch's form.
//!
//! g ← g + weight_decay · p;  v ← momentum · v + g;  p ← p - learning_rate · v, with v = 0 before the first step.
//! From p = 0 with gradient 1, rate 0.1 and momentum 0.9: p = -0.1, then -0.29.

use super::Trainer;
use crate::error::{Error, Result};
use candle_core::backprop::GradStore;
use candle_core::{Tensor, Var};

/// The parameters in descent, with their velocities.
pub(super) struct Sgd {
    vars: Vec<Var>,
    velocities: Vec<Option<Tensor>>,
    learning_rate: f64,
    momentum: f64,
    weight_decay: f64,
}

impl Sgd {
    pub(super) fn new(settings: &Trainer, vars: Vec<Var>) -> Self {
        let Trainer { learning_rate, momentum, weight_decay, .. } = *settings;
        Self { velocities: vec![None; vars.len()], vars, learning_rate, momentum, weight_decay }
    }

    /// One step against `gradients`; a parameter without one stays where it is.
    pub(super) fn step(&mut self, gradients: &GradStore) -> Result<()> {
        for (var, velocity) in self.vars.iter().zip(&mut self.velocities) {
            let Some(gradient) = gradients.get(var) else { continue };
            let mut update = || {
                let here = var.as_detached_tensor();
                let mut next = gradient.detach();
                if self.weight_decay > 0.0 {
                    next = (next + (&here * self.weight_decay)?)?;
                }
                if let Some(last) = velocity.as_ref() {
                    next = ((last * self.momentum)? + next)?;
                }
                var.set(&(here - (&next * self.learning_rate)?)?)?;
                *velocity = Some(next);
                Ok(())
            };
            update().map_err(Error::candle("sgd"))?;
        }
        Ok(())
    }
}
