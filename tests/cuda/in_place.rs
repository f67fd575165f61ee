//! Losses by operations on the scores' own device, against those computed on the host: on the CPU, and on a card if there
//! is one.

use candle_core::{DType, Device, Tensor, Var};
use widemargin::device::choose;
use widemargin::loss::Loss;

fn draw(seed: u64, count: usize, scale: f64) -> Vec<f64> {
    use rand::RngCore;
    let mut rng = widemargin::rng::stream(seed, "in place");
    (0..count).map(|_| (f64::from(rng.next_u32()) / 2f64.powi(31) - 1.0) * scale).collect()
}

/// The CPU, and the card or why there is none.
fn devices() -> Vec<Device> {
    let mut devices = vec![Device::Cpu];
    match choose("cuda") {
        Ok((card, _)) => devices.push(card),
        Err(why) => crate::skip_on_card(&why.to_string()),
    }
    devices
}

/// Value and gradient.
fn evaluate(scores: &Tensor, loss: impl Fn(&Tensor) -> widemargin::Result<Tensor>) -> (f64, Vec<f64>) {
    let var = Var::from_tensor(scores).unwrap();
    let value = loss(&var).unwrap();
    assert!(value.dims().is_empty() && value.dtype() == scores.dtype());
    let gradients = (&value * 3.0).unwrap().backward().unwrap();
    let gradient = gradients.get(&var).unwrap().to_dtype(DType::F64).unwrap();
    let gradient = gradient.flatten_all().unwrap().to_vec1().unwrap();
    (value.to_dtype(DType::F64).unwrap().to_scalar().unwrap(), gradient)
}

#[test]
fn a_loss_in_place_is_the_loss() {
    let (rows, losses) = (60, [Loss::Differential, Loss::CrossEntropy, Loss::Hinge, Loss::HardestPairs(7)]);
    for device in devices() {
        for (outputs, scale) in [(1, 4.0), (1, 300.0), (2, 3.0), (5, 3.0), (5, 200.0)] {
            let classes = outputs.max(2) as u32;
            let labels: Vec<u32> = (0..rows as u32).map(|row| row % classes).collect();
            let shape = if outputs == 1 { vec![rows] } else { vec![rows, outputs] };
            let values = draw(outputs as u64, rows * outputs, scale);
            let y = Tensor::new(labels.as_slice(), &Device::Cpu).unwrap();
            for dtype in [DType::F32, DType::F64] {
                let scores = Tensor::from_slice(&values, shape.as_slice(), &Device::Cpu).unwrap();
                let scores = scores.to_dtype(dtype).unwrap();
                // f64 inside; a score difference is rounded in the scores' type before the pair loss sees it, and moves
                // the loss and each component by at most as much.
                let unit = if dtype == DType::F32 { f64::from(f32::EPSILON) } else { f64::EPSILON };
                let tolerance = 1e-12 + (4.0 + 2.0 * scale) * unit;
                for loss in &losses {
                    let what = format!("{loss:?}, {outputs} outputs, scale {scale}, {dtype:?}, {device:?}");
                    let (value, gradient) = evaluate(&scores, |scores| loss.value(scores, &y));
                    let (there, y_there) = (scores.to_device(&device).unwrap(), y.to_device(&device).unwrap());
                    let (got, own) = evaluate(&there, |scores| loss.value_in_place(scores, &y_there));
                    assert!((got - value).abs() <= tolerance * value.abs(), "{what}: {got:e} for {value:e}");
                    // Several pairs of classes reach a component with both signs.
                    let size = gradient.iter().fold(0.0_f64, |m, g| m.max(g.abs()));
                    for (at, (got, want)) in own.iter().zip(&gradient).enumerate() {
                        let size = if outputs > 2 && loss.is_pairwise() { size } else { want.abs() };
                        let below = if dtype == DType::F32 { f64::from(f32::MIN_POSITIVE) } else { 1e-290 };
                        let limit = tolerance * size + below;
                        assert!((got - want).abs() <= limit, "{what} at {at}: {got:e} for {want:e}");
                    }
                }
            }
        }
    }
}

#[test]
fn well_separated_scores_keep_their_tiny_loss_in_place() {
    for device in devices() {
        let values: Vec<f64> = (0..40).map(|row| if row % 2 == 1 { 300.0 } else { -300.0 } + f64::from(row)).collect();
        let labels: Vec<u32> = (0..40).map(|row| row % 2).collect();
        let (scores, y) = (Tensor::new(values, &device).unwrap(), Tensor::new(labels, &device).unwrap());
        for loss in [Loss::Differential, Loss::CrossEntropy] {
            let cpu = scores.to_device(&Device::Cpu).unwrap();
            let labels = y.to_device(&Device::Cpu).unwrap();
            let (value, gradient) = evaluate(&cpu, |scores| loss.value(scores, &labels));
            let (got, own) = evaluate(&scores, |scores| loss.value_in_place(scores, &y));
            assert!(value > 0.0 && (got - value).abs() <= 1e-12 * value, "{loss:?}: {got:e} for {value:e}");
            for (got, want) in own.iter().zip(&gradient) {
                assert!((got - want).abs() <= 1e-12 * want.abs(), "{loss:?}: {got:e} for {want:e}");
            }
        }
    }
}

#[test]
fn a_score_that_is_not_finite_and_a_missing_class_are_named_in_place() {
    for device in devices() {
        let y = Tensor::new(&[0_u32, 1, 0, 1], &device).unwrap();
        for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            let scores = Tensor::new(&[1.0, 2.0, bad, 3.0], &device).unwrap();
            for loss in [Loss::Differential, Loss::CrossEntropy, Loss::Hinge] {
                let message = loss.value_in_place(&scores, &y).unwrap_err().to_string();
                assert!(message.contains("finite scores") && message.ends_with("at row 2"), "{loss:?}: {message}");
            }
        }
        let scores = Tensor::new(&[1.0_f32, 2.0, 0.0, 3.0], &device).unwrap();
        let same = Tensor::new(&[1_u32, 1, 1, 1], &device).unwrap();
        let message = Loss::Differential.value_in_place(&scores, &same).unwrap_err().to_string();
        assert!(message.ends_with("got none of class 0"), "{message}");
        let out_of_range = Tensor::new(&[0_u32, 1, 2, 1], &device).unwrap();
        let message = Loss::CrossEntropy.value_in_place(&scores, &out_of_range).unwrap_err().to_string();
        assert!(message.contains("labels below 2"), "{message}");
    }
}

#[test]
fn a_device_is_chosen_with_a_reason() {
    let (device, line) = choose("cpu").unwrap();
    assert!(device.is_cpu() && line.contains("WIDEMARGIN_DEVICE"), "{line}");
    let (device, line) = choose("").unwrap();
    assert!(line.starts_with(if device.is_cpu() { "on the CPU: " } else { "on the card: " }), "{line}");
    assert!(!line.contains('\n') && line.len() < 300, "{line}");
    let message = choose("tpu").unwrap_err().to_string();
    assert!(message.contains("tpu") && message.contains("cuda"), "{message}");
    if device.is_cpu() {
        let why = choose("cuda").unwrap_err().to_string();
        assert!(line.ends_with(&why), "{line} / {why}");
    }
}
