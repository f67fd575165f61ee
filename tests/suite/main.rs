//! The cell side, tested without a kernel. One file per module of `src`.

mod margin_cross_entropy;
mod margin_descent;
mod margin_hard;
mod margin_hyperplane;
mod margin_reference;
