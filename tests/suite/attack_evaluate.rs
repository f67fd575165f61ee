//! The table over training and test set, and the comparison over seeds with its computed conclusion.

use candle_core::{Device, Tensor};
use widemargin::attack::{Attacks, Evaluated, Evaluation, MinimalNorm, Pgd, Spread, compare, evaluate};
use widemargin::data::{Dataset, Pair, digits};
use widemargin::display::Show;
use widemargin::model::{Classifier, Linear, Mlp};
use widemargin::train::Trainer;

fn trained(pair: &Pair, epochs: usize, seed: u64) -> Classifier {
    let mut net = Classifier::mlp(&Mlp { hidden: Vec::new(), features: 20, ..Mlp::default() }, seed).unwrap();
    Trainer { epochs, seed, silent: true, ..Trainer::default() }.fit(&mut net, &pair.train).unwrap();
    net
}

fn settings() -> Evaluation {
    let attacks = Attacks { epsilons: vec![0.05, 0.1], steps: 20, silent: true, ..Attacks::default() };
    let minimal = MinimalNorm { steps: 60, ..MinimalNorm::default() };
    Evaluation { attacks, minimal }
}

fn pair() -> Pair {
    let pair = digits().unwrap().pair(3, 8).unwrap();
    Pair { train: pair.train.take(60).unwrap(), test: pair.test.take(60).unwrap() }
}

#[test]
fn one_call_tells_training_and_test_set() {
    let pair = pair();
    let net = trained(&pair, 20, 1);
    let table = evaluate(&net, &[&pair.train, &pair.test], &settings()).unwrap();
    assert_eq!(table.parts.len(), 2);
    for (part, data) in table.parts.iter().zip([&pair.train, &pair.test]) {
        assert_eq!(part.robustness.clean_accuracy, net.accuracy(&data.x, &data.y).unwrap());
        // Wrong rows have distance 0, so the curve of distances starts at the clean accuracy.
        assert_eq!(part.beyond(0.0), part.robustness.clean_accuracy);
        assert_eq!(part.censored(), 0);
        // An Linf ball holds the L2 ball of its radius.
        assert!(part.robustness.at(0.1).unwrap() <= part.beyond(0.1) + 1e-12);
        // 60 DDN steps, refinement and bisection without gradients, 20 steps at each of two radii.
        assert!(part.gradients >= 60 * part.robustness.rows[0].attacked, "{}", part.gradients);
    }
    let text = table.bundle().data["text/plain"].as_str().unwrap().to_owned();
    for wanted in
        ["digits train", "digits test", "clean accuracy", "Linf 0.05", "5th percentile", "seed 0", "gradients"]
    {
        assert!(text.contains(wanted), "{wanted}: {text}");
    }
    assert!(evaluate(&net, &[], &settings()).unwrap_err().to_string().contains("at least one set"));
}

#[test]
fn the_curve_of_distances_agrees_with_strong_attacks() {
    let pair = pair();
    let net = trained(&pair, 20, 1);
    let table = evaluate(&net, &[&pair.test], &settings()).unwrap();
    for radius in [0.3, 0.6, 0.9] {
        let pgd = Pgd {
            norm: widemargin::attack::Norm::L2,
            epsilon: radius,
            steps: 50,
            restarts: 5,
            silent: true,
            ..Pgd::default()
        };
        let strong = pgd.run(&net, &pair.test.x, &pair.test.y).unwrap().robust_accuracy();
        // Two points, of 60 rows one.
        assert!((table.parts[0].beyond(radius) - strong).abs() <= 0.02, "{radius}: {strong}");
    }
}

#[test]
fn quantiles_count_wrong_rows_as_zero_and_censored_ones_as_largest() {
    let net = Classifier::linear(&Linear { inputs: 2, bias: true }).unwrap();
    let vars = net.vars();
    vars[0].set(&Tensor::new(&[[1.0_f32, 0.0]], &Device::Cpu).unwrap()).unwrap();
    vars[1].set(&Tensor::new(&[-0.5_f32], &Device::Cpu).unwrap()).unwrap();
    let x = Tensor::new(&[[0.9_f32, 0.5], [0.4, 0.5], [0.1, 0.5], [0.7, 0.5]], &Device::Cpu).unwrap();
    let y = Tensor::new(&[1_u32, 1, 0, 1], &Device::Cpu).unwrap();
    let data = Dataset::new("four", x, y, vec!["no".into(), "yes".into()]).unwrap();
    let part = evaluate(&net, &[&data], &settings()).unwrap().parts.remove(0);
    // Distances to x = 0.5: 0.4, wrong, 0.4, 0.2.
    let wanted = [0.4, 0.0, 0.4, 0.2];
    assert!(part.distances.iter().zip(wanted).all(|(a, b)| (a - b).abs() < 1e-5), "{:?}", part.distances);
    assert_eq!(part.quantile(0.05), 0.0);
    assert!((part.median() - 0.2).abs() < 1e-5);
}

#[test]
fn the_difference_of_means_has_the_interval_of_welch() {
    let (a, b) = (Spread::of(&[5.1, 4.9, 5.6, 5.2]), Spread::of(&[4.1, 4.4, 3.9]));
    // scipy.stats.ttest_ind(a, b, equal_var=False).confidence_interval(0.95), with 4.824247 degrees of freedom:
    let scipy = [0.5291196495178884, 1.6042136838154444];
    let [low, high] = a.difference(&b).unwrap();
    assert!((low + high - scipy[0] - scipy[1]).abs() < 1e-12, "{low} {high}");
    // We take t at 4 whole degrees, 2.7765, for 2.599006383970982: wider, on the safe side.
    let wider = 2.7765 / 2.599006383970982;
    assert!((high - low - wider * (scipy[1] - scipy[0])).abs() < 1e-9, "{low} {high}");
    assert_eq!(Spread::of(&[1.0]).difference(&b), None);
    assert_eq!(Spread::of(&[1.0, f64::INFINITY]).difference(&b), None);
}

#[test]
fn the_conclusion_follows_the_numbers() {
    let pair = pair();
    let runs = |epochs| -> Vec<Evaluated> {
        let one = |seed| evaluate(&trained(&pair, epochs, seed), &[&pair.test], &settings()).unwrap();
        (1..=3).map(one).collect()
    };
    let (long, short) = (runs(20), runs(1));
    let same = compare(&[("a", &long), ("b", &long)]).unwrap();
    assert_eq!(same.conclusion(), "b against a: no clear difference; 5 of 5 comparisons leave the sign open.");
    let table = compare(&[("one epoch", &short), ("twenty", &long)]).unwrap();
    let clean = &table.quantities[0];
    assert!(clean.name.ends_with("clean accuracy"));
    let clear = clean.models[1].difference(&clean.models[0]).unwrap();
    let says = table.conclusion().contains("clean accuracy");
    assert_eq!(says, clear[0] > 0.0 || clear[1] < 0.0, "{}", table.conclusion());
    let text = table.bundle().data["text/plain"].as_str().unwrap().to_owned();
    assert!(text.contains("±") && text.contains("(n = 3)") && text.contains(&table.conclusion()), "{text}");
    let other = evaluate(&trained(&pair, 1, 1), &[&pair.train], &settings()).unwrap();
    let message = compare(&[("a", &long), ("b", &[other])]).unwrap_err().to_string();
    assert_eq!(message, "compare: expected evaluations on the same sets with the same attacks, got others for b");
}

/// Runs the test `module::name` again in a process of its own, since the flag of an interrupt is global; true in that process.
pub fn alone(name: &str) -> bool {
    const CHILD: &str = "WIDEMARGIN_TEST_EVALUATE_CHILD";
    if std::env::var_os(CHILD).is_some() {
        return true;
    }
    let mut child = std::process::Command::new(std::env::current_exe().unwrap());
    let output = child.args(["--exact", name]).env(CHILD, "1").output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    false
}

#[test]
fn an_interrupt_keeps_what_was_found_and_says_what_was_not_searched() {
    if !alone("attack_evaluate::an_interrupt_keeps_what_was_found_and_says_what_was_not_searched") {
        return;
    }
    let pair = pair();
    let net = trained(&pair, 5, 1);
    std::thread::spawn(|| {
        std::thread::sleep(std::time::Duration::from_millis(500));
        widemargin::progress::interrupt();
    });
    // The distances of the first set would take days; that the call returns is the claim.
    let minimal = MinimalNorm { steps: 1_000_000_000, batch: 7, ..MinimalNorm::default() };
    let table = evaluate(&net, &[&pair.train, &pair.test], &Evaluation { minimal, ..settings() }).unwrap();
    assert!(table.interrupted);
    assert_eq!(table.parts.len(), 1);
    let part = &table.parts[0];
    assert_eq!(part.robustness.rows.len(), 2);
    let finite = part.distances.iter().filter(|d| d.is_finite() && **d > 0.0).count();
    assert!((1..=7).contains(&finite), "the first seven rows were searched: {:?}", part.distances);
    let text = table.bundle().plain().unwrap().to_owned();
    assert!(text.contains("; interrupted") && text.contains("rows unsearched; they count as censored"), "{text}");
    // The flag is still up: the next call stops before its first radius.
    let none = evaluate(&net, &[&pair.test], &settings()).unwrap();
    assert!(none.interrupted && none.parts[0].nearest.is_none() && none.parts[0].median().is_nan());
    let message = compare(&[("a", &[table]), ("b", &[none])]).unwrap_err().to_string();
    assert_eq!(message, "compare: expected evaluations that were not interrupted, got one of a was");
}
