//! The cell side, tested without a kernel. One file per module of `src`.

mod data_cifar10;
mod data_damage;
mod data_dataset;
mod data_digits;
mod data_mnist;
mod data_pair;
mod data_synthetic;
mod loss_cross_entropy;
mod loss_differential;
mod model_checkpoint;
mod model_classifier;
mod model_network;
mod model_ops;
mod train_fit;
mod train_threshold;
