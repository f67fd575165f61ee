//! Every operation has PyTorch's values and gradients. Expected: tests/reference/operations.py (PyTorch 2.15, f64).

use candle_core::{DType, Device, Tensor, Var};
use serde_json::Value;
use widemargin::model::ops::{
    Conv2d, Statistics, average_pool, batch_norm, batch_norm_by, conv2d, dense, leaky_relu, max_pool,
};

/// Numbers that the reference script makes by the same formula.
fn pattern(which: u64, shape: &[usize], scale: f64) -> Vec<f64> {
    let count = shape.iter().product::<usize>() as u64;
    let value = |k: u64| ((k * 7919 + which * 104_729 + 13) % 2003) as f64 / 1001.5 - 1.0;
    (0..count).map(|k| f64::from((value(k) * scale) as f32)).collect()
}

fn sides(value: &Value) -> Vec<usize> {
    value.as_array().unwrap().iter().map(|side| side.as_u64().unwrap() as usize).collect()
}

fn floats(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect()
}

fn cases(kind: &str) -> Vec<Value> {
    let all: Value = serde_json::from_str(include_str!("../reference/operations.json")).unwrap();
    all[kind].as_array().unwrap().clone()
}

/// f64 is held to the ten digits of the file; sums of up to some hundred products in f32 keep six.
const TYPES: [(DType, f64); 2] = [(DType::F64, 1e-9), (DType::F32, 3e-6)];

fn leaf(values: Vec<f64>, shape: &[usize], dtype: DType) -> Var {
    let tensor = Tensor::from_vec(values, shape, &Device::Cpu).unwrap();
    Var::from_tensor(&tensor.to_dtype(dtype).unwrap()).unwrap()
}

fn assert_close(what: &str, got: &Tensor, expected: &Value, tolerance: f64) {
    let got: Vec<f64> = got.to_dtype(DType::F64).unwrap().flatten_all().unwrap().to_vec1().unwrap();
    let expected = floats(expected);
    assert_eq!(got.len(), expected.len(), "{what}");
    let scale = expected.iter().fold(1.0_f64, |largest, value| largest.max(value.abs()));
    for (at, (got, expected)) in got.iter().zip(&expected).enumerate() {
        assert!((got - expected).abs() <= tolerance * scale, "{what} at {at}: {got} for {expected}");
    }
}

/// Compares `y`, and the gradients of `arguments` in sum(y · pattern(9)).
fn check(case: &Value, y: &Tensor, arguments: &[(&str, &Var)], tolerance: f64) {
    assert_eq!(y.dims(), sides(&case["shape"]), "{case}");
    assert_close("y", y, &case["y"], tolerance);
    let weights = Tensor::from_vec(pattern(9, y.dims(), 1.0), y.dims(), &Device::Cpu).unwrap();
    let weights = weights.to_dtype(y.dtype()).unwrap();
    let gradients = (y * weights).unwrap().sum_all().unwrap().backward().unwrap();
    for (name, argument) in arguments {
        assert_close(name, gradients.get(argument).unwrap(), &case["gradients"][name], tolerance);
    }
}

#[test]
fn convolutions_agree_with_pytorch() {
    for case in cases("convolutions") {
        let size = |key: &str| case[key].as_u64().unwrap() as usize;
        let (x_shape, shape) = (sides(&case["x"]), sides(&case["weight"]));
        let settings = Conv2d {
            stride: size("stride"),
            padding: size("padding"),
            dilation: size("dilation"),
            groups: size("groups"),
        };
        for (dtype, tolerance) in TYPES {
            let x = leaf(pattern(1, &x_shape, 1.0), &x_shape, dtype);
            let weight = leaf(pattern(2, &shape, 1.0), &shape, dtype);
            let bias = leaf(pattern(3, &shape[..1], 1.0), &shape[..1], dtype);
            let y = conv2d(&x, &weight, Some(&bias), &settings).unwrap();
            check(&case, &y, &[("x", &x), ("weight", &weight), ("bias", &bias)], tolerance);
        }
    }
}

#[test]
fn pools_agree_with_pytorch_on_ties_overlaps_and_gaps() {
    for case in cases("pools") {
        let size = |key: &str| case[key].as_u64().unwrap() as usize;
        let shape = sides(&case["x"]);
        let values: Vec<f64> = pattern(4, &shape, 2.49).iter().map(|v| v.round_ties_even() / 2.0).collect();
        for (dtype, tolerance) in TYPES {
            let x = leaf(values.clone(), &shape, dtype);
            let pool = if case["kind"] == "max" { max_pool } else { average_pool };
            check(&case, &pool(&x, size("size"), size("stride")).unwrap(), &[("x", &x)], tolerance);
        }
    }
}

#[test]
fn rectifiers_agree_with_pytorch_at_exact_zeros() {
    for case in cases("rectifiers") {
        let values: Vec<f64> = pattern(5, &[3, 7], 1.49).iter().map(|v| v.round_ties_even()).collect();
        for (dtype, tolerance) in TYPES {
            let x = leaf(values.clone(), &[3, 7], dtype);
            check(&case, &leaky_relu(&x, case["slope"].as_f64().unwrap()).unwrap(), &[("x", &x)], tolerance);
        }
    }
}

#[test]
fn dense_layers_agree_with_pytorch() {
    for case in cases("dense") {
        let (shape, outputs) = (sides(&case["x"]), case["outputs"].as_u64().unwrap() as usize);
        for (dtype, tolerance) in TYPES {
            let x = leaf(pattern(1, &shape, 1.0), &shape, dtype);
            let weight = leaf(pattern(2, &[outputs, shape[1]], 1.0), &[outputs, shape[1]], dtype);
            let bias = leaf(pattern(3, &[outputs], 1.0), &[outputs], dtype);
            let y = dense(&x, &weight, Some(&bias)).unwrap();
            check(&case, &y, &[("x", &x), ("weight", &weight), ("bias", &bias)], tolerance);
        }
    }
}

#[test]
fn batch_normalisation_agrees_with_pytorch_in_training_and_after() {
    for case in cases("batch_norms") {
        let shape = sides(&case["x"]);
        let channels = &shape[1..2];
        for (dtype, tolerance) in TYPES {
            let x = leaf(pattern(1, &shape, 1.0), &shape, dtype);
            let weight = leaf(pattern(2, channels, 1.0), channels, dtype);
            let bias = leaf(pattern(3, channels, 1.0), channels, dtype);
            let mut mean = pattern(6, channels, 0.5);
            let mut variance: Vec<f64> = pattern(7, channels, 0.5).iter().map(|v| v + 1.0).collect();
            let y = if case["training"] == true {
                let (y, own) = batch_norm(&x, &weight, &bias, 1e-5).unwrap();
                // PyTorch's running values: a tenth of the batch's, the variance with divisor count - 1.
                let unbiased = own.count as f64 / (own.count as f64 - 1.0);
                for (running, own) in mean.iter_mut().zip(&own.mean) {
                    *running = 0.9 * *running + 0.1 * own;
                }
                for (running, own) in variance.iter_mut().zip(&own.variance) {
                    *running = 0.9 * *running + 0.1 * own * unbiased;
                }
                y
            } else {
                let given = Statistics { mean: mean.clone(), variance: variance.clone(), count: 1 };
                batch_norm_by(&x, &weight, &bias, &given, 1e-5).unwrap()
            };
            for (name, got) in [("mean", mean), ("variance", variance)] {
                let got = Tensor::from_vec(got, channels, &Device::Cpu).unwrap();
                assert_close(name, &got, &case["running"][name], tolerance);
            }
            check(&case, &y, &[("x", &x), ("weight", &weight), ("bias", &bias)], tolerance);
        }
    }
}
