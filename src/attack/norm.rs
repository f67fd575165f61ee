//! The balls an attack may stay in: length, projection, random point and direction of a step, for one row at a time.
//!
//! ```
//! use widemargin::attack::Norm;
//! let lengths = [Norm::L1, Norm::L2, Norm::Linf].map(|norm| norm.length(&[3.0, -4.0]));
//! assert_eq!(lengths, [7.0, 5.0, 4.0]);
//! ```

use rand::Rng;
use rand_distr::{Distribution, Exp1, StandardNormal};
use std::fmt;

/// How the size of a change is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Norm {
    /// The largest change of a pixel.
    #[default]
    Linf,
    /// The Euclidean length of the change.
    L2,
    /// The sum of the changes of all pixels.
    L1,
}

impl fmt::Display for Norm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Norm::Linf => "Linf",
            Norm::L2 => "L2",
            Norm::L1 => "L1",
        })
    }
}

/// What a row's gradient allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Direction {
    Usable,
    Zero,
    NotFinite,
}

impl Direction {
    pub(super) fn of(gradient: &[f32]) -> Self {
        if gradient.iter().any(|g| !g.is_finite()) {
            Direction::NotFinite
        } else if gradient.iter().all(|g| *g == 0.0) {
            Direction::Zero
        } else {
            Direction::Usable
        }
    }
}

impl Norm {
    /// The size of a change. NaN if it holds NaN.
    pub fn length(self, change: &[f32]) -> f64 {
        match self {
            Norm::Linf => change.iter().fold(0.0, |m, c| if c.abs() > m || c.is_nan() { c.abs() } else { m }).into(),
            Norm::L2 => change.iter().map(|c| f64::from(*c).powi(2)).sum::<f64>().sqrt(),
            Norm::L1 => change.iter().map(|c| f64::from(c.abs())).sum(),
        }
    }

    /// Turns a usable gradient into the direction of a step, of length 1, in place.
    ///
    /// For L1 the `coordinates` largest entries move by equal amounts; with 0, all in proportion to the gradient.
    pub(super) fn direction(self, gradient: &mut [f32], coordinates: usize) {
        let largest = gradient.iter().fold(0.0_f32, |m, g| m.max(g.abs()));
        if largest == 0.0 {
            return;
        }
        // Divided by the largest first: squares of denormal gradients would vanish.
        let scaled = |g: f32| f64::from(g) / f64::from(largest);
        match self {
            Norm::Linf => gradient.iter_mut().for_each(|g| *g = sign(*g)),
            Norm::L2 => {
                let length = gradient.iter().map(|g| scaled(*g).powi(2)).sum::<f64>().sqrt();
                gradient.iter_mut().for_each(|g| *g = (scaled(*g) / length) as f32);
            }
            Norm::L1 if coordinates == 0 => {
                let length = gradient.iter().map(|g| scaled(*g).abs()).sum::<f64>();
                gradient.iter_mut().for_each(|g| *g = (scaled(*g) / length) as f32);
            }
            Norm::L1 => {
                let mut order: Vec<usize> = (0..gradient.len()).filter(|k| gradient[*k] != 0.0).collect();
                // A stable sort: of equal ones the first.
                order.sort_by(|a, b| gradient[*b].abs().total_cmp(&gradient[*a].abs()));
                order.truncate(coordinates);
                let steps: Vec<(usize, f32)> =
                    order.iter().map(|k| (*k, sign(gradient[*k]) / order.len() as f32)).collect();
                gradient.fill(0.0);
                steps.into_iter().for_each(|(k, step)| gradient[k] = step);
            }
        }
    }

    /// The nearest point of the ball around 0, in Euclidean distance, in place.
    pub(super) fn project(self, change: &mut [f32], epsilon: f64) {
        match self {
            Norm::Linf => change.iter_mut().for_each(|c| *c = c.clamp(-(epsilon as f32), epsilon as f32)),
            Norm::L2 => {
                let length = self.length(change);
                if length > epsilon {
                    let factor = (epsilon / length) as f32;
                    change.iter_mut().for_each(|c| *c *= factor);
                }
            }
            Norm::L1 => {
                if self.length(change) > epsilon {
                    let threshold = soft_threshold(change, epsilon);
                    let shrink = |c: f32| f64::from(sign(c)) * (f64::from(c.abs()) - threshold).max(0.0);
                    change.iter_mut().for_each(|c| *c = shrink(*c) as f32);
                }
            }
        }
    }

    /// A point of the ball around 0, uniform in its volume.
    pub(super) fn uniform(self, epsilon: f64, width: usize, rng: &mut impl Rng) -> Vec<f32> {
        let side = |rng: &mut dyn rand::RngCore| if rng.next_u32() & 1 == 1 { 1.0 } else { -1.0 };
        match self {
            Norm::Linf => (0..width).map(|_| (epsilon * rng.random_range(-1.0..=1.0)) as f32).collect(),
            Norm::L2 => {
                let values: Vec<f64> = (0..width).map(|_| StandardNormal.sample(rng)).collect();
                let length = values.iter().map(|v| v * v).sum::<f64>().sqrt().max(f64::MIN_POSITIVE);
                let radius = epsilon * rng.random::<f64>().powf(1.0 / width as f64);
                values.into_iter().map(|v| (radius * v / length) as f32).collect()
            }
            Norm::L1 => {
                // Gaps between sorted uniform numbers are exponential: with one gap more than coordinates, the
                // point is uniform in the simplex and not on its face.
                let gaps: Vec<f64> = (0..=width).map(|_| Exp1.sample(rng)).collect();
                let total: f64 = gaps.iter().sum::<f64>().max(f64::MIN_POSITIVE);
                gaps[..width].iter().map(|gap| (epsilon * side(rng) * gap / total) as f32).collect()
            }
        }
    }
}

// f32::signum(0) is 1 and would move every dead pixel.
fn sign(value: f32) -> f32 {
    if value == 0.0 { 0.0 } else { value.signum() }
}

/// The amount by which every entry shrinks so that the absolute values sum to `epsilon`.
///
/// Source: Duchi, Shalev-Shwartz, Singer and Chandra, ICML 2008. (3, 1) to sum 2 shrinks by 1 and leaves (2, 0).
fn soft_threshold(change: &[f32], epsilon: f64) -> f64 {
    let mut sizes: Vec<f64> = change.iter().map(|c| f64::from(c.abs())).collect();
    sizes.sort_by(|a, b| b.total_cmp(a));
    let (mut sum, mut threshold) = (0.0, 0.0);
    for (k, size) in sizes.into_iter().enumerate() {
        sum += size;
        let candidate = (sum - epsilon) / (k + 1) as f64;
        if size <= candidate {
            break;
        }
        threshold = candidate;
    }
    threshold
}
