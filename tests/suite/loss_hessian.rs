//! Second derivatives of the pair loss, and weights, on every engine.
//! Expected: tests/reference/hessian.py (mpmath) for the scores of pairs.json.

use serde_json::Value as Json;
use widemargin::loss::differential::{Algo, AllPairs, Boxes, Exact, PairLoss, Reference, Tol, Vectors};

fn engines() -> Vec<(String, Box<dyn PairLoss>)> {
    let mut engines: Vec<(String, Box<dyn PairLoss>)> = vec![("Reference".into(), Box::new(Reference))];
    for vectors in Vectors::available() {
        let mut add = |name: &str, engine| engines.push((format!("{name} on {vectors:?}"), engine));
        add("Exact", Box::new(Exact::with_vectors(vectors)) as Box<dyn PairLoss>);
        for tol in [Tol::Fine, Tol::Mid, Tol::Coarse] {
            add(&format!("Boxes {tol:?}"), Box::new(Boxes::with_vectors(tol, vectors)));
            add(&format!("AllPairs {tol:?}"), Box::new(AllPairs::with_vectors(tol, vectors)));
        }
        add("AllPairs Exact", Box::new(AllPairs::with_vectors(Tol::Exact, vectors)));
    }
    engines
}

// exp, log and the division round a few units more than the bound counts.
const ROUNDINGS: f64 = 64.0 * f64::EPSILON;

fn number(value: &Json) -> f64 {
    f64::from_bits(u64::from_str_radix(value.as_str().unwrap(), 16).unwrap())
}

fn numbers(value: &Json) -> Vec<f64> {
    value.as_array().unwrap().iter().map(number).collect()
}

fn direction(m: usize, n: usize) -> (Vec<f64>, Vec<f64>) {
    let v = (0..m).map(|i| ((7 * i) % 11) as f64 / 4.0 - 1.25).collect();
    (v, (0..n).map(|j| ((3 * j) % 7) as f64 / 2.0 - 1.5).collect())
}

fn weights(m: usize, n: usize) -> (Vec<f64>, Vec<f64>) {
    let p = (0..m).map(|i| ((5 * i) % 4 + usize::from(i == 0)) as f64 / 2.0).collect();
    (p, (0..n).map(|j| (1 + j % 3) as f64).collect())
}

fn draw(seed: u64, m: usize, n: usize, scale: f64) -> (Vec<f64>, Vec<f64>) {
    use rand::RngCore;
    let mut rng = widemargin::rng::stream(seed, "test");
    let mut side = |count| (0..count).map(|_| (rng.next_u32() as f64 / 2f64.powi(31) - 1.0) * scale).collect();
    (side(m), side(n))
}

/// Both sides, one after the other, and the bound.
fn product(engine: &mut dyn PairLoss, s: &[f64], t: &[f64], v: &[f64], u: &[f64]) -> (Vec<f64>, f64) {
    let (mut of_s, mut of_t) = (vec![f64::NAN; s.len()], vec![f64::NAN; t.len()]);
    let curvature = engine.hessian_product(s, t, None, (v, u), &mut of_s, &mut of_t).unwrap();
    assert_eq!(curvature.log_scale, 0.0);
    of_s.extend(of_t);
    (of_s, curvature.certified_rel)
}

/// What an engine's vectors are compared with: vectors in units of the loss, given as itself and its logarithm.
struct Expected {
    log: f64,
    loss: f64,
    what: String,
}

impl Expected {
    /// `got`, in units of exp(`log_scale`), for `expected`, within `bound` times `terms`.
    fn assert_near(&self, (got, log_scale): (&[f64], f64), expected: &[f64], terms: &[f64], bound: f64) {
        let unit = if log_scale == 0.0 { self.loss } else { (self.log - log_scale).exp() };
        for ((got, expected), terms) in got.iter().zip(expected).zip(terms) {
            let close = (got - expected * unit).abs() <= bound * terms * unit;
            let what = &self.what;
            assert!(
                close || (terms * unit < 1e-290 && got.abs() < 1e-280),
                "{what}: {got:e} for {:e}",
                expected * unit
            );
        }
    }
}

#[test]
fn every_engine_is_inside_its_bound_on_the_reference_cases() {
    let cases: Json = serde_json::from_str(include_str!("../reference/hessian.json")).unwrap();
    let scores: Json = serde_json::from_str(include_str!("../reference/pairs.json")).unwrap();
    for (at, case) in cases.as_array().unwrap().iter().enumerate() {
        let (s, t) = (numbers(&scores[at / 2]["s"]), numbers(&scores[at / 2]["t"]));
        assert_eq!(case["name"], scores[at / 2]["name"]);
        let (p, q) = weights(s.len(), t.len());
        let (v, u) = direction(s.len(), t.len());
        let weights = case["weighted"].as_bool().unwrap().then_some((&p[..], &q[..]));
        let (log, loss) = (number(&case["log"]), number(&case["loss"]));
        for (name, engine) in &mut engines() {
            let what = format!("{} by {name}, weights: {}", case["name"], case["weighted"]);
            let reference = Expected { log, loss, what };
            let (mut of_s, mut of_t) = (vec![f64::NAN; s.len()], vec![f64::NAN; t.len()]);
            let both = |of_s: &[f64], of_t: &[f64]| [of_s, of_t].concat();

            let diagonal = engine.hessian_diagonal(&s, &t, weights, &mut of_s, &mut of_t).unwrap();
            let (expected, bound) = (numbers(&case["diagonal"]), diagonal.certified_rel + ROUNDINGS);
            assert!(bound < 1e-11 || diagonal.algo == Algo::Boxes, "{}: {bound:e}", reference.what);
            // exp(log - log_scale) carries the rounding of both logarithms.
            let shift = if diagonal.log_scale == 0.0 { 0.0 } else { 2.0 * log.abs() * f64::EPSILON };
            let got = (&both(&of_s, &of_t)[..], diagonal.log_scale);
            reference.assert_near(got, &expected, &expected, bound + shift);

            let product = engine.hessian_product(&s, &t, weights, (&v, &u), &mut of_s, &mut of_t).unwrap();
            let (expected, terms) = (numbers(&case["product"]), numbers(&case["terms"]));
            let bound = product.certified_rel + ROUNDINGS + shift;
            reference.assert_near((&both(&of_s, &of_t), product.log_scale), &expected, &terms, bound);

            if let Some(weights) = weights {
                let value = engine.evaluate_weighted(&s, &t, weights, &mut of_s, &mut of_t).unwrap();
                let (expected, bound) = (numbers(&case["gradient"]), value.certified_rel + ROUNDINGS + shift);
                let terms: Vec<f64> = expected.iter().map(|g| g.abs()).collect();
                reference.assert_near((&both(&of_s, &of_t), value.grad_log_scale), &expected, &terms, bound);
                reference.assert_near((&[value.mean], 0.0), &[1.0], &[1.0], bound);
            }
        }
    }
}

#[test]
fn the_product_is_the_derivative_of_the_gradient() {
    let (s, t) = draw(1, 9, 7, 3.0);
    let (v, u) = direction(9, 7);
    for (name, engine) in &mut engines() {
        let (got, _) = product(engine.as_mut(), &s, &t, &v, &u);
        let h = 1e-5;
        let gradient = |sign: f64| {
            let moved =
                |x: &[f64], along: &[f64]| x.iter().zip(along).map(|(x, v)| x + sign * h * v).collect::<Vec<_>>();
            let (_, in_s, in_t) = Reference.loss_and_grads(&moved(&s, &v), &moved(&t, &u)).unwrap();
            [in_s, in_t].concat()
        };
        for ((above, below), got) in gradient(1.0).iter().zip(gradient(-1.0)).zip(&got) {
            // Central differences: h² / 6 · fourth derivative · |v|³ + 2^-53 / h; Coarse adds 5e-7.
            let tolerance = if name.contains("Coarse") { 1e-6 } else { 1e-9 };
            assert!(((above - below) / (2.0 * h) - got).abs() < tolerance, "{name}: {got}");
        }
    }
}

#[test]
fn the_hessian_is_symmetric_positive_and_kills_constants() {
    for seed in 0..12 {
        let (s, t) = draw(seed, 41, 53, 10f64.powi(seed as i32 % 6 - 2));
        let ((a_s, a_t), (b_s, b_t)) = (draw(seed + 100, 41, 53, 1.0), draw(seed + 200, 41, 53, 1.0));
        let dot =
            |x: &[f64], y_s: &[f64], y_t: &[f64]| x.iter().zip(y_s.iter().chain(y_t)).map(|(a, b)| a * b).sum::<f64>();
        for (name, engine) in &mut engines() {
            let (by_a, bound) = product(engine.as_mut(), &s, &t, &a_s, &a_t);
            let (by_b, _) = product(engine.as_mut(), &s, &t, &b_s, &b_t);
            let (by_one, _) = product(engine.as_mut(), &s, &t, &[1.0; 41], &[1.0; 53]);
            let (mut of_s, mut of_t) = ([0.0; 41], [0.0; 53]);
            engine.hessian_diagonal(&s, &t, None, &mut of_s, &mut of_t).unwrap();
            // Every term is at most 2 for directions in [-1, 1]; components sum to at most twice the diagonal's.
            let total: f64 = of_s.iter().chain(&of_t).sum();
            let slack = 4.0 * (bound + ROUNDINGS) * total;
            assert!(of_s.iter().chain(&of_t).all(|d| *d >= 0.0), "{name}");
            assert!((dot(&by_a, &b_s, &b_t) - dot(&by_b, &a_s, &a_t)).abs() <= slack, "{name}");
            assert!(dot(&by_a, &a_s, &a_t) >= -slack, "{name}");
            for (by_one, d) in by_one.iter().zip(of_s.iter().chain(&of_t)) {
                assert!(by_one.abs() <= 2.0 * (bound + ROUNDINGS) * d, "{name}: {by_one:e}");
            }
        }
    }
}

#[test]
fn a_whole_weight_is_a_repeated_score_and_weight_zero_none() {
    let (s, t) = draw(3, 12, 15, 4.0);
    let p: Vec<f64> = (0..12).map(|i| f64::from(i % 4)).collect();
    let q: Vec<f64> = (0..15).map(|j| f64::from(1 + j % 2)).collect();
    let repeat = |x: &[f64], w: &[f64]| x.iter().zip(w).flat_map(|(x, w)| vec![*x; *w as usize]).collect::<Vec<f64>>();
    let (loss, in_s, in_t) = Reference.loss_and_grads(&repeat(&s, &p), &repeat(&t, &q)).unwrap();
    for (name, engine) in &mut engines() {
        let (mut weighted_s, mut weighted_t) = (vec![0.0; 12], vec![0.0; 15]);
        let value = engine.evaluate_weighted(&s, &t, (&p, &q), &mut weighted_s, &mut weighted_t).unwrap();
        let tolerance = value.certified_rel + ROUNDINGS;
        assert!((value.mean / loss - 1.0).abs() <= tolerance, "{name}");
        for (weighted, weights, repeated) in [(&weighted_s, &p, &in_s), (&weighted_t, &q, &in_t)] {
            let mut repeated = repeated.iter();
            for (g, w) in weighted.iter().zip(weights) {
                // Copies have equal gradients; the weighted one is their sum.
                let expected: f64 = repeated.by_ref().take(*w as usize).sum();
                assert!((g - expected).abs() <= tolerance * expected.abs(), "{name}: {g:e} for {expected:e}");
            }
        }
    }
}

#[test]
fn bad_weights_and_directions_are_named() {
    for (_, engine) in &mut engines() {
        let (mut of_s, mut of_t) = ([0.0; 2], [0.0; 1]);
        let mut weighted = |p: &[f64], q: &[f64]| {
            engine.evaluate_weighted(&[1.0, 2.0], &[0.0], (p, q), &mut of_s, &mut of_t).unwrap_err().to_string()
        };
        assert!(weighted(&[1.0, -1.0], &[1.0]).ends_with("got -1 at positive 1"));
        assert!(weighted(&[f64::NAN, 1.0], &[1.0]).ends_with("got NaN at positive 0"));
        assert!(weighted(&[1.0, 1.0], &[f64::INFINITY]).ends_with("got inf at negative 0"));
        assert!(weighted(&[0.0, 0.0], &[1.0]).contains("weights of the positives with a sum above 0"));
        assert!(weighted(&[1.0], &[1.0]).contains("a weight for each of 2 positives, got 1"));
        let mut along = |v: &[f64], u: &[f64]| {
            engine.hessian_product(&[1.0, 2.0], &[0.0], None, (v, u), &mut of_s, &mut of_t).unwrap_err().to_string()
        };
        assert!(along(&[1.0, f64::NAN], &[1.0]).ends_with("got NaN at positive 1"));
        assert!(along(&[1.0, 1.0], &[1e101]).contains("at most 1e100"));
        assert!(along(&[1.0], &[1.0]).contains("a direction of 2 for the positives, got 1"));
    }
}
