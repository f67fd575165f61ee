//! Two-class points whose margins are known or can be worked out: `x` (n, d) f32, the positives (`y` = 1) first.
//!
//! Source: Nar et al., arXiv:1901.08360, and the script `poor-margins-of-ce.py` of the first author's next paper
//! (arXiv:1911.01043). On a line at distance D from the origin the cross-entropy limit has a closed form: with hard margin
//! g, and h >= g between the foot of the origin and the middle of the gap,
//!
//! margin = g / sqrt(1 + h^2 D^2 / (1 + D^2)^2).
//!
//! | set | hard margin | margin of the cross-entropy limit |
//! |---|---|---|
//! | [`two_points`] | sqrt(13)/2 = 1.802776 | 22 / sqrt(205) = 1.536547 |
//! | [`line()`] | 0.6 sqrt(401) = 12.014991 | 0.484035 |
//! | [`two_gaussians`] | depends on the seed | depends on the seed |
//! | [`affine_subspace`], default | 1 | 1 / sqrt(1 + 968/81) = 0.277878 |
//!
//! Coordinates are rounded to f32, a relative 6e-8.

mod affine_subspace;

pub use affine_subspace::{AffineSubspace, affine_subspace};

use super::Dataset;
use crate::error::{Error, Result};
use crate::rng;
use candle_core::{Device, Tensor};
use rand_distr::{Distribution, StandardNormal};

/// One point of each class, the case of the paper's theorem 1: (1, 0) against (-1, -3).
///
/// The maximum-margin normal is their difference, (2, 3); cross-entropy with a bias converges to another one.
pub fn two_points() -> Result<Dataset> {
    dataset("two points", vec![vec![1.0, 0.0]], vec![vec![-1.0, -3.0]])
}

/// Two classes on one line, the case of the paper's figure 1: x2 = 10 + 20 x1, x1 in [3.2, 4] against [1.2, 2].
///
/// `per_class` points of each class, equally spaced with both ends; figure 1 has 20. The script draws them uniformly.
/// Errors: `Value` if `per_class` is below 2.
pub fn line(per_class: usize) -> Result<Dataset> {
    if per_class < 2 {
        return Err(Error::Value {
            op: "line",
            expected: "2 or more points per class".into(),
            got: per_class.to_string(),
        });
    }
    let points = |from: f64| {
        let place = |step: usize| from + 0.8 * step as f64 / (per_class - 1) as f64;
        (0..per_class).map(place).map(|x1| vec![x1, 10.0 + 20.0 * x1]).collect()
    };
    dataset("line", points(3.2), points(1.2))
}

/// Two clouds of ten points, the case of figure 2 of the paper's first version: N((2, 12), 25 I) against N((40, 50), 25 I).
///
/// The paper's own draw is not published. Same seed, same points.
pub fn two_gaussians(seed: u64) -> Result<Dataset> {
    let mut stream = rng::stream(seed, "two gaussians");
    let mut cloud = |mean: [f64; 2]| {
        (0..10).map(|_| mean.map(|centre| centre + 5.0 * normal(&mut stream)).to_vec()).collect::<Vec<_>>()
    };
    let (pos, neg) = (cloud([2.0, 12.0]), cloud([40.0, 50.0]));
    dataset("two gaussians", pos, neg)
}

fn normal(stream: &mut impl rand::Rng) -> f64 {
    StandardNormal.sample(stream)
}

fn dataset(name: &str, pos: Vec<Vec<f64>>, neg: Vec<Vec<f64>>) -> Result<Dataset> {
    let y = [vec![1_u32; pos.len()], vec![0; neg.len()]].concat();
    let x =
        pos.iter().chain(&neg).map(|row| row.iter().map(|&value| value as f32).collect()).collect::<Vec<Vec<f32>>>();
    let (x, y) = (Tensor::new(x, &Device::Cpu)?, Tensor::new(y, &Device::Cpu)?);
    Dataset::new(name, x, y, vec!["negative".into(), "positive".into()])
}
