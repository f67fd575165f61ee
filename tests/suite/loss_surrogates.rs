//! The other losses on pairs against their definition, pair by pair; autograd's numbers are in loss_multiclass.rs.

use widemargin::loss::Loss;
use widemargin::loss::cross_entropy::{sigmoid, softplus};
use widemargin::loss::differential::{PairLoss, Reference};
use widemargin::loss::surrogates::{hardest, squared, squared_hinge};

type OfSides = (f64, Vec<f64>, Vec<f64>);

fn draw(seed: u64, m: usize, n: usize, scale: f64) -> (Vec<f64>, Vec<f64>) {
    use rand::RngCore;
    let mut rng = widemargin::rng::stream(seed, "test");
    let mut side = |count| (0..count).map(|_| (rng.next_u32() as f64 / 2f64.powi(31) - 1.0) * scale).collect();
    (side(m), side(n))
}

/// The mean over `pairs` of a loss with this value and slope in t - s.
fn by_definition(s: &[f64], t: &[f64], pairs: &[(usize, usize)], f: impl Fn(f64) -> (f64, f64)) -> OfSides {
    let (mut loss, mut in_s, mut in_t) = (0.0, vec![0.0; s.len()], vec![0.0; t.len()]);
    for &(i, j) in pairs {
        let (value, slope) = f(t[j] - s[i]);
        loss += value / pairs.len() as f64;
        in_s[i] -= slope / pairs.len() as f64;
        in_t[j] += slope / pairs.len() as f64;
    }
    (loss, in_s, in_t)
}

fn every_pair(m: usize, n: usize) -> Vec<(usize, usize)> {
    (0..m).flat_map(|i| (0..n).map(move |j| (i, j))).collect()
}

fn assert_near(got: &OfSides, expected: &OfSides, tolerance: impl Fn(f64) -> f64, what: &str) {
    let got = [got.0].into_iter().chain(got.1.iter().copied()).chain(got.2.iter().copied());
    let expected = [expected.0].into_iter().chain(expected.1.iter().copied()).chain(expected.2.iter().copied());
    got.zip(expected).for_each(|(a, b)| assert!((a - b).abs() <= tolerance(b), "{what}: {a:e} for {b:e}"));
}

#[test]
fn the_squared_loss_is_its_double_sum() {
    for seed in 0..40 {
        let scale = 10f64.powi(seed as i32 % 6 - 2);
        let (s, t) = draw(seed, 1 + seed as usize, 41 - seed as usize, scale);
        let expected = by_definition(&s, &t, &every_pair(s.len(), t.len()), |x| ((1.0 + x).powi(2), 2.0 * (1.0 + x)));
        // Terms 1 + x of either sign: relative to their largest, and to its square in the loss.
        let largest = 1.0 + 2.0 * scale;
        let tolerance = |_: f64| 1e-14 * largest * largest;
        assert_near(&squared(&s, &t).unwrap(), &expected, tolerance, &format!("scale {scale}"));
    }
}

#[test]
fn the_squared_hinge_is_its_double_sum_component_by_component() {
    for seed in 0..60 {
        let scale = 10f64.powi(seed as i32 % 6 - 2);
        let (s, t) = draw(seed, 1 + seed as usize, 61 - seed as usize, scale);
        let hinge = |x: f64| ((1.0 + x).max(0.0).powi(2), 2.0 * (1.0 + x).max(0.0));
        let expected = by_definition(&s, &t, &every_pair(s.len(), t.len()), hinge);
        // Pairs at the hinge's foot have a difference that is rounding: 2^-53 of the scores.
        let tolerance = |x: f64| 1e-13 * x.abs() + 1e-15 * (1.0 + scale);
        assert_near(&squared_hinge(&s, &t).unwrap(), &expected, tolerance, &format!("scale {scale}"));
    }
}

#[test]
fn the_squared_hinge_stands_a_shift_and_ties() {
    let (s, t) = draw(5, 20, 30, 2.0);
    let grid = |v: &[f64], by: f64| v.iter().map(|x| (x * 64.0).round() / 64.0 + by).collect::<Vec<_>>();
    // On a grid of 1/64 there are ties, and the shift is exact: the differences are, so the bytes are.
    assert_eq!(
        squared_hinge(&grid(&s, 0.0), &grid(&t, 0.0)).unwrap(),
        squared_hinge(&grid(&s, 2f64.powi(40)), &grid(&t, 2f64.powi(40))).unwrap()
    );
}

#[test]
fn the_hardest_pairs_are_those_of_a_full_sort() {
    for (seed, count) in [1, 2, 3, 10, 57, 200, 1000].into_iter().enumerate() {
        let (s, t) = draw(seed as u64, 40, 33, 5.0);
        let mut pairs = every_pair(40, 33);
        pairs.sort_by(|a, b| (s[a.0] - t[a.1]).total_cmp(&(s[b.0] - t[b.1])));
        pairs.truncate(count);
        let expected = by_definition(&s, &t, &pairs, |x| (softplus(x), sigmoid(x)));
        assert_near(&hardest(&s, &t, count).unwrap(), &expected, |x| 1e-13 * x.abs(), &format!("{count}"));
    }
}

#[test]
fn all_pairs_are_the_differential_loss() {
    let (s, t) = draw(1, 12, 9, 3.0);
    let expected = Reference.loss_and_grads(&s, &t).unwrap();
    for count in [108, 109, usize::MAX] {
        assert_near(&hardest(&s, &t, count).unwrap(), &expected, |x| 1e-13 * x.abs(), "all");
    }
    // One pair less leaves out the easiest.
    assert!(hardest(&s, &t, 107).unwrap().0 > expected.0);
}

#[test]
fn the_examples_of_the_docs() {
    assert_eq!(squared(&[2.0], &[0.0]).unwrap(), (1.0, vec![2.0], vec![-2.0]));
    assert_eq!(squared_hinge(&[2.0], &[0.0]).unwrap(), (0.0, vec![0.0], vec![0.0]));
    assert!((hardest(&[2.0], &[0.0], 1).unwrap().0 - 0.126_928_011_042_972_5).abs() < 1e-16);
}

#[test]
fn bad_scores_are_named_wherever_they_are() {
    let losses: [fn(&[f64], &[f64]) -> widemargin::Result<OfSides>; 3] =
        [squared, squared_hinge, |s, t| hardest(s, t, 2)];
    for loss in losses {
        for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e141] {
            for at in 0..9 {
                let (s, mut t) = draw(5, 9, 9, 1.0);
                t[at] = bad;
                assert!(loss(&s, &t).unwrap_err().to_string().ends_with(&format!("got {bad} at negative {at}")));
                assert!(loss(&t, &s).unwrap_err().to_string().ends_with(&format!("got {bad} at positive {at}")));
            }
        }
        assert!(loss(&[], &[1.0]).unwrap_err().to_string().contains("no positive"));
        assert!(loss(&[1.0], &[]).unwrap_err().to_string().contains("no negative"));
    }
    assert!(hardest(&[1.0], &[1.0], 0).unwrap_err().to_string().contains("at least one pair"));
    assert!(Loss::HardestPairs(3).is_pairwise() && !Loss::CrossEntropy.is_pairwise());
}
