//! The tables of one width in one row of numbers, as `kernels/pair_boxes.cu` reads them.

use super::kernel::PACKS;
use super::{Tol, width};
use crate::loss::differential::simd::LANES;

/// Near values of softplus, sigmoid(x) and sigmoid(-x), the factors of the series, both matrices, the nodes, and exp(-k h)
/// and exp(-k (near + 1) h) for k = 1 to 16.
pub(crate) fn tables(tol: Tol) -> Vec<f64> {
    let width = width(tol);
    let kernels = [&width.softplus, &width.slope, &width.opposite];
    let mut out = Vec::new();
    for kernel in kernels {
        out.extend(kernel.near.iter().flatten().flat_map(|pack| pack.0));
    }
    out.extend(width.sources.iter().flatten().flatten().flat_map(|pack| pack.0));
    out.extend(width.targets.iter().flatten().flat_map(|pack| pack.0));
    for kernel in kernels {
        out.extend(kernel.series.iter().flatten().flat_map(|pack| pack.0));
    }
    for kernel in kernels {
        out.extend(kernel.constant);
    }
    out.extend(width.to_nodes.iter().chain(&width.to_basis).flat_map(|pack| pack.0));
    out.extend(width.nodes.0);
    for boxes in [1.0, width.near + 1.0] {
        out.extend((1..=LANES * PACKS).map(|k| (-(k as f64) * boxes * width.h).exp()));
    }
    out
}
