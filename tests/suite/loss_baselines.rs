//! The baseline losses against PyTorch in f64 (tests/reference/baselines.py).

use candle_core::{Device, Tensor, Var};
use serde_json::Value;
use widemargin::loss::{Loss, trades};

fn list(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect()
}

#[test]
fn every_loss_and_gradient_equals_pytorch() {
    let cases: Vec<Value> = serde_json::from_str(include_str!("../reference/baselines.json")).unwrap();
    assert_eq!(cases.len(), 15);
    for case in cases {
        let labels: Vec<u32> = list(&case["labels"]).iter().map(|y| *y as u32).collect();
        let (rows, outputs) = (labels.len(), case["outputs"].as_u64().unwrap() as usize);
        let shape = if outputs == 1 { vec![rows] } else { vec![rows, outputs] };
        let scores = Var::from_vec(list(&case["scores"]), shape, &Device::Cpu).unwrap();
        let y = Tensor::new(labels, &Device::Cpu).unwrap();
        let parameter = case["parameter"].as_f64().unwrap();
        let value = match case["loss"].as_str().unwrap() {
            "hinge" => Loss::Hinge.value(&scores, &y),
            "square" => Loss::Square.value(&scores, &y),
            "label smoothing" => Loss::LabelSmoothing(parameter).value(&scores, &y),
            "logit squeezing" => Loss::LogitSqueezing(parameter).value(&scores, &y),
            _ => trades(&scores, &y, parameter),
        }
        .unwrap();
        let (name, wanted) = (format!("{} of {outputs}", case["loss"]), case["value"].as_f64().unwrap());
        // Two orders of addition in f64.
        assert!((value.to_scalar::<f64>().unwrap() - wanted).abs() < 1e-13 * wanted.max(1.0), "{name}");
        let gradients = value.backward().unwrap();
        let got = gradients.get(&scores).unwrap().flatten_all().unwrap().to_vec1::<f64>().unwrap();
        for (got, wanted) in got.iter().zip(list(&case["gradient"])) {
            assert!((got - wanted).abs() < 1e-13, "{name}: {got} {wanted}");
        }
    }
}

#[test]
fn settings_out_of_range_are_refused_by_name() {
    let (scores, y) =
        (Tensor::new(&[0.5_f64, 1.0, 2.0], &Device::Cpu).unwrap(), Tensor::new(&[0_u32, 1, 1], &Device::Cpu).unwrap());
    let message = |loss: Loss| loss.value(&scores, &y).unwrap_err().to_string();
    assert_eq!(message(Loss::LabelSmoothing(1.5)), "loss: expected a smoothing share in [0, 1], got 1.5");
    assert_eq!(message(Loss::LogitSqueezing(-1.0)), "loss: expected a finite squeezing factor of at least 0, got -1");
    let message = trades(&scores, &y, 1.0).unwrap_err().to_string();
    assert_eq!(message, "trades: expected as many neighbours as clean inputs, got 3 rows");
}
