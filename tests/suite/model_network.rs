//! Scores, losses and every gradient of the networks agree with PyTorch. Expected: tests/reference/network.py
//! (PyTorch 2.15, f64, the same f32 parameters).

use candle_core::{Device, Tensor};
use serde_json::Value;
use widemargin::loss::Loss;
use widemargin::model::{Classifier, ConvNet, LeNet, Linear, Mlp, ResNet};

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

fn reference(name: &str) -> Value {
    let reference: Value = serde_json::from_str(include_str!("../reference/network.json")).unwrap();
    reference["cases"].as_array().unwrap().iter().find(|case| case["name"] == name).unwrap().clone()
}

/// Gives the parameters and running values of network.py.
fn fill(net: &Classifier) {
    for (which, (_, var)) in net.named_vars().iter().enumerate() {
        let fan_in: usize = var.dims()[1..].iter().product();
        let scale = if var.rank() > 1 { 1.5 / (fan_in as f64).sqrt() } else { 0.1 };
        var.set(&pattern(which as u64, var.dims(), scale, 0.0)).unwrap();
    }
    let vars = net.named_vars();
    let mut which = 50;
    for (name, buffer) in net.named_buffers() {
        let set = |offset: f64, scale: f64| buffer.set(&pattern(which, buffer.dims(), scale, offset)).unwrap();
        match name.rsplit_once('.').unwrap() {
            (_, "running_mean") => set(0.0, 0.2),
            (_, "running_var") => set(1.0, 0.5),
            (prefix, _) => {
                let (_, scale) = vars.iter().find(|(name, _)| *name == format!("{prefix}.weight")).unwrap();
                scale.set(&(scale.as_detached_tensor() + 1.0).unwrap()).unwrap();
                continue;
            }
        }
        which += 1;
    }
}

fn batch(case: &Value) -> (Tensor, Tensor) {
    let sides = |key: &str| case[key].as_array().unwrap().iter().map(|v| v.as_u64().unwrap()).collect::<Vec<_>>();
    let shape: Vec<usize> = sides("shape").into_iter().map(|side| side as usize).collect();
    let labels: Vec<u32> = sides("labels").into_iter().map(|label| label as u32).collect();
    (pattern(97, &shape, 0.5, 0.5), Tensor::new(labels, &Device::Cpu).unwrap())
}

fn assert_scores(case: &Value, scores: &Tensor) {
    let got: Vec<f32> = scores.flatten_all().unwrap().to_vec1().unwrap();
    for (got, expected) in got.iter().zip(case["scores"].as_array().unwrap()) {
        assert!((f64::from(*got) - expected.as_f64().unwrap()).abs() < TOLERANCE, "{got} for {expected}");
    }
}

const LOSSES: [(Loss, &str, &str, &str); 2] = [
    (Loss::CrossEntropy, "loss", "parameters", "input"),
    (Loss::Differential, "pair_loss", "pair_parameters", "pair_input"),
];

/// candle's graph and the engine, each against PyTorch.
fn case(name: &str, mut net: Classifier) {
    let case = reference(name);
    fill(&net);
    let (x, y) = batch(&case);
    assert_describes("features", &case["features"], &net.features(&x).unwrap());
    let scores = net.scores(&x).unwrap();
    assert_scores(&case, &scores);
    for (loss, value, parameters, input) in LOSSES {
        let Some(expected) = case[value].as_f64() else { continue };
        let computed = loss.value(&scores, &y).unwrap();
        assert!((f64::from(computed.to_scalar::<f32>().unwrap()) - expected).abs() < TOLERANCE * expected);
        let gradients = computed.backward().unwrap();
        for (name, var) in net.named_vars() {
            assert_describes(&format!("{name} ({value})"), &case[parameters][&name], gradients.get(&var).unwrap());
        }
        let (scores, gradient) = net.input_gradient(&x, |scores| loss.value(scores, &y)).unwrap();
        assert_scores(&case, &scores);
        assert_eq!(gradient.dims(), x.dims());
        assert_describes(&format!("input ({value})"), &case[input], &gradient);
        if net.named_buffers().is_empty() {
            let found = net.gradients(&x, |scores| loss.value(scores, &y)).unwrap();
            assert_scores(&case, &found.scores);
            assert!((found.value - expected).abs() < TOLERANCE * expected);
            for ((name, _), gradient) in net.named_vars().iter().zip(&found.parameters) {
                assert_describes(&format!("{name} ({value}, engine)"), &case[parameters][name], gradient);
            }
        }
    }
}

#[test]
fn the_linear_classifier_agrees_with_pytorch() {
    case("linear", Classifier::linear(&Linear { inputs: 12, bias: true }).unwrap());
}

#[test]
fn the_mlp_agrees_with_pytorch() {
    let settings = Mlp { inputs: 12, hidden: vec![10], features: 7, outputs: 1, leaky_slope: 0.01 };
    case("mlp", Classifier::mlp(&settings, 1).unwrap());
}

#[test]
fn the_lenet_with_one_output_agrees_with_pytorch() {
    let settings = LeNet { channels: 1, height: 16, width: 16, ..LeNet::default() };
    case("lenet one output", Classifier::lenet(&settings, 1).unwrap());
}

#[test]
fn the_lenet_with_three_outputs_and_odd_images_agrees_with_pytorch() {
    let settings = LeNet { channels: 3, height: 21, width: 17, outputs: 3, ..LeNet::default() };
    case("lenet three outputs", Classifier::lenet(&settings, 1).unwrap());
}

#[test]
fn the_wide_lenet_agrees_with_pytorch() {
    let settings = LeNet { channels: 2, height: 16, width: 18, ..LeNet::wide() };
    case("wide lenet", Classifier::lenet(&settings, 1).unwrap());
}

#[test]
fn the_convnet_agrees_with_pytorch() {
    let settings = ConvNet { channels: 3, height: 9, width: 13, outputs: 2, filters: 8, features: 20 };
    case("convnet", Classifier::convnet(&settings, 1).unwrap());
}

fn small_resnet() -> Classifier {
    Classifier::resnet(&ResNet { channels: 2, side: 8, outputs: 1, filters: 3, blocks: 2 }, 1).unwrap()
}

#[test]
fn the_resnet_agrees_with_pytorch_in_evaluation() {
    case("resnet", small_resnet());
}

#[test]
fn the_resnet_agrees_with_pytorch_in_training_and_moves_its_running_values() {
    let case = reference("resnet in training");
    let (x, y) = batch(&case);
    for (loss, value, parameters, _) in LOSSES {
        let mut net = small_resnet();
        fill(&net);
        let found = net.gradients(&x, |scores| loss.value(scores, &y)).unwrap();
        assert_scores(&case, &found.scores);
        let expected = case[value].as_f64().unwrap();
        assert!((found.value - expected).abs() < TOLERANCE * expected);
        for ((name, _), gradient) in net.named_vars().iter().zip(&found.parameters) {
            assert_describes(&format!("{name} ({value})"), &case[parameters][name], gradient);
        }
        for (name, buffer) in net.named_buffers() {
            match name.ends_with("num_batches_tracked") {
                true => assert_eq!(buffer.to_scalar::<f32>().unwrap(), 1.0),
                false => assert_describes(&name, &case["running"][&name], &buffer),
            }
        }
    }
}

#[test]
fn one_thread_and_three_give_the_same_bytes() {
    let bits = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let convnet = ConvNet { channels: 2, height: 9, width: 8, outputs: 2, filters: 5, features: 30 };
            let resnet = ResNet { channels: 2, side: 8, outputs: 2, filters: 3, blocks: 1 };
            let mut all = Vec::new();
            for mut net in [Classifier::convnet(&convnet, 1).unwrap(), Classifier::resnet(&resnet, 1).unwrap()] {
                let sides: &[usize] = if net.named_buffers().is_empty() { &[37, 2, 9, 8] } else { &[37, 2, 8, 8] };
                let x = pattern(97, sides, 0.5, 0.5);
                let y = Tensor::new((0..37).map(|row| row % 2).collect::<Vec<u32>>(), &Device::Cpu).unwrap();
                let found = net.gradients(&x, |scores| Loss::CrossEntropy.value(scores, &y)).unwrap();
                all.extend(found.parameters);
                let (scores, gradient) = net.input_gradient(&x, |s| Loss::CrossEntropy.value(s, &y)).unwrap();
                all.extend([scores, gradient]);
            }
            let values = |t: &Tensor| t.flatten_all().unwrap().to_vec1::<f32>().unwrap();
            all.iter().flat_map(values).map(f32::to_bits).collect::<Vec<_>>()
        })
    };
    assert_eq!(bits(1), bits(3));
}

#[test]
fn a_pass_inside_an_objective_disturbs_nothing() {
    let mut net = Classifier::convnet(&ConvNet { filters: 4, features: 10, ..ConvNet::default() }, 3).unwrap();
    let x = pattern(97, &[5, 3, 32, 32], 0.5, 0.5);
    let y = Tensor::new(&[0u32, 1, 0, 1, 1], &Device::Cpu).unwrap();
    let plain = net.gradients(&x, |scores| Loss::CrossEntropy.value(scores, &y)).unwrap();
    let other = Classifier::convnet(&ConvNet { filters: 4, features: 10, ..ConvNet::default() }, 4).unwrap();
    let (_, expected) = net.input_gradient(&x, |scores| Loss::CrossEntropy.value(scores, &y)).unwrap();
    let (_, nested) = net
        .input_gradient(&x, |scores| {
            net.predict(&x.narrow(0, 0, 2)?)?;
            other.predict(&x)?;
            Loss::CrossEntropy.value(scores, &y)
        })
        .unwrap();
    let values = |t: &Tensor| t.flatten_all().unwrap().to_vec1::<f32>().unwrap();
    assert_eq!(values(&nested), values(&expected));
    let again = net.gradients(&x, |scores| Loss::CrossEntropy.value(scores, &y)).unwrap();
    for (a, b) in plain.parameters.iter().zip(&again.parameters) {
        assert_eq!(values(a), values(b));
    }
}

#[test]
fn an_objective_without_the_scores_has_gradient_zero() {
    let mut net = Classifier::lenet(&LeNet { outputs: 2, ..LeNet::default() }, 3).unwrap();
    let x = pattern(97, &[2, 3, 32, 32], 0.5, 0.5);
    let one = |_: &Tensor| Ok(Tensor::new(1f32, &Device::Cpu)?);
    let found = net.gradients(&x, one).unwrap();
    for ((_, var), gradient) in net.named_vars().iter().zip(&found.parameters) {
        assert_eq!(gradient.dims(), var.dims());
        assert!(gradient.flatten_all().unwrap().to_vec1::<f32>().unwrap().iter().all(|g| *g == 0.0));
    }
    let message = net.gradients(&x, |scores| Ok(scores.clone())).unwrap_err().to_string();
    assert!(message.contains("scalar objective"), "{message}");
}
