//! The names a notebook cell has in scope.
//!
//! candle and plotly are re-exported, and must be: a cell that names `candle_core` as a dependency of its own links a
//! second copy.

pub use crate::analysis::{self, Directions, Displacement, Margins, Spectrum, feature_margins};
pub use crate::attack::{
    self, Adversarial, Attacks, Ddn, DeepFool, Evaluation, Fgsm, MinimalLinf, MinimalNorm, Norm, Objective, PairAttack,
    Panel, Pgd, Robustness, Square, Status, compare, equal_noise, evaluate, linearised_margins, masking, robustness,
    transfer,
};
pub use crate::certify::{self, Lipschitz, Smoothing, interval_radii, linear_distances};
pub use crate::data::{self, Dataset, Pair, Split, cifar10, digits, mnist, synthetic};
pub use crate::device::device;
pub use crate::display::{Bundle, Png, Show, Slot, Table, clear_output, show};
pub use crate::error::{Error, Result};
pub use crate::experiment::{self, Results};
pub use crate::figure::{self, Figure, plotly};
pub use crate::loss::Loss;
pub use crate::margin::{self, Hyperplane, cross_entropy_limit, hard_margin, two_point_limit};
pub use crate::model::{Classifier, ConvNet, LeNet, Linear, Mlp, ResNet};
pub use crate::progress::{Progress, bar, interrupted};
pub use crate::train::{Adversary, Epoch, History, Trainer, refit_head, scale_scores};
pub use candle_core::{self, D, DType, Device, IndexOp, Tensor, Var};
pub use candle_nn;
