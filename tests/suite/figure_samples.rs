//! One figure of each kind, from small fixed data.

use candle_core::{Device, Tensor};
use widemargin::analysis::{Directions, Displacement, Margins, Profile, Spectrum};
use widemargin::attack::{Adversarial, AtEpsilon, Iterate, Norm, Objective, Robustness, Slice, Transfer};
use widemargin::figure::{
    Figure, angles, attack_course, boundary, curves, displacement, distances, margins, robust_accuracy, sandwich,
    spectra, triptych, triptych_beside_noise,
};
use widemargin::margin::{cross_entropy_limit, hard_margin};
use widemargin::train::{Epoch, History};

pub fn history(name: &str, losses: &[f64]) -> History {
    let epochs = losses.iter().enumerate();
    let epochs = epochs.map(|(k, loss)| Epoch { epoch: k + 1, loss: *loss, accuracy: 0.9, seconds: 0.1 });
    History { loss_name: name.into(), epochs: epochs.collect(), interrupted: false }
}

pub fn table(clean: f64, rows: &[(f64, f64)]) -> Robustness {
    let rows = rows.iter().map(|(epsilon, accuracy)| AtEpsilon {
        epsilon: *epsilon,
        accuracy: *accuracy,
        attacked: 10,
        zero_gradient: 0,
    });
    Robustness {
        data: "digits".into(),
        n: 10,
        norm: Norm::Linf,
        objective: Objective::Margin,
        steps: 40,
        restarts: 1,
        not_finite: Vec::new(),
        gradients: 400,
        clean_accuracy: clean,
        rows: rows.collect(),
        seconds: 1.0,
        interrupted: false,
    }
}

/// Two images of which the first is changed by -0.25 in its first value and 0.125 in its last.
pub fn adversarial(channels: usize) -> Adversarial {
    let count = channels * 4;
    let clean = Tensor::full(0.5_f32, (2, channels, 2, 2), &Device::Cpu).unwrap();
    let mut change = vec![0.0_f32; 2 * count];
    (change[0], change[count - 1]) = (-0.25, 0.125);
    let change = Tensor::from_vec(change, clean.dims(), &Device::Cpu).unwrap();
    Adversarial {
        x: (&clean + &change).unwrap(),
        best: (&clean + change).unwrap(),
        clean,
        labels: vec![3, 3],
        clean_predicted: vec![3, 3],
        predicted: vec![8, 3],
        norm: Norm::Linf,
        epsilons: vec![0.25; 2],
        targets: None,
        iterations: vec![1; 2],
        gradients: vec![1; 2],
        trace: vec![
            Iterate { rows: 2, wrong: 0, margin: -1.0, zero_gradient: 1 },
            Iterate { rows: 2, wrong: 1, margin: 0.5, zero_gradient: 0 },
        ],
        norms: vec![0.25, 0.0],
        success: vec![true, false],
        any: vec![true, false],
        zero_gradient: vec![0; 2],
        not_finite: vec![0; 2],
        clean_correct: vec![true, true],
        interrupted: false,
    }
}

/// The same images, the first changed by 0.0625 in its second value and not classified otherwise.
pub fn noise(channels: usize) -> Adversarial {
    let found = adversarial(channels);
    let mut change = vec![0.0_f32; 2 * channels * 4];
    change[1] = 0.0625;
    let change = Tensor::from_vec(change, found.x.dims(), &Device::Cpu).unwrap();
    Adversarial { x: (&found.clean + change).unwrap(), predicted: vec![3, 3], norms: vec![0.0625, 0.0], ..found }
}

pub fn transfer() -> Transfer {
    Transfer {
        names: vec!["CE".into(), "pairs".into()],
        rows: 20,
        success: vec![vec![0.5, 0.25], vec![0.125, 0.75]],
        attack: "PGD".into(),
    }
}

pub fn slice() -> Slice {
    let steps = vec![-2.0, 0.0, 2.0];
    let classes = vec![vec![Some(3), Some(3), Some(8)], vec![Some(3), Some(3), Some(8)], vec![Some(3), None, Some(3)]];
    Slice { along: steps.clone(), across: steps, classes, length: 0.5, label: 3 }
}

pub fn line() -> (Vec<Vec<f64>>, Vec<Vec<f64>>) {
    let side = |low: f64, high: f64| -> Vec<Vec<f64>> {
        (0..20).map(|k| low + (high - low) * f64::from(k) / 19.0).map(|x| vec![x, 10.0 + 20.0 * x]).collect()
    };
    (side(3.2, 4.0), side(1.2, 2.0))
}

/// Features along (1, 0) with a little of (0, 1).
pub fn features() -> Tensor {
    Tensor::new(&[[3.0_f32, 0.0], [-3.0, 0.0], [0.0, 1.0], [0.0, -1.0]], &Device::Cpu).unwrap()
}

/// An attack along (0, 1) and a random change along (1, 0) half as long.
pub fn moved() -> Displacement {
    let shift = |by: [f32; 2]| features().broadcast_add(&Tensor::new(&by, &Device::Cpu).unwrap()).unwrap();
    let directions = Directions::raw(&features()).unwrap();
    Displacement::of(&directions, &features(), &shift([0.0, 1.0]), &shift([0.5, 0.0])).unwrap()
}

pub fn three_margins() -> Margins {
    Margins::new(vec![2.0, 1.0, -1.0], vec![0.5, 0.25, 0.0], vec![0.6, 0.3, 0.0]).unwrap()
}

pub fn samples() -> Vec<(&'static str, Figure)> {
    let (pos, neg) = line();
    let hard = hard_margin(&pos, &neg).unwrap();
    let limit = cross_entropy_limit(&pos, &neg, 1.0).unwrap();
    let (a, b) = (history("cross-entropy", &[0.693, 0.1234567, 0.01]), history("differential", &[0.7, 0.05, 1e-5]));
    let profile = |values: &[f64]| Profile { singular_values: values.to_vec() };
    let spectrum = Spectrum { rows: 9, columns: 3, raw: profile(&[9.0, 1.0, 0.1]), centred: profile(&[2.0, 1.0, 0.0]) };
    let (c, d) = (table(0.97, &[(0.05, 0.8), (0.1, 0.3)]), table(0.95, &[(0.05, 0.9), (0.1, 0.6)]));
    vec![
        ("boundary", boundary(&pos, &neg, &[("SVM", &hard), ("cross-entropy limit", &limit)]).unwrap()),
        ("curves", curves(&[("cross-entropy", &a), ("differential", &b)])),
        ("one curve", a.curves()),
        ("spectra", spectra(&[("CE", &spectrum), ("differential", &spectrum)])),
        ("robust accuracy", robust_accuracy(&[("CE", &c), ("differential", &d)])),
        ("one table", c.curve()),
        ("distances", distances(&[("CE", &[0.5, 0.0, f64::INFINITY, 0.25])]).unwrap()),
        ("sandwich", sandwich(&[0.1, 0.0], Some(&[0.25, 0.0]), &[0.3, 0.0]).unwrap()),
        ("course", attack_course(&[("PGD", &adversarial(1))])),
        ("transfer", transfer().matrix()),
        ("slice", slice().map()),
        ("angles", angles(&[("CE", &Directions::raw(&features()).unwrap(), &[1.0, 1.0])]).unwrap()),
        ("displacement", displacement("CE", &moved())),
        ("margins", margins(&[("CE", &three_margins())])),
        ("grey triptych", triptych(&adversarial(1), 0).unwrap()),
        ("colour triptych", triptych(&adversarial(3), 0).unwrap()),
        ("grey control", triptych_beside_noise(&adversarial(1), &noise(1), 0).unwrap()),
        ("colour control", triptych_beside_noise(&adversarial(3), &noise(3), 0).unwrap()),
    ]
}
