//! The nearest adversarial input against exact distances (tests/reference/attack_minimal.py) and known bounds.

use crate::attack_nets::{doubles, exact, labels, linear, peer, tensors, values};
use candle_core::{Device, Tensor};
use widemargin::attack::{Adversarial, Ddn, DeepFool, MinimalNorm, Model, Norm, Pgd, Status};
use widemargin::model::Classifier;

fn quiet() -> MinimalNorm {
    MinimalNorm { silent: true, ..MinimalNorm::default() }
}

fn scale(net: &Classifier, by: f64) {
    let vars = net.vars();
    for var in &vars[vars.len() - 2..] {
        var.set(&(var.as_tensor() * by).unwrap()).unwrap();
    }
}

fn median(values: &[f64]) -> f64 {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Ratios to the exact distance; refuses rows not found, and inputs that the model does not misclassify or the box excludes.
fn ratios(net: &Classifier, found: &Adversarial, exact: &[f64], name: &str) -> Vec<f64> {
    assert!(found.status().iter().all(|status| *status == Status::Found), "{name}: {:?}", found.status());
    assert!(values(&found.x).iter().all(|v| (0.0..=1.0).contains(v)));
    let classes = net.predict(&found.x).unwrap();
    assert!(classes.iter().zip(&found.labels).all(|(class, y)| class != y), "{name}");
    // A result on the boundary is below the exact distance by no more than float32 rounding of scores and pixels.
    assert!(
        found.norms.iter().zip(exact).all(|(got, exact)| *got > exact - 1e-4),
        "{name}: {:?} {exact:?}",
        found.norms
    );
    found.norms.iter().zip(exact).map(|(got, exact)| got / exact).collect()
}

#[test]
fn distances_are_exact_where_they_are_known() {
    let file = tensors("attack_minimal.safetensors");
    for name in ["linear64", "classes4", "relu8"] {
        let net = exact(name, &file);
        let (x, y) = (&file[&format!("{name}.x")], labels(&file, &format!("{name}.y")));
        let found = quiet().run(&net, x, &y).unwrap();
        let ratios = ratios(&net, &found, &doubles(&file[&format!("{name}.exact")]), name);
        let worst = ratios.iter().copied().fold(0.0, f64::max);
        println!("{name}: median {:.6} worst {worst:.6}", median(&ratios));
        assert!(median(&ratios) <= 1.005 && worst <= 1.05, "{name}: {ratios:?}");
    }
}

#[test]
fn ddn_alone_is_near_the_exact_distance() {
    let file = tensors("attack_minimal.safetensors");
    for name in ["linear64", "relu8"] {
        let net = exact(name, &file);
        let (x, y) = (&file[&format!("{name}.x")], labels(&file, &format!("{name}.y")));
        let found = Ddn { steps: 400, silent: true, ..Ddn::default() }.run(&net, x, &y).unwrap();
        let ratios = ratios(&net, &found, &doubles(&file[&format!("{name}.exact")]), name);
        assert!(median(&ratios) < 1.01, "{name}: {ratios:?}");
    }
}

#[test]
fn without_a_binding_box_deepfool_and_the_minimal_norm_are_the_closed_form() {
    let net = linear(&[3.0, -4.0, 0.0], 0.1);
    let x = Tensor::full(0.5_f32, (1, 3), &Device::Cpu).unwrap();
    let y = Tensor::new(&[0_u32], &Device::Cpu).unwrap();
    // The score is -0.4: 0.4/5 in L2, 0.4/7 in Linf.
    let found = quiet().run(&net, &x, &y).unwrap();
    assert!((found.norms[0] - 0.08).abs() < 1e-6, "{:?}", found.norms);
    for (norm, distance) in [(Norm::L2, 0.4 / 5.0), (Norm::Linf, 0.4 / 7.0)] {
        let found = DeepFool { norm, overshoot: 0.0, silent: true, ..DeepFool::default() }.run(&net, &x, &y).unwrap();
        // DeepFool goes 1e-4 too far.
        assert!((found.norms[0] - distance - 1e-4).abs() < 1e-6, "{norm} {:?}", found.norms);
        let found = DeepFool { norm, silent: true, ..DeepFool::default() }.run(&net, &x, &y).unwrap();
        assert!((found.norms[0] - 1.02 * (distance + 1e-4)).abs() < 1e-6, "{norm} {:?}", found.norms);
    }
    assert!(DeepFool { norm: Norm::L1, ..DeepFool::default() }.run(&net, &x, &y).is_err());
}

#[test]
fn the_minimal_norm_is_never_further_than_the_attacks_inside_it_or_deepfool() {
    let file = tensors("attack_peers.safetensors");
    for name in ["mlp1", "mlp2", "mlp4", "cnn"] {
        let net = peer(name);
        let (x, y) = (&file[&format!("{name}.x")], labels(&file, &format!("{name}.y")));
        let best = quiet().run(&net, x, &y).unwrap();
        let ddn = Ddn { silent: true, ..Ddn::default() }.run(&net, x, &y).unwrap();
        let fool = DeepFool { silent: true, ..DeepFool::default() }.run(&net, x, &y).unwrap();
        let pgd = Pgd { norm: Norm::L2, epsilon: 1.0, silent: true, ..Pgd::default() }.run(&net, x, &y).unwrap();
        assert_eq!(best.distances()[2], 0.0);
        for row in 0..9 {
            let own = best.distances()[row];
            for other in [&ddn, &fool, &pgd] {
                // Inputs on the boundary move by 1e-7 and more to stay wrong in every batch.
                assert!(
                    own <= other.distances()[row] * (1.0 + 1e-5),
                    "{name} row {row}: {own} {:?}",
                    other.distances()
                );
            }
        }
        // Just inside that distance PGD with restarts finds nothing; more would say that the distance is wrong.
        let inside: Vec<f64> = best.distances().iter().map(|d| 0.97 * d).collect();
        let strong = Pgd { norm: Norm::L2, steps: 100, restarts: 5, silent: true, ..Pgd::default() };
        assert_eq!(strong.run_within(&net, x, &y, &inside).unwrap().found(), 0, "{name}");
    }
}

#[test]
fn scaled_logits_change_no_distance() {
    let file = tensors("attack_peers.safetensors");
    let (x, y) = (&file["mlp1.x"], labels(&file, "mlp1.y"));
    let net = peer("mlp1");
    let once = quiet().run(&net, x, &y).unwrap();
    for by in [30.0, 1000.0 / 30.0] {
        scale(&net, by);
        let again = quiet().run(&net, x, &y).unwrap();
        assert_eq!(once.success, again.success);
        for (a, b) in once.norms.iter().zip(&again.norms) {
            // Other roundings of the scaled weights.
            assert!((a - b).abs() < 1e-4, "x{by}: {a} {b}");
        }
    }
}

#[test]
fn a_model_that_no_input_can_change_is_censored_and_not_called_robust() {
    let net = linear(&[0.0; 4], 1.0);
    let x = Tensor::full(0.5_f32, (2, 4), &Device::Cpu).unwrap();
    let y = Tensor::new(&[1_u32, 0], &Device::Cpu).unwrap();
    let found = MinimalNorm { steps: 5, retry_steps: 5, ..quiet() }.run(&net, &x, &y).unwrap();
    assert_eq!(found.status(), [Status::Censored, Status::MisclassifiedClean]);
    assert_eq!(found.distances(), [f64::INFINITY, 0.0]);
    assert!(found.zero_gradient[0] >= 10 && found.zero_gradient[1] == 0, "{:?}", found.zero_gradient);
    assert_eq!(values(&found.x), values(&x));
}

#[test]
fn same_bytes_whatever_the_batch() {
    let file = tensors("attack_peers.safetensors");
    for name in ["mlp1", "mlp4", "cnn"] {
        let (x, y) = (&file[&format!("{name}.x")], labels(&file, &format!("{name}.y")));
        let net = peer(name);
        // Few steps: some rows fail at first and take every way that there is.
        let run = |steps, batch| {
            let attack = MinimalNorm { steps, retry_steps: steps, batch, ..quiet() };
            let found = attack.run(&net, x, &y).unwrap();
            (values(&found.x).iter().map(|v| v.to_bits()).collect::<Vec<u32>>(), found.iterations)
        };
        let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
        for steps in [1, 40] {
            let whole = run(steps, 64);
            for batch in [1, 2, 7] {
                assert_eq!(run(steps, batch), whole, "{name}, {steps} steps, batch {batch}");
            }
            assert_eq!(pool.install(|| run(steps, 64)), whole, "{name}, one thread");
        }
    }
}

/// A model of the user's own, with a gradient that is not finite on some rows.
struct Broken(Classifier);

impl Model for Broken {
    fn outputs(&self) -> usize {
        1
    }

    fn score_rows(&self, x: &Tensor) -> widemargin::Result<Vec<f32>> {
        self.0.score_rows(x)
    }

    fn score_gradient(
        &self,
        x: &Tensor,
        slopes: &dyn Fn(&[f32]) -> Vec<f32>,
    ) -> widemargin::Result<(Vec<f32>, Vec<f32>)> {
        let (scores, mut gradient) = self.0.score_gradient(x, slopes)?;
        let width = gradient.len() / scores.len();
        gradient[0] = f32::NAN;
        gradient[width + 1] = f32::INFINITY;
        Ok((scores, gradient))
    }
}

#[test]
fn rows_with_gradients_that_are_not_finite_are_named() {
    use widemargin::display::Show;
    let net = Broken(linear(&[1.0, -1.0], 0.0));
    let x = Tensor::new(&[[0.6_f32, 0.5], [0.6, 0.5], [0.6, 0.5]], &Device::Cpu).unwrap();
    let y = Tensor::new(&[1_u32, 1, 1], &Device::Cpu).unwrap();
    let found = Pgd { steps: 7, silent: true, ..Pgd::default() }.run(&net, &x, &y).unwrap();
    assert_eq!(found.not_finite, [7, 7, 0]);
    assert_eq!(found.success, [false, false, true]);
    let text = found.bundle().data["text/plain"].as_str().unwrap().to_owned();
    assert!(text.contains("2 rows with values that are not finite: 0, 1"), "{text}");
    let found = Ddn { steps: 7, silent: true, ..Ddn::default() }.run(&net, &x, &y).unwrap();
    assert_eq!(found.not_finite, [7, 7, 0]);
}
