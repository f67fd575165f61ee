//! What is summed over pairs of boxes: a function of x = source - target, in tables for near boxes, as a series for far.
//!
//! Near: |x| < 2 may happen; values at all pairs of nodes for each distance in boxes, the same everywhere.
//! Far, |x| ≥ 2: softplus(x) = [x > 0] x + sum_k (-1)^(k-1) exp(-k |x|) / k, its derivatives term by term, 16 terms. In
//! a term source and target part: exp(-k |x|) = exp(-k · boxes between · h) · exp(± k source / 2 h) · exp(∓ k target / 2 h).

use super::basis::{lagrange, nodes, turned};
use crate::loss::cross_entropy::{sigmoid, softplus};
use crate::loss::differential::simd::{LANES, Pack};

/// Terms of the series, in packs.
pub(super) const PACKS: usize = 2;
/// From this distance on the series is used.
pub(super) const FAR: f64 = 2.0;
const GAPS: usize = 64;

/// A function of source - target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Function {
    Softplus,
    /// sigmoid(x): the slope in the target's favour.
    Slope,
    /// sigmoid(-x).
    Opposite,
    /// sigmoid(x) sigmoid(-x).
    Curvature,
}

impl Function {
    fn at(self, x: f64) -> f64 {
        match self {
            Function::Softplus => softplus(x),
            Function::Slope => sigmoid(x),
            Function::Opposite => sigmoid(-x),
            Function::Curvature => sigmoid(x) * sigmoid(-x),
        }
    }

    /// The factor of exp(-k |x|), for x > 0 if `above`.
    fn term(self, k: usize, above: bool) -> f64 {
        let (sign, k) = (if k % 2 == 1 { 1.0 } else { -1.0 }, k as f64);
        match (self, above) {
            (Function::Softplus, _) => sign / k,
            (Function::Slope, false) | (Function::Opposite, true) => sign,
            (Function::Slope, true) | (Function::Opposite, false) => -sign,
            (Function::Curvature, _) => sign * k,
        }
    }
}

/// One function at one width of boxes.
pub(super) struct Kernel {
    /// Values at \[distance + near\]\[source node\] in a pack over target nodes.
    pub(super) near: Vec<[Pack; LANES]>,
    /// Factors of the series' terms, for sources below and above.
    pub(super) series: [[Pack; PACKS]; 2],
    /// What is added for each far source, below and above.
    pub(super) constant: [f64; 2],
    /// Whether x itself is added for far sources above.
    pub(super) linear: bool,
}

/// What all functions share at one width.
pub(super) struct Width {
    pub(super) h: f64,
    /// The largest distance, in boxes, that is near.
    pub(super) near: f64,
    /// exp(k u h / 2) for a source below at node \[q\] in packs over k, and exp(-k u h / 2) for one above.
    pub(super) sources: [[[Pack; PACKS]; LANES]; 2],
    /// The other factor for a target: at \[k - 1\] in a pack over its nodes.
    pub(super) targets: [[Pack; LANES * PACKS]; 2],
    gaps: Vec<[Pack; PACKS]>,
    pub(super) nodes: Pack,
    /// Coefficient of a basis function in a node's polynomial at \[basis\]\[node\], and at \[node\]\[basis\].
    pub(super) to_nodes: [Pack; LANES],
    pub(super) to_basis: [Pack; LANES],
    pub(super) softplus: Kernel,
    pub(super) slope: Kernel,
    pub(super) opposite: Kernel,
    pub(super) curvature: Kernel,
}

impl Width {
    /// `h`: a power of two, at most 2.
    pub(super) fn new(h: f64) -> Self {
        let u = nodes();
        let k = |pack: usize, lane: usize| (LANES * pack + lane + 1) as f64;
        let sources = [1.0, -1.0].map(|sign| {
            std::array::from_fn(|q| {
                std::array::from_fn(|p| Pack(std::array::from_fn(|l| (sign * k(p, l) * u[q] * h / 2.0).exp())))
            })
        });
        let targets = [-1.0, 1.0].map(|sign| {
            std::array::from_fn(|at| Pack(std::array::from_fn(|p| (sign * (at + 1) as f64 * u[p] * h / 2.0).exp())))
        });
        let gaps = (0..GAPS).map(|gap| decay(h, gap as f64)).collect();
        let near = (FAR / h) as i32;
        let kernel = |function: Function| Kernel {
            near: (-near..=near)
                .map(|d| {
                    let at = |q: usize, p: usize| function.at(f64::from(d) * h + (u[q] - u[p]) * h / 2.0);
                    std::array::from_fn(|q| Pack(std::array::from_fn(|p| at(q, p))))
                })
                .collect(),
            series: [false, true].map(|above| {
                std::array::from_fn(|p| Pack(std::array::from_fn(|l| function.term(LANES * p + l + 1, above))))
            }),
            constant: match function {
                Function::Slope => [0.0, 1.0],
                Function::Opposite => [1.0, 0.0],
                Function::Softplus | Function::Curvature => [0.0, 0.0],
            },
            linear: function == Function::Softplus,
        };
        Width {
            h,
            near: f64::from(near),
            sources,
            targets,
            gaps,
            nodes: Pack(u),
            to_nodes: lagrange(),
            to_basis: turned(&lagrange()),
            softplus: kernel(Function::Softplus),
            slope: kernel(Function::Slope),
            opposite: kernel(Function::Opposite),
            curvature: kernel(Function::Curvature),
        }
    }

    /// exp(-k · gap · h) for each k.
    #[inline(always)]
    pub(super) fn decay(&self, gap: f64) -> [Pack; PACKS] {
        // Not `get`: a gap may be larger than any integer.
        if gap < GAPS as f64 { self.gaps[gap as usize] } else { decay(self.h, gap) }
    }
}

fn decay(h: f64, gap: f64) -> [Pack; PACKS] {
    let factor = (-gap * h).exp();
    let mut power = 1.0;
    std::array::from_fn(|_| {
        Pack(std::array::from_fn(|_| {
            power *= factor;
            power
        }))
    })
}
