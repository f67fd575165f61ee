//! Random starts, restarts, L1 and a radius per row in projected gradient descent.

use crate::attack_nets::{labels, linear, peer, tensors, values};
use candle_core::{Device, Tensor};
use widemargin::attack::{Norm, Pgd, Status};
use widemargin::model::Classifier;

fn quiet() -> Pgd {
    Pgd { silent: true, ..Pgd::default() }
}

fn digits(name: &str) -> (Classifier, Tensor, Tensor) {
    let file = tensors("attack_peers.safetensors");
    (peer(name), file[&format!("{name}.x")].clone(), labels(&file, &format!("{name}.y")))
}

#[test]
fn a_random_start_is_uniform_in_the_ball() {
    // No steps: the result is the start. Inputs in the middle of the box, so that it does not bind.
    let (n, width) = (400, 12);
    let x = Tensor::full(0.5_f32, (n, width), &Device::Cpu).unwrap();
    let y = Tensor::zeros(n, candle_core::DType::U32, &Device::Cpu).unwrap();
    for norm in [Norm::Linf, Norm::L2, Norm::L1] {
        let attack = Pgd { norm, epsilon: 0.4, steps: 0, random_start: true, ..quiet() };
        let found = attack.run(&linear(&[1.0; 12], 0.0), &x, &y).unwrap();
        // Share of the ball's volume inside the point's own radius: uniform in [0, 1], with mean 1/2 and variance 1/12.
        let shares: Vec<f64> = found.norms.iter().map(|r| (r / 0.4).powi(width as i32)).collect();
        let mean = shares.iter().sum::<f64>() / n as f64;
        let square = shares.iter().map(|s| s * s).sum::<f64>() / n as f64;
        // Four standard errors of 400 draws: 4/sqrt(12 · 400), and for the square 4 · sqrt(4/45/400).
        assert!((mean - 0.5).abs() < 0.058, "{norm} {mean}");
        assert!((square - 1.0 / 3.0).abs() < 0.06, "{norm} {square}");
        let moved: Vec<f64> = values(&found.x).iter().map(|v| f64::from(*v) - 0.5).collect();
        // Every coordinate has mean 0; its deviation is largest for Linf, 0.4/sqrt(3) = 0.231.
        for k in 0..width {
            let mean = moved.iter().skip(k).step_by(width).sum::<f64>() / n as f64;
            assert!(mean.abs() < 4.0 * 0.231 / 20.0, "{norm} coordinate {k}: {mean}");
        }
    }
}

#[test]
fn the_seed_decides_the_bytes_and_nothing_else_does() {
    for name in ["linear", "mlp1", "mlp4", "cnn"] {
        let (net, x, y) = digits(name);
        for (norm, epsilon) in [(Norm::Linf, 0.1), (Norm::L2, 0.6), (Norm::L1, 2.0)] {
            let bytes = |steps, seed, batch| {
                let start = Pgd { random_start: true, restarts: 3, steps, ..quiet() };
                let found = Pgd { norm, epsilon, seed, batch, ..start }.run(&net, &x, &y).unwrap();
                values(&found.x).iter().map(|v| v.to_bits()).collect::<Vec<u32>>()
            };
            let run = |seed, batch| bytes(8, seed, batch);
            let whole = run(1, 64);
            assert!(run(1, 64) == whole, "{name} {norm}, again");
            assert!(run(1, 7) == whole, "{name} {norm}, batches of 7");
            // The starts: a linear score leads all of them to one corner.
            assert!(bytes(0, 1, 64) != bytes(0, 2, 64), "{name} {norm}, another seed");
            for threads in [1, 2] {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
                assert!(pool.install(|| run(1, 64)) == whole, "{name} {norm}, {threads} threads");
            }
        }
    }
}

#[test]
fn the_l1_projection_is_the_nearest_point_of_the_ball() {
    // One step of length 5 out of a ball of 1.5. p is nearest to v exactly if (v - p)·(z - p) <= 0 for all z of the ball, and
    // that is linear in z, so its corners ±1.5 e_k decide. Cutting everything by one factor fails this by far.
    let w: Vec<f32> = (0..40).map(|k| ((k * 7919 + 13) % 2003) as f32 / 1001.5 - 1.0).collect();
    let x = Tensor::full(0.0_f32, (1, 40), &Device::Cpu).unwrap();
    let y = Tensor::new(&[0_u32], &Device::Cpu).unwrap();
    let attack =
        Pgd { norm: Norm::L1, epsilon: 1.5, step: 5.0, steps: 1, sparsity: 0.0, bounds: [-9.0, 9.0], ..quiet() };
    let p: Vec<f64> = values(&attack.run(&linear(&w, 0.0), &x, &y).unwrap().x).iter().map(|v| f64::from(*v)).collect();
    let total: f64 = w.iter().map(|w| f64::from(w.abs())).sum();
    let v: Vec<f64> = w.iter().map(|w| 5.0 * f64::from(*w) / total).collect();
    let corner = 1.5 * v.iter().zip(&p).map(|(v, p)| (v - p).abs()).fold(0.0, f64::max);
    let own: f64 = v.iter().zip(&p).map(|(v, p)| (v - p) * p).sum();
    // float32 coordinates.
    assert!(corner - own < 1e-5, "{corner} {own}");
    assert!((p.iter().map(|p| p.abs()).sum::<f64>() - 1.5).abs() < 1e-5);
    let cut: Vec<f64> = v.iter().map(|v| v * 1.5 / 5.0).collect();
    let corner = 1.5 * v.iter().zip(&cut).map(|(v, p)| (v - p).abs()).fold(0.0, f64::max);
    assert!(corner - v.iter().zip(&cut).map(|(v, p)| (v - p) * p).sum::<f64>() > 0.05);
}

#[test]
fn restarts_attack_the_survivors_and_lose_nothing() {
    let (net, x, y) = digits("mlp4");
    let attack = Pgd { epsilon: 0.09, steps: 3, ..quiet() };
    let one = attack.run(&net, &x, &y).unwrap();
    let many = Pgd { restarts: 20, ..attack }.run(&net, &x, &y).unwrap();
    assert!(one.any.iter().zip(&many.any).all(|(one, many)| !one || *many));
    for row in 0..9 {
        let starts = many.iterations[row] / 3;
        assert_eq!(many.iterations[row], many.gradients[row]);
        assert!(if one.any[row] { starts == 1 } else { starts > 1 }, "row {row}: {starts} starts");
        assert!(many.any[row] || starts == 20);
    }
    assert!(many.norms.iter().all(|norm| *norm <= 0.09 + 1e-6));
}

#[test]
fn an_l1_attack_reaches_the_closed_form_and_stays_in_the_ball() {
    // Outside of the box's reach the score falls by epsilon * max |w|.
    let net = linear(&[3.0, -4.0, 0.0, 0.5], 0.25);
    let x = Tensor::full(0.5_f32, (1, 4), &Device::Cpu).unwrap();
    let y = Tensor::new(&[1_u32], &Device::Cpu).unwrap();
    let found = Pgd { norm: Norm::L1, epsilon: 0.3, ..quiet() }.run(&net, &x, &y).unwrap();
    // float32 coordinates of 0.5.
    assert!(values(&found.x).iter().zip([0.5, 0.8, 0.5, 0.5]).all(|(a, b)| (a - b).abs() < 1e-6), "{:?}", found.norms);
    // Within it: the steepest coordinate is used up first. 0.5 of pixel 2, then 0.2 of pixel 1.
    let found = Pgd { norm: Norm::L1, epsilon: 0.7, ..quiet() }.run(&net, &x, &y).unwrap();
    assert!(
        values(&found.x).iter().zip([0.3, 1.0, 0.5, 0.5]).all(|(a, b)| (a - b).abs() < 1e-5),
        "{:?}",
        values(&found.x)
    );
    let (net, x, y) = digits("mlp2");
    for sparsity in [0.0, 0.01, 0.1] {
        let found = Pgd { norm: Norm::L1, epsilon: 3.0, sparsity, ..quiet() }.run(&net, &x, &y).unwrap();
        // Sums of 64 float32 changes.
        assert!(found.norms.iter().all(|norm| *norm <= 3.0 + 1e-5), "{:?}", found.norms);
        assert!(values(&found.x).iter().all(|v| (0.0..=1.0).contains(v)));
    }
}

#[test]
fn each_row_can_have_a_radius_of_its_own() {
    let (net, x, y) = digits("mlp1");
    let epsilons: Vec<f64> = (0..9).map(|row| 0.03 * f64::from(row)).collect();
    let found = quiet().run_within(&net, &x, &y, &epsilons).unwrap();
    for (row, epsilon) in epsilons.iter().enumerate() {
        let (one, label) = (x.narrow(0, row, 1).unwrap(), y.narrow(0, row, 1).unwrap());
        let alone = Pgd { epsilon: *epsilon, ..quiet() }.run(&net, &one, &label).unwrap();
        let together = values(&found.x.narrow(0, row, 1).unwrap());
        // Products of another shape are summed in another order.
        assert!(values(&alone.x).iter().zip(&together).all(|(a, b)| (a - b).abs() < 1e-5), "row {row}");
        assert_eq!((alone.success[0], alone.any[0]), (found.success[row], found.any[row]));
    }
    assert_eq!(found.norms[0], 0.0);
    let message = quiet().run_within(&net, &x, &y, &epsilons[1..]).unwrap_err().to_string();
    assert_eq!(message, "pgd: expected 9 radii, one per row, got 8");
    let message = quiet().run_within(&net, &x, &y, &[f64::NAN; 9]).unwrap_err().to_string();
    assert_eq!(message, "pgd: expected epsilon of 0 or more and finite, got NaN in row 0");
}

#[test]
fn the_best_iterate_is_adversarial_wherever_one_was() {
    let (net, x, y) = digits("mlp4");
    // Steps as long as the ball is wide jump across and back.
    let found = Pgd { norm: Norm::L2, epsilon: 0.7, step: 1.4, steps: 9, random_start: true, ..quiet() };
    let found = found.run(&net, &x, &y).unwrap();
    let classes = net.predict(&found.best).unwrap();
    let wrong: Vec<bool> = classes.iter().zip(&found.labels).map(|(class, y)| class != y).collect();
    assert_eq!(wrong, found.any);
    let last = net.predict(&found.x).unwrap();
    assert_eq!(last, found.predicted);
    assert_eq!(last.iter().zip(&found.labels).map(|(c, y)| c != y).collect::<Vec<_>>(), found.success);
}

#[test]
fn every_row_has_a_status() {
    let (net, x, y) = digits("mlp1");
    let found = Pgd { epsilon: 0.1, ..quiet() }.run(&net, &x, &y).unwrap();
    let status = found.status();
    assert_eq!(status[2], Status::MisclassifiedClean);
    assert!(status.contains(&Status::Found) && status.contains(&Status::Censored));
    for (row, distance) in found.distances().iter().enumerate() {
        match status[row] {
            Status::MisclassifiedClean => assert_eq!(*distance, 0.0),
            Status::Found if found.success[row] => assert_eq!(*distance, found.norms[row]),
            _ => assert_eq!(*distance, f64::INFINITY),
        }
    }
    assert_eq!(found.trace.len(), 40);
    assert!(found.trace.iter().all(|iterate| iterate.rows == 9 && iterate.zero_gradient == 0));
    assert!(found.trace[39].margin > found.trace[0].margin, "{:?}", found.trace);
}

#[test]
fn settings_out_of_range_are_refused_by_name() {
    let (net, x, y) = digits("mlp1");
    let message = |attack: Pgd| attack.run(&net, &x, &y).unwrap_err().to_string();
    assert_eq!(message(Pgd { restarts: 0, ..quiet() }), "pgd: expected restarts of at least 1, got 0");
    assert_eq!(message(Pgd { batch: 0, ..quiet() }), "pgd: expected batch of at least 1, got 0");
    assert_eq!(message(Pgd { sparsity: 1.5, ..quiet() }), "pgd: expected sparsity in [0, 1], got 1.5");
}
