//! The limit of cross-entropy. References: closed forms, and tests/reference/margin.py (SciPy SLSQP in the primal).

use crate::margin_reference::{cases, numbers, points};
use widemargin::margin::{
    Hyperplane, certified_cross_entropy_limit, cross_entropy_limit, hard_margin, two_point_limit,
};

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

/// (w, b/s) as a normal: the space in which the limit is solved.
fn with_bias(plane: &Hyperplane, scale: f64) -> Hyperplane {
    Hyperplane { w: plane.w.iter().copied().chain([plane.b / scale]).collect(), b: 0.0 }
}

#[test]
fn agrees_with_an_interior_point_solver_at_every_bias_scale() {
    // expected: tests/reference/limits.py (Clarabel)
    let file: serde_json::Value = serde_json::from_str(include_str!("../reference/limits.json")).unwrap();
    for (case, wanted) in cases().iter().zip(file.as_array().unwrap()) {
        assert_eq!(case.name, wanted["name"].as_str().unwrap());
        for limit in wanted["limits"].as_array().unwrap() {
            let scale = limit["scale"].as_f64().unwrap();
            let (plane, certificate) = certified_cross_entropy_limit(&case.pos, &case.neg, scale).unwrap();
            let reference = Hyperplane { w: numbers(&limit["w"]), b: limit["b"].as_f64().unwrap() };
            let off = with_bias(&plane, scale).angle_degrees(&with_bias(&reference, scale));
            // Clarabel stops at a gap of 1e-12: the square root of it in the direction.
            assert!(off.to_radians() < 2e-6, "{} at {scale}: {off:e}", case.name);
            let length = with_bias(&reference, scale).w.iter().map(|v| v * v).sum::<f64>().sqrt();
            assert!((certificate.upper * length - 1.0).abs() < 1e-9, "{} at {scale}: {certificate:?}", case.name);
            assert!(certificate.gap() <= 1e-12 * certificate.upper, "{} at {scale}: {certificate:?}", case.name);
        }
        let hard = Hyperplane { w: numbers(&wanted["hard"]["w"]), b: 0.0 };
        let off = hard_margin(&case.pos, &case.neg).unwrap().angle_degrees(&hard);
        assert!(off.to_radians() < 2e-6, "{}: hard margin {off:e}", case.name);
    }
}

#[test]
fn the_certificate_holds_for_two_points() {
    // Between a = (x, s) and c = -(z, s): the distance of the origin to the segment.
    for (x, z, s) in [([1.0, 0.0], [-1.0, -3.0], 1.0), ([1.0, 0.0], [-4.0, 0.5], 1.0), ([4.0, 2.0], [1.0, 1.0], 2.0)] {
        let (_, certificate) = certified_cross_entropy_limit(&[x], &[z], s).unwrap();
        let (aa, cc) = (x[0] * x[0] + x[1] * x[1] + s * s, z[0] * z[0] + z[1] * z[1] + s * s);
        let ac = -(x[0] * z[0] + x[1] * z[1]) - s * s;
        let squared = if ac >= aa.min(cc) { aa.min(cc) } else { (aa * cc - ac * ac) / (aa + cc - 2.0 * ac) };
        let (lower, upper) = (certificate.lower, certificate.upper);
        assert!(lower <= squared.sqrt() * (1.0 + 1e-15) && upper >= squared.sqrt() * (1.0 - 1e-15), "{certificate:?}");
        assert!(certificate.gap() < 1e-13 * upper && certificate.angle_degrees < 1e-11, "{certificate:?}");
    }
}
