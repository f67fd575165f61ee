//! Cross-entropy against 400-digit numbers. Expected: tests/reference/loss.py (mpmath).

use candle_core::{DType, Device, Tensor, Var};
use serde_json::Value;
use widemargin::loss::Loss;
use widemargin::loss::cross_entropy::{sigmoid, softplus};

// exp, ln_1p and a division round a handful of times: a few units of 2^-53.
const TOLERANCE: f64 = 4e-15;

fn reference() -> Value {
    serde_json::from_str(include_str!("../reference/loss.json")).unwrap()
}

fn number(value: &Value) -> f64 {
    value.as_str().unwrap().parse().unwrap()
}

/// Relative, but below the normal range of f64 (1e4 for the right class is 1e-4343) zero is right.
fn assert_close(got: f64, expected: f64) {
    let close = (got - expected).abs() <= TOLERANCE * expected.abs() || (got.abs() < 1e-307 && expected.abs() < 1e-307);
    assert!(close, "{got:e} for {expected:e}");
}

fn value_and_gradient(scores: &Tensor, y: &[u32]) -> (f64, Vec<f64>) {
    let scores = Var::from_tensor(scores).unwrap();
    let loss = Loss::cross_entropy().value(&scores, &Tensor::new(y, &Device::Cpu).unwrap()).unwrap();
    assert_eq!(loss.dims(), [0; 0]);
    let gradients = loss.backward().unwrap();
    let gradient = gradients.get(&scores).unwrap().to_dtype(DType::F64).unwrap().flatten_all().unwrap();
    (loss.to_dtype(DType::F64).unwrap().to_scalar().unwrap(), gradient.to_vec1().unwrap())
}

#[test]
fn one_score_is_exact_at_every_margin_and_for_both_labels() {
    for case in reference()["logistic"].as_array().unwrap() {
        let margin = number(&case["margin"]);
        for (label, sign) in [(1, 1.0), (0, -1.0)] {
            let scores = Tensor::new(&[sign * margin], &Device::Cpu).unwrap();
            let (loss, gradient) = value_and_gradient(&scores, &[label]);
            assert_close(loss, number(&case["loss"]));
            assert_close(gradient[0], sign * number(&case["slope"]));
        }
        assert_close(softplus(-margin), number(&case["loss"]));
        assert_close(-sigmoid(-margin), number(&case["slope"]));
    }
}

#[test]
fn many_scores_are_exact_at_extremes() {
    for case in reference()["softmax"].as_array().unwrap() {
        let row: Vec<f64> = case["row"].as_array().unwrap().iter().map(number).collect();
        let scores = Tensor::from_vec(row.clone(), (1, row.len()), &Device::Cpu).unwrap();
        let (loss, gradient) = value_and_gradient(&scores, &[case["label"].as_u64().unwrap() as u32]);
        assert_close(loss, number(&case["loss"]));
        for (got, expected) in gradient.iter().zip(case["gradient"].as_array().unwrap()) {
            assert_close(*got, number(expected));
        }
    }
}

#[test]
fn f32_scores_never_give_nan() {
    for extreme in [0.0, 17.0, 104.0, 1e4, 1e20, f32::MAX] {
        for score in [extreme, -extreme] {
            let (loss, gradient) = value_and_gradient(&Tensor::new(&[score], &Device::Cpu).unwrap(), &[1]);
            assert!(loss.is_finite() && gradient[0].is_finite(), "{score}: {loss} {gradient:?}");
            let three = Tensor::new(&[[score, 0.0, -score]], &Device::Cpu).unwrap();
            let (loss, gradient) = value_and_gradient(&three, &[0]);
            // 2 · f32::MAX is the true loss there and no f32.
            assert!(!loss.is_nan() && gradient.iter().all(|g| g.is_finite()), "{score}: {loss} {gradient:?}");
        }
    }
}

#[test]
fn the_mean_is_over_rows_and_the_gradient_is_its_derivative() {
    let values = [[0.3, -1.2, 0.7], [2.0, 0.1, -0.4], [-0.6, 0.9, 1.4]];
    let y = [2, 0, 1];
    let (_, gradient) = value_and_gradient(&Tensor::new(&values, &Device::Cpu).unwrap(), &y);
    let loss = |values: [[f64; 3]; 3]| value_and_gradient(&Tensor::new(&values, &Device::Cpu).unwrap(), &y).0;
    let h = 1e-5;
    for at in 0..9 {
        let mut ahead = values;
        let mut behind = values;
        ahead[at / 3][at % 3] += h;
        behind[at / 3][at % 3] -= h;
        // Central differences: h² / 6 · third derivative + 2^-53 / h = about 2e-11.
        assert!(((loss(ahead) - loss(behind)) / (2.0 * h) - gradient[at]).abs() < 1e-10);
    }
}

#[test]
fn an_outer_factor_reaches_the_gradient() {
    let scores = Var::new(&[0.5f64, -0.5], &Device::Cpu).unwrap();
    let y = Tensor::new(&[1u32, 0], &Device::Cpu).unwrap();
    let loss = (Loss::cross_entropy().value(&scores, &y).unwrap() * 3.0).unwrap();
    let gradient = loss.backward().unwrap().get(&scores).unwrap().to_vec1::<f64>().unwrap();
    assert_close(gradient[0], -1.5 * sigmoid(-0.5));
    assert_close(gradient[1], 1.5 * sigmoid(-0.5));
}

#[test]
fn what_is_wrong_with_scores_or_labels_is_said_with_its_row() {
    let message = |scores: Tensor, y: Tensor| Loss::cross_entropy().value(&scores, &y).unwrap_err().to_string();
    let scores = |values: &[f32]| Tensor::new(values, &Device::Cpu).unwrap();
    let y = |labels: &[u32]| Tensor::new(labels, &Device::Cpu).unwrap();
    assert_eq!(
        message(scores(&[1.0, f32::NAN]), y(&[0, 1])),
        "loss: expected finite scores of at most 1e300, got NaN at row 1"
    );
    assert!(message(scores(&[f32::INFINITY]), y(&[0])).contains("inf at row 0"));
    assert_eq!(message(scores(&[1.0, 2.0]), y(&[0, 2])), "loss: expected labels below 2, got 2 at row 1");
    assert_eq!(message(scores(&[1.0, 2.0]), y(&[0])), "loss: expected labels (2,), got [1]");
    assert!(message(scores(&[1.0]).unsqueeze(1).unwrap(), y(&[0])).contains("C at least 2"));
    assert!(message(scores(&[1.0]), Tensor::new(&[0i64], &Device::Cpu).unwrap()).contains("u32 labels, got I64"));
    assert!(message(Tensor::zeros(0, DType::F32, &Device::Cpu).unwrap(), y(&[])).contains("n at least 1"));
}
