//! Second derivatives pair by pair: σ'(x) = e / (1 + e)² with e = exp(-|x|), eight pairs at once, on all cores.
//!
//! Each side sums over the other on its own, so that the order of addition is the other side's. Cost O(m n), memory none.
//! At x = 0 a pair adds ¼.

use crate::loss::differential::points::{Points, Side};
use crate::loss::differential::simd::{Arithmetic, LANES, Lanes, Pack, Vectors, exp};
use crate::loss::differential::{Algo, Along, Curvature, Score};
use rayon::prelude::*;

/// What a pair takes on one core with AVX-512 (measured).
pub(crate) const NANOSECONDS_A_PAIR: f64 = 1.3;
// Fewer pairs than this take less time than waking a thread.
const PARALLEL: usize = 65_536;

/// Fills the product with `along`, or the diagonal.
pub(super) fn by_pairs<S: Score>(
    vectors: Vectors,
    points: &Points<S>,
    along: Option<Along>,
    of_s: &mut [f64],
    of_t: &mut [f64],
) -> Curvature {
    let small = of_s.len() * of_t.len() < PARALLEL;
    let factor = 1.0 / points.pairs();
    let turned = along.map(|(v, u)| (u, v));
    for (own, others, along, out) in [(&points.s, &points.t, along, of_s), (&points.t, &points.s, turned, of_t)] {
        let rows = |(at, out): (usize, &mut [f64])| {
            vectors.run(Rows { own, others, along, first: at * ROWS, factor, out });
        };
        if small {
            out.chunks_mut(ROWS).enumerate().for_each(rows);
        } else {
            out.par_chunks_mut(ROWS).enumerate().for_each(rows);
        }
    }
    // Beside the sums and the difference: exp twice, the division, the squares, the products with weights and direction.
    let certified_rel = points.rounding() + 12.0 * f64::EPSILON / 2.0;
    Curvature { log_scale: 0.0, certified_rel, algo: Algo::Rows }
}

// Points of `own` in one task: packs whose sums stay in registers.
const ROWS: usize = 4 * LANES;

struct Rows<'a, S> {
    own: &'a Side<'a, S>,
    others: &'a Side<'a, S>,
    /// The components of `own` and of `others`.
    along: Option<Along<'a>>,
    first: usize,
    factor: f64,
    out: &'a mut [f64],
}

impl<S: Score> Arithmetic for Rows<'_, S> {
    type Out = ();

    #[inline(always)]
    fn run<L: Lanes>(self) {
        let (zero, one) = (L::splat(0.0), L::splat(1.0));
        // Beyond the last point: the last again, not written.
        let point = |l: usize| self.first + l.min(self.out.len() - 1);
        let pack = |p: usize, value: &dyn Fn(usize) -> f64| {
            L::load(&Pack(std::array::from_fn(|l| value(point(p * LANES + l)))))
        };
        let (mut own, mut v, mut sums) = ([zero; 4], [one; 4], [zero; 4]);
        for p in 0..4 {
            own[p] = pack(p, &|at| self.own.scores[at].to_f64());
            if let Some((along, _)) = self.along {
                v[p] = pack(p, &|at| along[at]);
            }
        }
        for (j, other) in self.others.scores.iter().enumerate() {
            let other = L::splat(other.to_f64());
            let weight = L::splat(self.others.weight(j));
            let u = L::splat(self.along.map_or(0.0, |(_, u)| u[j]));
            for p in 0..4 {
                let x = other.sub(own[p]);
                let e = exp(x.min(zero.sub(x)));
                let inverse = one.div(one.add(e));
                let curvature = e.mul(inverse).mul(inverse);
                sums[p] = curvature.mul(weight).mul_add(v[p].sub(u), sums[p]);
            }
        }
        for (p, out) in self.out.chunks_mut(LANES).enumerate() {
            let mut pack = Pack::default();
            sums[p].mul(L::splat(self.factor)).store(&mut pack);
            for (l, out) in out.iter_mut().enumerate() {
                *out = self.own.weight(self.first + p * LANES + l) * pack.0[l];
            }
        }
    }
}
