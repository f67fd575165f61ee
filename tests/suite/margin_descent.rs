//! Gradient descent. References: tests/reference/margin.py (the plain loop in NumPy) and the exact limits.

use crate::margin_reference::{cases, file, matrix, numbers};
use widemargin::margin::descent::{Descent, Objective, Rule, gradient_descent};
use widemargin::margin::{Hyperplane, bias_between, cross_entropy_limit, hard_margin};

/// (w, b) as one vector, which is what the limit theorem is about.
fn augmented(plane: &Hyperplane) -> Hyperplane {
    Hyperplane { w: plane.w.iter().copied().chain([plane.b]).collect(), b: 0.0 }
}

#[test]
fn each_recorded_step_equals_the_plain_loop() {
    for run in file()["descents"].as_array().unwrap() {
        let (pos, neg) = (matrix(&run["pos"]), matrix(&run["neg"]));
        let record: Vec<usize> = numbers(&run["steps"]).iter().map(|t| *t as usize).collect();
        let differential = run["objective"] == "differential";
        let objective = if differential { Objective::Differential } else { Objective::CrossEntropy };
        let steps = *record.last().unwrap();
        let settings = Descent { step: run["step"].as_f64().unwrap(), steps, record, ..Descent::default() };
        let path = gradient_descent(&pos, &neg, objective, &settings).unwrap();
        assert_eq!(path.steps, settings.record);
        for (plane, wanted) in path.planes.iter().zip(matrix(&run["weights"])) {
            let got = if differential { plane.w.clone() } else { augmented(plane).w };
            for (got, wanted) in got.iter().zip(&wanted) {
                // 1e5 steps of f64 rounding, in a map that contracts.
                assert!((got - wanted).abs() <= 1e-9 * (1.0 + wanted.abs()), "{}: {got} {wanted}", run["name"]);
            }
            if differential {
                assert_eq!(plane.b, bias_between(&plane.w, &pos, &neg));
            }
        }
    }
}

#[test]
fn the_angle_to_the_limit_falls_as_one_over_log_t() {
    let (pos, neg) = (vec![vec![1.0, 0.0]], vec![vec![-1.0, -3.0]]);
    let limit = augmented(&cross_entropy_limit(&pos, &neg, 1.0).unwrap());
    let settings = Descent { step: 0.1, steps: 100_000, record: vec![100, 1_000, 10_000, 100_000], rule: Rule::Plain };
    let path = gradient_descent(&pos, &neg, Objective::CrossEntropy, &settings).unwrap();
    let angles: Vec<f64> = path.planes.iter().map(|p| augmented(p).angle_degrees(&limit)).collect();
    for ((angle, wanted), t) in angles.iter().zip([11.4, 6.4, 4.5, 3.5]).zip(&path.steps) {
        assert!((angle - wanted).abs() < 0.05, "{angles:?}");
        let reference = file()["two_point_angles"][t.to_string()].as_f64().unwrap();
        assert!((angle - reference).abs() < 1e-6, "{t}: {angle} {reference}");
    }
    // angle * log t settles: the slope that makes any test against the limit itself a loose one.
    let products: Vec<f64> = angles.iter().zip(&path.steps).map(|(a, t)| a * (*t as f64).ln()).collect();
    assert!(products[1..].iter().all(|p| (p / products[3] - 1.0).abs() < 0.12), "{products:?}");
}

#[test]
fn normalised_steps_reach_the_limits() {
    for case in cases().iter().filter(|c| c.name.starts_with("random") && c.pos[0].len() <= 5) {
        let settings = Descent { step: 0.1, steps: 20_000, rule: Rule::Normalised, record: vec![20_000] };
        let run = |objective| gradient_descent(&case.pos, &case.neg, objective, &settings).unwrap().planes[0].clone();
        let limit = augmented(&cross_entropy_limit(&case.pos, &case.neg, 1.0).unwrap());
        let off = augmented(&run(Objective::CrossEntropy)).angle_degrees(&limit);
        // Constant steps of length 0.1 end after a path of 2000: the direction is within a fraction of a degree.
        assert!(off < 1.0, "{}: cross-entropy {off}", case.name);
        let hard = hard_margin(&case.pos, &case.neg).unwrap();
        let plane = run(Objective::Differential);
        let share = plane.margin(&case.pos, &case.neg) / hard.margin(&case.pos, &case.neg);
        assert!(share > 0.99 && share <= 1.0 + 1e-12, "{}: differential {share}", case.name);
    }
}

#[test]
fn normalised_steps_go_on_where_the_plain_gradient_is_zero() {
    let (pos, neg) = (vec![vec![2000.0, 0.0]], vec![vec![-2000.0, 1.0]]);
    let settings = Descent { steps: 50, rule: Rule::Normalised, record: vec![10, 50], ..Descent::default() };
    for objective in [Objective::CrossEntropy, Objective::Differential] {
        let path = gradient_descent(&pos, &neg, objective, &settings).unwrap();
        let length = |p: &Hyperplane| p.w.iter().map(|w| w * w).sum::<f64>().sqrt();
        // Values are beyond 745 after one step, where e^-value is exactly 0.
        assert!((length(&path.planes[1]) - 50.0).abs() < 0.1, "{path:?}");
        assert!((length(&path.planes[0]) - 10.0).abs() < 0.1, "{path:?}");
    }
}

#[test]
fn the_default_record_is_spaced_by_decades_and_ends_at_the_last_step() {
    let settings = Descent { steps: 30, ..Descent::default() };
    let path = gradient_descent(&[vec![1.0]], &[vec![0.0]], Objective::CrossEntropy, &settings).unwrap();
    assert_eq!(path.steps, [1, 2, 5, 10, 20, 30]);
    assert!(!path.interrupted);
    assert!(
        gradient_descent(&[vec![1.0]], &[vec![0.0]], Objective::CrossEntropy, &Descent { step: -1.0, ..settings })
            .is_err()
    );
}

#[test]
fn normalised_and_accelerated_paths_equal_a_plain_loop_in_high_precision() {
    // expected: tests/reference/trajectories.py (mpmath, 50 digits)
    let file: serde_json::Value = serde_json::from_str(include_str!("../reference/trajectories.json")).unwrap();
    for run in file.as_array().unwrap() {
        let (pos, neg) = (matrix(&run["pos"]), matrix(&run["neg"]));
        let differential = run["objective"] == "differential";
        let objective = if differential { Objective::Differential } else { Objective::CrossEntropy };
        let rule = if run["rule"] == "momentum" { Rule::Momentum } else { Rule::Normalised };
        let wanted = run["path"].as_array().unwrap();
        let record: Vec<usize> = wanted.iter().map(|p| p["step"].as_u64().unwrap() as usize).collect();
        let steps = *record.last().unwrap();
        let settings = Descent { step: run["step"].as_f64().unwrap(), steps, rule, record };
        let path = gradient_descent(&pos, &neg, objective, &settings).unwrap();
        assert_eq!(path.steps, settings.record);
        for (at, wanted) in wanted.iter().enumerate() {
            let plane = &path.planes[at];
            let got = if differential { plane.w.clone() } else { augmented(plane).w };
            let v = numbers(&wanted["v"]);
            let size = v.iter().map(|v| v.abs()).fold(0.0, f64::max);
            for (got, wanted) in got.iter().zip(&v) {
                // 60 steps, each right to the rounding of exponents up to 1e4 (1e-12).
                assert!((got - wanted).abs() <= 1e-10 * size, "{run}: {got} {wanted}");
            }
            let wanted = wanted["log_loss"].as_f64().unwrap();
            assert!((path.log_losses[at] - wanted).abs() <= 1e-10 * (1.0 + wanted.abs()), "{at} of {run}");
            let margin = plane.margin(&pos, &neg);
            assert!(path.margins[at] == margin || (at == 0 && margin.is_nan()), "{at}");
        }
    }
}

#[test]
fn momentum_settles_as_one_over_the_square_of_the_steps() {
    let (pos, neg) = (vec![vec![2.0, 1.0], vec![3.0, -1.0], vec![1.5, 0.25]], vec![vec![-1.0, 0.5], vec![-2.0, -2.0]]);
    let hard = hard_margin(&pos, &neg).unwrap();
    let largest = hard.margin(&pos, &neg);
    // The longest difference is about 5.9: step 1/R².
    let settings = Descent { step: 0.028, steps: 4000, rule: Rule::Momentum, record: vec![250, 1000, 4000] };
    let path = gradient_descent(&pos, &neg, Objective::Differential, &settings).unwrap();
    let short: Vec<f64> = path.margins.iter().map(|margin| 1.0 - margin / largest).collect();
    assert!(short[2] > 0.0 && short[2] < 1e-5, "{short:?}");
    // Four times the steps: a sixteenth of the deficit, up to logarithms.
    assert!(short[1] < short[0] / 6.0 && short[2] < short[1] / 6.0, "{short:?}");
    let normalised = Descent { step: 0.17, rule: Rule::Normalised, ..settings };
    let slow = gradient_descent(&pos, &neg, Objective::Differential, &normalised).unwrap();
    assert!(1.0 - slow.margins[2] / largest > 10.0 * short[2], "{slow:?}");
    assert!(path.angles_degrees(&hard)[2] < 0.2, "{:?}", path.angles_degrees(&hard));
}

#[test]
fn the_pair_loss_agrees_across_its_three_ways_of_summing() {
    // One step from zero: scores that overlap within 300 of each other and beyond, and scores apart by more than 40.
    use widemargin::loss::differential::{AllPairs, PairLoss};
    let neg = vec![vec![-1.0, 0.5], vec![-2.0, -2.0]];
    let apart = vec![vec![2.0, 1.0], vec![3.0, -1.0], vec![-0.5, 0.25]];
    let overlapping = vec![vec![2.0, 1.0], vec![3.0, -1.0], vec![-3.5, 0.25]];
    let steps = [0.01, 0.3, 3.0, 30.0, 300.0, 2000.0];
    for (pos, step) in steps.iter().flat_map(|step| [(&apart, *step), (&overlapping, *step)]) {
        let settings = Descent { step, steps: 1, record: vec![1], ..Descent::default() };
        let path = gradient_descent(pos, &neg, Objective::Differential, &settings).unwrap();
        let scores = |rows: &[Vec<f64>]| -> Vec<f64> {
            rows.iter().map(|r| r.iter().zip(&path.planes[0].w).map(|(r, w)| r * w).sum()).collect()
        };
        let (s, t) = (scores(pos), scores(&neg));
        let (mut in_s, mut in_t) = (vec![0.0; s.len()], vec![0.0; t.len()]);
        let value = AllPairs::default().evaluate(&s, &t, &mut in_s, &mut in_t).unwrap();
        // In the log domain: at the last steps the loss itself is below 1e-500.
        let wanted = value.log_mean + ((s.len() * t.len()) as f64).ln();
        // Six terms, each right to a few roundings.
        assert!((path.log_losses[0] - wanted).abs() < 1e-12 * (1.0 + wanted.abs()), "{step}: {path:?} {wanted}");
    }
}
