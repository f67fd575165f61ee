//! The cut between two classes, by hand and by exhaustive search.

use widemargin::train::threshold;

#[test]
fn separable_classes_are_cut_halfway() {
    // Rule (8): bias = -(least positive + largest negative) / 2.
    assert_eq!(threshold(&[3.0, 5.0], &[0.0, 1.0]).unwrap(), 2.0);
    assert_eq!(threshold(&[-4.0], &[-6.0, -7.0]).unwrap(), -5.0);
    assert_eq!(threshold(&[1e300], &[-1e300]).unwrap(), 0.0);
}

#[test]
fn overlapping_classes_are_cut_with_the_fewest_errors() {
    // One error whether the cut is at 1.5 or at 4; the gap around 4 is wider.
    assert_eq!(threshold(&[1.0, 5.0, 6.0], &[0.0, 2.0, 3.0]).unwrap(), 4.0);
    let mut state = 1u64;
    let mut draw = || {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        ((state >> 33) % 12) as f64
    };
    for _ in 0..200 {
        let pos: Vec<f64> = (0..6).map(|_| draw() + 2.0).collect();
        let neg: Vec<f64> = (0..5).map(|_| draw()).collect();
        let errors = |cut: f64| pos.iter().filter(|p| **p <= cut).count() + neg.iter().filter(|n| **n > cut).count();
        let best = (-3..40).map(|half| errors(f64::from(half) / 2.0)).min().unwrap();
        assert_eq!(errors(threshold(&pos, &neg).unwrap()), best, "{pos:?} {neg:?}");
    }
}

#[test]
fn equal_scores_fall_on_one_side() {
    let cut = threshold(&[2.0, 2.0, 2.0], &[2.0]).unwrap();
    assert!(cut < 2.0);
    let cut = threshold(&[2.0], &[2.0, 2.0]).unwrap();
    assert!(cut >= 2.0);
}

#[test]
fn an_empty_side_or_a_nan_is_an_error() {
    assert!(threshold(&[], &[1.0]).unwrap_err().to_string().contains("no positive"));
    assert!(threshold(&[1.0], &[f64::NAN]).unwrap_err().to_string().contains("NaN at negative 0"));
}
