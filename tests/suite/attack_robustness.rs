//! The table of accuracy against the radius.

use widemargin::attack::{Attacks, Norm, Objective, Pgd, robustness};
use widemargin::data::digits;
use widemargin::display::Show;
use widemargin::model::{Classifier, Mlp};
use widemargin::train::Trainer;

fn trained() -> (Classifier, widemargin::data::Pair) {
    let pair = digits().unwrap().pair(3, 8).unwrap();
    let mut net = Classifier::mlp(&Mlp::default(), 1).unwrap();
    Trainer { epochs: 20, silent: true, ..Trainer::default() }.fit(&mut net, &pair.train).unwrap();
    (net, pair)
}

#[test]
fn accuracy_starts_clean_never_rises_and_ends_at_zero_within_the_box() {
    let (net, pair) = trained();
    let attacks = Attacks { epsilons: vec![1.0, 0.05, 0.0, 0.1, 0.2], silent: true, ..Attacks::default() };
    let table = robustness(&net, &pair.test, &attacks).unwrap();
    let accuracies: Vec<f64> = table.rows.iter().map(|row| row.accuracy).collect();
    assert_eq!(table.rows.iter().map(|row| row.epsilon).collect::<Vec<_>>(), [0.0, 0.05, 0.1, 0.2, 1.0]);
    assert_eq!(accuracies[0], table.clean_accuracy);
    assert_eq!(table.clean_accuracy, net.accuracy(&pair.test.x, &pair.test.y).unwrap());
    assert!(accuracies.windows(2).all(|w| w[0] >= w[1]), "{accuracies:?}");
    assert_eq!(accuracies[4], 0.0);
}

#[test]
fn a_radius_alone_gives_the_same_accuracy_as_in_the_table_or_more() {
    let (net, pair) = trained();
    let attacks = Attacks { norm: Norm::L2, epsilons: vec![0.3, 0.6], silent: true, ..Attacks::default() };
    let table = robustness(&net, &pair.test, &attacks).unwrap();
    let alone = Pgd { norm: Norm::L2, epsilon: 0.6, silent: true, ..Pgd::default() };
    let alone = alone.run(&net, &pair.test.x, &pair.test.y).unwrap().robust_accuracy();
    // Rows broken at 0.3 stay broken, so the table can only be lower.
    assert!(table.at(0.6).unwrap() <= alone && alone - table.at(0.6).unwrap() < 0.02, "{table:?} {alone}");
}

#[test]
fn the_table_names_its_attack_and_counts_masked_rows() {
    let (net, pair) = trained();
    let vars = net.vars();
    for var in &vars[vars.len() - 2..] {
        var.set(&(var.as_tensor() * 1000.0).unwrap()).unwrap();
    }
    let test = pair.test.take(40).unwrap();
    let attacks =
        Attacks { objective: Objective::CrossEntropy, epsilons: vec![0.1], silent: true, ..Attacks::default() };
    let table = robustness(&net, &test, &attacks).unwrap();
    assert!(table.zero_gradient() >= 35, "{table:?}");
    let bundle = table.bundle();
    let text = bundle.data["text/plain"].as_str().unwrap();
    assert!(text.contains("PGD Linf on the cross-entropy, 40 steps"), "{text}");
    assert!(text.lines().nth(1).unwrap().contains("zero gradient"), "{text}");
    assert!(bundle.data["text/html"].as_str().unwrap().contains("<th scope=\"row\">0.1</th>"));
}

#[test]
fn an_empty_set_is_refused() {
    let (net, pair) = trained();
    let empty = pair.test.take(0).unwrap();
    assert!(robustness(&net, &empty, &Attacks::default()).unwrap_err().to_string().contains("at least one input"));
}
