//! Where an attack moves the features: along which of their directions, beside random changes of equal size.
//!
//! The change of each row's features is split along the [`Directions`] of the clean features and the rest outside of them;
//! energies are summed over rows and divided by their total. An attack that leaves the directions in which the data vary is
//! what the paper's argument predicts; the same for random changes says how much of it any change does.
//! A change of (3, 4) where the features have the one direction (1, 0): 0.36 inside, 0.64 outside, length 5.

use super::Directions;
use super::directions::length;
use super::matrix::read;
use crate::display::{Bundle, Show, Table};
use crate::error::{Error, Result};
use candle_core::Tensor;

const OP: &str = "displacement";

/// How the features of a set moved.
#[derive(Clone, Debug, PartialEq)]
pub struct Moved {
    /// The share of the energy along each direction; all zero if nothing moved.
    pub shares: Vec<f64>,
    /// The share outside of all directions.
    pub outside: f64,
    /// The root mean square over rows of the length of the change.
    pub length: f64,
}

impl Moved {
    /// From the features `before` to `after`, both (n, d).
    ///
    /// Errors: `Shape` if the two differ in shape or d is not that of the directions; `Value` for values not finite.
    pub fn of(directions: &Directions, before: &Tensor, after: &Tensor) -> Result<Self> {
        let (a, b) = (read(OP, before)?, read(OP, after)?);
        if (a.nrows(), a.ncols()) != (b.nrows(), b.ncols()) || a.ncols() != directions.columns {
            let expected = format!("features ({}, {}) before and after", a.nrows(), directions.columns);
            return Err(Error::Shape { op: OP, expected, got: after.dims().into() });
        }
        let mut energies = vec![0.0; directions.rank()];
        let mut outside = 0.0;
        for i in 0..a.nrows() {
            let mut change: Vec<f64> = (0..a.ncols()).map(|j| b[(i, j)] - a[(i, j)]).collect();
            let inside = directions.project(&mut change, directions.rank());
            energies.iter_mut().zip(inside).for_each(|(sum, v)| *sum += v * v);
            outside += length(&change).powi(2);
        }
        let total = energies.iter().sum::<f64>() + outside;
        let share = |energy: f64| if total > 0.0 { energy / total } else { 0.0 };
        let length = (total / a.nrows() as f64).sqrt();
        Ok(Self { shares: energies.into_iter().map(share).collect(), outside: share(outside), length })
    }

    /// The share of the energy along the first `k` directions.
    pub fn within(&self, k: usize) -> f64 {
        self.shares.iter().take(k).sum()
    }
}

/// What an attack does to features, and what random changes of the inputs of equal size do.
#[derive(Clone, Debug, PartialEq)]
pub struct Displacement {
    /// By the attack.
    pub attack: Moved,
    /// By random changes.
    pub noise: Moved,
    /// How many directions hold 90 % of the features' own energy.
    pub k90: usize,
    /// How many hold 99 %.
    pub k99: usize,
}

impl Displacement {
    /// From the features (n, d) of clean, attacked and randomly changed inputs; `attack::equal_noise` makes the last.
    ///
    /// Errors: as [`Moved::of`].
    pub fn of(directions: &Directions, clean: &Tensor, attacked: &Tensor, noisy: &Tensor) -> Result<Self> {
        Ok(Self {
            attack: Moved::of(directions, clean, attacked)?,
            noise: Moved::of(directions, clean, noisy)?,
            k90: directions.holding(0.90),
            k99: directions.holding(0.99),
        })
    }

    /// How many times as far as a random change the attack moves the features; NaN if neither moves them.
    pub fn amplification(&self) -> f64 {
        self.attack.length / self.noise.length
    }
}

impl Show for Displacement {
    fn bundle(&self) -> Bundle {
        let caption = "where the features move, share of the energy of the change";
        let head = ["", "first k90", "k90 to k99", "other directions", "outside of all", "length"];
        let mut table = Table::new(caption, head);
        for (name, moved) in [("attack", &self.attack), ("random, equal size", &self.noise)] {
            let (k90, k99, all) = (moved.within(self.k90), moved.within(self.k99), moved.within(usize::MAX));
            let shares = [k90, k99 - k90, all - k99, moved.outside].map(|share| format!("{:.1} %", 100.0 * share));
            table.row([name.to_owned()].into_iter().chain(shares).chain([format!("{:.4}", moved.length)]));
        }
        table.notes.push(format!(
            "k90 = {}, k99 = {}; the attack moves the features {:.2} times as far as random changes of equal size.",
            self.k90,
            self.k99,
            self.amplification()
        ));
        table.bundle()
    }
}
