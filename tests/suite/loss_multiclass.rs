//! Losses on pairs for one score, two and more, against PyTorch's autograd: tests/reference/multiclass.py.

use candle_core::{DType, Device, Tensor, Var};
use serde_json::Value as Json;
use widemargin::loss::Loss;
use widemargin::loss::differential::{AllPairs, PairLoss, Tol, multiclass};

fn numbers(value: &Json) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|x| x.as_f64().unwrap()).collect()
}

fn labels(value: &Json) -> Vec<u32> {
    value.as_array().unwrap().iter().map(|x| x.as_u64().unwrap() as u32).collect()
}

fn cases() -> Vec<Json> {
    let cases: Json = serde_json::from_str(include_str!("../reference/multiclass.json")).unwrap();
    cases.as_array().unwrap().clone()
}

fn loss(name: &str) -> Loss {
    match name {
        "differential" => Loss::Differential,
        "squared" => Loss::SquaredPairs,
        "squared hinge" => Loss::SquaredHingePairs,
        _ => Loss::HardestPairs(7),
    }
}

// Autograd adds positive and negative terms: relative to the largest component. Squares of up to 200 add 1e4 · 2^-53.
fn assert_near(got: &[f64], expected: &[f64], tolerance: f64, what: &str) {
    let largest = expected.iter().fold(0.0, |a: f64, b| a.max(b.abs()));
    for (got, expected) in got.iter().zip(expected) {
        assert!((got - expected).abs() <= tolerance * largest, "{what}: {got:e} for {expected:e}");
    }
}

#[test]
fn value_and_gradient_are_those_of_autograd() {
    for case in cases() {
        let (z, y, classes) = (numbers(&case["scores"]), labels(&case["labels"]), case["classes"].as_u64().unwrap());
        let name = case["loss"].as_str().unwrap();
        let what = format!("{name}, {classes} scores");
        for dtype in [DType::F64, DType::F32] {
            let shape = if classes == 1 { vec![y.len()] } else { vec![y.len(), classes as usize] };
            let scores = Tensor::from_vec(z.clone(), shape, &Device::Cpu).unwrap().to_dtype(dtype).unwrap();
            let scores = Var::from_tensor(&scores).unwrap();
            let y = Tensor::new(y.clone(), &Device::Cpu).unwrap();
            // 3: a factor that has to reach the gradient.
            let value = (loss(name).value(&scores, &y).unwrap() * 3.0).unwrap();
            let gradient = value.backward().unwrap().get(&scores).unwrap().clone();
            let read = |x: &Tensor| x.to_dtype(DType::F64).unwrap().flatten_all().unwrap().to_vec1::<f64>().unwrap();
            // f32: the scores are rounded; a pair's slope moves by its curvature, at most 2, times 3e-6.
            let tolerance = if dtype == DType::F64 { 1e-12 } else { 1e-4 };
            let expected = |x: &Json| numbers(x).iter().map(|g| 3.0 * g).collect::<Vec<_>>();
            assert_near(&read(&value), &[3.0 * case["value"].as_f64().unwrap()], tolerance, &what);
            assert_near(&read(&gradient), &expected(&case["gradient"]), tolerance, &what);
        }
    }
}

#[test]
fn plain_slices_give_the_same_within_each_tolerance() {
    for case in cases().iter().filter(|case| case["loss"] == "differential" && case["classes"] != 1) {
        let (z, y, classes) = (numbers(&case["scores"]), labels(&case["labels"]), case["classes"].as_u64().unwrap());
        for (tol, tolerance) in [(Tol::Fine, 1e-12), (Tol::Mid, 2e-10), (Tol::Coarse, 1.1e-7), (Tol::Exact, 1e-12)] {
            let (value, gradient) = multiclass(&z, &y, classes as usize, tol).unwrap();
            assert_near(&[value], &[case["value"].as_f64().unwrap()], tolerance, "value");
            assert_near(&gradient, &numbers(&case["gradient"]), tolerance, "gradient");
        }
    }
}

#[test]
fn two_classes_are_the_binary_loss_of_the_difference() {
    let z = [0.5, 2.0, -1.0, 0.25, 3.0, 3.5, 0.0, -2.0];
    let (value, gradient) = multiclass(&z, &[1, 0, 1, 0], 2, Tol::Fine).unwrap();
    let (expected, in_s, in_t) = AllPairs::default().loss_and_grads(&[1.5, 0.5], &[1.25, -2.0]).unwrap();
    assert_eq!(value, expected);
    assert_eq!(gradient, [-in_s[0], in_s[0], -in_t[0], in_t[0], -in_s[1], in_s[1], -in_t[1], in_t[1]]);
}

#[test]
fn the_worked_example_of_the_docs() {
    let z = [1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0];
    let (value, _) = multiclass(&z, &[0, 1, 2], 3, Tol::Fine).unwrap();
    let expected = (2.0 * (-1f64).exp().ln_1p() + 2f64.ln()) / 3.0;
    assert!((value - expected).abs() < 1e-15);
}

#[test]
fn a_shift_of_a_row_or_of_a_class_changes_nothing_and_rows_sum_to_zero() {
    for case in cases().iter().filter(|case| case["classes"].as_u64().unwrap() > 2) {
        let (z, y, classes) = (numbers(&case["scores"]), labels(&case["labels"]), case["classes"].as_u64().unwrap());
        let classes = classes as usize;
        // On a grid of 2^-30 both shifts are exact.
        let z: Vec<f64> = z.iter().map(|x| (x * 2f64.powi(30)).round() / 2f64.powi(30)).collect();
        let shifted: Vec<f64> =
            z.iter().enumerate().map(|(at, x)| x + (at / classes) as f64 - 8.0 * (at % classes) as f64).collect();
        let y = Tensor::new(y, &Device::Cpu).unwrap();
        let value = |z: Vec<f64>| {
            let scores = Var::from_vec(z, (y.dims1().unwrap(), classes), &Device::Cpu).unwrap();
            let value = loss(case["loss"].as_str().unwrap()).value(&scores, &y).unwrap();
            let gradient = value.backward().unwrap().get(&scores).unwrap().to_vec2::<f64>().unwrap();
            (value.to_scalar::<f64>().unwrap(), gradient)
        };
        let ((here, gradient), (there, _)) = (value(z), value(shifted));
        assert!((here - there).abs() <= 1e-12 * here, "{}: {here} and {there}", case["loss"]);
        for row in gradient {
            let size: f64 = row.iter().map(|g| g.abs()).sum();
            assert!(row.iter().sum::<f64>().abs() <= 1e-14 * size);
        }
    }
}

#[test]
fn what_does_not_fit_is_said() {
    let message = |z: &[f64], y: &[u32], classes| multiclass(z, y, classes, Tol::Fine).unwrap_err().to_string();
    assert!(message(&[1.0; 6], &[0, 2], 3).contains("got none of class 1"));
    assert!(message(&[1.0; 5], &[0, 1], 3).contains("got 5 scores for 2 labels and C = 3"));
    assert!(message(&[1.0; 2], &[0, 1], 1).contains("C at least 2"));
    assert!(message(&[], &[], 3).contains("n at least 1"));
    assert!(message(&[1.0; 6], &[0, 3], 3).ends_with("expected labels below 3, got 3 at row 1"));
    assert!(message(&[1.0, 2.0, 3.0, f64::NAN, 0.0, 0.0], &[0, 1], 3).ends_with("got NaN at row 1"));
}
