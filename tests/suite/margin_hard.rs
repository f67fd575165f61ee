//! The largest margin and its certificate. Reference: tests/reference/margin.py (SciPy SLSQP in the primal, KKT polish).

use crate::margin_reference::{cases, points};
use widemargin::margin::{Hyperplane, certified_hard_margin, hard_margin};

/// 1e-7 relative: the reference is polished to about 1e-9, its constraints to 1e-7.
const TO_REFERENCE: f64 = 1e-7;

#[test]
fn two_points_are_separated_halfway_between_them() {
    let plane = hard_margin(&[vec![3.0, 4.0]], &[vec![0.0, 0.0]]).unwrap();
    // w = 2 (x - z)/|x - z|^2, value 1 at x and -1 at z.
    for (got, wanted) in plane.w.iter().zip([6.0 / 25.0, 8.0 / 25.0]) {
        assert!((got - wanted).abs() < 1e-15);
    }
    assert!((plane.b + 1.0).abs() < 1e-15);
    assert!((plane.margin(&[vec![3.0, 4.0]], &[vec![0.0, 0.0]]) - 2.5).abs() < 1e-15);
}

#[test]
fn agrees_with_a_primal_quadratic_program() {
    for case in cases() {
        let (plane, certificate) = certified_hard_margin(&case.pos, &case.neg).unwrap();
        let margin = plane.margin(&case.pos, &case.neg);
        assert!((margin / case.hard_margin - 1.0).abs() < TO_REFERENCE, "{}: {margin}", case.name);
        assert!(plane.angle_degrees(&case.hard) < 1e-4, "{}", case.name);
        assert!(certificate.lower <= case.hard_margin * (1.0 + TO_REFERENCE), "{}", case.name);
        assert!(certificate.upper >= case.hard_margin * (1.0 - TO_REFERENCE), "{}", case.name);
    }
}

#[test]
fn the_certificate_closes() {
    for case in cases() {
        let (plane, certificate) = certified_hard_margin(&case.pos, &case.neg).unwrap();
        // Wolfe's method ends on the exact face, so only rounding of the QR is left.
        assert!(certificate.gap() <= 1e-10 * certificate.upper, "{}: {certificate:?}", case.name);
        assert!(certificate.angle_degrees < 1e-3, "{}: {certificate:?}", case.name);
        assert!((plane.margin(&case.pos, &case.neg) / certificate.lower - 1.0).abs() < 1e-10, "{}", case.name);
        for i in certificate.pos {
            // Support points have value 1; 1e-7 as the angle may be off by the certificate's bound.
            assert!((plane.value(&case.pos[i]) - 1.0).abs() < 1e-7, "{}", case.name);
        }
    }
}

#[test]
fn the_order_of_points_and_a_shift_do_not_matter() {
    for case in cases() {
        let plane = hard_margin(&case.pos, &case.neg).unwrap();
        let shifted = |rows: &[Vec<f64>]| -> Vec<Vec<f64>> {
            rows.iter().rev().map(|r| r.iter().map(|v| v + 100.0).collect()).collect()
        };
        let other = hard_margin(&shifted(&case.pos), &shifted(&case.neg)).unwrap();
        // Adding 100 costs about 1e-14 of each coordinate, relative to a margin of 0.18 at least.
        assert!(plane.angle_degrees(&other) < 1e-6, "{}: {}", case.name, plane.angle_degrees(&other));
    }
}

#[test]
fn duplicated_and_collinear_points_are_no_trouble() {
    let lattice: Vec<Vec<f64>> = (0..5).flat_map(|i| (0..5).map(move |j| vec![f64::from(i), f64::from(j)])).collect();
    let pos: Vec<Vec<f64>> =
        lattice.iter().map(|p| vec![p[0] + 6.0, p[1]]).chain(lattice.iter().map(|p| vec![p[0] + 6.0, p[1]])).collect();
    let (plane, certificate) = certified_hard_margin(&pos, &lattice).unwrap();
    assert!((certificate.lower - 1.0).abs() < 1e-12);
    assert!(plane.angle_degrees(&Hyperplane { w: vec![1.0, 0.0], b: 0.0 }) < 1e-6);
}

#[test]
fn more_dimensions_than_points_are_no_trouble() {
    // One-hot points: the nearest points of the hulls are the means, at distance sqrt(1/4 + 1/4).
    let unit = |k: usize| -> Vec<f64> { (0..300).map(|i| f64::from(u8::from(i == k))).collect() };
    let pos: Vec<_> = (0..4).map(unit).collect();
    let neg: Vec<_> = (4..8).map(unit).collect();
    let (_, certificate) = certified_hard_margin(&pos, &neg).unwrap();
    assert!((certificate.upper - 0.5_f64.sqrt() / 2.0).abs() < 1e-14);
    assert_eq!((certificate.pos, certificate.neg), (vec![0, 1, 2, 3], vec![0, 1, 2, 3]));
}

#[test]
fn points_that_cannot_be_separated_are_refused_with_the_distance_found() {
    let square = points(&[[0.0, 0.0], [2.0, 0.0], [0.0, 2.0], [2.0, 2.0]]);
    for inner in [vec![1.0, 1.0], vec![0.3, 0.7], vec![2.0, 1.0], vec![2.0, 2.0]] {
        let message = hard_margin(&square, &[inner]).unwrap_err().to_string();
        assert!(message.contains("convex hulls at distance"), "{message}");
        let distance: f64 = message.split("at distance ").nth(1).unwrap().split(' ').next().unwrap().parse().unwrap();
        // The hulls meet, so the true distance is zero.
        assert!(distance < 1e-12, "{message}");
    }
}

#[test]
fn nearly_touching_hulls_are_still_separated() {
    let square = points(&[[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0]]);
    let (_, certificate) = certified_hard_margin(&points(&[[1.0 + 1e-6, 0.5]]), &square).unwrap();
    // 1 + 1e-6 is stored to 1e-16, so the distance 1e-6 to 1e-10 relatively.
    assert!((certificate.lower / 0.5e-6 - 1.0).abs() < 1e-9, "{certificate:?}");
}

#[test]
fn bad_points_are_named() {
    let one = vec![vec![1.0, 2.0]];
    let message = |pos: &[Vec<f64>], neg: &[Vec<f64>]| hard_margin(pos, neg).unwrap_err().to_string();
    assert_eq!(message(&one, &[]), "hard_margin: expected at least one negative point, got none");
    assert_eq!(message(&one, &[vec![1.0]]), "hard_margin: expected rows of length 2, got [1]");
    let nan = vec![vec![0.0, 1.0], vec![0.0, f64::NAN]];
    assert_eq!(
        message(&nan, &one),
        "hard_margin: expected finite coordinates, got NaN in positive point 1, coordinate 1"
    );
}

#[test]
fn badly_scaled_random_problems_close_the_certificate_too() {
    use rand::RngCore;
    let mut rng = widemargin::rng::stream(11, "margin stress");
    let mut number = || f64::from(rng.next_u32()) / f64::from(u32::MAX) * 2.0 - 1.0;
    for problem in 0..60 {
        let (d, n) = (2 + problem % 37, 5 + 7 * (problem % 11));
        let scales: Vec<f64> = (0..d).map(|_| (3.0 * number()).exp()).collect();
        let gap = 10_f64.powf(2.0 * number() - 2.0);
        let mut side = |label: f64| -> Vec<Vec<f64>> {
            let mut row = || -> Vec<f64> { scales.iter().map(|s| s * number()).collect() };
            // The first coordinate separates, at `gap` from zero at least.
            (0..n)
                .map(|_| row())
                .map(|mut r| {
                    r[0] = label * (r[0].abs() + gap);
                    r
                })
                .collect()
        };
        let (pos, neg) = (side(1.0), side(-1.0));
        let (plane, certificate) = certified_hard_margin(&pos, &neg).unwrap();
        // At least the margin of the known separator; 1e-9: rounding of a QR with condition e^6.
        assert!(certificate.lower >= gap * (1.0 - 1e-12), "{problem}: {certificate:?}");
        assert!(certificate.gap() <= 1e-9 * certificate.upper, "{problem}: {certificate:?}");
        assert!((plane.margin(&pos, &neg) / certificate.lower - 1.0).abs() < 1e-9, "{problem}");
    }
}
