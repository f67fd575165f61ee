//! A linear score w·x + b, the model of the paper's theorems. It starts at zero, as their proofs do.

use super::plan::Plan;
use crate::error::Result;

/// Settings of a linear two-class classifier. Its features are the inputs.
#[derive(Clone, Debug, PartialEq)]
pub struct Linear {
    /// Numbers per example.
    pub inputs: usize,
    /// Whether there is a bias; without one the boundary passes through the origin.
    pub bias: bool,
}

impl Default for Linear {
    fn default() -> Self {
        Self { inputs: 2, bias: true }
    }
}

impl Linear {
    /// Checks the settings and lays out the model.
    pub(super) fn plan(&self) -> Result<Plan> {
        let (inputs, head_bias) = (self.inputs, self.bias);
        Plan { input: vec![inputs], steps: Vec::new(), features: inputs, outputs: 1, head_bias }.checked("linear")
    }
}
