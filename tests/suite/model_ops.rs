//! The pool and the rectifier have PyTorch's gradients. Expected: tests/reference/network.py (PyTorch 2.6, f64), exact.

use candle_core::{DType, Device, Tensor, Var};
use serde_json::Value;
use widemargin::model::ops::{leaky_relu, max_pool};

fn reference() -> Value {
    serde_json::from_str(include_str!("../reference/network.json")).unwrap()
}

fn floats(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect()
}

#[test]
fn a_pool_takes_the_maximum_and_gives_its_gradient_to_the_first_one() {
    for case in reference()["pools"].as_array().unwrap() {
        let rows: Vec<Vec<f64>> = case["x"].as_array().unwrap().iter().map(floats).collect();
        let (h, w) = (rows.len(), rows[0].len());
        for dtype in [DType::F32, DType::F64] {
            let x = Tensor::from_vec(rows.concat(), (1, 1, h, w), &Device::Cpu).unwrap().to_dtype(dtype).unwrap();
            let x = Var::from_tensor(&x).unwrap();
            let y = max_pool(&x, 2, 2).unwrap();
            let values: Vec<f64> = y.to_dtype(DType::F64).unwrap().flatten_all().unwrap().to_vec1().unwrap();
            assert_eq!(values, floats(&case["value"]));
            let weights: Vec<f64> = (1..=values.len()).map(|i| i as f64).collect();
            let weights = Tensor::from_vec(weights, y.dims(), &Device::Cpu).unwrap().to_dtype(dtype).unwrap();
            let gradients = (&y * weights).unwrap().sum_all().unwrap().backward().unwrap();
            let gradient = gradients.get(&x).unwrap().to_dtype(DType::F64).unwrap();
            assert_eq!(gradient.flatten_all().unwrap().to_vec1::<f64>().unwrap(), floats(&case["gradient"]));
        }
    }
}

#[test]
fn pooling_with_three_by_three_windows_leaves_out_what_fills_no_window() {
    let values: Vec<f32> = (0..2 * 3 * 7 * 8).map(|i| (i * 37 % 101) as f32).collect();
    let x = Tensor::from_vec(values.clone(), (2, 3, 7, 8), &Device::Cpu).unwrap();
    let y = max_pool(&x, 3, 3).unwrap();
    assert_eq!(y.dims(), [2, 3, 2, 2]);
    let at = |plane: usize, r: usize, c: usize| values[plane * 56 + r * 8 + c];
    let expected: Vec<f32> = (0..6 * 4)
        .map(|i| {
            let (plane, r, c) = (i / 4, i / 2 % 2, i % 2);
            let window = (0..9).map(|k| at(plane, 3 * r + k / 3, 3 * c + k % 3));
            window.fold(f32::NEG_INFINITY, f32::max)
        })
        .collect();
    assert_eq!(y.flatten_all().unwrap().to_vec1::<f32>().unwrap(), expected);
}

#[test]
fn a_pool_reads_a_transposed_tensor_and_passes_nan_on() {
    let x = Tensor::new(&[[[[1f32, 2.0], [3.0, f32::NAN]]]], &Device::Cpu).unwrap().transpose(2, 3).unwrap();
    assert!(max_pool(&x, 2, 2).unwrap().flatten_all().unwrap().to_vec1::<f32>().unwrap()[0].is_nan());
    let x = Tensor::new(&[[[[1f32, 2.0, 8.0], [3.0, 4.0, 9.0]]]], &Device::Cpu).unwrap().transpose(2, 3).unwrap();
    let x = Var::from_tensor(&x.contiguous().unwrap()).unwrap();
    let y = max_pool(&x.transpose(2, 3).unwrap(), 2, 2).unwrap();
    assert_eq!(y.flatten_all().unwrap().to_vec1::<f32>().unwrap(), [4.0]);
    let gradients = y.sum_all().unwrap().backward().unwrap();
    let gradient = gradients.get(&x).unwrap().flatten_all().unwrap().to_vec1::<f32>().unwrap();
    assert_eq!(gradient, [0.0, 0.0, 0.0, 1.0, 0.0, 0.0]);
}

#[test]
fn a_pool_refuses_what_it_cannot_pool() {
    let x = Tensor::zeros((1, 1, 1, 4), DType::F32, &Device::Cpu).unwrap();
    let message = max_pool(&x, 2, 2).unwrap_err().to_string();
    assert_eq!(message, "max_pool: expected (n, c, h, w) with h and w at least 2, got [1, 1, 1, 4]");
    assert!(max_pool(&x, 0, 2).unwrap_err().to_string().contains("size of at least 1"));
    let integers = Tensor::zeros((1, 1, 4, 4), DType::U8, &Device::Cpu).unwrap();
    assert!(max_pool(&integers, 2, 2).unwrap_err().to_string().contains("f32 or f64"));
}

#[test]
fn the_rectifier_has_slope_zero_at_zero() {
    let reference = &reference()["rectifier"];
    for (key, slope) in [("relu", 0.0), ("leaky", 0.01)] {
        let x = Var::new(floats(&reference["x"]), &Device::Cpu).unwrap();
        let y = leaky_relu(&x, slope).unwrap();
        assert_eq!(y.to_vec1::<f64>().unwrap(), [-2.0 * slope, 0.0, 0.0, 3.0]);
        let gradients = y.sum_all().unwrap().backward().unwrap();
        assert_eq!(gradients.get(&x).unwrap().to_vec1::<f64>().unwrap(), floats(&reference[key]));
    }
}

#[test]
fn the_plain_rectifier_maps_minus_infinity_to_zero_and_keeps_nan() {
    let x = Tensor::new(&[f32::NEG_INFINITY, f32::INFINITY, f32::NAN], &Device::Cpu).unwrap();
    let y = leaky_relu(&x, 0.0).unwrap().to_vec1::<f32>().unwrap();
    assert_eq!(y[..2], [0.0, f32::INFINITY]);
    assert!(y[2].is_nan());
    assert!(leaky_relu(&x, -0.1).is_err());
}
