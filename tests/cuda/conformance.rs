//! The pair loss through the launch table, on the host's machine: against 60-digit numbers, and against the definition at
//! sizes that need several blocks, tiles and splits. Expected: tests/reference/pairs.py (mpmath).

use crate::host::Host;
use serde_json::Value as Json;
use widemargin::cuda::{KERNELS, Machine, Method, Pairs, Precision};
use widemargin::loss::differential::{Algo, PairLoss, Reference, Score, Tol, Value};

// exp, log1p and the division round a few units more than the bound counts.
const ROUNDINGS: f64 = 64.0 * f64::EPSILON;
/// What a gradient that is written as f32 may be off.
const WRITTEN: f64 = f32::EPSILON as f64;

pub const METHODS: [Method; 7] = [
    Method::Blocks(Precision::Double),
    Method::Blocks(Precision::Single),
    Method::Boxes(Tol::Fine),
    Method::Boxes(Tol::Mid),
    Method::Boxes(Tol::Coarse),
    Method::Within(Tol::Fine),
    Method::Within(Tol::Exact),
];

fn number(value: &Json) -> f64 {
    f64::from_bits(u64::from_str_radix(value.as_str().unwrap(), 16).unwrap())
}

pub fn numbers(value: &Json) -> Vec<f64> {
    value.as_array().unwrap().iter().map(number).collect()
}

pub fn cases() -> Vec<Json> {
    serde_json::from_str(include_str!("../reference/pairs.json")).unwrap()
}

/// Scores between -scale and scale.
pub fn draw(seed: u64, m: usize, n: usize, scale: f64) -> (Vec<f64>, Vec<f64>) {
    use rand::RngCore;
    let mut rng = widemargin::rng::stream(seed, "test");
    let mut side = |count| (0..count).map(|_| (rng.next_u32() as f64 / 2f64.powi(31) - 1.0) * scale).collect();
    (side(m), side(n))
}

/// The relative error; a number below 1e-290 only has to be below 1e-280, NaN is never right.
fn error(got: f64, expected: f64) -> f64 {
    if expected.abs() < 1e-290 && got.abs() < 1e-280 {
        return 0.0;
    }
    let error = (got - expected).abs() / expected.abs();
    if error.is_nan() { f64::INFINITY } else { error }
}

pub fn evaluate<M: Machine, S: Score>(pairs: &mut Pairs<M>, s: &[S], t: &[S]) -> (Value, Vec<S>, Vec<S>) {
    let (mut in_s, mut in_t) = (vec![S::ZERO; s.len()], vec![S::ZERO; t.len()]);
    let value = pairs.evaluate(s, t, &mut in_s, &mut in_t).unwrap();
    (value, in_s, in_t)
}

/// The worst error of loss and components over the table; fails above the returned bound and above the promised one.
pub fn table<M: Machine>(pairs: &mut Pairs<M>, method: Method) -> [f64; 2] {
    let mut worst = [0.0_f64; 2];
    for case in cases() {
        let (s, t) = (numbers(&case["s"]), numbers(&case["t"]));
        let (value, in_s, in_t) = evaluate(pairs, &s, &t);
        let what = format!("{} by {method:?}, {:?}", case["name"], value.algo);
        let promised = match method {
            Method::Blocks(Precision::Single) => 2e-6,
            Method::Boxes(Tol::Mid) => 2e-10,
            Method::Boxes(Tol::Coarse) => 1.1e-7,
            // 1e-12; rounding of boxes 600 apart and more is counted on top of it.
            _ => {
                if value.algo == Algo::Boxes {
                    1e-11
                } else {
                    1e-12
                }
            }
        };
        assert!(value.certified_rel <= promised, "{what}: {:e}", value.certified_rel);
        let tolerance = value.certified_rel + ROUNDINGS;
        let mut check = |column: usize, error: f64| {
            assert!(error <= tolerance, "{what}: {error:e} above {tolerance:e} in column {column}");
            worst[column] = worst[column].max(error);
        };
        check(0, error(value.mean, number(&case["loss"])));
        let names = if value.algo == Algo::Separated {
            let log = number(&case["log"]);
            check(0, (value.log_mean - log).abs() / (1.0 + log.abs()));
            ["log_in_s", "log_in_t"]
        } else {
            ["in_s", "in_t"]
        };
        let expected = numbers(&case[names[0]]).into_iter().chain(numbers(&case[names[1]]));
        in_s.iter().chain(&in_t).zip(expected).for_each(|(got, expected)| check(1, error(*got, expected)));
    }
    worst
}

#[test]
fn the_loss_and_every_component_are_inside_the_bound() {
    for method in METHODS {
        let Some(host) = Host::new(1) else { return };
        let [loss, component] = table(&mut Pairs::new(host, method), method);
        println!("{:<22} loss {loss:.1e}  component {component:.1e}", format!("{method:?}"));
    }
}

/// Scores, and a method for them, such that every CUDA kernel of the loss runs, on more than one block where it can.
fn large() -> Vec<(Method, f64, usize, usize)> {
    let single = Method::Blocks(Precision::Single);
    let double = Method::Blocks(Precision::Double);
    vec![
        (single, 4.0, 1100, 1300),  // K = 4, two blocks of columns a product
        (single, 9.0, 1030, 700),   // K = 4, one
        (single, 18.0, 1025, 600),  // K = 2
        (double, 10.0, 600, 2100),  // K = 16
        (double, 39.0, 700, 1500),  // K = 8
        (double, 79.0, 600, 530),   // K = 4
        (double, 150.0, 520, 300),  // K = 2
        (double, 1000.0, 300, 700), // the definition
        (Method::Boxes(Tol::Fine), 3.0, 3000, 2000),
        (Method::Boxes(Tol::Fine), 60.0, 900, 1300), // several windows, the far field
        (Method::Boxes(Tol::Coarse), 400.0, 700, 900), // cells that are out of reach
    ]
}

fn against_the_definition<S: Score>(s: &[S], t: &[S], method: Method, written: f64, what: &str) -> Option<Value>
where
    Reference: PairLoss<S>,
{
    let (loss, in_s, in_t) = Reference.loss_and_grads(s, t).unwrap();
    let mut pairs = Pairs::new(Host::new(2)?, method);
    let (value, got_s, got_t) = evaluate(&mut pairs, s, t);
    let tolerance = value.certified_rel + 1e-13 + written;
    assert!(error(value.mean, loss) <= tolerance, "{what}: loss {:e} for {loss:e}", value.mean);
    let expected = in_s.iter().chain(&in_t);
    for (at, (got, expected)) in got_s.iter().chain(&got_t).zip(expected).enumerate() {
        let error = error(got.to_f64(), expected.to_f64());
        assert!(error <= tolerance, "{what}: {error:e} at {at}: {got:?} for {expected:?}");
    }
    Some(value)
}

#[test]
fn large_sides_agree_with_the_definition() {
    for (method, scale, m, n) in large() {
        let (s, t) = draw(3, m, n, scale);
        let Some(_) = against_the_definition(&s, &t, method, 0.0, &format!("{method:?} f64 {scale}")) else { return };
        let single = |side: &[f64]| side.iter().map(|x| *x as f32).collect::<Vec<f32>>();
        against_the_definition(&single(&s), &single(&t), method, 1.5 * WRITTEN, &format!("{method:?} f32 {scale}"));
    }
}

#[test]
fn separated_sides_agree_with_the_cpu() {
    let (mut s, t) = draw(4, 3000, 2500, 2.0);
    s.iter_mut().for_each(|s| *s += 14.0);
    let Some(host) = Host::new(3) else { return };
    let mut pairs = Pairs::new(host, Method::default());
    let (value, in_s, in_t) = evaluate(&mut pairs, &s, &t);
    assert_eq!(value.algo, Algo::Separated);
    let (loss, want_s, want_t) = Reference.loss_and_grads(&s, &t).unwrap();
    assert!(error(value.mean, loss) < 1e-12);
    for (got, want) in in_s.iter().chain(&in_t).zip(want_s.iter().chain(&want_t)) {
        assert!(error(got * value.mean, *want) < 1e-12);
    }
    let single: Vec<f32> = s.iter().map(|s| *s as f32).collect();
    let other: Vec<f32> = t.iter().map(|t| *t as f32).collect();
    let (value, in_s, _) = evaluate(&mut pairs, &single, &other);
    let (_, want, _) = Reference.loss_and_grads(&single, &other).unwrap();
    for (got, want) in in_s.iter().zip(&want) {
        assert!(error(f64::from(*got) * value.mean, f64::from(*want)) < 2.0 * WRITTEN);
    }
}

#[test]
fn no_order_of_threads_and_blocks_changes_a_bit() {
    for (method, scale, m, n) in large() {
        let (s, t) = draw(5, m, n, scale);
        let run = |seed: u64| {
            let (value, in_s, in_t) = evaluate(&mut Pairs::new(Host::new(seed)?, method), &s, &t);
            let bits = in_s.iter().chain(&in_t).chain([&value.mean]).map(|x| x.to_bits()).collect::<Vec<_>>();
            Some(bits)
        };
        let Some(first) = run(10) else { return };
        assert_eq!(first, run(20).unwrap(), "{method:?}");
    }
}

#[test]
fn every_kernel_of_the_loss_is_launched_and_on_several_blocks() {
    let mut seen = std::collections::BTreeMap::new();
    let mut note = |method, s: &[f64], t: &[f64]| {
        let mut pairs = Pairs::new(Host::new(6)?, method);
        evaluate(&mut pairs, s, t);
        let single = |side: &[f64]| side.iter().map(|x| *x as f32).collect::<Vec<f32>>();
        evaluate(&mut pairs, &single(s), &single(t));
        for (name, grid) in pairs.machine().launched.borrow().iter() {
            let largest = seen.entry(*name).or_insert([0, 0]);
            *largest = [grid[0].max(largest[0]), grid[1].max(largest[1])];
        }
        Some(())
    };
    for (method, scale, m, n) in large() {
        let (s, t) = draw(5, m, n, scale);
        let Some(()) = note(method, &s, &t) else { return };
    }
    let (s, t) = draw(5, 2100, 300, 1.0);
    note(Method::default(), &s.iter().map(|s| s + 20.0).collect::<Vec<_>>(), &t);
    for kernel in KERNELS.iter().filter(|kernel| kernel.source.file.starts_with("pair_")) {
        let Some([x, y]) = seen.get(kernel.name) else { panic!("{} was not launched", kernel.name) };
        // One block by contract.
        assert!(kernel.name == "box_prefix" || x * y > 1, "{} ran on one block only", kernel.name);
    }
}

#[test]
fn a_bad_score_is_named() {
    for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        for at in [0, 1, 255, 256, 4000, 4999] {
            let Some(host) = Host::new(1) else { return };
            let (s, mut t) = draw(5, 40, 5000, 1.0);
            t[at] = bad;
            t[4999] = bad;
            let mut pairs = Pairs::new(host, Method::default());
            let (mut in_s, mut in_t) = (vec![0.0; s.len()], vec![0.0; t.len()]);
            let message = pairs.evaluate(&s, &t, &mut in_s, &mut in_t).unwrap_err().to_string();
            assert!(message.ends_with(&format!("got one that is not at negative {at}")), "{message}");
            let message = pairs.evaluate(&t, &s, &mut in_t, &mut in_s).unwrap_err().to_string();
            assert!(message.ends_with(&format!("at positive {at}")), "{message}");
            let none = pairs.evaluate(&[], &s, &mut [], &mut in_s).unwrap_err().to_string();
            assert!(none.contains("no positive"), "{none}");
        }
    }
}

#[test]
fn an_exact_shift_changes_nothing() {
    // Multiples of 2^-20 survive the addition of 2^20 exactly.
    let grid =
        |v: &[f64], by: f64| v.iter().map(|x| (x * 2f64.powi(20)).round() / 2f64.powi(20) + by).collect::<Vec<_>>();
    let (s, t) = draw(3, 120, 190, 4.0);
    for method in METHODS {
        let Some(host) = Host::new(1) else { return };
        let mut pairs = Pairs::new(host, method);
        let here = evaluate(&mut pairs, &grid(&s, 0.0), &grid(&t, 0.0));
        assert_eq!(here, evaluate(&mut pairs, &grid(&s, 2f64.powi(20)), &grid(&t, 2f64.powi(20))));
    }
}
