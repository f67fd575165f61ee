//! From sides that were checked to [`PairLoss`]: the checks and the trait's methods are written once, for every engine.

use super::points::Points;
use super::{AllPairs, Along, Boxes, Curvature, Exact, PairLoss, Reference, Score, Value, Weights};
use crate::error::Result;

/// What an engine does. Every vector has its side's length.
pub(super) trait Engine {
    /// Fills both gradients.
    fn gradient<S: Score>(&mut self, points: &Points<S>, in_s: &mut [S], in_t: &mut [S]) -> Result<Value>;

    /// Fills both sides of the Hessian's product with a vector, or of its diagonal.
    fn second<S: Score>(
        &mut self,
        points: &Points<S>,
        along: Option<Along>,
        of_s: &mut [f64],
        of_t: &mut [f64],
    ) -> Result<Curvature>;
}

/// One implementation a type, not one for both: a generic one would be compiled where it is used, in a notebook's cell
/// without optimisation (1,170 ms instead of 15 for a million scores a side).
macro_rules! compiled_here {
    ($($engine:ty: $score:ty),*) => {$(
        impl PairLoss<$score> for $engine {
            fn evaluate(&mut self, s: &[$score], t: &[$score], in_s: &mut [$score], in_t: &mut [$score]) -> Result<Value> {
                let points = Points::new(s, t, None)?;
                points.check_lengths("gradient", in_s.len(), in_t.len())?;
                self.gradient(&points, in_s, in_t)
            }

            fn evaluate_weighted(
                &mut self,
                s: &[$score],
                t: &[$score],
                weights: Weights,
                in_s: &mut [$score],
                in_t: &mut [$score],
            ) -> Result<Value> {
                let points = Points::new(s, t, Some(weights))?;
                points.check_lengths("gradient", in_s.len(), in_t.len())?;
                self.gradient(&points, in_s, in_t)
            }

            fn hessian_diagonal(
                &mut self,
                s: &[$score],
                t: &[$score],
                weights: Option<Weights>,
                of_s: &mut [f64],
                of_t: &mut [f64],
            ) -> Result<Curvature> {
                let points = Points::new(s, t, weights)?;
                points.check_lengths("diagonal", of_s.len(), of_t.len())?;
                self.second(&points, None, of_s, of_t)
            }

            fn hessian_product(
                &mut self,
                s: &[$score],
                t: &[$score],
                weights: Option<Weights>,
                along: Along,
                of_s: &mut [f64],
                of_t: &mut [f64],
            ) -> Result<Curvature> {
                let points = Points::new(s, t, weights)?;
                points.check_along(along)?;
                points.check_lengths("product", of_s.len(), of_t.len())?;
                self.second(&points, Some(along), of_s, of_t)
            }
        }
    )*};
}

compiled_here!(Reference: f32, Reference: f64, Exact: f32, Exact: f64, Boxes: f32, Boxes: f64, AllPairs: f32, AllPairs: f64);
