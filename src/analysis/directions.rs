//! The directions that a set of features uses, strongest first, and how far a weight vector leans out of them.
//!
//! v_1, v_2, ... are the right singular vectors of the features (n, d), raw or centred, with singular value above rounding.
//! The angle of w to the first k is that between w and its projection on their span (Björck and Golub, 1973, for a line and
//! a subspace). Features along (1, 0) and w = (1, 1): 45 degrees to the first direction.
//! The paper says that cross-entropy puts w along directions in which the data hardly vary; this is that claim in a number.

use super::matrix::Rows;
use super::svd::{Svd, thin};
use crate::error::{Error, Result};
use candle_core::Tensor;

const OP: &str = "directions";

/// Right singular vectors of features, strongest first.
#[derive(Clone, Debug, PartialEq)]
pub struct Directions {
    /// Their singular values, not increasing, all above 0.
    pub singular_values: Vec<f64>,
    /// Unit vectors of length d, one per singular value.
    pub vectors: Vec<Vec<f64>>,
    /// d.
    pub columns: usize,
    /// Whether the mean was taken off first.
    pub centred: bool,
}

impl Directions {
    /// Of the features (n, d) as they are, f32 or f64. A matrix of zeros has no direction.
    ///
    /// Errors: `Shape` unless the rank is 2 and n, d > 0; `Value` naming the place of a value that is not finite.
    pub fn raw(features: &Tensor) -> Result<Self> {
        Self::of(features, false)
    }

    /// Of the features minus their mean: how they vary. Constant features have no direction. Errors: as [`Directions::raw`].
    pub fn centred(features: &Tensor) -> Result<Self> {
        Self::of(features, true)
    }

    fn of(features: &Tensor, centred: bool) -> Result<Self> {
        let mut matrix = Rows::read(OP, features)?;
        let largest = Svd { top: Some(1), ..Svd::default() }.of(&matrix)?.values[0];
        if centred {
            matrix.centre();
        }
        let (_, values, v) = thin(matrix.mat())?;
        let least = matrix.floor(largest);
        let singular_values: Vec<f64> = values.into_iter().take_while(|value| *value > least).collect();
        let columns = matrix.d;
        let vector = |k: usize| (0..columns).map(|j| v[(j, k)]).collect();
        let vectors = (0..singular_values.len()).map(vector).collect();
        Ok(Self { singular_values, vectors, columns, centred })
    }

    /// How many there are.
    pub fn rank(&self) -> usize {
        self.vectors.len()
    }

    /// How many of them hold a share of the sum of squared singular values; 0 if there is none.
    pub fn holding(&self, share: f64) -> usize {
        super::Profile { singular_values: self.singular_values.clone() }.directions(share)
    }

    /// The angle between `w` and the span of the first `k` directions, 0 to 90 degrees; 90 for k = 0.
    ///
    /// Beyond the rank it no longer falls. Errors: `Shape` unless `w` has d numbers; `Value` if it is zero or not finite.
    pub fn angle_degrees(&self, w: &[f64], k: usize) -> Result<f64> {
        let (inside, outside) = self.split(w, k)?;
        // Both lengths: the cosine alone loses half of the digits of a small angle.
        Ok(outside.atan2(inside).to_degrees())
    }

    /// The share of ‖w‖² outside of the span of the first `k` directions. Errors: as [`Directions::angle_degrees`].
    pub fn outside(&self, w: &[f64], k: usize) -> Result<f64> {
        let (inside, outside) = self.split(w, k)?;
        Ok(outside.powi(2) / (inside.powi(2) + outside.powi(2)))
    }

    /// The lengths of the parts of w/|w| in the span and at a right angle to it.
    fn split(&self, w: &[f64], k: usize) -> Result<(f64, f64)> {
        if w.len() != self.columns {
            let expected = format!("a vector of {} numbers", self.columns);
            return Err(Error::Shape { op: OP, expected, got: vec![w.len()] });
        }
        let largest = w.iter().fold(0.0_f64, |m, v| if v.abs() > m || v.is_nan() { v.abs() } else { m });
        if !(largest > 0.0 && largest.is_finite()) {
            let got = largest.to_string();
            return Err(Error::Value { op: OP, expected: "a finite vector other than 0".into(), got });
        }
        let mut rest: Vec<f64> = w.iter().map(|v| v / largest).collect();
        let whole = length(&rest);
        rest.iter_mut().for_each(|v| *v /= whole);
        let inside = self.project(&mut rest, k);
        Ok((length(&inside), length(&rest)))
    }

    /// The coordinates of `v` in the first `k` directions, which are taken off it.
    pub(super) fn project(&self, v: &mut [f64], k: usize) -> Vec<f64> {
        let take = |direction: &Vec<f64>| {
            let along: f64 = direction.iter().zip(&*v).map(|(a, b)| a * b).sum();
            v.iter_mut().zip(direction).for_each(|(v, d)| *v -= along * d);
            along
        };
        self.vectors.iter().take(k).map(take).collect()
    }
}

pub(super) fn length(v: &[f64]) -> f64 {
    v.iter().map(|v| v * v).sum::<f64>().sqrt()
}
