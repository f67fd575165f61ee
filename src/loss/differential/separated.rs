//! The pair loss when every positive outranks every negative by far: the log domain, linear time.
//!
//! With Δ = min s - max t > 0 and λ = exp(-Δ) the series of log(1 + x) splits into sums over one side each:
//!     L = 1/(m n) · sum_k (-1)^(k-1) λ^k / k · A_k B_k,   A_k = sum_j exp(k (t_j - max t)), B_k = sum_i exp(k (min s - s_i)).
//! Returned are log L and the gradient of log L, so that L's is exp(log L) times it: at margin 2000, where L and its
//! gradient are 0 in f64, log L is -2000 and the direction is whole. s: (m,), t: (n,); cost O(m + n).
//!
//! Error: 38 / Δ terms leave e^-38 = 3e-17; at Δ ≥ 8 the first term is at least 2,900 times the rest, so nothing
//! cancels. Sums of m and n positive numbers round m + n times at most; exp(log L) adds |log L| · 2^-53.
//! Source: the series of log(1 + x); the direction is softmax(-s) and softmax(t) to O(λ) (arXiv:1901.08360, section 3).

use super::exact::Factors;
use super::points::Points;
use super::simd::{Arithmetic, LANES, Lanes, Pack, Vectors};
use super::{Algo, Along, Curvature, Score, Value};

/// The smallest margin this engine is asked for: five terms of the series.
pub(super) const MARGIN: f64 = 8.0;
const TERMS: usize = 5;

/// exp(min s - s) and exp(t - max t), kept from call to call.
#[derive(Clone, Debug, Default)]
pub(super) struct Separated {
    b: Vec<Pack>,
    a: Vec<Pack>,
    /// For second derivatives, weights times a direction.
    directed: Vec<f64>,
}

impl Separated {
    pub(super) fn workspace_bytes(&self) -> usize {
        (self.a.capacity() + self.b.capacity()) * size_of::<Pack>() + 8 * self.directed.capacity()
    }

    /// Fills both gradients of log L; the margin is at least [`MARGIN`].
    pub(super) fn run<S: Score>(
        &mut self,
        vectors: Vectors,
        points: &Points<S>,
        in_s: &mut [S],
        in_t: &mut [S],
    ) -> Value {
        let Series { weights, a, b, series, margin, lambda } = self.series(vectors, points);
        let (s, t) = (&points.s, &points.t);
        let c = std::array::from_fn(|k| -weights[k] * a[k] / series);
        vectors.run(Slopes { values: &self.b, c, weights: s.weights, out: in_s });
        let c = std::array::from_fn(|k| weights[k] * b[k] / series);
        vectors.run(Slopes { values: &self.a, c, weights: t.weights, out: in_t });
        let log_mean = log_mean(points, series, margin);
        Value {
            mean: lambda * series / points.pairs(),
            log_mean,
            grad_log_scale: log_mean,
            certified_rel: rounding(points, log_mean),
            algo: Algo::Separated,
        }
    }

    /// Fills the Hessian's product with `along`, or its diagonal, in units of L; the margin is at least [`MARGIN`].
    ///
    /// σ'(x) = sum_k (-1)^(k-1) k exp(k x), with x = t - s, splits as the loss does.
    pub(super) fn second<S: Score>(
        &mut self,
        vectors: Vectors,
        points: &Points<S>,
        along: Option<Along>,
        of_s: &mut [f64],
        of_t: &mut [f64],
    ) -> Curvature {
        let Series { weights, a, b, series, margin, .. } = self.series(vectors, points);
        let scaled = |sums: [f64; TERMS]| std::array::from_fn(|k| weights[k] * sums[k] / series);
        let turned = along.map(|(v, u)| (u, v));
        for (values, c, side, (other_values, other), along, out) in [
            (&self.b, a, &points.s, (&self.a, &points.t), along, of_s),
            (&self.a, b, &points.t, (&self.b, &points.s), turned, of_t),
        ] {
            let along = along.map(|(own, others)| {
                self.directed.clear();
                self.directed.extend(others.iter().enumerate().map(|(at, u)| other.weight(at) * u));
                let sums = vectors.run(PowerSums { values: other_values, weights: Some(&self.directed) });
                (own, scaled(sums))
            });
            vectors.run(Curvatures { values, c: scaled(c), along, weights: side.weights, out });
        }
        let log_scale = log_mean(points, series, margin);
        Curvature { log_scale, certified_rel: rounding(points, log_scale), algo: Algo::Separated }
    }

    /// The sums of both sides; their factors stay in `a` and `b`.
    fn series<S: Score>(&mut self, vectors: Vectors, points: &Points<S>) -> Series {
        let (s, t) = (&points.s, &points.t);
        let margin = difference(s.low, t.high);
        vectors.run(Factors { scores: s.scores, centre: s.low, sign: -1.0, unit: 1, out: &mut self.b });
        vectors.run(Factors { scores: t.scores, centre: t.high, sign: 1.0, unit: 1, out: &mut self.a });
        let b = vectors.run(PowerSums { values: &self.b, weights: s.weights });
        let a = vectors.run(PowerSums { values: &self.a, weights: t.weights });
        let e = (-margin.0).exp();
        let lambda = e - e * margin.1;
        let (mut series, mut weights, mut weight) = (0.0, [0.0; TERMS], 1.0);
        for k in 0..TERMS {
            weights[k] = weight;
            series += weight * a[k] * b[k] / (k + 1) as f64;
            weight *= -lambda;
        }
        Series { weights, a, b, series, margin, lambda }
    }
}

struct Series {
    /// (-1)^(k-1) λ^(k-1).
    weights: [f64; TERMS],
    a: [f64; TERMS],
    b: [f64; TERMS],
    /// L m n / λ.
    series: f64,
    /// Δ and what rounding took from it.
    margin: (f64, f64),
    lambda: f64,
}

fn log_mean<S: Score>(points: &Points<S>, series: f64, margin: (f64, f64)) -> f64 {
    (series / points.pairs()).ln() - margin.1 - margin.0
}

fn rounding<S: Score>(points: &Points<S>, log_mean: f64) -> f64 {
    (points.count() as f64 / LANES as f64 + log_mean.abs() + 64.0) * f64::EPSILON / 2.0
}

/// Of each value x its weight times the sum over k of (k + 1) (v c_k - d_k) x^(k+1), v its component of a direction.
struct Curvatures<'a> {
    values: &'a [Pack],
    c: [f64; TERMS],
    /// The direction's components and d; without, v is 1 and d is 0.
    along: Option<(&'a [f64], [f64; TERMS])>,
    weights: Option<&'a [f64]>,
    out: &'a mut [f64],
}

impl Arithmetic for Curvatures<'_> {
    type Out = ();

    #[inline(always)]
    fn run<L: Lanes>(self) {
        for (at, (value, out)) in self.values.iter().zip(self.out.chunks_mut(LANES)).enumerate() {
            let x = L::load(value);
            let (v, d) = match self.along {
                Some((along, d)) => (weight(along, at), d),
                None => (L::splat(1.0), [0.0; TERMS]),
            };
            let mut sum = L::splat(0.0);
            for k in (0..TERMS).rev() {
                let term = v.mul(L::splat(self.c[k])).sub(L::splat(d[k])).mul(L::splat((k + 1) as f64));
                sum = sum.mul_add(x, term);
            }
            sum = sum.mul(x);
            if let Some(weights) = self.weights {
                sum = sum.mul(weight(weights, at));
            }
            let mut pack = Pack::default();
            sum.store(&mut pack);
            out.copy_from_slice(&pack.0[..out.len()]);
        }
    }
}

/// a - b and what rounding took from it; their sum is the difference itself.
fn difference(a: f64, b: f64) -> (f64, f64) {
    let d = a - b;
    let back = d - a;
    (d, (a - (d - back)) - (b + back))
}

/// The sums of the values' powers 1 to [`TERMS`].
struct PowerSums<'a> {
    values: &'a [Pack],
    weights: Option<&'a [f64]>,
}

impl Arithmetic for PowerSums<'_> {
    type Out = [f64; TERMS];

    #[inline(always)]
    fn run<L: Lanes>(self) -> Self::Out {
        let mut sums = [L::splat(0.0); LANES];
        for (at, value) in self.values.iter().enumerate() {
            let value = L::load(value);
            let mut power = match self.weights {
                Some(weights) => weight(weights, at),
                None => L::splat(1.0),
            };
            for sum in &mut sums[..TERMS] {
                power = power.mul(value);
                *sum = sum.add(power);
            }
        }
        let mut out = Pack::default();
        L::sums(&sums).store(&mut out);
        std::array::from_fn(|k| out.0[k])
    }
}

/// Of each value x its weight times the sum over k of c_k x^(k+1).
struct Slopes<'a, S> {
    values: &'a [Pack],
    c: [f64; TERMS],
    weights: Option<&'a [f64]>,
    out: &'a mut [S],
}

impl<S: Score> Arithmetic for Slopes<'_, S> {
    type Out = ();

    #[inline(always)]
    fn run<L: Lanes>(self) {
        for (at, (value, out)) in self.values.iter().zip(self.out.chunks_mut(LANES)).enumerate() {
            let x = L::load(value);
            let mut slope = L::splat(self.c[TERMS - 1]);
            for c in self.c[..TERMS - 1].iter().rev() {
                slope = slope.mul_add(x, L::splat(*c));
            }
            slope = slope.mul(x);
            if let Some(weights) = self.weights {
                slope = slope.mul(weight(weights, at));
            }
            let mut pack = Pack::default();
            slope.store(&mut pack);
            out.iter_mut().zip(pack.0).for_each(|(out, slope)| *out = S::from_f64(slope));
        }
    }
}

/// The weights of the pack's eight points, 0 beyond the last.
#[inline(always)]
fn weight<L: Lanes>(weights: &[f64], pack: usize) -> L {
    let weights = &weights[pack * LANES..weights.len().min((pack + 1) * LANES)];
    let mut of_pack = Pack::default();
    of_pack.0[..weights.len()].copy_from_slice(weights);
    L::load(&of_pack)
}
