//! The cell side, tested without a kernel. One file per module of `src`.

mod loss_cross_entropy;
mod loss_differential;
mod model_checkpoint;
mod model_classifier;
mod model_network;
mod model_ops;
mod train_fit;
mod train_threshold;
