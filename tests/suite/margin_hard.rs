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
        // The solver ends on the exact face: only rounding of coordinates up to 90 times the margin is left.
        assert!(certificate.gap() <= 1e-12 * certificate.upper, "{}: {certificate:?}", case.name);
        assert!(certificate.angle_degrees < 1e-9, "{}: {certificate:?}", case.name);
        assert!((plane.margin(&case.pos, &case.neg) / certificate.lower - 1.0).abs() < 1e-12, "{}", case.name);
        for i in certificate.pos {
            // Support points have value 1, to the rounding of a sum that cancels from 400.
            assert!((plane.value(&case.pos[i]) - 1.0).abs() < 1e-11, "{}", case.name);
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
fn the_nearest_point_of_a_triangle() {
    // The foot of the perpendicular from the origin on the edge from (3, 0) to (0, 4): 12/25 (4, 3), at 2.4.
    let (plane, certificate) =
        certified_hard_margin(&points(&[[3.0, 0.0], [0.0, 4.0], [5.0, 5.0]]), &points(&[[0.0, 0.0]])).unwrap();
    assert!((certificate.lower - 1.2).abs() < 1e-14 && (certificate.upper - 1.2).abs() < 1e-14, "{certificate:?}");
    // w = 2 p/|p|² with p = (1.92, 1.44).
    assert!((plane.w[0] - 2.0 / 3.0).abs() < 1e-15 && (plane.w[1] - 0.5).abs() < 1e-15, "{plane:?}");
    assert_eq!((&certificate.pos[..], &certificate.neg[..]), (&[0, 1][..], &[0][..]));
}

/// A seeded stream of numbers in [-1, 1).
fn numbers(purpose: &str) -> impl FnMut() -> f64 {
    use rand::RngCore;
    let mut rng = widemargin::rng::stream(11, purpose);
    move || f64::from(rng.next_u32()) / f64::from(u32::MAX) * 2.0 - 1.0
}

/// Points whose first coordinate separates them, at `gap` from zero at least.
fn separated(number: &mut impl FnMut() -> f64, scales: &[f64], n: usize, gap: f64, label: f64) -> Vec<Vec<f64>> {
    let mut rows: Vec<Vec<f64>> = (0..n).map(|_| scales.iter().map(|s| s * number()).collect()).collect();
    rows.iter_mut().for_each(|r| r[0] = label * (r[0].abs() + gap));
    rows
}

#[test]
fn random_problems_of_all_scales_close_the_certificate() {
    let mut number = numbers("margin campaign");
    for problem in 0..150 {
        let (d, n) = (2 + problem % 38, 5 + 7 * (problem % 11));
        let scales: Vec<f64> = (0..d).map(|_| (3.0 * number()).exp()).collect();
        let gap = 10_f64.powf(2.5 * number() - 1.5);
        let (pos, neg) = (separated(&mut number, &scales, n, gap, 1.0), separated(&mut number, &scales, n, gap, -1.0));
        let (plane, certificate) = certified_hard_margin(&pos, &neg).unwrap();
        // At least the margin of the known separator.
        assert!(certificate.lower >= gap * (1.0 - 1e-12), "{problem}: {certificate:?}");
        // A coordinate's rounding is 1e-16 of points up to 1e5 times the margin.
        let spread = scales.iter().map(|s| s * s).sum::<f64>().sqrt();
        let rounding = 32.0 * f64::EPSILON * (spread / certificate.upper + 1.0);
        assert!(certificate.gap() <= rounding * certificate.upper, "{problem}: {certificate:?}");
        assert!((plane.margin(&pos, &neg) / certificate.lower - 1.0).abs() <= 2.0 * rounding, "{problem}");
        assert!(certificate.angle_degrees < 1e-5, "{problem}: {certificate:?}");
    }
}

#[test]
fn the_certified_angle_holds_where_the_exact_normal_is_known() {
    // Two points and any number of others further out: the normal is x - z. Exact in integers.
    let mut number = numbers("known normals");
    for problem in 0..100 {
        let d = 2 + problem % 6;
        let mut whole = |size: f64| -> Vec<f64> { (0..d).map(|_| (size * number()).round()).collect() };
        let (x, z) = (whole(50.0), whole(50.0));
        let exact: Vec<f64> = x.iter().zip(&z).map(|(x, z)| x - z).collect();
        let squared: f64 = exact.iter().map(|v| v * v).sum();
        if squared == 0.0 {
            continue;
        }
        let mut sides = [vec![x.clone()], vec![z.clone()]];
        for _ in 0..40 {
            let p = whole(200.0);
            let along = |from: &[f64]| p.iter().zip(from).zip(&exact).map(|((p, f), e)| (p - f) * e).sum::<f64>();
            if along(&x) >= 0.0 {
                sides[0].push(p);
            } else if along(&z) <= 0.0 {
                sides[1].push(p);
            }
        }
        let (plane, certificate) = certified_hard_margin(&sides[0], &sides[1]).unwrap();
        let angle = plane.angle_degrees(&Hyperplane { w: exact, b: 0.0 });
        assert!(angle <= certificate.angle_degrees, "{problem}: {angle:e} {certificate:?}");
        assert!(certificate.lower <= squared.sqrt() / 2.0 * (1.0 + 1e-15), "{problem}: {certificate:?}");
        assert!(certificate.upper >= squared.sqrt() / 2.0 * (1.0 - 1e-15), "{problem}: {certificate:?}");
    }
}

#[test]
fn a_clear_face_certifies_the_angle_to_rounding_and_a_tie_to_its_square_root() {
    let (_, clear) = certified_hard_margin(&points(&[[3.0, 1.0], [4.0, 9.0]]), &points(&[[0.0, 0.0]])).unwrap();
    assert!(clear.angle_degrees < 1e-12, "{clear:?}");
    // Three points of one side on the plane that two of them hold: which two is not clear.
    let (plane, tied) =
        certified_hard_margin(&points(&[[1.0, -1.0], [1.0, 0.25], [1.0, 2.0]]), &points(&[[0.0, 0.0]])).unwrap();
    assert!(plane.angle_degrees(&Hyperplane { w: vec![1.0, 0.0], b: 0.0 }) <= tied.angle_degrees);
    // arccos(1 - a few roundings) = 1e-7 rad.
    assert!(tied.angle_degrees < 1e-5, "{tied:?}");
}

#[test]
fn points_of_any_size_give_the_same_normal() {
    let mut number = numbers("sizes");
    let (pos, neg) = (
        separated(&mut number, &[1.0, 2.0, 0.5], 20, 0.1, 1.0),
        separated(&mut number, &[1.0, 2.0, 0.5], 20, 0.1, -1.0),
    );
    let scaled = |rows: &[Vec<f64>], by: f64| -> Vec<Vec<f64>> {
        rows.iter().map(|r| r.iter().map(|v| v * by).collect()).collect()
    };
    let plain = hard_margin(&pos, &neg).unwrap();
    for exponent in [-900, -300, 300, 900] {
        let by = 2.0_f64.powi(exponent);
        let (plane, certificate) = certified_hard_margin(&scaled(&pos, by), &scaled(&neg, by)).unwrap();
        // A power of two changes no digit.
        assert!(plane.w.iter().zip(&plain.w).all(|(a, b)| *a == b / by), "{exponent}: {plane:?} {plain:?}");
        assert_eq!(plane.b, plain.b);
        assert!(certificate.lower > 0.0 && certificate.upper >= certificate.lower, "{certificate:?}");
    }
    let message = hard_margin(&[[1e-310]], &[[0.0]]).unwrap_err().to_string();
    assert!(message.contains("a margin whose inverse f64 holds"), "{message}");
}

#[test]
fn a_shift_by_a_million_costs_only_the_rounding_of_the_coordinates() {
    for case in cases() {
        let moved =
            |rows: &[Vec<f64>]| -> Vec<Vec<f64>> { rows.iter().map(|r| r.iter().map(|v| v + 1e6).collect()).collect() };
        let (plane, certificate) = certified_hard_margin(&moved(&case.pos), &moved(&case.neg)).unwrap();
        // Coordinates are right to 1e-10 after the shift, against margins of 0.18 at least and a length of the face of 1.
        assert!(plane.angle_degrees(&case.hard) < 1e-5, "{}: {certificate:?}", case.name);
        assert!((certificate.upper / case.hard_margin - 1.0).abs() < 1e-7, "{}", case.name);
        assert!(certificate.lower <= certificate.upper);
    }
}

#[test]
fn hulls_that_touch_or_overlap_are_refused_with_the_distance_found() {
    let lattice: Vec<Vec<f64>> = (0..5).flat_map(|i| (0..5).map(move |j| vec![f64::from(i), f64::from(j)])).collect();
    let moved = |by: [f64; 2]| -> Vec<Vec<f64>> { lattice.iter().map(|p| vec![p[0] + by[0], p[1] + by[1]]).collect() };
    // An edge, a corner, an overlap; the same set twice; a point in the middle; a point on an edge.
    let mut refused = vec![
        (moved([4.0, 0.0]), lattice.clone()),
        (moved([4.0, 4.0]), lattice.clone()),
        (moved([3.5, 0.25]), lattice.clone()),
        (lattice.clone(), lattice.clone()),
        (vec![vec![2.0, 2.0]], lattice.clone()),
        (vec![vec![4.0, 1.3]], lattice.clone()),
        (vec![vec![1.0, 1.0]], vec![vec![1.0, 1.0]]),
        (vec![vec![0.0]], vec![vec![0.0]]),
    ];
    let mut number = numbers("overlapping");
    for d in [1, 2, 5, 20] {
        let mut cloud = || (0..12 * d).map(|_| (0..d).map(|_| number()).collect::<Vec<f64>>()).collect::<Vec<_>>();
        // The second cloud has a point in the middle of the first.
        let (pos, mut neg) = (cloud(), cloud());
        neg.push((0..d).map(|k| pos.iter().map(|p| p[k]).sum::<f64>() / pos.len() as f64).collect());
        refused.push((pos, neg));
    }
    for (at, (pos, neg)) in refused.iter().enumerate() {
        for scale in [1e-9, 1.0, 1e9] {
            let scaled = |rows: &[Vec<f64>]| -> Vec<Vec<f64>> {
                rows.iter().map(|r| r.iter().map(|v| v * scale).collect()).collect()
            };
            let result = hard_margin(&scaled(pos), &scaled(neg));
            let message = result.expect_err(&format!("{at} at {scale:e} is not separable")).to_string();
            let found = message.split("at distance ").nth(1).and_then(|rest| rest.split(' ').next());
            let found: f64 = found.and_then(|number| number.parse().ok()).unwrap_or_else(|| panic!("{message}"));
            // Zero up to rounding of points of size 8.
            assert!(found <= 1e-13 * scale, "{at}: {message}");
        }
    }
}

#[test]
fn sets_on_a_line_with_repeated_points_are_no_trouble() {
    let pos: Vec<Vec<f64>> = (0..60).map(|i| vec![3.0 + f64::from(i % 7), 6.0 + 2.0 * f64::from(i % 7), 1.0]).collect();
    let neg: Vec<Vec<f64>> = (0..60).map(|i| vec![1.0 - f64::from(i % 5), 2.0 - 2.0 * f64::from(i % 5), 1.0]).collect();
    let (plane, certificate) = certified_hard_margin(&pos, &neg).unwrap();
    // From (1, 2, 1) to (3, 6, 1).
    assert!((certificate.lower - 5.0_f64.sqrt()).abs() < 1e-14, "{certificate:?}");
    assert!(plane.angle_degrees(&Hyperplane { w: vec![1.0, 2.0, 0.0], b: 0.0 }) <= certificate.angle_degrees);
}

#[test]
fn many_support_points_in_many_dimensions() {
    let mut number = numbers("many support points");
    let scales = vec![1.0; 300];
    let (pos, neg) =
        (separated(&mut number, &scales, 100, 0.01, 1.0), separated(&mut number, &scales, 100, 0.01, -1.0));
    let (_, certificate) = certified_hard_margin(&pos, &neg).unwrap();
    assert!(certificate.pos.len() + certificate.neg.len() > 150, "{certificate:?}");
    assert!(certificate.gap() <= 1e-12 * certificate.upper && certificate.angle_degrees < 1e-8, "{certificate:?}");
}
