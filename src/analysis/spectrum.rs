//! Singular values of a feature matrix (n, d), raw and centred, and the ranks read off them.
//!
//! With singular values σ: energy(k) = Σ_{i≤k} σ_i²/Σ σ², k90 and k99 the first k with that share, effective rank
//! exp(-Σ p ln p) with p = σ/Σσ (Roy and Vetterli, EUSIPCO 2007), stable rank Σσ²/σ_1² (Rudelson and Vershynin 2007),
//! participation ratio (Σσ²)²/Σσ⁴. Values by [`Svd`] with its default accuracy. Two orthogonal columns of lengths 2 and 1: energy(1) = 0.8,
//! stable rank 1.25, effective rank 1.8899, participation ratio 1.4706.

use super::matrix::Rows;
use super::svd::Svd;
use crate::display::{Bundle, Show, Table};
use crate::error::Result;
use candle_core::Tensor;

const OP: &str = "spectrum";

/// The singular values of one matrix, and the ranks read off them.
///
/// A matrix of zeros has rank 0 by every measure and all of its energy in its first 0 directions.
#[derive(Clone, Debug, PartialEq)]
pub struct Profile {
    /// min(n, d) values, not increasing; those below rounding (max(n, d) · 2.2e-16 · the largest raw one) are 0.
    pub singular_values: Vec<f64>,
}

/// The raw and the centred spectrum of features (n, d).
#[derive(Clone, Debug, PartialEq)]
pub struct Spectrum {
    /// n.
    pub rows: usize,
    /// d.
    pub columns: usize,
    /// Of the features as they are.
    pub raw: Profile,
    /// Of the features minus their mean.
    pub centred: Profile,
}

impl Spectrum {
    /// The spectrum of `features`, (n, d) f32 or f64.
    ///
    /// Errors: `Shape` unless the rank is 2 and n, d > 0; `Value` naming the place of a value that is not finite.
    pub fn of(features: &Tensor) -> Result<Self> {
        let mut matrix = Rows::read(OP, features)?;
        let (rows, columns) = (matrix.n, matrix.d);
        let raw = Svd::default().of(&matrix)?.values;
        matrix.centre();
        let centred = Svd::default().of(&matrix)?.values;
        // A constant matrix has rank 0 once its mean is off.
        let floor = matrix.floor(raw[0]);
        let profile = |values: Vec<f64>| Profile {
            singular_values: values.into_iter().map(|v| if v <= floor { 0.0 } else { v }).collect(),
        };
        Ok(Self { rows, columns, raw: profile(raw), centred: profile(centred) })
    }
}

impl Profile {
    /// Share of the sum of squares in the first `k` directions, 0 to 1.
    pub fn energy(&self, k: usize) -> f64 {
        let total = self.squares(usize::MAX);
        if total == 0.0 { 1.0 } else { self.squares(k) / total }
    }

    /// The number of directions that hold 90 % of the energy.
    pub fn k90(&self) -> usize {
        self.directions(0.90)
    }

    /// The number of directions that hold 99 % of the energy.
    pub fn k99(&self) -> usize {
        self.directions(0.99)
    }

    /// The entropy rank exp(-Σ p ln p), p = σ/Σσ: between 1 and min(n, d), or 0.
    pub fn effective_rank(&self) -> f64 {
        let total: f64 = self.singular_values.iter().sum();
        let shares = self.singular_values.iter().map(|v| v / total).filter(|p| *p > 0.0);
        if total == 0.0 { 0.0 } else { (-shares.map(|p| p * p.ln()).sum::<f64>()).exp() }
    }

    /// The stable rank Σσ²/σ_1²: between 1 and min(n, d), or 0.
    pub fn stable_rank(&self) -> f64 {
        let largest = self.squares(1);
        if largest == 0.0 { 0.0 } else { self.squares(usize::MAX) / largest }
    }

    /// The participation ratio (Σσ²)²/Σσ⁴: between 1 and min(n, d), or 0.
    pub fn participation_ratio(&self) -> f64 {
        let largest = self.singular_values.first().copied().unwrap_or(0.0);
        if largest == 0.0 {
            return 0.0;
        }
        let fourths: f64 = self.singular_values.iter().map(|v| (v / largest).powi(4)).sum();
        self.squares(usize::MAX).powi(2) / fourths
    }

    fn squares(&self, k: usize) -> f64 {
        // Relative to the largest, so that squares of 1e-200 do not vanish.
        let largest = self.singular_values.first().copied().unwrap_or(0.0);
        if largest == 0.0 {
            return 0.0;
        }
        self.singular_values.iter().take(k).map(|v| (v / largest).powi(2)).sum()
    }

    pub(super) fn directions(&self, share: f64) -> usize {
        let total = self.squares(usize::MAX);
        if total == 0.0 {
            return 0;
        }
        let mut sum = 0.0;
        let largest = self.singular_values[0];
        let enough = |v: &f64| {
            sum += (v / largest).powi(2);
            // A share of exactly 0.9 must not miss by rounding.
            sum >= share * total * (1.0 - 1e-12)
        };
        self.singular_values.iter().position(enough).map_or(self.singular_values.len(), |k| k + 1)
    }
}

impl Show for Spectrum {
    fn bundle(&self) -> Bundle {
        let caption = format!("features ({}, {})", self.rows, self.columns);
        let mut table = Table::new(caption, ["", "k90", "k99", "effective rank", "stable rank", "participation"]);
        for (name, p) in [("raw", &self.raw), ("centred", &self.centred)] {
            let ranks = [p.effective_rank(), p.stable_rank(), p.participation_ratio()].map(|rank| format!("{rank:.3}"));
            table.row([name.to_owned(), p.k90().to_string(), p.k99().to_string()].into_iter().chain(ranks));
        }
        table.bundle()
    }
}
