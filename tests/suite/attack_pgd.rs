//! Projected gradient descent. References: closed forms on a linear score, and tests/reference/attack.py (NumPy, float32,
//! foolbox's semantics written out).

use candle_core::{Device, Tensor};
use serde_json::Value;
use std::sync::LazyLock;
use widemargin::attack::{Adversarial, Norm, Objective, Pgd};
use widemargin::data::digits;
use widemargin::model::{Classifier, Linear, Mlp};
use widemargin::train::Trainer;

static FILE: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_str(include_str!("../reference/attack.json")).expect("attack.py wrote JSON"));

fn floats(value: &Value) -> Vec<f32> {
    match value {
        Value::Array(items) => items.iter().flat_map(floats).collect(),
        value => vec![value.as_f64().unwrap() as f32],
    }
}

fn tensor(value: &Value) -> Tensor {
    let rows = value.as_array().unwrap();
    let values = floats(value);
    let width = values.len() / rows.len();
    if rows[0].is_array() {
        Tensor::from_vec(values, (rows.len(), width), &Device::Cpu)
    } else {
        Tensor::new(values, &Device::Cpu)
    }
    .unwrap()
}

fn labels(values: &[u32]) -> Tensor {
    Tensor::new(values, &Device::Cpu).unwrap()
}

fn values(x: &Tensor) -> Vec<f32> {
    x.flatten_all().unwrap().to_vec1().unwrap()
}

fn quiet() -> Pgd {
    Pgd { silent: true, ..Pgd::default() }
}

/// A linear score with these weights.
fn linear(w: &[f32], b: f32) -> Classifier {
    let net = Classifier::linear(&Linear { inputs: w.len(), bias: true }).unwrap();
    let vars = net.vars();
    vars[0].set(&Tensor::from_slice(w, (1, w.len()), &Device::Cpu).unwrap()).unwrap();
    vars[1].set(&Tensor::new(&[b], &Device::Cpu).unwrap()).unwrap();
    net
}

fn reference_net(net: &Value) -> Classifier {
    let w1 = tensor(&net["w1"]);
    let outputs = net["b2"].as_array().unwrap().len();
    let (features, inputs) = w1.dims2().unwrap();
    let settings = Mlp { inputs, hidden: Vec::new(), features, outputs, leaky_slope: 0.01 };
    let made = Classifier::mlp(&settings, 0).unwrap();
    let parameters = [w1, tensor(&net["b1"]), tensor(&net["w2"]), tensor(&net["b2"])];
    made.vars().iter().zip(&parameters).for_each(|(var, value)| var.set(value).unwrap());
    made
}

/// Multiplies the last layer, which moves no boundary.
fn scale_logits(net: &Classifier, by: f64) {
    let vars = net.vars();
    for var in &vars[vars.len() - 2..] {
        var.set(&(var.as_tensor() * by).unwrap()).unwrap();
    }
}

fn trained() -> (Classifier, Tensor, Tensor) {
    let pair = digits().unwrap().pair(3, 8).unwrap();
    let mut net = Classifier::mlp(&Mlp::default(), 1).unwrap();
    Trainer { epochs: 20, silent: true, ..Trainer::default() }.fit(&mut net, &pair.train).unwrap();
    (net, pair.test.x.clone(), pair.test.y.clone())
}

#[test]
fn every_case_equals_the_reference() {
    for case in FILE["cases"].as_array().unwrap() {
        let net = &FILE["nets"][case["net"].as_str().unwrap()];
        let attack = Pgd {
            norm: if case["norm"] == "L2" { Norm::L2 } else { Norm::Linf },
            epsilon: case["epsilon"].as_f64().unwrap(),
            step: case["step"].as_f64().unwrap(),
            steps: case["steps"].as_u64().unwrap() as usize,
            objective: if case["objective"] == "margin" { Objective::Margin } else { Objective::CrossEntropy },
            ..quiet()
        };
        let y: Vec<u32> = floats(&net["y"]).iter().map(|y| *y as u32).collect();
        let found = attack.run(&reference_net(net), &tensor(&net["x"]), &labels(&y)).unwrap();
        let name = format!("{} {} {} {}", case["net"], case["norm"], case["steps"], case["objective"]);
        for (row, (got, wanted)) in values(&found.x).iter().zip(floats(&case["result"])).enumerate() {
            // 50 steps of float32 in another order of addition.
            assert!((got - wanted).abs() < 1e-5, "{name}: value {row} is {got}, reference {wanted}");
        }
        let flags =
            |key: &str| -> Vec<bool> { case[key].as_array().unwrap().iter().map(|v| v.as_bool().unwrap()).collect() };
        assert_eq!(found.success, flags("last"), "{name}");
        assert_eq!(found.any, flags("any"), "{name}");
    }
}

#[test]
fn on_a_linear_model_reaches_the_closed_form() {
    // The box does not bind: the score falls by epsilon * |w|_1 (Linf) or epsilon * |w|_2 (L2).
    let w = [3.0_f32, -4.0, 0.0, 0.5];
    let net = linear(&w, 0.25);
    let x = Tensor::full(0.5_f32, (2, 4), &Device::Cpu).unwrap();
    for (norm, dual) in [(Norm::Linf, 7.5), (Norm::L2, (9.0_f64 + 16.0 + 0.25).sqrt())] {
        for objective in [Objective::Margin, Objective::CrossEntropy] {
            for steps in [1, 7] {
                let attack = Pgd { norm, epsilon: 0.1, steps, objective, ..quiet() };
                let found = attack.run(&net, &x, &labels(&[1, 0])).unwrap();
                let moved =
                    (net.scores(&found.x).unwrap() - net.scores(&x).unwrap()).unwrap().to_vec1::<f32>().unwrap();
                // float32 sums of numbers near 4.
                assert!((f64::from(moved[0]) + 0.1 * dual).abs() < 2e-6, "{norm} {objective} {steps}: {moved:?}");
                assert!((f64::from(moved[1]) - 0.1 * dual).abs() < 2e-6, "{norm} {objective} {steps}: {moved:?}");
                assert!(found.norms.iter().all(|n| (n - 0.1).abs() < 1e-6), "{:?}", found.norms);
            }
        }
    }
}

#[test]
fn a_dead_pixel_does_not_move() {
    // f32::signum(0) is 1: written with it the third pixel would move by epsilon.
    let net = linear(&[1.0, -1.0, 0.0], 0.0);
    let x = Tensor::full(0.5_f32, (1, 3), &Device::Cpu).unwrap();
    let found = quiet().run(&net, &x, &labels(&[1])).unwrap();
    assert_eq!(values(&found.x)[2], 0.5);
}

#[test]
fn results_stay_inside_the_ball_and_the_box() {
    let (net, x, y) = trained();
    for (norm, epsilon) in [(Norm::Linf, 0.2), (Norm::L2, 1.5)] {
        // A step as long as the radius leaves the ball at once if anything is wrong.
        for step in [0.0, epsilon, 3.0 * epsilon] {
            let found = Pgd { norm, epsilon, step, steps: 10, ..quiet() }.run(&net, &x, &y).unwrap();
            assert!(values(&found.x).iter().all(|v| (0.0..=1.0).contains(v)));
            assert!(found.norms.iter().all(|n| *n <= epsilon + 1e-6), "{:?}", found.norms);
        }
    }
}

#[test]
fn radius_zero_returns_the_input_bit_for_bit() {
    let (net, x, y) = trained();
    let x = (x * -1.0).unwrap().neg().unwrap();
    let found = Pgd { epsilon: 0.0, ..quiet() }.run(&net, &x, &y).unwrap();
    let bits = |t: &Tensor| values(t).iter().map(|v| v.to_bits()).collect::<Vec<u32>>();
    assert_eq!(bits(&found.x), bits(&x));
    assert_eq!(found.success, found.clean_correct.iter().map(|c| !c).collect::<Vec<_>>());
    assert_eq!(found.clean_accuracy(), net.accuracy(&x, &y).unwrap());
    assert_eq!(found.robust_accuracy(), found.clean_accuracy());
}

#[test]
fn result_does_not_depend_on_the_batch() {
    let (net, x, y) = trained();
    for (norm, epsilon) in [(Norm::Linf, 0.1), (Norm::L2, 0.6)] {
        let attack = Pgd { norm, epsilon, steps: 20, ..quiet() };
        let together = attack.run(&net, &x, &y).unwrap();
        for row in [0, 7, 31] {
            let (one, label) = (x.narrow(0, row, 1).unwrap(), y.narrow(0, row, 1).unwrap());
            let alone = attack.run(&net, &one, &label).unwrap();
            assert_eq!(alone.success[0], together.success[row]);
            let beside = together.x.narrow(0, row, 1).unwrap();
            for (a, b) in values(&alone.x).iter().zip(values(&beside)) {
                // Products of other shapes are summed in another order, so by float32 rounding only.
                assert!((a - b).abs() < 1e-4, "{norm} row {row}: {a} {b}");
            }
        }
    }
}

#[test]
fn the_same_call_gives_the_same_bytes() {
    let (net, x, y) = trained();
    let run = || values(&quiet().run(&net, &x, &y).unwrap().x);
    assert_eq!(run(), run());
}

#[test]
fn scaled_logits_hide_everything_from_cross_entropy_and_nothing_from_the_margin() {
    let (net, x, y) = trained();
    let run = |objective| -> Adversarial { Pgd { objective, epsilon: 0.15, ..quiet() }.run(&net, &x, &y).unwrap() };
    let broken = |found: &Adversarial| {
        found.any.iter().zip(&found.clean_correct).filter(|(any, right)| **any && **right).count()
    };
    let (margin, entropy) = (run(Objective::Margin), run(Objective::CrossEntropy));
    assert!(broken(&margin) >= 20, "the attack must find something to hide: {}", broken(&margin));
    assert!(broken(&entropy) >= 20);
    scale_logits(&net, 1000.0);
    let (scaled, masked) = (run(Objective::Margin), run(Objective::CrossEntropy));
    assert_eq!(scaled.any, margin.any);
    assert_eq!(scaled.success, margin.success);
    assert_eq!(scaled.zero_gradient_rows(), 0);
    // Wrong rows keep a gradient, and so may one or two right ones within 104/1000 of the boundary.
    let right = margin.clean_correct.iter().filter(|right| **right).count();
    assert!(broken(&masked) <= 1, "{} of {}", broken(&masked), broken(&margin));
    assert!(masked.zero_gradient_rows() + 2 >= right, "{} of {right}", masked.zero_gradient_rows());
}

#[test]
fn two_outputs_and_one_are_attacked_alike() {
    // Scores (0, s) stand for the same classifier as s.
    let w = [0.8_f32, -0.5, 0.3, 0.1];
    let one = linear(&w, -0.2);
    let two =
        Classifier::mlp(&Mlp { inputs: 4, hidden: Vec::new(), features: 8, outputs: 2, leaky_slope: 0.0 }, 0).unwrap();
    let mut inner = [0.0_f32; 32];
    (0..4).for_each(|k| inner[k * 4 + k] = 1.0);
    let mut head = [0.0_f32; 16];
    head[8..12].copy_from_slice(&w);
    let parameters = [
        Tensor::from_slice(&inner, (8, 4), &Device::Cpu),
        Tensor::zeros(8, candle_core::DType::F32, &Device::Cpu),
        Tensor::from_slice(&head, (2, 8), &Device::Cpu),
        Tensor::new(&[0.0_f32, -0.2], &Device::Cpu),
    ];
    two.vars().iter().zip(parameters).for_each(|(var, value)| var.set(&value.unwrap()).unwrap());
    let x = Tensor::new(&[[0.5_f32, 0.4, 0.6, 0.3], [0.2, 0.7, 0.5, 0.4]], &Device::Cpu).unwrap();
    for objective in [Objective::Margin, Objective::CrossEntropy] {
        let run = |net: &Classifier| Pgd { objective, epsilon: 0.1, ..quiet() }.run(net, &x, &labels(&[1, 0])).unwrap();
        let (a, b) = (run(&one), run(&two));
        assert_eq!((a.success, a.predicted), (b.success, b.predicted));
        for (a, b) in values(&a.x).iter().zip(values(&b.x)) {
            assert!((a - b).abs() < 1e-6);
        }
    }
}

#[test]
fn rows_without_a_gradient_are_counted() {
    let net = linear(&[0.0, 0.0], 1.0);
    let x = Tensor::full(0.5_f32, (3, 2), &Device::Cpu).unwrap();
    let found = quiet().run(&net, &x, &labels(&[1, 1, 0])).unwrap();
    assert_eq!((found.zero_gradient, found.not_finite), (vec![40; 3], vec![0; 3]));
    assert_eq!(found.success, [false, false, true]);
    assert_eq!(values(&found.x), values(&x));
}

#[test]
fn denormal_gradients_still_steer() {
    // |g|^2 of 1e-40 is zero in any precision candle computes in.
    let net = linear(&[3e-40, -4e-40], 0.0);
    let x = Tensor::full(0.5_f32, (1, 2), &Device::Cpu).unwrap();
    let found = Pgd { norm: Norm::L2, ..quiet() }.run(&net, &x, &labels(&[1])).unwrap();
    if found.zero_gradient[0] == 0 {
        let moved = values(&found.x);
        // 1e-4: a denormal 3e-40 has 17 bits.
        assert!((moved[0] - 0.44).abs() < 1e-4 && (moved[1] - 0.58).abs() < 1e-4, "{moved:?}");
    } else {
        println!("skipped: this machine flushes denormals to zero");
    }
}

#[test]
fn inputs_labels_and_settings_that_make_no_sense_are_refused_by_name() {
    let net = linear(&[1.0, 1.0], 0.0);
    let x = Tensor::new(&[[0.5_f32, 0.5], [0.5, 1.5]], &Device::Cpu).unwrap();
    let message = |attack: Pgd, x: &Tensor, y: &[u32]| attack.run(&net, x, &labels(y)).unwrap_err().to_string();
    assert_eq!(message(quiet(), &x, &[0, 1]), "pgd: expected inputs in [0, 1], got 1.5 in row 1");
    let x = Tensor::full(0.5_f32, (2, 2), &Device::Cpu).unwrap();
    assert_eq!(message(quiet(), &x, &[0]), "pgd: expected y (2,), one label per input, got [1]");
    assert_eq!(message(quiet(), &x, &[0, 2]), "pgd: expected labels below 2 for 1 output(s), got 2 in row 1");
    let negative = Pgd { epsilon: -0.1, ..quiet() };
    assert_eq!(message(negative, &x, &[0, 1]), "pgd: expected epsilon of 0 or more and finite, got -0.1");
    let nan = Tensor::new(&[[0.5_f32, f32::NAN]], &Device::Cpu).unwrap();
    assert_eq!(message(quiet(), &nan, &[0]), "pgd: expected inputs in [0, 1], got NaN in row 0");
}

#[test]
fn an_interrupt_returns_what_was_found() {
    const CHILD: &str = "WIDEMARGIN_TEST_ATTACK_CHILD";
    if std::env::var_os(CHILD).is_none() {
        // The flag is global: in a process of its own it stops no other test.
        let name = "attack_pgd::an_interrupt_returns_what_was_found";
        let mut child = std::process::Command::new(std::env::current_exe().unwrap());
        let output = child.args(["--exact", name]).env(CHILD, "1").output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
        return;
    }
    let (net, x, y) = trained();
    std::thread::spawn(|| {
        std::thread::sleep(std::time::Duration::from_millis(300));
        widemargin::progress::interrupt();
    });
    // A thousand million steps take days; that the call returns is the claim.
    let found = Pgd { steps: 1_000_000_000, step: 0.01, ..quiet() }.run(&net, &x, &y).unwrap();
    assert!(found.interrupted);
    assert!(found.norms.iter().all(|n| *n <= 0.1 + 1e-6));
    assert!(found.success.iter().zip(&found.clean_correct).any(|(success, right)| *success && *right));
}
