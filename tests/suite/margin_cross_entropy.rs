//! The limit of cross-entropy. References: closed forms, and tests/reference/margin.py (SciPy SLSQP in the primal).

use crate::margin_reference::{cases, points};
use widemargin::margin::{cross_entropy_limit, hard_margin, two_point_limit};

#[test]
fn agrees_with_a_primal_quadratic_program() {
    for case in cases() {
        let plane = cross_entropy_limit(&case.pos, &case.neg, 1.0).unwrap();
        let margin = plane.margin(&case.pos, &case.neg);
        // The reference is polished to about 1e-9, its constraints to 1e-7.
        assert!((margin / case.limit_margin - 1.0).abs() < 1e-6, "{}: {margin}", case.name);
        assert!(plane.angle_degrees(&case.limit) < 1e-4, "{}", case.name);
        let angle = plane.angle_degrees(&hard_margin(&case.pos, &case.neg).unwrap());
        assert!((angle - case.angle_degrees).abs() < 1e-4, "{}: {angle}", case.name);
        let scaled = cross_entropy_limit(&case.pos, &case.neg, 10.0).unwrap().margin(&case.pos, &case.neg);
        assert!((scaled / case.limit_scale_10_margin - 1.0).abs() < 1e-6, "{}: {scaled}", case.name);
    }
}

#[test]
fn points_on_a_line_get_a_boundary_almost_along_the_line() {
    // Two classes on y = 10 + 20 x, as in Fig. 1: 4 % of the margin is left, the normals are 87.7 degrees apart.
    let case = &cases()[0];
    let limit = cross_entropy_limit(&case.pos, &case.neg, 1.0).unwrap();
    let hard = hard_margin(&case.pos, &case.neg).unwrap();
    let share = limit.margin(&case.pos, &case.neg) / hard.margin(&case.pos, &case.neg);
    assert!((share - 0.040).abs() < 0.0005, "{share}");
    assert!((limit.angle_degrees(&hard) - 87.7).abs() < 0.05);
}

#[test]
fn centring_or_a_larger_bias_feature_or_smaller_data_restore_the_margin() {
    let (pos, neg) = (points(&[[12.0, 1.0], [12.5, 1.0]]), points(&[[10.0, 1.0], [9.0, 1.0]]));
    let moved = |rows: &[Vec<f64>], by: [f64; 2], scale: f64| -> Vec<Vec<f64>> {
        rows.iter().map(|r| vec![(r[0] - by[0]) * scale, (r[1] - by[1]) * scale]).collect()
    };
    let share = |by: [f64; 2], scale: f64, bias_scale: f64| {
        let (pos, neg) = (moved(&pos, by, scale), moved(&neg, by, scale));
        cross_entropy_limit(&pos, &neg, bias_scale).unwrap().margin(&pos, &neg)
            / hard_margin(&pos, &neg).unwrap().margin(&pos, &neg)
    };
    // Tolerances: half a unit of the last digit of the published analysis.
    assert!((share([0.0, 0.0], 1.0, 1.0) - 0.179).abs() < 5e-4);
    assert!((share([10.875, 1.0], 1.0, 1.0) - 1.0).abs() < 5e-4);
    assert!((share([0.0, 0.0], 1.0, 10.0) - 0.994).abs() < 5e-4);
    assert!((share([0.0, 0.0], 1.0, 100.0) - 0.999_999).abs() < 5e-7);
    assert!((share([0.0, 0.0], 0.01, 1.0) - 0.999_999).abs() < 5e-7);
    assert!((share([0.0, 0.0], 100.0, 1.0) - 0.091).abs() < 5e-4);
}

#[test]
fn out_of_plane_offsets_hurt_most_near_one() {
    // Points h +- 1 on a line at height D: min u^2 + beta^2/(1 + D^2), h = 11, margin 1. Ratios for D^2 = K.
    for (k, wanted) in [(1.0_f64, 0.179), (8.0, 0.278), (64.0, 0.594), (1024.0, 0.946)] {
        let (pos, neg) = (points(&[[12.0, k.sqrt()]]), points(&[[10.0, k.sqrt()]]));
        let got = cross_entropy_limit(&pos, &neg, 1.0).unwrap().margin(&pos, &neg);
        // Half a unit of the last printed digit.
        assert!((got - wanted).abs() < 5e-4, "{k}: {got}");
    }
}

#[test]
fn two_points_have_a_closed_form() {
    let mut rng = widemargin::rng::stream(3, "two points");
    use rand::RngCore;
    let mut number = || f64::from(rng.next_u32()) / f64::from(u32::MAX) * 8.0 - 4.0;
    let mut one_active = 0;
    for _ in 0..200 {
        let (x, z) = ([number(), number(), number()], [number(), number(), number()]);
        let closed = two_point_limit(&x, &z).unwrap();
        let solved = cross_entropy_limit(&[x.to_vec()], &[z.to_vec()], 1.0).unwrap();
        let scale = closed.w.iter().map(|w| w.abs()).fold(closed.b.abs(), f64::max);
        for (a, b) in closed.w.iter().zip(&solved.w).chain([(&closed.b, &solved.b)]) {
            // Both are exact up to rounding times the condition of the 2x2 system.
            assert!((a - b).abs() <= 1e-9 * scale, "{closed:?} {solved:?}");
        }
        one_active += usize::from((closed.value(&x) - 1.0).abs() > 1e-9 || (closed.value(&z) + 1.0).abs() > 1e-9);
    }
    assert!(one_active > 10, "the draw must reach the case where one point decides: {one_active}");
}

#[test]
fn the_normal_turns_away_as_one_point_gets_far() {
    // x = (1, 0), -z = (1, M): 4.8, 67.8, 87.7, 89.8 degrees to x - z.
    for (m, wanted) in [(1.0, 4.8), (10.0, 67.8), (100.0, 87.7), (1000.0, 89.8)] {
        let (x, z) = ([1.0, 0.0], [-1.0, -m]);
        let angle = two_point_limit(&x, &z).unwrap().angle_degrees(&hard_margin(&[x.to_vec()], &[z.to_vec()]).unwrap());
        assert!((angle - wanted).abs() < 0.05, "{m}: {angle}");
    }
}

#[test]
fn the_limit_claim_of_the_first_corollary_needs_more_than_x_y_equal_one() {
    // x = (e, 0), y = (1/e, 2/e): x.y = 1 and |x|/|y| goes to 0, yet the angle goes to 45 and not to 90 degrees.
    let angle = |e: f64| {
        let (x, z) = ([e, 0.0], [-1.0 / e, -2.0 / e]);
        two_point_limit(&x, &z).unwrap().angle_degrees(&hard_margin(&[x.to_vec()], &[z.to_vec()]).unwrap())
    };
    // The remaining distance falls as e^2 = 1e-8.
    assert!((angle(1e-4) - 45.0).abs() < 1e-4, "{}", angle(1e-4));
}

#[test]
fn points_that_cannot_be_separated_are_refused_with_the_distance_found() {
    let message = cross_entropy_limit(&points(&[[0.0, 0.0], [2.0, 2.0]]), &points(&[[1.0, 1.0]]), 1.0);
    let message = message.unwrap_err().to_string();
    assert!(message.starts_with("cross_entropy_limit: expected two classes that a hyperplane separates"), "{message}");
    assert!(message.contains("at distance"), "{message}");
    assert!(two_point_limit(&[1.0], &[1.0]).unwrap_err().to_string().contains("distance 0"));
    assert!(cross_entropy_limit(&points(&[[0.0, 0.0]]), &points(&[[1.0, 1.0]]), 0.0).is_err());
}
