//! The small convolutional network of LeCun et al. 1998 (LeNet-5) in its usual modern form.
//!
//! conv 6 of 5×5, pool 2, conv 16 of 5×5, pool 2, 120, 84 features, outputs; ReLU after every layer but the last.
//! 3×32×32 images leave the second pool as 16×5×5 = 400 numbers. [`LeNet::wide`] is the paper's larger one.

use super::plan::{Convolution, Plan, Step};
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
    /// Filters of the two convolutions.
    pub filters: [usize; 2],
    /// Width of the fully connected layer before the features.
    pub hidden: usize,
    /// Width of the last hidden layer, the one [`Classifier::features`](super::Classifier::features) returns.
    pub features: usize,
}

impl Default for LeNet {
    fn default() -> Self {
        Self { channels: 3, height: 32, width: 32, outputs: 1, filters: [6, 16], hidden: 120, features: 84 }
    }
}

const SMALLEST: usize = 16;

impl LeNet {
    /// Twice the filters and features: 12-32-240-192.
    pub fn wide() -> Self {
        Self { filters: [12, 32], hidden: 240, features: 192, ..Self::default() }
    }

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
        let flat = side(self.height).saturating_mul(side(self.width)).saturating_mul(self.filters[1]);
        let [first, second] = self.filters;
        let convolution = |inputs, outputs| {
            Step::Convolution(Convolution { inputs, outputs, size: 5, stride: 1, padding: 0, bias: true })
        };
        let relu = Step::Rectifier { slope: 0.0 };
        let steps = vec![
            convolution(self.channels, first),
            relu.clone(),
            Step::MaxPool { size: 2 },
            convolution(first, second),
            relu.clone(),
            Step::MaxPool { size: 2 },
            Step::Flatten,
            Step::Dense { inputs: flat, outputs: self.hidden },
            relu.clone(),
            Step::Dense { inputs: self.hidden, outputs: self.features },
            relu,
        ];
        let input = vec![self.channels, self.height, self.width];
        Plan { input, steps, features: self.features, outputs: self.outputs, head_bias: true }.checked("lenet")
    }
}
