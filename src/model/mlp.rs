//! A fully connected network: inputs → hidden… → features → outputs, a rectifier after every layer but the last.

use super::plan::{Plan, Step};
use crate::error::Result;

/// Settings of a fully connected classifier; the default reads the 8×8 digits.
///
/// As in PyTorch, `features` is `Sequential(Linear, LeakyReLU, …)`, so the weights are `features.0.weight`,
/// `features.2.weight`, … and `head.weight`.
#[derive(Clone, Debug, PartialEq)]
pub struct Mlp {
    /// Numbers per example; images are flattened in `(c, h, w)` order.
    pub inputs: usize,
    /// Width of each hidden layer before the features; may be empty.
    pub hidden: Vec<usize>,
    /// Width of the last hidden layer, the one [`Classifier::features`](super::Classifier::features) returns.
    pub features: usize,
    /// 1 for a two-class score, else the number of classes.
    pub outputs: usize,
    /// Slope of the rectifier for negative values; 0 is the plain ReLU.
    pub leaky_slope: f64,
}

impl Default for Mlp {
    fn default() -> Self {
        Self { inputs: 64, hidden: vec![100], features: 84, outputs: 1, leaky_slope: 0.01 }
    }
}

impl Mlp {
    /// Checks the settings and lays out the network.
    pub(super) fn plan(&self) -> Result<Plan> {
        let mut steps = Vec::new();
        let mut width = self.inputs;
        for &next in self.hidden.iter().chain([&self.features]) {
            steps.push(Step::Dense { inputs: width, outputs: next });
            steps.push(Step::Rectifier { slope: self.leaky_slope });
            width = next;
        }
        Plan { input: vec![self.inputs], steps, features: self.features, outputs: self.outputs, head_bias: true }
            .checked("mlp")
    }
}
