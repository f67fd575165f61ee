//! The residual network of He et al. for small images (arXiv:1512.03385, section 4.2), with batch normalisation.
//!
//! A convolution, three stages of blocks with 1, 2 and 4 times the filters, the mean of each channel as features. A block
//! is conv, norm, ReLU, conv, norm, plus its input, ReLU; the first of the second and third stage halves the image, and
//! its input then passes a 1×1 convolution of stride 2 and a norm. 6 · blocks + 2 layers: 8 by default, 20 for 3 blocks.

use super::plan::{Convolution, Plan, Step};
use crate::error::{Error, Result};

/// Settings of the residual classifier; the default reads CIFAR-10 images as two classes.
///
/// As in PyTorch, `features` is a `Sequential` of `Conv2d, BatchNorm2d, ReLU`, then for each block a module with the
/// `Sequential`s `main` (`0`, `1`, `3`, `4` hold parameters) and `shortcut` (`0`, `1`, or empty) and a `ReLU`, then
/// `AvgPool2d` and `Flatten`: `features.3.main.0.weight` and so on. Convolutions have no bias.
#[derive(Clone, Debug, PartialEq)]
pub struct ResNet {
    /// Channels of the images.
    pub channels: usize,
    /// Height and width of the images, a multiple of 4.
    pub side: usize,
    /// 1 for a two-class score, else the number of classes.
    pub outputs: usize,
    /// Filters of the first stage; there are four times as many features.
    pub filters: usize,
    /// Residual blocks of each stage.
    pub blocks: usize,
}

impl Default for ResNet {
    fn default() -> Self {
        Self { channels: 3, side: 32, outputs: 1, filters: 16, blocks: 1 }
    }
}

const MOST_BLOCKS: usize = 1000;

impl ResNet {
    /// Checks the settings and lays out the network.
    pub(super) fn plan(&self) -> Result<Plan> {
        let value = |expected: &str, got: usize| {
            Err(Error::Value { op: "resnet", expected: expected.into(), got: got.to_string() })
        };
        if self.side == 0 || !self.side.is_multiple_of(4) {
            return value("a side that is a multiple of 4 (halved twice)", self.side);
        }
        if self.blocks == 0 || self.blocks > MOST_BLOCKS {
            return value("1 to 1000 blocks a stage", self.blocks);
        }
        let relu = Step::Rectifier { slope: 0.0 };
        let mut steps = convolution(self.channels, self.filters, 3, 1).to_vec();
        steps.push(relu.clone());
        let mut inputs = self.filters;
        for stage in 0..3 {
            let outputs = self.filters.saturating_mul(1 << stage);
            for block in 0..self.blocks {
                let halves = stage > 0 && block == 0;
                let mut main = convolution(inputs, outputs, 3, if halves { 2 } else { 1 }).to_vec();
                main.push(relu.clone());
                main.extend(convolution(outputs, outputs, 3, 1));
                let shortcut = if halves { convolution(inputs, outputs, 1, 2).to_vec() } else { Vec::new() };
                steps.extend([Step::Residual { main, shortcut }, relu.clone()]);
                inputs = outputs;
            }
        }
        steps.extend([Step::AveragePool { size: self.side / 4 }, Step::Flatten]);
        let input = vec![self.channels, self.side, self.side];
        Plan { input, steps, features: inputs, outputs: self.outputs, head_bias: true }.checked("resnet")
    }
}

/// A convolution without bias, which the norm after it would undo.
fn convolution(inputs: usize, outputs: usize, size: usize, stride: usize) -> [Step; 2] {
    let own = Convolution { inputs, outputs, size, stride, padding: size / 2, bias: false };
    [Step::Convolution(own), Step::BatchNorm { channels: outputs }]
}
