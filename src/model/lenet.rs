//! The small convolutional network of LeCun et al. 1998 (LeNet-5) in its usual modern form.
//!
//! conv 6 of 5×5, pool 2, conv 16 of 5×5, pool 2, 120, 84 features, outputs; ReLU after every layer but the last.
//! 3×32×32 images leave the second pool as 16×5×5 = 400 numbers.

use super::plan::{Plan, Step};
use crate::error::{Error, Result};

/// Settings of the convolutional classifier; the default reads CIFAR-10 images as two classes.
///
/// As in PyTorch, `features` is `Sequential(Conv2d, ReLU, MaxPool2d, Conv2d, ReLU, MaxPool2d, Flatten, Linear, ReLU,
/// Linear, ReLU)`: weights `features.0`, `.3`, `.7`, `.9` and `head`.
#[derive(Clone, Debug, PartialEq)]
pub struct LeNet {
    /// Channels of the images.
    pub channels: usize,
    /// Height of the images, at least 16.
    pub height: usize,
    /// Width of the images, at least 16.
    pub width: usize,
    /// 1 for a two-class score, else the number of classes.
    pub outputs: usize,
}

impl Default for LeNet {
    fn default() -> Self {
        Self { channels: 3, height: 32, width: 32, outputs: 1 }
    }
}

const SMALLEST: usize = 16;
const FEATURES: usize = 84;

impl LeNet {
    /// Checks the settings and lays out the network.
    pub(super) fn plan(&self) -> Result<Plan> {
        if self.height < SMALLEST || self.width < SMALLEST {
            return Err(Error::Value {
                op: "lenet",
                expected: format!("images of at least {SMALLEST}x{SMALLEST} (two 5x5 convolutions, each pooled by 2)"),
                got: format!("{}x{}", self.height, self.width),
            });
        }
        let side = |pixels: usize| ((pixels - 4) / 2 - 4) / 2;
        let flat = side(self.height).saturating_mul(side(self.width)).saturating_mul(16);
        let relu = Step::Rectifier { slope: 0.0 };
        let steps = vec![
            Step::Convolution { inputs: self.channels, outputs: 6, size: 5 },
            relu.clone(),
            Step::MaxPool { size: 2 },
            Step::Convolution { inputs: 6, outputs: 16, size: 5 },
            relu.clone(),
            Step::MaxPool { size: 2 },
            Step::Flatten,
            Step::Dense { inputs: flat, outputs: 120 },
            relu.clone(),
            Step::Dense { inputs: 120, outputs: FEATURES },
            relu,
        ];
        let input = vec![self.channels, self.height, self.width];
        Plan { input, steps, features: FEATURES, outputs: self.outputs, head_bias: true }.checked("lenet")
    }
}
