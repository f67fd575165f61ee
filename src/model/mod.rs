//! Classifiers with a feature map and a linear head: scores = features · wᵀ + b.
//!
//! Input `(n, c, h, w)` or `(n, inputs)` f32, features `(n, d)`, scores `(n,)` for one output and `(n, C)` for more.
//! The features are the last hidden layer, the ones whose rank and margin the paper studies (arXiv:1901.08360,
//! section 4: 84 of them). Parameters have the names and layouts of PyTorch: `features.0.weight` is `[out, in]` or
//! `[out, in, height, width]`, `head.weight` is `[outputs, d]`.
//!
//! Uses `error`, `rng` and `guard`; used by `train`, `attack`, `certify` and notebooks.
//!
//! ```
//! use widemargin::model::{Classifier, Mlp};
//! let net = Classifier::mlp(&Mlp::default(), 1)?;
//! assert_eq!(net.vars().iter().map(|v| v.elem_count()).sum::<usize>(), 15_069); // 64·100+100 + 100·84+84 + 84+1
//! # Ok::<(), widemargin::Error>(())
//! ```

mod architecture;
mod checkpoint;
mod classifier;
mod convnet;
mod engine;
mod init;
mod layers;
mod lenet;
mod linear;
mod mlp;
pub mod ops;
mod plan;
mod resnet;

pub use classifier::{Classifier, Gradients};
pub use convnet::ConvNet;
pub(crate) use layers::{Layer, Layers};
pub use lenet::LeNet;
pub use linear::Linear;
pub use mlp::Mlp;
pub use resnet::ResNet;
