//! The two balls an attack may stay in: steepest direction, projection and length, for one row at a time.
//!
//! ```
//! use widemargin::attack::Norm;
//! assert_eq!((Norm::L2.length(&[3.0, -4.0]), Norm::Linf.length(&[3.0, -4.0])), (5.0, 4.0));
//! ```

use std::fmt;

/// How the size of a change is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Norm {
    /// The largest change of a pixel.
    #[default]
    Linf,
    /// The Euclidean length of the change.
    L2,
}

impl fmt::Display for Norm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Norm::Linf => "Linf",
            Norm::L2 => "L2",
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

impl Norm {
    /// The size of a change. NaN if it holds NaN.
    pub fn length(self, change: &[f32]) -> f64 {
        match self {
            Norm::Linf => change.iter().fold(0.0, |m, c| if c.abs() > m || c.is_nan() { c.abs() } else { m }).into(),
            Norm::L2 => change.iter().map(|c| f64::from(*c).powi(2)).sum::<f64>().sqrt(),
        }
    }

    /// Turns a gradient into the direction of steepest ascent of length 1, in place; unusable ones become zero.
    pub(super) fn steepest(self, gradient: &mut [f32]) -> Direction {
        if gradient.iter().any(|g| !g.is_finite()) {
            gradient.fill(0.0);
            return Direction::NotFinite;
        }
        let largest = gradient.iter().fold(0.0_f32, |m, g| m.max(g.abs()));
        if largest == 0.0 {
            return Direction::Zero;
        }
        match self {
            // f32::signum(0) is 1 and would move every dead pixel.
            Norm::Linf => gradient.iter_mut().for_each(|g| *g = if *g == 0.0 { 0.0 } else { g.signum() }),
            Norm::L2 => {
                // Divided by the largest first: squares of denormal gradients would vanish.
                let scaled = |g: f32| f64::from(g) / f64::from(largest);
                let length = gradient.iter().map(|g| scaled(*g).powi(2)).sum::<f64>().sqrt();
                gradient.iter_mut().for_each(|g| *g = (scaled(*g) / length) as f32);
            }
        }
        Direction::Usable
    }

    /// The nearest point of the ball (for Linf) or the one on the way to the centre (for L2), in place.
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
        }
    }
}
