//! The masking panel flags three fakes and no honest net; Square, transfer and the attack on pairs.

use crate::attack_nets::{labels, linear, peer, tensors, values};
use candle_core::{Device, Tensor};
use std::sync::LazyLock;
use widemargin::attack::fakes::{NoisyInput, QuantisedInput, ScaledLogits};
use widemargin::attack::{Model, Norm, Objective, PairAttack, Panel, Pgd, Square, Verdict, masking, transfer};
use widemargin::data::{Dataset, Pair, digits};
use widemargin::display::Show;
use widemargin::loss::Loss;
use widemargin::model::{Classifier, Mlp};
use widemargin::train::{Adversary, Trainer};

static PAIR: LazyLock<Pair> = LazyLock::new(|| digits().unwrap().pair(3, 8).unwrap());

fn trained(loss: Loss, seed: u64, adversary: Option<Adversary>) -> Classifier {
    let mut net = Classifier::mlp(&Mlp::default(), seed).unwrap();
    let trainer = Trainer { loss, epochs: 20, seed, silent: true, adversary, ..Trainer::default() };
    trainer.fit(&mut net, &PAIR.train).unwrap();
    net
}

static ENTROPY: LazyLock<Classifier> = LazyLock::new(|| trained(Loss::CrossEntropy, 1, None));
static PAIRS: LazyLock<Classifier> = LazyLock::new(|| trained(Loss::Differential, 2, None));

fn panel<'a>() -> Panel<'a> {
    Panel { silent: true, ..Panel::default() }
}

fn failed(net: &dyn Model) -> Vec<&'static str> {
    let found = masking(net, &PAIR.test, &panel()).unwrap();
    println!("{}", found.bundle().data["text/plain"].as_str().unwrap());
    found.gates.iter().filter(|gate| gate.verdict == Verdict::Fail).map(|gate| gate.name).collect()
}

#[test]
fn an_honest_net_passes_every_gate() {
    assert_eq!(failed(&*ENTROPY), [""; 0]);
    assert_eq!(failed(&*PAIRS), [""; 0]);
    // Robust by training and not by hiding.
    assert_eq!(failed(&trained(Loss::CrossEntropy, 3, Some(Adversary::default()))), [""; 0]);
}

#[test]
fn logits_times_a_thousand_are_flagged_by_their_cross_entropy() {
    let failed = failed(&ScaledLogits { net: &*ENTROPY, by: 1000.0 });
    assert!(failed.contains(&"zero gradient of the cross-entropy"), "{failed:?}");
    assert!(failed.contains(&"cross-entropy against margin"), "{failed:?}");
    // The boundary has not moved, and the margin sees it.
    assert!(
        !failed.contains(&"zero gradient of the margin") && !failed.contains(&"unbounded reaches all"),
        "{failed:?}"
    );
}

#[test]
fn a_quantised_input_is_flagged_by_its_missing_gradient_and_by_square() {
    let failed = failed(&QuantisedInput { net: &*ENTROPY, levels: 16 });
    for gate in ["zero gradient of the margin", "unbounded reaches all", "gradient-free below PGD"] {
        assert!(failed.contains(&gate), "{gate}: {failed:?}");
    }
}

#[test]
fn random_noise_on_the_input_is_flagged() {
    let failed = failed(&NoisyInput::new(&*ENTROPY, 0.1, 3));
    assert!(failed.contains(&"same scores twice"), "{failed:?}");
}

#[test]
fn a_substitute_and_certificates_are_compared_when_they_are_given() {
    let test = PAIR.test.take(20).unwrap();
    let none = masking(&*ENTROPY, &test, &panel()).unwrap();
    for name in ["transfer below PGD", "no certificate contradicted"] {
        assert_eq!(none.gate(name).unwrap().verdict, Verdict::NotRun);
    }
    let run = |certified: &[f64]| {
        let panel = Panel { substitute: Some(&*PAIRS), certified: Some(certified), ..panel() };
        masking(&*ENTROPY, &test, &panel).unwrap()
    };
    let modest = run(&[1e-3; 20]);
    assert_eq!(modest.gate("transfer below PGD").unwrap().verdict, Verdict::Pass);
    assert_eq!(modest.gate("no certificate contradicted").unwrap().verdict, Verdict::Pass);
    // No image of eight by eight pixels is five away from the other class.
    assert_eq!(run(&[5.0; 20]).gate("no certificate contradicted").unwrap().verdict, Verdict::Fail);
    let message = masking(&*ENTROPY, &test, &Panel { certified: Some(&[1.0]), ..panel() }).unwrap_err().to_string();
    assert_eq!(message, "masking: expected 20 certified radii, one per row, got 1");
}

#[test]
fn square_finds_what_it_finds_without_a_gradient_and_inside_the_ball() {
    let net = &*ENTROPY;
    for (norm, epsilon) in [(Norm::Linf, 0.15), (Norm::L2, 0.9)] {
        let square = Square { norm, epsilon, queries: 300, silent: true, ..Square::default() };
        let found = square.run(net, &PAIR.test.x, &PAIR.test.y).unwrap();
        let white = Pgd { norm, epsilon, silent: true, ..Pgd::default() };
        let white = white.run(net, &PAIR.test.x, &PAIR.test.y).unwrap().found();
        // At least half of what gradients find; a row or two more would still be luck, more is masking.
        assert!(found.found() * 2 >= white && found.found() <= white + 2, "{norm}: {} of {white}", found.found());
        assert_eq!(found.gradient_count(), 0);
        assert!(found.norms.iter().all(|n| *n <= epsilon + 1e-6), "{:?}", found.norms);
        assert!(values(&found.x).iter().all(|v| (0.0..=1.0).contains(v)));
        assert_eq!(net.predict(&found.x).unwrap(), found.predicted);
        let again = square.run(net, &PAIR.test.x, &PAIR.test.y).unwrap();
        assert_eq!(values(&again.x), values(&found.x));
        let other = Square { seed: 1, ..square }.run(net, &PAIR.test.x, &PAIR.test.y).unwrap();
        assert_ne!(values(&other.x), values(&found.x));
    }
}

#[test]
fn square_reaches_the_closed_form_on_a_linear_score() {
    // One channel of 12 pixels; 0.05 · |w|_1 = 0.6 is what a sign attack gains, and one pixel is the smallest square.
    let w: Vec<f32> = (0..12).map(|k| if k % 2 == 0 { 1.0 } else { -1.0 }).collect();
    let x = Tensor::full(0.5_f32, (1, 12), &Device::Cpu).unwrap();
    let y = Tensor::new(&[1_u32], &Device::Cpu).unwrap();
    let run = |b: f32| {
        let attack = Square { epsilon: 0.05, queries: 2000, silent: true, ..Square::default() };
        attack.run(&linear(&w, b), &x, &y).unwrap().found()
    };
    assert_eq!((run(0.59), run(0.61)), (1, 0));
}

#[test]
fn transfer_has_the_own_attack_on_its_diagonal() {
    let attack = Pgd { epsilon: 0.12, silent: true, ..Pgd::default() };
    let table = transfer(&[("CE", &ENTROPY), ("pairs", &PAIRS)], &PAIR.test, &attack).unwrap();
    for k in 0..2 {
        assert!(table.success[k][k] >= table.success[1 - k][k], "{table:?}");
        assert!(table.success[k][k] > 0.2, "{table:?}");
    }
    assert!(table.above_white_box().is_empty());
    let text = table.bundle().data["text/plain"].as_str().unwrap().to_owned();
    assert!(text.contains("No attack made elsewhere does better than a model's own."), "{text}");
    assert!(transfer(&[], &PAIR.test, &attack).unwrap_err().to_string().contains("at least one model"));
}

#[test]
fn the_attack_on_pairs_follows_the_margin_of_two_classes() {
    // The slope has one sign, so signed and normalised steps are the same.
    let file = tensors("attack_peers.safetensors");
    for name in ["mlp1", "mlp2"] {
        let (x, y) = (&file[&format!("{name}.x")], labels(&file, &format!("{name}.y")));
        let classes = vec!["8".to_owned(), "3".to_owned()];
        let opponents = Dataset::new("opponents", x.clone(), y.clone(), classes).unwrap();
        for norm in [Norm::Linf, Norm::L2] {
            let pgd = Pgd { norm, epsilon: 0.3, silent: true, ..Pgd::default() };
            let margin = pgd.run(&peer(name), x, &y).unwrap();
            let pairs = PairAttack { pgd: pgd.clone() }.run(&peer(name), x, &y, &opponents).unwrap();
            assert_eq!(pairs.zero_gradient_rows(), 0);
            assert_eq!(pairs.success, margin.success);
            for (a, b) in values(&pairs.x).iter().zip(values(&margin.x)) {
                // Gradients of another length, normalised in f32.
                assert!((a - b).abs() < 1e-5, "{name} {norm}: {a} {b}");
            }
        }
        // Far beyond where the loss underflows.
        let net = peer(name);
        let vars = net.vars();
        for var in &vars[vars.len() - 2..] {
            var.set(&(var.as_tensor() * 1000.0).unwrap()).unwrap();
        }
        let pgd = Pgd { epsilon: 0.15, silent: true, ..Pgd::default() };
        let found = PairAttack { pgd: pgd.clone() }.run(&net, x, &y, &opponents).unwrap();
        let entropy = Pgd { objective: Objective::CrossEntropy, ..pgd }.run(&net, x, &y).unwrap();
        assert_eq!(found.zero_gradient_rows(), 0);
        assert!(found.found() > entropy.found(), "{} {}", found.found(), entropy.found());
    }
    let one = Dataset::new("one", PAIR.test.x.clone(), PAIR.test.y.ones_like().unwrap(), vec!["8".into(), "3".into()]);
    let message = PairAttack::default().run(&*ENTROPY, &PAIR.test.x, &PAIR.test.y, &one.unwrap()).unwrap_err();
    assert_eq!(message.to_string(), "pair_attack: expected opponents of class 0, got none");
}
