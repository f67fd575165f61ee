//! Directions of features, where changes point, margins of a head. Reference: tests/reference/directions.py (NumPy, SciPy).

use candle_core::{Device, Tensor};
use serde_json::Value;
use widemargin::analysis::{Directions, Displacement, Margins, Moved, feature_margins};
use widemargin::attack::{MinimalNorm, Norm, Pgd, equal_noise, linearised_margins};
use widemargin::display::Show;

fn file() -> Value {
    serde_json::from_str(include_str!("../reference/directions.json")).unwrap()
}

fn list(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect()
}

fn matrix(rows: &[Vec<f64>]) -> Tensor {
    let flat: Vec<f64> = rows.iter().flatten().copied().collect();
    Tensor::from_vec(flat, (rows.len(), rows[0].len()), &Device::Cpu).unwrap()
}

fn rows(value: &Value) -> Tensor {
    matrix(&value.as_array().unwrap().iter().map(list).collect::<Vec<_>>())
}

#[test]
fn angles_and_changes_agree_with_numpy() {
    for case in file()["features"].as_array().unwrap() {
        let (features, after, w) = (rows(&case["rows"]), rows(&case["after"]), list(&case["w"]));
        let both = [("raw", Directions::raw(&features)), ("centred", Directions::centred(&features))];
        for (kind, directions) in both {
            let (directions, wanted) = (directions.unwrap(), &case[kind]);
            let name = format!("{} {kind}", case["name"]);
            let angles = list(&wanted["angles"]);
            assert_eq!(directions.rank() + 1, angles.len(), "{name}");
            for (k, angle) in angles.iter().enumerate() {
                // Two decompositions, each good to some 1e-14 over the gap between singular values.
                let got = directions.angle_degrees(&w, k).unwrap();
                assert!((got - angle).abs() < 1e-9, "{name} {k}: {got} {angle}");
                let outside = directions.outside(&w, k).unwrap();
                assert!((outside - angle.to_radians().sin().powi(2)).abs() < 1e-10, "{name} {k}");
            }
            // More directions than there are: the whole span.
            let all = directions.angle_degrees(&w, directions.rank()).unwrap();
            assert_eq!(directions.angle_degrees(&w, 99).unwrap(), all);
            let moved = Moved::of(&directions, &features, &after).unwrap();
            for (got, share) in moved.shares.iter().zip(list(&wanted["moved"]["shares"])) {
                assert!((got - share).abs() < 1e-10, "{name}");
            }
            assert!((moved.outside - wanted["moved"]["outside"].as_f64().unwrap()).abs() < 1e-10, "{name}");
            assert!((moved.length - wanted["moved"]["length"].as_f64().unwrap()).abs() < 1e-10, "{name}");
            assert!((moved.within(usize::MAX) + moved.outside - 1.0).abs() < 1e-12, "{name}");
        }
    }
}

#[test]
fn a_line_and_a_diagonal_are_45_degrees_apart() {
    let line = matrix(&[vec![1.0, 0.0], vec![3.0, 0.0]]);
    let directions = Directions::raw(&line).unwrap();
    assert_eq!(directions.rank(), 1);
    assert!((directions.angle_degrees(&[1.0, 1.0], 1).unwrap() - 45.0).abs() < 1e-12);
    assert_eq!(directions.angle_degrees(&[1.0, 1.0], 0).unwrap(), 90.0);
    // Tiny and huge vectors have the same angle, and an exact hit is 0 and not the root of rounding.
    assert!((directions.angle_degrees(&[1e-200, 1e-200], 1).unwrap() - 45.0).abs() < 1e-12);
    assert!(directions.angle_degrees(&[-1e200, 0.0], 1).unwrap() < 1e-12);
    let moved = Moved::of(&directions, &line, &matrix(&[vec![4.0, 4.0], vec![6.0, 4.0]])).unwrap();
    assert!((moved.shares[0] - 0.36).abs() < 1e-12 && (moved.outside - 0.64).abs() < 1e-12);
    assert!((moved.length - 5.0).abs() < 1e-12);
}

#[test]
fn constant_zero_and_single_rows_give_numbers() {
    // 0.1 is no binary fraction: its mean is rounded.
    let constant = matrix(&vec![vec![0.1, 0.7, -0.3]; 10]);
    let (raw, centred) = (Directions::raw(&constant).unwrap(), Directions::centred(&constant).unwrap());
    assert_eq!((raw.rank(), centred.rank()), (1, 0));
    assert!(raw.angle_degrees(&[0.1, 0.7, -0.3], 1).unwrap() < 1e-6);
    assert_eq!(centred.angle_degrees(&[1.0, 0.0, 0.0], 3).unwrap(), 90.0);
    assert_eq!((centred.holding(0.99), centred.outside(&[1.0, 0.0, 0.0], 3).unwrap()), (0, 1.0));
    let still = Moved::of(&centred, &constant, &constant).unwrap();
    assert_eq!((still.outside, still.length, still.within(9)), (0.0, 0.0, 0.0));
    let zero = matrix(&[vec![0.0; 3]]);
    assert_eq!((Directions::raw(&zero).unwrap().rank(), Directions::centred(&zero).unwrap().rank()), (0, 0));
}

#[test]
fn what_does_not_fit_is_refused_by_name() {
    let directions = Directions::raw(&matrix(&[vec![1.0, 0.0], vec![0.0, 1.0]])).unwrap();
    let message = |w: &[f64]| directions.angle_degrees(w, 1).unwrap_err().to_string();
    assert_eq!(message(&[1.0]), "directions: expected a vector of 2 numbers, got [1]");
    assert_eq!(message(&[0.0, 0.0]), "directions: expected a finite vector other than 0, got 0");
    assert_eq!(message(&[f64::NAN, 1.0]), "directions: expected a finite vector other than 0, got NaN");
    let one = matrix(&[vec![1.0, 2.0]]);
    let message = Moved::of(&directions, &one, &matrix(&[vec![1.0]])).unwrap_err().to_string();
    assert_eq!(message, "displacement: expected features (1, 2) before and after, got [1, 1]");
    let message = feature_margins(&one, &one, &[0.0], &[2]).unwrap_err().to_string();
    assert_eq!(message, "margins: expected labels below 2, got 2 in row 0");
    assert!(feature_margins(&one, &one, &[0.0], &[]).unwrap_err().to_string().contains("1 biases and 0 labels"));
    let message = Margins::new(vec![1.0], vec![f64::NAN], vec![1.0]).unwrap_err().to_string();
    assert_eq!(message, "margins: expected margins, got NaN in row 0");
}

#[test]
fn feature_margins_agree_with_numpy() {
    for case in file()["heads"].as_array().unwrap() {
        let labels: Vec<u32> = list(&case["labels"]).iter().map(|y| *y as u32).collect();
        let bias = list(&case["bias"]);
        let got = feature_margins(&rows(&case["features"]), &rows(&case["weight"]), &bias, &labels).unwrap();
        for (got, wanted) in got.iter().zip(list(&case["margins"])) {
            assert!((got - wanted).abs() < 1e-12, "{got} {wanted}");
        }
    }
    let ranks = &file()["ranks"];
    let (feature, input) = (list(&ranks["feature"]), list(&ranks["input"]));
    let margins = Margins::new(feature, input.clone(), input).unwrap();
    assert!((margins.rank_correlation() - ranks["correlation"].as_f64().unwrap()).abs() < 1e-12);
    // Scores 2 and -2 with w = (3, 4); two equal weights of which the right score leads.
    let w = matrix(&[vec![3.0, 4.0]]);
    let x = matrix(&[vec![0.5, 0.125], vec![-0.5, -0.125]]);
    assert_eq!(feature_margins(&x, &w, &[0.0], &[1, 1]).unwrap(), [0.4, -0.4]);
    let same = matrix(&[vec![1.0, 1.0], vec![1.0, 1.0]]);
    assert_eq!(feature_margins(&x, &same, &[1.0, 0.0], &[0, 1]).unwrap(), [f64::INFINITY, 0.0]);
}

#[test]
fn rows_that_are_wrong_or_censored_are_left_out_of_the_stretch() {
    let margins = Margins::new(vec![2.0, -1.0, 4.0, 3.0], vec![0.5, 0.0, f64::INFINITY, 1.0], vec![0.6; 4]).unwrap();
    assert_eq!((margins.rows(), margins.stretch()), (vec![0, 3], vec![4.0, 3.0]));
    let text = margins.bundle().plain().unwrap().to_owned();
    assert!(text.starts_with("margins of 2 of 4 rows that are right and not censored"), "{text}");
    assert!(text.contains("3.5000") && text.contains("Rank correlation"), "{text}");
}

#[test]
fn linearised_margins_are_exact_on_a_linear_score_and_an_estimate_on_networks() {
    use crate::attack_nets::{labels, linear, peer, tensors};
    let net = linear(&[3.0, 4.0], -1.0);
    let x = Tensor::new(&[[1.0_f32, 1.0], [1.0, 1.0]], &Device::Cpu).unwrap();
    let y = Tensor::new(&[1_u32, 0], &Device::Cpu).unwrap();
    for (norm, wanted) in [(Norm::L2, 1.2), (Norm::Linf, 6.0 / 7.0), (Norm::L1, 1.5)] {
        let got = linearised_margins(&net, &x, &y, norm, [0.0, 1.0]).unwrap();
        // float32 scores near 6.
        assert!((got[0] - wanted).abs() < 1e-6 && got[1] == 0.0, "{norm} {got:?}");
    }
    let flat = linearised_margins(&linear(&[0.0, 0.0], 1.0), &x, &y, Norm::L2, [0.0, 1.0]).unwrap();
    assert_eq!(flat, [f64::INFINITY, 0.0]);
    let file = tensors("attack_peers.safetensors");
    for name in ["mlp1", "mlp4", "cnn"] {
        let (net, x, y) = (peer(name), &file[&format!("{name}.x")], labels(&file, &format!("{name}.y")));
        let linear = linearised_margins(&net, x, &y, Norm::L2, [0.0, 1.0]).unwrap();
        let found = MinimalNorm { silent: true, ..MinimalNorm::default() }.run(&net, x, &y).unwrap().distances();
        for (row, (a, b)) in linear.iter().zip(&found).enumerate() {
            // Row 2 is wrong. Published ratios are 1 to 3.
            assert!(
                if row == 2 { *a == 0.0 && *b == 0.0 } else { a / b > 0.2 && a / b < 5.0 },
                "{name} {row}: {a} {b}"
            );
        }
    }
    let nan = linear(&[f32::INFINITY, 0.0], 0.0);
    let message = linearised_margins(&nan, &x, &y, Norm::L2, [0.0, 1.0]).unwrap_err().to_string();
    assert!(message.contains("in row 0"), "{message}");
}

#[test]
fn an_attack_moves_the_features_further_than_random_changes_of_its_size() {
    use crate::attack_nets::{labels, peer, tensors};
    let file = tensors("attack_peers.safetensors");
    let (net, x, y) = (peer("mlp1"), &file["mlp1.x"], labels(&file, "mlp1.y"));
    let found = Pgd { norm: Norm::L2, epsilon: 0.5, silent: true, ..Pgd::default() }.run(&net, x, &y).unwrap();
    let noise = equal_noise(&net, &found, [0.0, 1.0], 1).unwrap();
    let features = |x: &Tensor| net.features(x).unwrap().detach();
    let clean = features(x);
    let directions = Directions::centred(&clean).unwrap();
    let moved = Displacement::of(&directions, &clean, &features(&found.x), &features(&noise.x)).unwrap();
    // The attack climbs the gradient of one score; a random direction has 1/8 of its length along any.
    assert!(moved.amplification() > 1.5, "{}", moved.amplification());
    let text = moved.bundle().plain().unwrap().to_owned();
    assert!(text.contains("random, equal size") && text.contains("times as far"), "{text}");
    assert!(moved.k90 <= moved.k99 && moved.k99 <= directions.rank());
}
