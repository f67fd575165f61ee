//! Every setting of foolbox and torchattacks in tests/reference/attack_peers.py, on the same weights and inputs.

use crate::attack_nets::{labels, peer, tensors, values};
use candle_core::{DType, Tensor};
use serde_json::Value;
use widemargin::attack::{Fgsm, Norm, Objective, Pgd};

fn cases() -> Vec<Value> {
    serde_json::from_str(include_str!("../reference/attack_peers.json")).unwrap()
}

fn norm(case: &Value) -> Norm {
    match case["norm"].as_str().unwrap() {
        "Linf" => Norm::Linf,
        "L2" => Norm::L2,
        _ => Norm::L1,
    }
}

fn objective(case: &Value) -> Objective {
    if case["objective"] == "margin" { Objective::Margin } else { Objective::CrossEntropy }
}

fn success(case: &Value) -> Vec<bool> {
    case["success"].as_array().unwrap().iter().map(|hit| hit.as_bool().unwrap()).collect()
}

fn assert_near(case: &Value, got: &Tensor, wanted: &Tensor) {
    for (at, (got, wanted)) in values(got).iter().zip(values(wanted)).enumerate() {
        // 1e-4 is the claim; 50 steps of float32 in another order of addition stay near 1e-6.
        assert!((got - wanted).abs() <= 1e-4, "{case}: value {at} is {got}, foolbox {wanted}");
    }
}

#[test]
fn every_setting_equals_foolbox_with_equal_success() {
    let (cases, file) = (cases(), tensors("attack_peers.safetensors"));
    assert!(cases.len() >= 58, "{}", cases.len());
    for case in &cases {
        let name = case["model"].as_str().unwrap();
        let (x, y) = (&file[&format!("{name}.x")], labels(&file, &format!("{name}.y")));
        let attack = Pgd {
            norm: norm(case),
            epsilon: case["epsilon"].as_f64().unwrap(),
            step: case["step"].as_f64().unwrap(),
            steps: case["steps"].as_u64().unwrap() as usize,
            objective: objective(case),
            // foolbox moves all coordinates.
            sparsity: 0.0,
            silent: true,
            ..Pgd::default()
        };
        let net = peer(name);
        let key = case["key"].as_str().unwrap();
        let found = match case["kind"].as_str().unwrap() {
            "targeted" => {
                let classes = case["classes"].as_u64().unwrap() as u32;
                let targets: Vec<u32> = y.to_vec1::<u32>().unwrap().iter().map(|y| (y + 1) % classes).collect();
                attack.run_targeted(&net, x, &y, &Tensor::new(targets, x.device()).unwrap())
            }
            "start" => attack.run_from(&net, x, &y, &file[&format!("{key}.start")]),
            _ => attack.run(&net, x, &y),
        }
        .unwrap();
        assert_near(case, &found.x, &file[key]);
        assert_eq!(found.success, success(case), "{case}");
    }
}

#[test]
fn one_step_as_long_as_the_radius_is_the_fast_gradient_method() {
    let file = tensors("attack_peers.safetensors");
    let mut seen = 0;
    for case in cases().iter().filter(|case| case["steps"] == 1 && case["kind"] == "plain") {
        let name = case["model"].as_str().unwrap();
        let (x, y) = (&file[&format!("{name}.x")], labels(&file, &format!("{name}.y")));
        let epsilon = case["epsilon"].as_f64().unwrap();
        let attack = Fgsm { norm: norm(case), epsilon, objective: objective(case), silent: true, ..Fgsm::default() };
        let found = attack.run(&peer(name), x, &y).unwrap();
        assert_near(case, &found.x, &file[case["key"].as_str().unwrap()]);
        assert_eq!(found.success, success(case), "{case}");
        seen += 1;
    }
    assert!(seen >= 15, "Linf, L2 and L1 on each of five models: {seen}");
}

#[test]
fn a_start_that_is_shaped_otherwise_or_not_finite_is_refused() {
    let file = tensors("attack_peers.safetensors");
    let (x, y) = (&file["mlp1.x"], labels(&file, "mlp1.y"));
    let message =
        |start: &Tensor| Pgd { silent: true, ..Pgd::default() }.run_from(&peer("mlp1"), x, &y, start).unwrap_err();
    let text = message(&x.narrow(0, 0, 2).unwrap()).to_string();
    assert_eq!(text, "pgd: expected a start of shape [9, 64], got [2, 64]");
    let nan = (x.zeros_like().unwrap() / 0.0).unwrap().to_dtype(DType::F32).unwrap();
    assert_eq!(message(&nan).to_string(), "pgd: expected a finite start, got NaN in row 0");
}
