//! Training settings beside the loss: the bias, centred features, attacked inputs; and the two controls.

use candle_core::{DType, Device, Tensor};
use std::sync::LazyLock;
use widemargin::attack::Pgd;
use widemargin::data::{Dataset, Pair, digits};
use widemargin::loss::Loss;
use widemargin::margin::hard_margin;
use widemargin::model::{Classifier, Linear, Mlp};
use widemargin::train::{Adversary, Trainer, refit_head, scale_scores};

static PAIR: LazyLock<Pair> = LazyLock::new(|| digits().unwrap().pair(3, 8).unwrap());

fn plane(inputs: usize, bias: bool) -> Classifier {
    Classifier::linear(&Linear { inputs, bias }).unwrap()
}

/// Two clouds far from the origin, with a constant third coordinate if `constant` is given.
fn clouds(shift: f32, constant: Option<f32>) -> Dataset {
    let point = |k: usize, side: f32| [shift + side + 0.1 * (k % 3) as f32, shift + 0.2 * (k % 5) as f32];
    let points = (0..20).map(|k| point(k, if k % 2 == 0 { -0.5 } else { 0.5 }));
    let rows: Vec<f32> = points.flat_map(|[a, b]| [a, b].into_iter().chain(constant)).collect();
    let width = rows.len() / 20;
    let x = Tensor::from_vec(rows, (20, width), &Device::Cpu).unwrap();
    let y = Tensor::new((0..20).map(|k| k % 2).collect::<Vec<u32>>(), &Device::Cpu).unwrap();
    Dataset::new("clouds", x, y, vec!["0".into(), "1".into()]).unwrap()
}

fn trainer() -> Trainer {
    Trainer { epochs: 60, batch: 0, learning_rate: 0.1, silent: true, ..Trainer::default() }
}

fn values(x: &Tensor) -> Vec<f32> {
    x.flatten_all().unwrap().to_vec1().unwrap()
}

#[test]
fn a_scaled_bias_is_the_weight_of_a_constant_feature() {
    for scale in [0.0, 0.5, 4.0_f32] {
        let mut scaled = plane(2, true);
        Trainer { bias_scale: f64::from(scale), ..trainer() }.fit(&mut scaled, &clouds(1.0, None)).unwrap();
        let mut augmented = plane(3, false);
        trainer().fit(&mut augmented, &clouds(1.0, Some(scale))).unwrap();
        let (got, wanted) = (scaled.weight().unwrap(), augmented.weight().unwrap());
        // 60 steps in f32, the bias in other units.
        assert!((got[0] - wanted[0]).abs() < 1e-4 && (got[1] - wanted[1]).abs() < 1e-4, "{scale}: {got:?} {wanted:?}");
        assert!((scaled.bias().unwrap() - scale * wanted[2]).abs() < 1e-4, "{scale}");
    }
}

#[test]
fn centred_features_train_like_data_moved_to_the_origin() {
    let data = clouds(5.0, None);
    let mean = data.x.mean(0).unwrap();
    let moved = Dataset { x: data.x.broadcast_sub(&mean).unwrap(), ..data.clone() };
    let (mut centred, mut plain, mut naive) = (plane(2, true), plane(2, true), plane(2, true));
    Trainer { centre_features: true, ..trainer() }.fit(&mut centred, &data).unwrap();
    trainer().fit(&mut plain, &moved).unwrap();
    trainer().fit(&mut naive, &data).unwrap();
    let (got, wanted) = (values(&centred.scores(&data.x).unwrap()), values(&plain.scores(&moved.x).unwrap()));
    // 60 steps in f32 on coordinates of 5.
    assert!(got.iter().zip(&wanted).all(|(a, b)| (a - b).abs() < 1e-3), "{got:?} {wanted:?}");
    let naive = values(&naive.scores(&data.x).unwrap());
    assert!(naive.iter().zip(&wanted).any(|(a, b)| (a - b).abs() > 0.1), "centring must change something");
}

#[test]
fn adversarial_training_and_trades_leave_fewer_images_within_the_radius_they_train_for() {
    let settings = Mlp { hidden: Vec::new(), features: 24, ..Mlp::default() };
    let train = PAIR.train.take(240).unwrap();
    let broken = |adversary: Option<Adversary>| {
        let mut net = Classifier::mlp(&settings, 1).unwrap();
        let trainer = Trainer { epochs: 25, silent: true, adversary, ..Trainer::default() };
        let history = trainer.fit(&mut net, &train).unwrap();
        assert!(history.last().unwrap().loss.is_finite());
        let attack = Pgd { epsilon: 0.15, steps: 30, silent: true, ..Pgd::default() };
        attack.run(&net, &PAIR.test.x, &PAIR.test.y).unwrap().found()
    };
    let attack = Adversary { pgd: Pgd { epsilon: 0.15, steps: 5, ..Adversary::default().pgd }, trades: None };
    let plain = broken(None);
    let (attacked, trades) = (broken(Some(attack.clone())), broken(Some(Adversary { trades: Some(6.0), ..attack })));
    let n = PAIR.test.x.dims()[0];
    println!("of {n} images broken at Linf 0.15: plain {plain}, PGD-5 {attacked}, TRADES {trades}");
    // A chance difference of two counts near `plain` has a standard deviation of at most sqrt(2 plain).
    let noise = 2.0 * (2.0 * plain as f64).sqrt();
    assert!((plain - attacked) as f64 > noise && (plain - trades) as f64 > noise, "{plain} {attacked} {trades}");
}

#[test]
fn adversarial_training_repeats_itself_with_its_seed() {
    let train = PAIR.train.take(40).unwrap();
    let run = |seed, trades| {
        let mut net = Classifier::mlp(&Mlp::default(), 1).unwrap();
        let adversary = Some(Adversary { trades, ..Adversary::default() });
        Trainer { epochs: 2, seed, silent: true, adversary, ..Trainer::default() }.fit(&mut net, &train).unwrap();
        values(&net.vars()[0])
    };
    for trades in [None, Some(6.0)] {
        assert_eq!(run(1, trades), run(1, trades));
        assert_ne!(run(1, trades), run(2, trades));
    }
}

#[test]
fn settings_that_make_no_sense_are_refused_by_name() {
    let data = clouds(0.0, None);
    let message = |trainer: Trainer, bias| trainer.fit(&mut plane(2, bias), &data).unwrap_err().to_string();
    let text = message(Trainer { bias_scale: -1.0, ..trainer() }, true);
    assert_eq!(text, "fit: expected a finite bias_scale of at least 0, got -1");
    let text = message(Trainer { centre_features: true, ..trainer() }, false);
    assert_eq!(
        text,
        "fit: expected a net with a bias, to scale it or to centre features, got Linear { bias: false, .. }"
    );
    let adversary = Some(Adversary { trades: Some(6.0), ..Adversary::default() });
    let text = message(Trainer { loss: Loss::Hinge, adversary, ..trainer() }, true);
    assert_eq!(text, "fit: expected the cross-entropy with TRADES, got hinge");
    // Inputs outside of the attack's box are named by the attack.
    let text = message(Trainer { adversary: Some(Adversary::default()), ..trainer() }, true);
    assert!(text.starts_with("pgd: expected inputs in [0, 1], got "), "{text}");
}

#[test]
fn a_refitted_head_is_the_largest_margin_of_the_frozen_features() {
    for outputs in [1, 2] {
        let mut net = Classifier::mlp(&Mlp { outputs, ..Mlp::default() }, 3).unwrap();
        Trainer { epochs: 20, silent: true, ..Trainer::default() }.fit(&mut net, &PAIR.train).unwrap();
        let before = values(&net.features(&PAIR.train.x).unwrap());
        let found = refit_head(&mut net, &PAIR.train).unwrap();
        assert_eq!(values(&net.features(&PAIR.train.x).unwrap()), before);
        let features = net.features(&PAIR.train.x).unwrap().to_vec2::<f32>().unwrap();
        let labels = PAIR.train.labels().unwrap();
        let side = |class: u32| -> Vec<Vec<f64>> {
            let own = features.iter().zip(&labels).filter(|(_, label)| **label == class);
            own.map(|(row, _)| row.iter().map(|v| f64::from(*v)).collect()).collect()
        };
        let (pos, neg) = (side(1), side(0));
        assert_eq!(hard_margin(&pos, &neg).unwrap(), found);
        let scores = net.scores(&PAIR.train.x).unwrap().to_dtype(DType::F64).unwrap();
        let rows = scores.reshape(((), outputs)).unwrap().to_vec2::<f64>().unwrap();
        for ((row, features), label) in rows.iter().zip(&features).zip(&labels) {
            let score = if outputs == 1 { row[0] } else { row[1] - row[0] };
            let wanted = found.value(&features.iter().map(|v| f64::from(*v)).collect::<Vec<f64>>());
            // 84 products in f32 of a plane with least score 1.
            assert!((score - wanted).abs() < 1e-3 * wanted.abs().max(1.0), "{score} {wanted}");
            assert!(score * (2.0 * f64::from(*label) - 1.0) > 0.99, "{score} {label}");
        }
    }
    let mut many = Classifier::mlp(&Mlp { outputs: 4, ..Mlp::default() }, 3).unwrap();
    assert!(refit_head(&mut many, &PAIR.train).unwrap_err().to_string().contains("one or two outputs"));
}

#[test]
fn scaled_scores_change_no_class() {
    let mut net = Classifier::mlp(&Mlp { outputs: 4, ..Mlp::default() }, 3).unwrap();
    let (x, before) = (&PAIR.test.x, net.predict(&PAIR.test.x).unwrap());
    let scores = values(&net.scores(x).unwrap());
    scale_scores(&mut net, 1024.0).unwrap();
    assert_eq!(net.predict(x).unwrap(), before);
    // A power of two is exact.
    assert_eq!(values(&net.scores(x).unwrap()), scores.iter().map(|s| s * 1024.0).collect::<Vec<f32>>());
    assert_eq!(
        scale_scores(&mut net, 0.0).unwrap_err().to_string(),
        "scale_scores: expected a finite factor above 0, got 0"
    );
}
