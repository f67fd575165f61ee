//! The fast engines of the pair loss against 60-digit numbers and against each other.
//! Expected: tests/reference/pairs.py (mpmath).

use serde_json::Value as Json;
use std::hash::{Hash, Hasher};
use widemargin::loss::differential::{Algo, AllPairs, Boxes, Exact, PairLoss, Reference, Tol, Value, Vectors};

/// Every engine, on every kind of vectors of this processor.
fn engines() -> Vec<(String, Box<dyn PairLoss>)> {
    let mut engines: Vec<(String, Box<dyn PairLoss>)> = vec![("Reference".into(), Box::new(Reference))];
    for vectors in Vectors::available() {
        let mut add = |name: String, engine| engines.push((format!("{name} on {vectors:?}"), engine));
        add("Exact".into(), Box::new(Exact::with_vectors(vectors)) as Box<dyn PairLoss>);
        for tol in [Tol::Fine, Tol::Mid, Tol::Coarse] {
            add(format!("Boxes {tol:?}"), Box::new(Boxes::with_vectors(tol, vectors)));
            add(format!("AllPairs {tol:?}"), Box::new(AllPairs::with_vectors(tol, vectors)));
        }
        add("AllPairs Exact".into(), Box::new(AllPairs::with_vectors(Tol::Exact, vectors)));
    }
    engines
}

fn all_pairs() -> AllPairs {
    AllPairs::default()
}

// exp, log and the division round a few units more than the bound counts.
const ROUNDINGS: f64 = 64.0 * f64::EPSILON;

fn evaluate(engine: &mut dyn PairLoss, s: &[f64], t: &[f64]) -> (Value, Vec<f64>, Vec<f64>) {
    let (mut in_s, mut in_t) = (vec![f64::NAN; s.len()], vec![f64::NAN; t.len()]);
    let value = engine.evaluate(s, t, &mut in_s, &mut in_t).unwrap();
    (value, in_s, in_t)
}

fn number(value: &Json) -> f64 {
    f64::from_bits(u64::from_str_radix(value.as_str().unwrap(), 16).unwrap())
}

fn numbers(value: &Json) -> Vec<f64> {
    value.as_array().unwrap().iter().map(number).collect()
}

fn draw(seed: u64, m: usize, n: usize, scale: f64) -> (Vec<f64>, Vec<f64>) {
    use rand::RngCore;
    let mut rng = widemargin::rng::stream(seed, "test");
    let mut side = |count| (0..count).map(|_| (rng.next_u32() as f64 / 2f64.powi(31) - 1.0) * scale).collect();
    (side(m), side(n))
}

/// Relative; below 1e-290 a number only has to be below 1e-280.
fn assert_close(got: f64, expected: f64, tolerance: f64, what: &str) {
    let close = (got - expected).abs() <= tolerance * expected.abs();
    assert!(close || (expected.abs() < 1e-290 && got.abs() < 1e-280), "{what}: {got:e} for {expected:e}");
}

/// The relative error, 0 where numbers below 1e-290 only have to be below 1e-280.
fn error(got: f64, expected: f64) -> f64 {
    if expected.abs() < 1e-290 && got.abs() < 1e-280 { 0.0 } else { (got - expected).abs() / expected.abs() }
}

/// The conformance table; `--nocapture` shows it.
#[test]
fn the_loss_and_every_component_are_inside_the_returned_bound() {
    let cases: Json = serde_json::from_str(include_str!("../reference/pairs.json")).unwrap();
    println!("{:<30} {:>5} {:>10} {:>10} {:>10}", "engine", "cases", "loss", "log loss", "component");
    for (name, engine) in &mut engines() {
        let mut worst: [f64; 3] = [0.0; 3];
        for case in cases.as_array().unwrap() {
            let (s, t) = (numbers(&case["s"]), numbers(&case["t"]));
            let (value, in_s, in_t) = evaluate(engine.as_mut(), &s, &t);
            let what = format!("{} by {name}", case["name"]);
            assert!(value.certified_rel < 1e-11 || value.algo == Algo::Boxes, "{what}: {:e}", value.certified_rel);
            let tolerance = value.certified_rel + ROUNDINGS;
            let mut check = |column: usize, error: f64| {
                assert!(error <= tolerance, "{what}: {error:e} above {tolerance:e} in column {column}");
                worst[column] = worst[column].max(error);
            };
            check(0, error(value.mean, number(&case["loss"])));
            if value.mean > 1e-290 || value.grad_log_scale != 0.0 {
                let log = number(&case["log"]);
                check(1, (value.log_mean - log).abs() / (1.0 + log.abs()));
            }
            let scaled = value.algo == Algo::Separated;
            let names = if scaled { ["log_in_s", "log_in_t"] } else { ["in_s", "in_t"] };
            let expected = numbers(&case[names[0]]).into_iter().chain(numbers(&case[names[1]]));
            in_s.iter().chain(&in_t).zip(expected).for_each(|(got, expected)| check(2, error(*got, expected)));
            let (_, in_s, in_t) = engine.loss_and_grads(&s, &t).unwrap();
            let expected = numbers(&case["in_s"]).into_iter().chain(numbers(&case["in_t"]));
            in_s.iter().chain(&in_t).zip(expected).for_each(|(got, expected)| check(2, error(*got, expected)));
        }
        let [loss, log, component] = worst;
        println!("{name:<30} {:>5} {loss:>10.1e} {log:>10.1e} {component:>10.1e}", cases.as_array().unwrap().len());
    }
}

#[test]
fn each_engine_answers_where_it_should() {
    let algo = |engine: &mut dyn PairLoss, s: f64, t: f64| evaluate(engine, &[s], &[t]).0.algo;
    assert_eq!(algo(&mut all_pairs(), 8.0, 0.0), Algo::Separated);
    assert_eq!(algo(&mut all_pairs(), 7.9, 0.0), Algo::Blocks);
    assert_eq!(algo(&mut Exact::default(), 319.0, 0.0), Algo::Blocks);
    assert_eq!(algo(&mut Exact::default(), 320.0, 0.0), Algo::Rows);
    assert_eq!(algo(&mut all_pairs(), 0.0, 320.0), Algo::Rows);
    assert_eq!(algo(&mut Reference, 8.0, 0.0), Algo::Reference);
}

#[test]
fn both_sides_of_every_seam_agree() {
    // 640 / K - ln 2 for K = 16, 8, 4, 2, the margin of the log domain, and blocks and tiles that are just full.
    for (seam, m, n) in
        [(39.3, 40, 30), (79.3, 20, 33), (159.3, 17, 17), (319.3, 9, 31), (8.0, 30, 20), (2.0, 257, 4097)]
    {
        for offset in [-0.02, 0.02] {
            let spread: f64 = seam + offset;
            let (mut s, mut t) = draw(7, m, n, 0.5);
            s.iter_mut().for_each(|s| *s = spread + *s + 0.5);
            t.iter_mut().for_each(|t| *t -= 0.5);
            s[0] = spread;
            t[0] = 0.0;
            let (loss, in_s, in_t) = Reference.loss_and_grads(&s, &t).unwrap();
            let (fast, fast_s, fast_t) = all_pairs().loss_and_grads(&s, &t).unwrap();
            // The reference's own bound, (m + n + R) · 2^-53, and the fast engine's, which is no larger.
            let tolerance = 2.0 * (m + n + 330) as f64 * f64::EPSILON;
            assert_close(fast, loss, tolerance, "loss");
            let got = fast_s.iter().chain(&fast_t);
            got.zip(in_s.iter().chain(&in_t)).for_each(|(a, b)| assert_close(*a, *b, tolerance, "gradient"));
        }
    }
}

#[test]
fn any_size_and_scale_agrees_with_the_definition() {
    for seed in 0..120 {
        let scale = 10f64.powf(seed as f64 % 8.0 - 3.0);
        let (s, t) = draw(seed, 1 + (seed as usize * 37) % 199, 1 + (seed as usize * 53) % 173, scale);
        let (loss, in_s, in_t) = Reference.loss_and_grads(&s, &t).unwrap();
        let (value, fast_s, fast_t) = evaluate(&mut Exact::default(), &s, &t);
        // Half an ulp of a difference of 746 moves exp by 6e-14; each sum has at most 372 terms.
        let tolerance = value.certified_rel + 2e-13;
        assert_close(value.mean, loss, tolerance, "loss");
        let got = fast_s.iter().chain(&fast_t);
        got.zip(in_s.iter().chain(&in_t)).for_each(|(a, b)| assert_close(*a, *b, tolerance, "gradient"));
    }
}

#[test]
fn gradients_sum_to_zero_and_fall_with_the_score() {
    for seed in 0..30 {
        let (mut s, t) = draw(seed, 61, 47, 10f64.powi(seed as i32 % 6 - 2));
        s.sort_by(f64::total_cmp);
        let (value, in_s, in_t) = evaluate(&mut all_pairs(), &s, &t);
        let slack = value.certified_rel + ROUNDINGS;
        let total: f64 = in_t.iter().sum();
        assert!((in_s.iter().sum::<f64>() + total).abs() <= 2.0 * slack * total);
        assert!(in_s.iter().all(|g| (-(1.0 + slack) / 61.0..=0.0).contains(g)) && in_t.iter().all(|g| *g >= 0.0));
        assert!(in_s.windows(2).all(|pair| pair[1] >= pair[0] * (1.0 + slack) - 1e-300));
    }
}

#[test]
fn mirrored_sides_and_permuted_scores_give_the_same_loss() {
    for seed in 0..30 {
        let (s, t) = draw(seed, 33, 58, 10f64.powi(seed as i32 % 6 - 2));
        let turned = |v: &[f64]| v.iter().rev().map(|x| -x).collect::<Vec<_>>();
        let (value, in_s, in_t) = evaluate(&mut all_pairs(), &s, &t);
        let (mirrored, in_t2, in_s2) = evaluate(&mut all_pairs(), &turned(&t), &turned(&s));
        let tolerance = value.certified_rel + ROUNDINGS;
        assert_close(mirrored.mean, value.mean, 2.0 * tolerance, "loss");
        let expected = in_s2.iter().rev().chain(in_t2.iter().rev());
        in_s.iter().chain(&in_t).zip(expected).for_each(|(g, h)| assert_close(-h, *g, 2.0 * tolerance, "gradient"));
    }
}

#[test]
fn an_exact_shift_changes_nothing() {
    for (m, n, margin) in [(12, 19, 0.0), (12, 19, 30.0)] {
        let (s, t) = draw(3, m, n, 4.0);
        // Multiples of 2^-20 survive the addition of 2^20 exactly.
        let grid =
            |v: &[f64], by: f64| v.iter().map(|x| (x * 2f64.powi(20)).round() / 2f64.powi(20) + by).collect::<Vec<_>>();
        let here = evaluate(&mut all_pairs(), &grid(&s, margin), &grid(&t, 0.0));
        assert_eq!(here, evaluate(&mut all_pairs(), &grid(&s, margin + 2f64.powi(20)), &grid(&t, 2f64.powi(20))));
    }
}

#[test]
fn at_margin_2000_the_direction_is_the_closed_form() {
    // L → exp(-Δ)/(m n) · A B, so the gradient of log L is softmax(t) and -softmax(-s), to exp(-2000).
    let (value, in_s, in_t) = evaluate(&mut all_pairs(), &[2000.0, 2001.0], &[0.0, -2.0, 0.0]);
    let (p, q) = (1.0 / (1.0 + (-1f64).exp()), 1.0 / (2.0 + (-2f64).exp()));
    for (got, expected) in in_s.iter().chain(&in_t).zip([-p, p - 1.0, q, 1.0 - 2.0 * q, q]) {
        assert_close(*got, expected, ROUNDINGS, "direction");
    }
    assert_eq!(value.mean, 0.0);
    let sums = (1.0 + (-1f64).exp()) * (2.0 + (-2f64).exp());
    assert_close(value.log_mean, -2000.0 + (sums / 6.0).ln(), ROUNDINGS, "log L");
}

/// All bits of evaluations large enough to use every thread: by blocks, by rows and by boxes.
fn fingerprint() -> u64 {
    let mut hash = std::hash::DefaultHasher::new();
    for (tol, m, scale) in [(Tol::Exact, 1500, 5.0), (Tol::Exact, 1500, 1000.0), (Tol::Fine, 150_000, 5.0)] {
        let (s, t) = draw(11, m, 1301, scale);
        let mut engine = AllPairs::new(tol);
        let (value, mut in_s, mut in_t) = evaluate(&mut engine, &s, &t);
        in_s.iter().chain(&in_t).chain([&value.mean]).for_each(|g| g.to_bits().hash(&mut hash));
        engine.hessian_product(&s, &t, None, (&s, &t), &mut in_s, &mut in_t).unwrap();
        in_s.iter().chain(&in_t).for_each(|g| g.to_bits().hash(&mut hash));
    }
    hash.finish()
}

#[test]
fn the_number_of_threads_changes_no_bit() {
    const NAME: &str = "loss_all_pairs::the_number_of_threads_changes_no_bit";
    if std::env::var_os("PAIR_LOSS_FINGERPRINT").is_some() {
        println!("fingerprint {:016x}", fingerprint());
        return;
    }
    for threads in ["1", "2", "3", "7"] {
        let mut child = std::process::Command::new(std::env::current_exe().unwrap());
        child.args(["--exact", NAME, "--nocapture"]);
        let output = child.env("PAIR_LOSS_FINGERPRINT", "1").env("RAYON_NUM_THREADS", threads).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(text.contains(&format!("fingerprint {:016x}", fingerprint())), "{threads} threads: {text}");
    }
}

#[test]
fn a_bad_score_is_named_wherever_it_is() {
    for (_, engine) in &mut engines() {
        for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            for at in 0..37 {
                let (s, mut t) = draw(5, 37, 37, 1.0);
                t[at] = bad;
                let mut message = |s: &[f64], t: &[f64]| {
                    let gradient = engine.loss_and_grads(s, t).unwrap_err().to_string();
                    let (mut of_s, mut of_t) = ([0.0; 37], [0.0; 37]);
                    let diagonal = engine.hessian_diagonal(s, t, None, &mut of_s, &mut of_t).unwrap_err();
                    assert_eq!(diagonal.to_string(), gradient);
                    gradient
                };
                assert!(message(&s, &t).ends_with(&format!("got {bad} at negative {at}")));
                assert!(message(&t, &s).ends_with(&format!("got {bad} at positive {at}")));
            }
        }
        assert!(engine.loss_and_grads(&[], &[1.0]).unwrap_err().to_string().contains("no positive"));
        assert!(engine.loss_and_grads(&[1.0], &[]).unwrap_err().to_string().contains("no negative"));
        let short = engine.evaluate(&[1.0, 2.0], &[0.0], &mut [0.0], &mut [0.0]).unwrap_err().to_string();
        assert!(short.contains("a gradient of 2 for the positives, got 1"), "{short}");
    }
}
