//! The cell side, tested without a kernel. One file per module of `src`.

mod data_cifar10;
mod data_damage;
mod data_dataset;
mod data_digits;
mod data_mnist;
mod data_pair;
mod data_synthetic;
