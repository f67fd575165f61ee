//! A plane through an input, and random changes as large as the attack's.

use crate::attack_nets::{labels, linear, peer, tensors, values};
use candle_core::{Device, Tensor};
use widemargin::attack::{Norm, Pgd, equal_noise, slice};

#[test]
fn the_plane_of_a_linear_score_changes_class_where_the_score_does() {
    // Score a - 0.45 at a = 0.5: the L2 attack of radius 0.2 moves a alone, so the boundary lies at a quarter of its change.
    let net = linear(&[1.0, 0.0, 0.0], -0.45);
    let x = Tensor::full(0.5_f32, (1, 3), &Device::Cpu).unwrap();
    let y = Tensor::new(&[1_u32], &Device::Cpu).unwrap();
    let found = Pgd { norm: Norm::L2, epsilon: 0.2, silent: true, ..Pgd::default() }.run(&net, &x, &y).unwrap();
    let plane = slice(&net, &found, 0, 41, 1).unwrap();
    assert!((plane.length - 0.2).abs() < 1e-6);
    for line in &plane.classes {
        for (a, class) in plane.along.iter().zip(line) {
            // The other direction is at a right angle to the change and moves no score.
            assert_eq!(*class, Some(u32::from(*a < 0.25 - 1e-6)), "{a}");
        }
    }
    assert_eq!(slice(&net, &found, 0, 41, 1).unwrap(), plane);
    let message = slice(&net, &found, 1, 41, 1).unwrap_err().to_string();
    assert_eq!(message, "slice: expected a row below 1 and at least 2 points, got row 1 and 41 points");
    let still = Pgd { epsilon: 0.0, silent: true, ..Pgd::default() }.run(&net, &x, &y).unwrap();
    assert!(slice(&net, &still, 0, 41, 1).unwrap_err().to_string().contains("a change of row 0 above 0"));
}

#[test]
fn noise_is_as_large_as_the_attack_and_breaks_less() {
    let file = tensors("attack_peers.safetensors");
    let (net, x, y) = (peer("mlp1"), &file["mlp1.x"], labels(&file, "mlp1.y"));
    for (norm, epsilon) in [(Norm::Linf, 0.15), (Norm::L2, 0.9), (Norm::L1, 5.0)] {
        let found = Pgd { norm, epsilon, silent: true, ..Pgd::default() }.run(&net, x, &y).unwrap();
        // A box that does not bind, so that no change is cut.
        let noise = equal_noise(&net, &found, [-9.0, 9.0], 4).unwrap();
        for (a, b) in noise.norms.iter().zip(&found.norms) {
            // Sums of 64 rounded changes.
            assert!((a - b).abs() < 1e-5 * b.max(1.0), "{norm}: {a} {b}");
        }
        assert!(noise.found() < found.found(), "{norm}: {} {}", noise.found(), found.found());
        assert_eq!(noise.predicted, net.predict(&noise.x).unwrap());
        assert_eq!(values(&equal_noise(&net, &found, [-9.0, 9.0], 4).unwrap().x), values(&noise.x));
        let inside = equal_noise(&net, &found, [0.0, 1.0], 4).unwrap();
        assert!(values(&inside.x).iter().all(|v| (0.0..=1.0).contains(v)));
    }
}
