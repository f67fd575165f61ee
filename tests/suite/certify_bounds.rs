//! certificate <= exact distance <= attack, on every row; operator norms against materialised matrices.

use crate::attack_nets::{doubles, exact, labels, linear, peer, tensors};
use candle_core::{DType, Device, Tensor};
use widemargin::attack::{MinimalNorm, Norm, Pgd};
use widemargin::certify::{Lipschitz, Smoothing, interval_radii, linear_distances};
use widemargin::display::Show;
use widemargin::model::{Classifier, ConvNet, Linear, Mlp, ResNet};

fn minimal() -> MinimalNorm {
    MinimalNorm { silent: true, ..MinimalNorm::default() }
}

const BOX: [f64; 2] = [0.0, 1.0];

#[test]
fn the_distance_of_a_linear_classifier_is_exact_with_and_without_the_box() {
    let file = tensors("attack_minimal.safetensors");
    let net = exact("linear64", &file);
    let (x, y) = (&file["linear64.x"], labels(&file, "linear64.y"));
    for (bounds, name) in [(None, "linear64.free"), (Some(BOX), "linear64.exact")] {
        let found = linear_distances(&net, x, &y, Norm::L2, bounds).unwrap();
        for (got, wanted) in found.iter().zip(doubles(&file[name])) {
            // SciPy's root is good to 1e-14 of the multiplier.
            assert!((got - wanted).abs() < 1e-12 * wanted.max(1.0), "{name}: {got} {wanted}");
        }
    }
}

#[test]
fn each_norm_has_its_closed_form() {
    let net = linear(&[3.0, 4.0], -1.0);
    let x = Tensor::new(&[[0.5_f32, 0.5], [0.5, 0.5], [0.0, 1.0]], &Device::Cpu).unwrap();
    let y = Tensor::new(&[1_u32, 0, 1], &Device::Cpu).unwrap();
    let run = |norm, bounds| linear_distances(&net, &x, &y, norm, bounds).unwrap();
    // Scores 2.5, 2.5 (labelled 0, so wrong) and 3.
    for (norm, first, third) in
        [(Norm::L2, 0.5, 0.6), (Norm::Linf, 2.5 / 7.0, 3.0 / 7.0), (Norm::L1, 2.5 / 4.0, 3.0 / 4.0)]
    {
        let free = run(norm, None);
        assert!(
            (free[0] - first).abs() < 1e-15 && free[1] == 0.0 && (free[2] - third).abs() < 1e-15,
            "{norm} {free:?}"
        );
    }
    // In the box pixel 1 of the first row falls by 0.5 at most, then pixel 0; pixel 0 of the third cannot fall at all.
    assert!((run(Norm::L1, Some(BOX))[0] - (0.5 + 0.5 / 3.0)).abs() < 1e-15);
    assert!((run(Norm::L2, Some(BOX))[2] - 0.75).abs() < 1e-15 && (run(Norm::Linf, Some(BOX))[2] - 0.75).abs() < 1e-15);
    // No input of the box has a score below 0.5.
    let never = linear_distances(&linear(&[1.0, 1.0], 0.5), &x, &y.ones_like().unwrap(), Norm::L2, Some(BOX)).unwrap();
    assert_eq!(never, [f64::INFINITY; 3]);
    let message = linear_distances(&peer("mlp1"), &x, &y, Norm::L2, None).unwrap_err().to_string();
    assert!(message.starts_with("linear_distances: expected a linear classifier, got"), "{message}");
}

#[test]
fn certificates_are_below_exact_distances_and_those_below_attacks_on_every_row() {
    let file = tensors("attack_minimal.safetensors");
    for name in ["linear64", "classes4", "relu8"] {
        let net = exact(name, &file);
        let (x, y) = (&file[&format!("{name}.x")], labels(&file, &format!("{name}.y")));
        let lipschitz = Lipschitz::of(&net).unwrap().radii(&net, x, &y).unwrap();
        let interval = interval_radii(&net, x, &y, BOX).unwrap();
        let exact = doubles(&file[&format!("{name}.exact")]);
        let attack = minimal().run(&net, x, &y).unwrap().distances();
        for row in 0..exact.len() {
            // Scores come in f32: a radius of them is good to some 1e-6.
            assert!(lipschitz[row] <= exact[row] + 2e-6, "{name} {row}: {} {}", lipschitz[row], exact[row]);
            assert!(interval[row] <= exact[row], "{name} {row}: {} {}", interval[row], exact[row]);
            assert!(exact[row] <= attack[row] + 1e-4, "{name} {row}: {} {}", exact[row], attack[row]);
            assert!(lipschitz[row] > 0.0 && interval[row] > 0.0);
        }
    }
    // One linear layer: the Lipschitz bound is the distance without a box.
    let net = exact("linear64", &file);
    let (x, y) = (&file["linear64.x"], labels(&file, "linear64.y"));
    for (got, free) in
        Lipschitz::of(&net).unwrap().radii(&net, x, &y).unwrap().iter().zip(doubles(&file["linear64.free"]))
    {
        // Scores of 64 products in f32, over a norm near 8.
        assert!((got - free).abs() < 2e-6, "{got} {free}");
    }
    // And the interval radius the Linf distance inside it.
    let linf = linear_distances(&net, x, &y, Norm::Linf, Some(BOX)).unwrap();
    for (got, exact) in interval_radii(&net, x, &y, BOX).unwrap().iter().zip(linf) {
        assert!(*got <= exact && *got > exact * (1.0 - 1e-6), "{got} {exact}");
    }
}

#[test]
fn no_row_of_a_trained_net_is_certified_and_attacked() {
    let file = tensors("attack_peers.safetensors");
    for name in ["linear", "mlp1", "mlp2", "mlp4", "cnn"] {
        let net = peer(name);
        let (x, y) = (&file[&format!("{name}.x")], labels(&file, &format!("{name}.y")));
        let lipschitz = Lipschitz::of(&net).unwrap().radii(&net, x, &y).unwrap();
        let interval = interval_radii(&net, x, &y, BOX).unwrap();
        let attack = minimal().run(&net, x, &y).unwrap().distances();
        assert_eq!((lipschitz[2], interval[2], attack[2]), (0.0, 0.0, 0.0), "a wrong row has no radius");
        for row in (0..9).filter(|row| *row != 2) {
            assert!(0.0 < lipschitz[row] && lipschitz[row] <= attack[row], "{name} {row}");
            assert!(0.0 < interval[row] && interval[row] <= attack[row], "{name} {row}");
        }
        // The strongest attack we have, at the radius that is proved for exact scores; those in f32 are up to 1e-5 off.
        let inside = |radii: &[f64]| radii.iter().map(|radius| radius * (1.0 - 1e-5)).collect::<Vec<f64>>();
        let pgd = Pgd { steps: 60, restarts: 5, silent: true, ..Pgd::default() };
        assert_eq!(pgd.run_within(&net, x, &y, &inside(&interval)).unwrap().found(), 0, "{name}");
        let pgd = Pgd { norm: Norm::L2, ..pgd };
        assert_eq!(pgd.run_within(&net, x, &y, &inside(&lipschitz)).unwrap().found(), 0, "{name}");
    }
}

/// How far scores of pairs of inputs can be apart at most: a bound from below on every Lipschitz constant.
fn stretch(net: &Classifier, shape: &[usize]) -> f64 {
    let count: usize = shape.iter().product();
    let pattern = |seed: usize| -> Vec<f32> {
        (0..count).map(|k| ((k * 7919 + seed * 104_729) % 2003) as f32 / 2002.0).collect()
    };
    let shape = [&[1], shape].concat();
    let mut largest = 0.0_f64;
    for seed in 0..20 {
        let x = Tensor::from_vec(pattern(seed), shape.as_slice(), &Device::Cpu).unwrap();
        let (_, gradient) = net.input_gradient(&x, |scores| Ok(scores.sum_all()?)).unwrap();
        let length = doubles(&gradient).iter().map(|g| g * g).sum::<f64>().sqrt();
        largest = largest.max(length);
    }
    largest
}

#[test]
fn the_bound_covers_the_gradient_of_every_architecture() {
    let nets = [
        ("mlp", Classifier::mlp(&Mlp::default(), 1), vec![64]),
        (
            "convnet",
            Classifier::convnet(&ConvNet { channels: 1, height: 8, width: 8, filters: 4, features: 16, outputs: 1 }, 1),
            vec![1, 8, 8],
        ),
        (
            "resnet",
            Classifier::resnet(&ResNet { channels: 1, side: 8, outputs: 1, filters: 4, blocks: 1 }, 1),
            vec![1, 8, 8],
        ),
        // Too large for its matrix: the bound by frequencies.
        (
            "large",
            Classifier::convnet(
                &ConvNet { channels: 3, height: 16, width: 16, filters: 8, features: 8, outputs: 1 },
                2,
            ),
            vec![3, 16, 16],
        ),
    ];
    for (name, net, shape) in nets {
        let net = net.unwrap();
        let bound = Lipschitz::of(&net).unwrap();
        let (least, most) = (stretch(&net, &shape), bound.features * bound.head[0][0]);
        assert!(least > 0.0 && least <= most, "{name}: {least} {most}");
        assert_eq!(bound.layers.iter().all(|(_, _, exact)| *exact), name != "large", "{:?}", bound.layers);
        assert!(bound.bundle().data["text/plain"].as_str().unwrap().contains("product"));
    }
}

#[test]
fn the_norm_of_a_convolution_is_the_largest_singular_value_of_its_matrix() {
    // Expected: numpy.linalg.norm of the matrix with one column per unit image, tests/reference/operator_norms.py.
    for line in include_str!("../reference/operator_norms.txt").lines().filter(|line| !line.starts_with('#')) {
        let numbers: Vec<f64> = line.split_whitespace().map(|word| word.parse().unwrap()).collect();
        let [channels, side, filters, norm] = numbers[..] else { panic!("{line}") };
        let (channels, side, filters) = (channels as usize, side as usize, filters as usize);
        let net = ConvNet { channels, height: side, width: side, filters, features: 4, outputs: 1 };
        let net = Classifier::convnet(&net, 0).unwrap();
        let (_, weight) = &net.named_vars()[0];
        let values: Vec<f32> =
            (0..weight.elem_count()).map(|k| ((k * 7919 + 13) % 2003) as f32 / 1001.5 - 1.0).collect();
        weight.set(&Tensor::from_vec(values, weight.dims(), &Device::Cpu).unwrap()).unwrap();
        let (_, got, exact) = &Lipschitz::of(&net).unwrap().layers[0];
        if *exact {
            assert!((got - norm).abs() < 1e-9 * norm, "{line}: {got}");
        } else {
            // The torus adds the edges that zero padding cuts off.
            assert!(*got >= norm * (1.0 - 1e-12) && *got < 1.1 * norm, "{line}: {got}");
        }
    }
}

#[test]
fn smoothing_of_a_linear_score_holds_the_true_distance_in_its_interval() {
    let net = linear(&[0.6, -0.8], 0.05);
    let x = Tensor::new(&[[0.5_f32, 0.3], [0.4, 0.6], [0.9, 0.1]], &Device::Cpu).unwrap();
    let smoothing = Smoothing { deviation: 0.3, samples: 20_000, silent: true, ..Smoothing::default() };
    let found = smoothing.run(&net, &x).unwrap();
    // w has length 1, so the distances are the scores.
    for (one, distance) in found.iter().zip([0.11_f64, -0.19, 0.51]) {
        assert_eq!(one.class, u32::from(distance > 0.0));
        let [low, high] = one.radius;
        assert!(low <= distance.abs() && distance.abs() <= high, "{one:?} {distance}");
        // Of 20,000 draws: some 3.3 standard errors of p, at most 0.012, over the density at the radius.
        assert!(high - low < 0.04, "{one:?}");
    }
    assert_eq!(smoothing.run(&net, &x).unwrap(), found);
    // A point on the boundary has no majority.
    let edge = Tensor::new(&[[0.05_f32, 0.1]], &Device::Cpu).unwrap();
    assert!(smoothing.run(&net, &edge).unwrap()[0].abstains());
    let message = Smoothing { deviation: 0.0, ..smoothing }.run(&net, &x).unwrap_err().to_string();
    assert_eq!(message, "smoothing: expected a finite deviation above 0, got 0");
}

#[test]
fn a_unanimous_vote_has_the_closed_form_of_clopper_and_pearson() {
    // All n votes: the lower bound is tail^(1/n). Here tail 0.0005 and n = 1000.
    let net = Classifier::linear(&Linear { inputs: 2, bias: true }).unwrap();
    net.vars()[1].set(&Tensor::new(&[1.0_f32], &Device::Cpu).unwrap()).unwrap();
    let x = Tensor::zeros((1, 2), DType::F32, &Device::Cpu).unwrap();
    let found = Smoothing { deviation: 1.0, silent: true, ..Smoothing::default() }.run(&net, &x).unwrap()[0];
    assert_eq!((found.class, found.votes), (1, 1000));
    // scipy.stats.norm.ppf(0.0005 ** (1 / 1000)) from tests/reference/operator_norms.py.
    assert!((found.radius[0] - UNANIMOUS).abs() < 1e-9, "{found:?}");
    assert_eq!(found.radius[1], f64::INFINITY);
}

const UNANIMOUS: f64 = 2.428_912_726_010_684;

#[test]
fn inputs_and_bounds_that_make_no_sense_are_refused_by_name() {
    let net = linear(&[1.0, 1.0], 0.0);
    let x = Tensor::new(&[[0.5_f32, 1.5]], &Device::Cpu).unwrap();
    let y = Tensor::new(&[1_u32], &Device::Cpu).unwrap();
    let message = interval_radii(&net, &x, &y, BOX).unwrap_err().to_string();
    assert_eq!(message, "interval_radii: expected inputs in [0, 1], got 1.5 in row 0");
    let message = interval_radii(&net, &x, &y, [1.0, 0.0]).unwrap_err().to_string();
    assert!(message.contains("finite bounds"), "{message}");
    let message = linear_distances(&net, &x, &y, Norm::L2, Some(BOX)).unwrap_err().to_string();
    assert_eq!(message, "linear_distances: expected inputs in [0, 1], got 1.5 in row 0");
}
