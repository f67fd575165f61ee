//! Scores, losses and every gradient of the networks agree with PyTorch. Expected: tests/reference/network.py
//! (PyTorch 2.6, f64, the same f32 parameters).

use candle_core::{Device, Tensor};
use serde_json::Value;
use widemargin::loss::Loss;
use widemargin::model::{Classifier, LeNet, Mlp};

// f32 sums of up to 400 terms against f64: 400 · 2^-24 = 2.4e-5 is the bound, about 1e-6 is seen.
// The pair loss has no gradient in the bias; there 1e-7 is a rounding of terms of order 1.
const TOLERANCE: f64 = 1e-5;

/// The formula of network.py.
fn pattern(which: u64, shape: &[usize], scale: f64, offset: f64) -> Tensor {
    let n: usize = shape.iter().product();
    let value = |k: u64| {
        let base = (((k * 7919 + which * 104_729 + 13) % 2003) as f64 / 1001.5 - 1.0) * scale;
        (f64::from(base as f32) + offset) as f32
    };
    Tensor::from_vec((0..n as u64).map(value).collect::<Vec<f32>>(), shape, &Device::Cpu).unwrap()
}

fn assert_describes(what: &str, expected: &Value, tensor: &Tensor) {
    let values: Vec<f64> =
        tensor.flatten_all().unwrap().to_vec1::<f32>().unwrap().iter().map(|&v| f64::from(v)).collect();
    let norm = values.iter().map(|v| v * v).sum::<f64>().sqrt();
    let one_norm = values.iter().map(|v| v.abs()).sum::<f64>();
    let of = |key: &str| expected[key].as_f64().unwrap();
    let close = |key: &str, got: f64, scale: f64| {
        let error = (got - of(key)).abs();
        assert!(error <= TOLERANCE * scale + 1e-7, "{what} {key}: {got} for {} ({error:e})", of(key));
    };
    close("norm", norm, of("norm"));
    close("sum", values.iter().sum(), one_norm);
    close("first", values[0], of("norm"));
    close("last", values[values.len() - 1], of("norm"));
}

fn case(name: &str, net: Classifier) {
    let reference: Value = serde_json::from_str(include_str!("../reference/network.json")).unwrap();
    let case = reference["cases"].as_array().unwrap().iter().find(|case| case["name"] == name).unwrap();
    for (which, (_, var)) in net.named_vars().iter().enumerate() {
        let fan_in: usize = var.dims()[1..].iter().product();
        let scale = if var.rank() > 1 { 1.5 / (fan_in as f64).sqrt() } else { 0.1 };
        var.set(&pattern(which as u64, var.dims(), scale, 0.0)).unwrap();
    }
    let shape: Vec<usize> = case["shape"].as_array().unwrap().iter().map(|v| v.as_u64().unwrap() as usize).collect();
    let labels: Vec<u32> = case["labels"].as_array().unwrap().iter().map(|v| v.as_u64().unwrap() as u32).collect();
    let x = pattern(97, &shape, 0.5, 0.5);
    let y = Tensor::new(labels, &Device::Cpu).unwrap();

    assert_describes("features", &case["features"], &net.features(&x).unwrap());
    let scores = net.scores(&x).unwrap();
    let got: Vec<f32> = scores.flatten_all().unwrap().to_vec1().unwrap();
    for (got, expected) in got.iter().zip(case["scores"].as_array().unwrap()) {
        assert!((f64::from(*got) - expected.as_f64().unwrap()).abs() < TOLERANCE, "{got} for {expected}");
    }
    let losses = [
        (Loss::CrossEntropy, "loss", "parameters", "input"),
        (Loss::Differential, "pair_loss", "pair_parameters", "pair_input"),
    ];
    for (loss, value, parameters, input) in losses {
        let Some(expected) = case[value].as_f64() else { continue };
        let computed = loss.value(&scores, &y).unwrap();
        assert!((f64::from(computed.to_scalar::<f32>().unwrap()) - expected).abs() < TOLERANCE * expected);
        let gradients = computed.backward().unwrap();
        for (name, var) in net.named_vars() {
            assert_describes(&format!("{name} ({value})"), &case[parameters][&name], gradients.get(&var).unwrap());
        }
        let (_, gradient) = net.input_gradient(&x, |scores| loss.value(scores, &y)).unwrap();
        assert_eq!(gradient.dims(), x.dims());
        assert_describes(&format!("input ({value})"), &case[input], &gradient);
    }
}

#[test]
fn the_mlp_agrees_with_pytorch() {
    let settings = Mlp { inputs: 12, hidden: vec![10], features: 7, outputs: 1, leaky_slope: 0.01 };
    case("mlp", Classifier::mlp(&settings, 1).unwrap());
}

#[test]
fn the_lenet_with_one_output_agrees_with_pytorch() {
    let settings = LeNet { channels: 1, height: 16, width: 16, outputs: 1, ..LeNet::default() };
    case("lenet one output", Classifier::lenet(&settings, 1).unwrap());
}

#[test]
fn the_lenet_with_three_outputs_and_odd_images_agrees_with_pytorch() {
    let settings = LeNet { channels: 3, height: 21, width: 17, outputs: 3, ..LeNet::default() };
    case("lenet three outputs", Classifier::lenet(&settings, 1).unwrap());
}
