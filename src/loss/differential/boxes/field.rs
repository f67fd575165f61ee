//! The sums over all sources of functions of source - target, at the nodes of every target's box.
//!
//! Near boxes by the tables, far ones by two scans, one along rising and one along falling boxes: every term is
//! positive, counts are exact. Cost about 600 multiply-adds of 8 lanes for a target's box, whatever the number of points.

use super::kernel::{Kernel, PACKS, Width};
use crate::loss::differential::simd::{Arithmetic, LANES, Lanes, Pack};

/// The boxes of one side that hold points, by rising number.
#[derive(Clone, Debug, Default)]
pub(super) struct Boxes {
    /// Their numbers, whole.
    pub(super) numbers: Vec<f64>,
    /// Sums over a box's points of the basis, then of Lagrange's polynomials: weights of the nodes.
    pub(super) nodes: Vec<Pack>,
    /// Sum of weights, and of weight · u.
    pub(super) sums: Vec<[f64; 2]>,
}

/// Fills `out` for each of `N` kernels.
pub(super) struct Field<'a, const N: usize> {
    pub(super) width: &'a Width,
    pub(super) kernels: [&'a Kernel; N],
    pub(super) sources: &'a Boxes,
    pub(super) targets: &'a [f64],
    pub(super) out: [&'a mut [Pack]; N],
}

impl<const N: usize> Arithmetic for Field<'_, N> {
    type Out = ();

    #[inline(always)]
    fn run<L: Lanes>(mut self) {
        self.near::<L>();
        self.far::<L, false>();
        self.far::<L, true>();
    }
}

impl<const N: usize> Field<'_, N> {
    #[inline(always)]
    fn near<L: Lanes>(&mut self) {
        let near = self.width.near;
        let mut first = 0;
        for (at, target) in self.targets.iter().enumerate() {
            while first < self.sources.numbers.len() && self.sources.numbers[first] < target - near {
                first += 1;
            }
            let mut sums = [[L::splat(0.0); 4]; N];
            for (number, nodes) in self.sources.numbers[first..].iter().zip(&self.sources.nodes[first..]) {
                let distance = number - target;
                if distance > near {
                    break;
                }
                for q in 0..LANES {
                    let weight = L::splat(nodes.0[q]);
                    for n in 0..N {
                        let row = L::load(&self.kernels[n].near[(distance + near) as usize][q]);
                        sums[n][q % 4] = weight.mul_add(row, sums[n][q % 4]);
                    }
                }
            }
            for n in 0..N {
                let [a, b, c, d] = sums[n];
                a.add(b).add(c.add(d)).store(&mut self.out[n][at]);
            }
        }
    }

    /// Sources more than `near` boxes below each target, or above.
    #[inline(always)]
    fn far<L: Lanes, const ABOVE: bool>(&mut self) {
        let (width, side) = (self.width, usize::from(ABOVE));
        let sources = self.sources.numbers.len();
        // In units of the box of the last target: the sums over far sources of weight · exp(-k |x|), of weights, and of
        // weight · x.
        let mut series = [Pack::default(); PACKS];
        let (mut count, mut linear) = (0.0, 0.0);
        let mut entered = 0;
        let mut last = f64::NAN;
        for step in 0..self.targets.len() {
            let at = if ABOVE { self.targets.len() - 1 - step } else { step };
            let target = self.targets[at];
            if entered > 0 {
                let gap = (target - last).abs();
                multiply::<L>(&mut series, &width.decay(gap));
                linear += gap * width.h * count;
            }
            last = target;
            while entered < sources {
                let source = if ABOVE { sources - 1 - entered } else { entered };
                let distance = (self.sources.numbers[source] - target) * if ABOVE { 1.0 } else { -1.0 };
                if distance <= width.near {
                    break;
                }
                entered += 1;
                let nodes = &self.sources.nodes[source];
                let decay = width.decay(distance);
                for p in 0..PACKS {
                    let mut sums = [L::splat(0.0); 2];
                    for q in 0..LANES {
                        let factor = L::load(&width.sources[side][q][p]);
                        sums[q % 2] = L::splat(nodes.0[q]).mul_add(factor, sums[q % 2]);
                    }
                    sums[0].add(sums[1]).mul_add(L::load(&decay[p]), L::load(&series[p])).store(&mut series[p]);
                }
                let [weight, moment] = self.sources.sums[source];
                count += weight;
                linear += distance * width.h * weight + moment * width.h / 2.0;
            }
            if entered > 0 {
                for n in 0..N {
                    let mut terms = series;
                    multiply::<L>(&mut terms, &self.kernels[n].series[side]);
                    let out = &mut self.out[n][at];
                    let mut sums = [L::load(out), L::splat(self.kernels[n].constant[side] * count)];
                    for k in 0..LANES * PACKS {
                        let factor = L::load(&width.targets[side][k]);
                        sums[k % 2] = L::splat(terms[k / LANES].0[k % LANES]).mul_add(factor, sums[k % 2]);
                    }
                    if ABOVE && self.kernels[n].linear {
                        // x = distance of the boxes' centres - u h / 2 of the target.
                        let shift = L::splat(-count * width.h / 2.0);
                        sums[1] = L::load(&width.nodes).mul_add(shift, sums[1]).add(L::splat(linear));
                    }
                    sums[0].add(sums[1]).store(out);
                }
            }
        }
    }
}

#[inline(always)]
fn multiply<L: Lanes>(packs: &mut [Pack; PACKS], factors: &[Pack; PACKS]) {
    for p in 0..PACKS {
        L::load(&packs[p]).mul(L::load(&factors[p])).store(&mut packs[p]);
    }
}
