//! Points of an affine subspace, the case of the paper's theorem 3 and remark 3.
//!
//! Every point x has <r_k, x> = Delta for K orthonormal directions r_k, so D^2 = K Delta^2. Within the subspace the classes
//! are `gap` apart along one direction e, and the hard margin is exactly gap/2. With K = ambient - 1 the subspace is a line
//! and the margin of the cross-entropy limit is the closed form of the parent module, with g = gap/2 and h = offset >= g:
//! for the default, K = 8, Delta = 1, gap = 2 and offset = 11, it is 1 / sqrt(1 + 121 * 8 / 81) = 0.277878.

use super::{dataset, normal};
use crate::data::Dataset;
use crate::error::{Error, Result};
use crate::rng;

const OP: &str = "affine_subspace";

/// Settings of [`affine_subspace`].
#[derive(Clone, Debug, PartialEq)]
pub struct AffineSubspace {
    /// Dimension d of the space around.
    pub ambient: usize,
    /// Number K of directions r_k in which no point moves; the subspace has dimension d - K.
    pub directions: usize,
    /// The coordinate Delta of every point in each of these directions.
    pub delta: f64,
    /// Distance between the classes, twice the hard margin.
    pub gap: f64,
    /// Distance within the subspace from the foot of the origin to the middle of the gap, towards the positives.
    pub offset: f64,
    /// Standard deviation of the points within the subspace.
    pub spread: f64,
    /// Points of each class.
    pub per_class: usize,
    /// Whether e and the r_k are a random orthonormal basis; otherwise they are coordinate axes, e the first and the r_k
    /// the last, and Delta is the same f32 in every point to the bit.
    pub rotate: bool,
}

impl Default for AffineSubspace {
    fn default() -> Self {
        Self {
            ambient: 9,
            directions: 8,
            delta: 1.0,
            gap: 2.0,
            offset: 11.0,
            spread: 1.0,
            per_class: 20,
            rotate: false,
        }
    }
}

impl AffineSubspace {
    /// The orthonormal basis the points of this seed are built on: d rows of d numbers.
    ///
    /// Row 0 is e, the normal of the maximum-margin hyperplane; the last K rows are the r_k.
    /// Errors: `Value` if a setting is outside its range.
    pub fn basis(&self, seed: u64) -> Result<Vec<Vec<f64>>> {
        self.check()?;
        let rotation = self.rotation(seed);
        let axis = |place: usize| (0..self.ambient).map(|row| f64::from(u8::from(row == place))).collect::<Vec<_>>();
        Ok((0..self.ambient).map(|place| rotation.apply(axis(place))).collect())
    }

    fn rotation(&self, seed: u64) -> Rotation {
        if self.rotate { Rotation::random(self.ambient, seed) } else { Rotation(Vec::new()) }
    }

    fn check(&self) -> Result<()> {
        let finite = [self.delta, self.gap, self.offset, self.spread].iter().all(|value| value.is_finite());
        let wrong = if self.directions >= self.ambient {
            "directions below ambient"
        } else if !finite {
            "finite delta, gap, offset and spread"
        } else if self.gap <= 0.0 {
            "a gap above 0"
        } else if self.spread < 0.0 {
            "a spread of 0 or more"
        } else if self.per_class == 0 {
            "1 or more points per class"
        } else {
            return Ok(());
        };
        Err(Error::Value { op: OP, expected: wrong.into(), got: format!("{self:?}") })
    }
}

/// `per_class` points of each class in an affine subspace of R^d: `x` (2 `per_class`, d).
///
/// Along e, positives lie at `offset + gap/2` and beyond, negatives at `offset - gap/2` and beyond, half-normally; the other
/// directions of the subspace are normal around 0. The first point of each class lies on e itself, so these two are
/// exactly `gap` apart and the hard margin is gap/2 along e. Same settings and seed, same points.
/// Errors: `Value` if a setting is outside its range.
/// Source: Nar et al., arXiv:1901.08360, theorem 3; the points themselves are ours, the paper gives none.
pub fn affine_subspace(settings: &AffineSubspace, seed: u64) -> Result<Dataset> {
    settings.check()?;
    let rotation = settings.rotation(seed);
    let inside = settings.ambient - settings.directions;
    let mut stream = rng::stream(seed, "affine subspace points");
    let mut class = |side: f64| {
        let mut point = |number: usize| {
            let mut draw = || if number == 0 { 0.0 } else { settings.spread * normal(&mut stream) };
            let mut point = vec![settings.delta; settings.ambient];
            point[0] = settings.offset + side * (settings.gap / 2.0 + draw().abs());
            point[1..inside].fill_with(draw);
            rotation.apply(point)
        };
        (0..settings.per_class).map(&mut point).collect::<Vec<_>>()
    };
    let (pos, neg) = (class(1.0), class(-1.0));
    dataset("affine subspace", pos, neg)
}

/// An orthogonal matrix as a product of reflections, each given by its normal; the empty product is the identity.
struct Rotation(Vec<Vec<f64>>);

impl Rotation {
    /// A random one, uniformly distributed up to signs (Stewart 1980, SIAM J. Numer. Anal. 17, section 3): reflections that
    /// send a Gaussian vector of length d, d - 1, ..., 2 to its first axis.
    fn random(d: usize, seed: u64) -> Self {
        let mut stream = rng::stream(seed, "affine subspace basis");
        let normals = (2..=d).rev().map(|length| {
            let mut vector = (0..length).map(|_| normal(&mut stream)).collect::<Vec<f64>>();
            let norm = vector.iter().map(|value| value * value).sum::<f64>().sqrt();
            // The sign that cannot cancel.
            vector[0] += norm.copysign(vector[0]);
            vector
        });
        Self(normals.collect())
    }

    fn apply(&self, mut point: Vec<f64>) -> Vec<f64> {
        for normal in self.0.iter().rev() {
            let start = point.len() - normal.len();
            let tail = &mut point[start..];
            let (along, square) =
                tail.iter().zip(normal).fold((0.0, 0.0), |(along, square), (x, v)| (along + x * v, square + v * v));
            for (x, v) in tail.iter_mut().zip(normal) {
                *x -= 2.0 * along / square * v;
            }
        }
        point
    }
}
