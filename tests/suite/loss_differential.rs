//! The pair loss by its definition against 400-digit numbers. Expected: tests/reference/loss.py (mpmath).

use candle_core::{Device, Tensor, Var};
use serde_json::Value;
use widemargin::loss::Loss;
use widemargin::loss::differential::{PairLoss, Reference};

// Sums of up to 437 terms of one sign: (m + n) · 2^-53 = 5e-15, and a few roundings a term.
const TOLERANCE: f64 = 1e-14;

fn pairs() -> Vec<Value> {
    let reference: Value = serde_json::from_str(include_str!("../reference/loss.json")).unwrap();
    reference["pairs"].as_array().unwrap().clone()
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(number).collect()
}

fn number(value: &Value) -> f64 {
    value.as_str().unwrap().parse().unwrap()
}

fn assert_close(got: f64, expected: f64) {
    let close = (got - expected).abs() <= TOLERANCE * expected.abs() || (got.abs() < 1e-307 && expected.abs() < 1e-307);
    assert!(close, "{got:e} for {expected:e}");
}

fn two_sides(seed: u64, m: usize, n: usize, scale: f64) -> (Vec<f64>, Vec<f64>) {
    use rand::RngCore;
    let mut rng = widemargin::rng::stream(seed, "test");
    let mut draw = |count| (0..count).map(|_| (rng.next_u32() as f64 / 2f64.powi(31) - 1.0) * scale).collect();
    (draw(m), draw(n))
}

#[test]
fn loss_and_every_gradient_component_are_exact() {
    for case in pairs() {
        let (s, t) = (numbers(&case["s"]), numbers(&case["t"]));
        let (loss, in_s, in_t) = Reference.loss_and_grads(&s, &t).unwrap();
        assert_close(loss, number(&case["loss"]));
        for (got, expected) in
            in_s.iter().chain(&in_t).zip(numbers(&case["in_s"]).into_iter().chain(numbers(&case["in_t"])))
        {
            assert_close(*got, expected);
        }
    }
}

#[test]
fn the_loss_of_scores_is_that_of_their_sides() {
    for case in pairs() {
        let (s, t) = (numbers(&case["s"]), numbers(&case["t"]));
        // Interleave the sides: negatives at even places as long as there are any.
        let mut rows = Vec::new();
        for at in 0..s.len().max(t.len()) {
            rows.extend(t.get(at).map(|v| (*v, 0u32, numbers(&case["in_t"])[at])));
            rows.extend(s.get(at).map(|v| (*v, 1u32, numbers(&case["in_s"])[at])));
        }
        let y = Tensor::new(rows.iter().map(|r| r.1).collect::<Vec<_>>(), &Device::Cpu).unwrap();
        let one = Var::new(rows.iter().map(|r| r.0).collect::<Vec<_>>(), &Device::Cpu).unwrap();
        let two: Vec<f64> = rows.iter().flat_map(|r| [-r.0 / 2.0, r.0 / 2.0]).collect();
        let two = Var::from_vec(two, (rows.len(), 2), &Device::Cpu).unwrap();
        let loss = Loss::differential();
        let (first, second) = (loss.value(&one, &y).unwrap(), loss.value(&two, &y).unwrap());
        assert_close(first.to_scalar().unwrap(), number(&case["loss"]));
        assert_close(second.to_scalar().unwrap(), number(&case["loss"]));
        let gradient = first.backward().unwrap().get(&one).unwrap().to_vec1::<f64>().unwrap();
        let both = second.backward().unwrap().get(&two).unwrap().to_vec2::<f64>().unwrap();
        for ((got, pair), row) in gradient.iter().zip(both).zip(&rows) {
            assert_close(*got, row.2);
            assert_close(pair[0], -row.2);
            assert_close(pair[1], row.2);
        }
    }
}

#[test]
fn the_gradient_is_the_derivative() {
    let (s, t) = two_sides(1, 9, 7, 3.0);
    let (_, in_s, in_t) = Reference.loss_and_grads(&s, &t).unwrap();
    let h = 1e-5;
    let loss = |at: usize, step: f64| {
        let (mut s, mut t) = (s.clone(), t.clone());
        if at < 9 {
            s[at] += step
        } else {
            t[at - 9] += step
        }
        Reference.loss_and_grads(&s, &t).unwrap().0
    };
    for (at, gradient) in in_s.iter().chain(&in_t).enumerate() {
        // Central differences: h² / 6 · third derivative + 2^-53 / h = about 2e-11.
        assert!(((loss(at, h) - loss(at, -h)) / (2.0 * h) - gradient).abs() < 1e-10);
    }
}

#[test]
fn swapping_and_negating_the_sides_changes_nothing() {
    for seed in 0..20 {
        let (s, t) = two_sides(seed, 1 + seed as usize, 21 - seed as usize, 10f64.powi(seed as i32 % 8 - 3));
        let negated = |v: &[f64]| v.iter().map(|x| -x).collect::<Vec<_>>();
        let (loss, in_s, in_t) = Reference.loss_and_grads(&s, &t).unwrap();
        let (mirrored, in_t2, in_s2) = Reference.loss_and_grads(&negated(&t), &negated(&s)).unwrap();
        assert_close(mirrored, loss);
        in_s.iter().zip(in_s2).chain(in_t.iter().zip(in_t2)).for_each(|(g, h)| assert_close(-h, *g));
    }
}

#[test]
fn gradients_have_their_signs_and_sum_to_zero() {
    for seed in 0..20 {
        let (s, t) = two_sides(seed, 30, 17, 10f64.powi(seed as i32 % 6 - 2));
        let (loss, in_s, in_t) = Reference.loss_and_grads(&s, &t).unwrap();
        let total: f64 = in_t.iter().sum();
        assert!(loss >= 0.0 && in_s.iter().all(|g| (-1.0 / 30.0..=0.0).contains(g)) && in_t.iter().all(|g| *g >= 0.0));
        assert!((in_s.iter().sum::<f64>() + total).abs() <= 47.0 * f64::EPSILON * total);
    }
}

#[test]
fn a_shift_that_both_sides_share_changes_nothing() {
    let (s, t) = two_sides(3, 12, 12, 4.0);
    // Multiples of 2^-20 survive the addition of 2^20 exactly.
    let grid = |v: &[f64]| v.iter().map(|x| (x * 2f64.powi(20)).round() / 2f64.powi(20)).collect::<Vec<_>>();
    let shifted = |v: &[f64]| v.iter().map(|x| x + 2f64.powi(20)).collect::<Vec<_>>();
    let (s, t) = (grid(&s), grid(&t));
    assert_eq!(
        Reference.loss_and_grads(&s, &t).unwrap(),
        Reference.loss_and_grads(&shifted(&s), &shifted(&t)).unwrap()
    );
}

#[test]
fn bad_scores_are_named_by_side_and_index() {
    let message = |s: &[f64], t: &[f64]| Reference.loss_and_grads(s, t).unwrap_err().to_string();
    assert_eq!(message(&[0.0, f64::NAN], &[0.0]), "differential loss: expected finite scores, got NaN at positive 1");
    assert_eq!(
        message(&[0.0], &[0.0, 1.0, f64::NEG_INFINITY]),
        "differential loss: expected finite scores, got -inf at negative 2"
    );
    assert_eq!(
        message(&[], &[0.0]),
        "differential loss: expected at least one positive and one negative, got no positive"
    );
    assert_eq!(
        message(&[0.0], &[]),
        "differential loss: expected at least one positive and one negative, got no negative"
    );
    assert!(message(&[-1e308], &[1e308]).contains("score differences whose sum is finite"));
}

#[test]
fn an_absent_class_is_an_error() {
    let message = |scores: Tensor, y: &[u32]| {
        Loss::differential().value(&scores, &Tensor::new(y, &Device::Cpu).unwrap()).unwrap_err().to_string()
    };
    assert!(message(Tensor::new(&[0f32, 1.0], &Device::Cpu).unwrap(), &[1, 1]).contains("got no negative"));
    let three = Tensor::new(&[[0f32, 1.0, 2.0], [0.0, 1.0, 2.0]], &Device::Cpu).unwrap();
    assert_eq!(message(three, &[0, 2]), "loss: expected an example of each of 3 classes, got none of class 1");
}
