//! A convolutional network of 3×3 windows, stronger than [`LeNet`](super::LeNet) and still small.
//!
//! Twice two convolutions and a pool of 2, the second time with twice the filters, then the features; ReLU after every
//! layer but the last. The default on 3×32×32 images: 3-32-32, pool, 64-64, pool, 4096-256 features.

use super::plan::{Convolution, Plan, Step};
use crate::error::{Error, Result};

/// Settings of the deeper convolutional classifier; the default reads CIFAR-10 images as two classes.
///
/// As in PyTorch, `features` is `Sequential(Conv2d, ReLU, Conv2d, ReLU, MaxPool2d, Conv2d, ReLU, Conv2d, ReLU,
/// MaxPool2d, Flatten, Linear, ReLU)`: weights `features.0`, `.2`, `.5`, `.7`, `.11` and `head`.
#[derive(Clone, Debug, PartialEq)]
pub struct ConvNet {
    /// Channels of the images.
    pub channels: usize,
    /// Height of the images, at least 4.
    pub height: usize,
    /// Width of the images, at least 4.
    pub width: usize,
    /// 1 for a two-class score, else the number of classes.
    pub outputs: usize,
    /// Filters of the first two convolutions; the others have twice as many.
    pub filters: usize,
    /// Width of the last hidden layer, the one [`Classifier::features`](super::Classifier::features) returns.
    pub features: usize,
}

impl Default for ConvNet {
    fn default() -> Self {
        Self { channels: 3, height: 32, width: 32, outputs: 1, filters: 32, features: 256 }
    }
}

impl ConvNet {
    /// Checks the settings and lays out the network.
    pub(super) fn plan(&self) -> Result<Plan> {
        if self.height < 4 || self.width < 4 {
            let got = format!("{}x{}", self.height, self.width);
            return Err(Error::Value {
                op: "convnet",
                expected: "images of at least 4x4 (pooled by 2 twice)".into(),
                got,
            });
        }
        let mut steps = Vec::new();
        let (first, second) = (self.filters, self.filters.saturating_mul(2));
        for (inputs, outputs) in [(self.channels, first), (first, second)] {
            for inputs in [inputs, outputs] {
                let own = Convolution { inputs, outputs, size: 3, stride: 1, padding: 1, bias: true };
                steps.extend([Step::Convolution(own), Step::Rectifier { slope: 0.0 }]);
            }
            steps.push(Step::MaxPool { size: 2 });
        }
        let inputs = second.saturating_mul(self.height / 4).saturating_mul(self.width / 4);
        let dense = Step::Dense { inputs, outputs: self.features };
        steps.extend([Step::Flatten, dense, Step::Rectifier { slope: 0.0 }]);
        let input = vec![self.channels, self.height, self.width];
        Plan { input, steps, features: self.features, outputs: self.outputs, head_bias: true }.checked("convnet")
    }
}
