//! Construction, shapes and answers of classifiers.

use candle_core::{DType, Device, Tensor, Var};
use widemargin::Error;
use widemargin::model::{Classifier, LeNet, Linear, Mlp};

fn bytes(net: &Classifier) -> Vec<u32> {
    let values = |v: &Var| v.flatten_all().unwrap().to_vec1::<f32>().unwrap();
    net.vars().iter().flat_map(values).map(f32::to_bits).collect()
}

fn plane(w: [f32; 2], b: f32) -> Classifier {
    let mut net = Classifier::linear(&Linear { inputs: 2, bias: true }).unwrap();
    net.vars()[0].set(&Tensor::new(&[w], &Device::Cpu).unwrap()).unwrap();
    net.set_bias(b).unwrap();
    net
}

#[test]
fn a_classifier_can_be_kept_and_sent() {
    fn kept<T: Send + 'static>() {}
    kept::<Classifier>();
}

#[test]
fn the_same_seed_gives_the_same_bytes_and_another_seed_others() {
    let mlp = |seed| bytes(&Classifier::mlp(&Mlp::default(), seed).unwrap());
    assert_eq!(mlp(3), mlp(3));
    assert_ne!(mlp(3), mlp(4));
    let lenet = |seed| bytes(&Classifier::lenet(&LeNet::default(), seed).unwrap());
    assert_eq!(lenet(3), lenet(3));
}

#[test]
fn the_first_weights_of_seed_1_stay_what_they_were() {
    // Pinned: a change here changes every published number.
    let net = Classifier::mlp(&Mlp::default(), 1).unwrap();
    let first = net.vars()[0].flatten_all().unwrap().to_vec1::<f32>().unwrap();
    assert_eq!(first[..3], [-0.040697172, 0.022970274, 0.054349974]);
}

#[test]
fn starting_weights_are_uniform_within_one_over_root_fan_in() {
    let net = Classifier::lenet(&LeNet::default(), 7).unwrap();
    for (name, fan_in) in [("features.0", 75.0), ("features.3", 150.0), ("features.7", 400.0), ("features.9", 120.0)] {
        let (_, var) = net.named_vars().into_iter().find(|(n, _)| *n == format!("{name}.weight")).unwrap();
        let values = var.flatten_all().unwrap().to_vec1::<f32>().unwrap();
        let bound = 1.0 / f64::sqrt(fan_in);
        let n = values.len() as f64;
        let mean = values.iter().map(|v| f64::from(*v)).sum::<f64>() / n;
        let square = values.iter().map(|v| f64::from(*v).powi(2)).sum::<f64>() / n;
        assert!(values.iter().all(|v| f64::from(v.abs()) <= bound + 1e-7));
        // Five standard errors of the mean and of the second moment of a uniform distribution.
        assert!(mean.abs() < 5.0 * bound / (3.0 * n).sqrt(), "{name} mean {mean}");
        assert!((square * 3.0 / bound.powi(2) - 1.0).abs() < 5.0 * (0.8 / n).sqrt(), "{name} second moment {square}");
    }
}

#[test]
fn parameters_are_named_and_shaped_as_in_pytorch() {
    let names = |net: Classifier| {
        net.named_vars().iter().map(|(name, var)| format!("{name} {:?}", var.dims())).collect::<Vec<_>>().join("; ")
    };
    assert_eq!(
        names(Classifier::mlp(&Mlp::default(), 0).unwrap()),
        "features.0.weight [100, 64]; features.0.bias [100]; features.2.weight [84, 100]; features.2.bias [84]; \
         head.weight [1, 84]; head.bias [1]"
    );
    assert_eq!(
        names(Classifier::lenet(&LeNet { outputs: 10, ..LeNet::default() }, 0).unwrap()),
        "features.0.weight [6, 3, 5, 5]; features.0.bias [6]; features.3.weight [16, 6, 5, 5]; features.3.bias [16]; \
         features.7.weight [120, 400]; features.7.bias [120]; features.9.weight [84, 120]; features.9.bias [84]; \
         head.weight [10, 84]; head.bias [10]"
    );
    assert_eq!(names(Classifier::linear(&Linear { inputs: 2, bias: false }).unwrap()), "head.weight [1, 2]");
}

#[test]
fn images_and_flat_rows_give_the_same_scores() {
    let flat = Tensor::arange(0f32, 128.0, &Device::Cpu).unwrap().reshape((2, 64)).unwrap();
    let mlp = Classifier::mlp(&Mlp::default(), 5).unwrap();
    let images = flat.reshape((2, 1, 8, 8)).unwrap();
    assert_eq!(
        mlp.scores(&flat).unwrap().to_vec1::<f32>().unwrap(),
        mlp.scores(&images).unwrap().to_vec1::<f32>().unwrap()
    );
    assert_eq!(mlp.features(&images).unwrap().dims(), [2, 84]);
    let lenet = Classifier::lenet(&LeNet { outputs: 4, ..LeNet::default() }, 5).unwrap();
    let images = Tensor::ones((3, 3, 32, 32), DType::F32, &Device::Cpu).unwrap();
    assert_eq!(lenet.scores(&images).unwrap().dims(), [3, 4]);
    assert_eq!(lenet.scores(&images.flatten_from(1).unwrap()).unwrap().dims(), [3, 4]);
}

#[test]
fn wrong_input_is_named_with_what_was_wanted() {
    let lenet = Classifier::lenet(&LeNet::default(), 0).unwrap();
    let rows_last = Tensor::ones((2, 32, 32, 3), DType::F32, &Device::Cpu).unwrap();
    let message = lenet.scores(&rows_last).unwrap_err().to_string();
    assert_eq!(message, "scores: expected (n, 3, 32, 32) or (n, 3072), n at least 1, got [2, 32, 32, 3]");
    let mlp = Classifier::mlp(&Mlp::default(), 0).unwrap();
    let message = mlp.features(&Tensor::ones((2, 63), DType::F32, &Device::Cpu).unwrap()).unwrap_err().to_string();
    assert_eq!(message, "features: expected (n, 64) or images of 64 numbers, n at least 1, got [2, 63]");
    assert!(mlp.predict(&Tensor::ones((0, 64), DType::F32, &Device::Cpu).unwrap()).is_err());
    let message = mlp.scores(&Tensor::ones((2, 64), DType::F64, &Device::Cpu).unwrap()).unwrap_err().to_string();
    assert_eq!(message, "scores: expected f32 values (convert with x.to_dtype(DType::F32)?), got F64");
}

#[test]
fn settings_out_of_range_are_errors() {
    let bad = |result: widemargin::Result<Classifier>| assert!(matches!(result, Err(Error::Value { .. })));
    bad(Classifier::mlp(&Mlp { hidden: vec![0], ..Mlp::default() }, 0));
    bad(Classifier::mlp(&Mlp { outputs: 0, ..Mlp::default() }, 0));
    bad(Classifier::mlp(&Mlp { leaky_slope: f64::NAN, ..Mlp::default() }, 0));
    bad(Classifier::mlp(&Mlp { inputs: usize::MAX, ..Mlp::default() }, 0));
    bad(Classifier::lenet(&LeNet { height: 15, ..LeNet::default() }, 0));
    bad(Classifier::lenet(&LeNet { height: usize::MAX, ..LeNet::default() }, 0));
    bad(Classifier::lenet(&LeNet { channels: 0, ..LeNet::default() }, 0));
    bad(Classifier::linear(&Linear { inputs: 0, bias: true }));
}

#[test]
fn one_output_says_1_strictly_above_the_threshold() {
    let net = plane([1.0, 2.0], -3.0);
    let x = Tensor::new(&[[1f32, 1.0], [1.0, 1.1], [0.0, 0.0]], &Device::Cpu).unwrap();
    assert_eq!(net.predict(&x).unwrap(), [0, 1, 0]);
    let y = Tensor::new(&[0u32, 1, 1], &Device::Cpu).unwrap();
    assert_eq!(net.accuracy(&x, &y).unwrap(), 2.0 / 3.0);
    assert_eq!(net.weight().unwrap(), [1.0, 2.0]);
    assert_eq!(net.bias().unwrap(), -3.0);
}

#[test]
fn several_outputs_say_the_first_largest() {
    let net = Classifier::mlp(&Mlp { outputs: 3, ..Mlp::default() }, 0).unwrap();
    let vars = net.vars();
    vars[4].set(&Tensor::zeros((3, 84), DType::F32, &Device::Cpu).unwrap()).unwrap();
    vars[5].set(&Tensor::new(&[1f32, 2.0, 2.0], &Device::Cpu).unwrap()).unwrap();
    let x = Tensor::ones((2, 64), DType::F32, &Device::Cpu).unwrap();
    assert_eq!(net.predict(&x).unwrap(), [1, 1]);
    assert_eq!(net.bias().unwrap_err().to_string(), "bias: expected a classifier with one output, got 3 outputs");
}

#[test]
fn a_large_set_is_predicted_in_parts_with_the_same_answers() {
    let net = plane([1.0, -1.0], 0.25);
    let values: Vec<f32> = (0..2 * 1300).map(|i| ((i * 7919) % 997) as f32 / 997.0).collect();
    let expected: Vec<u32> = values.chunks(2).map(|p| u32::from(p[0] - p[1] + 0.25 > 0.0)).collect();
    assert_eq!(net.predict(&Tensor::from_vec(values, (1300, 2), &Device::Cpu).unwrap()).unwrap(), expected);
}

#[test]
fn predicting_from_a_nan_is_an_error_that_names_the_row() {
    let net = plane([1.0, 1.0], 0.0);
    let x = Tensor::new(&[[0f32, 1.0], [f32::NAN, 0.0]], &Device::Cpu).unwrap();
    assert_eq!(net.predict(&x).unwrap_err().to_string(), "predict: expected finite scores, got NaN at row 1");
}

#[test]
fn the_input_gradient_of_a_linear_score_is_its_weight() {
    let net = plane([0.5, -2.0], 1.0);
    let x = Tensor::new(&[[1f32, 2.0], [3.0, 4.0]], &Device::Cpu).unwrap();
    let (scores, gradient) = net.input_gradient(&x, |scores| Ok(scores.sum_all()?)).unwrap();
    assert_eq!(scores.to_vec1::<f32>().unwrap(), [-2.5, -5.5]);
    assert_eq!(gradient.to_vec2::<f32>().unwrap(), [[0.5, -2.0], [0.5, -2.0]]);
    assert!(!gradient.track_op() && !scores.track_op());
    let (_, gradient) = net.input_gradient(&x, |_| Ok(Tensor::new(1f32, &Device::Cpu)?)).unwrap();
    assert_eq!(gradient.to_vec2::<f32>().unwrap(), [[0.0, 0.0], [0.0, 0.0]]);
    assert!(net.input_gradient(&x, |scores| Ok(scores.clone())).unwrap_err().to_string().contains("scalar"));
}

#[test]
fn a_classifier_without_bias_has_bias_zero_and_refuses_another() {
    let mut net = Classifier::linear(&Linear { inputs: 2, bias: false }).unwrap();
    assert_eq!(net.bias().unwrap(), 0.0);
    assert!(net.set_bias(1.0).is_err());
    assert!(plane([1.0, 1.0], 0.0).set_bias(f32::NAN).is_err());
}
