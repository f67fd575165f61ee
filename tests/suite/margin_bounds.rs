//! The bounds on the margin of the cross-entropy limit, against closed forms and the limit itself.

use crate::margin_reference::{cases, points};
use widemargin::margin::{AffineSubspace, cross_entropy_limit, hard_margin, margin_bounds};

#[test]
fn two_points_on_a_line_at_a_height_have_a_closed_form() {
    // (c + 1, D) against (c - 1, D): one normal, gamma = 1, h = c. Inside the line: u = 1, offset beta = -c, B = -c/(s² + D²) s².
    for (c, height, scale) in
        [(11.0_f64, 1.0_f64, 1.0_f64), (11.0, 8.0, 1.0), (3.0, 0.5, 2.0), (0.0, 4.0, 1.0), (5.0, 0.0, 1.0)]
    {
        let (pos, neg) = (points(&[[c + 1.0, height]]), points(&[[c - 1.0, height]]));
        let bounds = margin_bounds(&pos, &neg, scale).unwrap();
        let squares = scale * scale + height * height;
        // min u² + beta²/(s² + D²) subject to u (c+1) + beta >= 1, u (c-1) + beta <= -1: both active while the multipliers
        // of both points are positive, c² - 1 < s² + D²; then u = 1, beta = -c.
        let near = |got: f64, wanted: f64| (got - wanted).abs() <= 1e-13 * (1.0 + wanted.abs());
        assert!(near(bounds.largest, 1.0) && near(bounds.plane_distance, c), "{bounds:?}");
        assert!(near(bounds.subspace_distance, height), "{bounds:?}");
        assert!(near(bounds.lower, 1.0 / (1.0 + c * c / squares).sqrt()), "{bounds:?}");
        if c * c - 1.0 < squares {
            let b = -c * scale * scale / squares;
            assert!(near(bounds.limit.b, b), "{bounds:?}");
            let off = b * height / (scale * scale);
            let margin = 1.0 / (1.0 + off * off).sqrt();
            // Both points are active, so the upper bound is the margin.
            assert!(near(bounds.margin, margin) && near(bounds.upper, margin), "{bounds:?} {margin}");
        }
    }
}

#[test]
fn the_bound_is_not_tight_where_one_point_decides_alone() {
    // c = 11, D = 1, s = 1: only the nearer point (10, 1) is active: v = (10, 1, 1)/102, B = -1/102, margin 1/|w| = 102/√101... of
    // the plane 10 x + y + 1 = 0 mirrored; the margin is the distance of (10, 1) to it.
    let bounds = margin_bounds(&points(&[[12.0, 1.0]]), &points(&[[10.0, 1.0]]), 1.0).unwrap();
    assert!(bounds.margin < bounds.upper * (1.0 + 1e-12) && bounds.margin > bounds.lower, "{bounds:?}");
    // The published value of this example, to half a unit of its last digit.
    assert!((bounds.margin - 0.179).abs() < 5e-4, "{bounds:?}");
}

#[test]
fn the_margin_of_the_limit_lies_between_the_bounds() {
    let mut seen = (false, false);
    for case in cases() {
        for scale in [0.1, 1.0, 10.0] {
            let bounds = margin_bounds(&case.pos, &case.neg, scale).unwrap();
            // 1e-9: rounding of the limit, whose constraints are exact to 1e-12 of coordinates up to 100 times the margin.
            assert!(bounds.lower <= bounds.margin * (1.0 + 1e-9), "{} at {scale}: {bounds:?}", case.name);
            assert!(bounds.margin <= bounds.upper * (1.0 + 1e-9), "{} at {scale}: {bounds:?}", case.name);
            assert!(bounds.upper <= bounds.largest * (1.0 + 1e-12));
            seen.0 |= bounds.upper < 0.5 * bounds.largest;
            seen.1 |= bounds.lower > 0.9 * bounds.largest;
        }
    }
    assert!(seen.0 && seen.1, "some bound must bite from each side");
}

#[test]
fn the_limit_is_the_problem_inside_the_subspace_with_another_bias() {
    // The exact law: penalty 1/(s² + D²) inside. A plane in space, spanned by p and q, at distance 2 from the origin.
    let (p, q, r) = ([0.6, 0.8, 0.0], [0.0, 0.0, 1.0], [-0.8, 0.6, 0.0]);
    let inside = [points(&[[3.0, 1.0], [4.0, -1.0], [3.5, 2.0]]), points(&[[1.0, 0.0], [0.5, 2.0], [-1.0, -1.0]])];
    let outside = |rows: &[Vec<f64>]| -> Vec<Vec<f64>> {
        rows.iter().map(|x| (0..3).map(|k| x[0] * p[k] + x[1] * q[k] + 2.0 * r[k]).collect()).collect()
    };
    for scale in [1.0_f64, 3.0] {
        let limit = cross_entropy_limit(&outside(&inside[0]), &outside(&inside[1]), scale).unwrap();
        let law = cross_entropy_limit(&inside[0], &inside[1], (scale * scale + 4.0).sqrt()).unwrap();
        let along = |axis: &[f64; 3]| limit.w.iter().zip(axis).map(|(w, a)| w * a).sum::<f64>();
        assert!((along(&p) - law.w[0]).abs() < 1e-13 && (along(&q) - law.w[1]).abs() < 1e-13, "{limit:?} {law:?}");
        // w·r = B Δ/s², the step of the proof of Theorem 3.
        assert!((along(&r) - limit.b * 2.0 / (scale * scale)).abs() < 1e-13);
        assert!((law.b - limit.b * (scale * scale + 4.0) / (scale * scale)).abs() < 1e-12);
    }
}

#[test]
fn a_line_at_a_height_gives_its_normal_and_the_height() {
    let subspace = AffineSubspace::of(&points(&[[0.0, 3.0], [5.0, 3.0]]), &points(&[[-7.0, 3.0]])).unwrap();
    assert_eq!(subspace.normals.len(), 1);
    let sign = subspace.normals[0][1].signum();
    assert!((subspace.normals[0][1] * sign - 1.0).abs() < 1e-15 && subspace.normals[0][0].abs() < 1e-15);
    assert!((subspace.offsets[0] * sign - 3.0).abs() < 1e-14 && (subspace.distance() - 3.0).abs() < 1e-14);
}

#[test]
fn two_points_in_space_have_all_other_directions_as_normals() {
    let (x, z) = ([1.0, 2.0, 3.0, 4.0], [2.0, 0.0, 3.0, 1.0]);
    let subspace = AffineSubspace::of(&[x], &[z]).unwrap();
    assert_eq!(subspace.normals.len(), 3);
    for (k, r) in subspace.normals.iter().enumerate() {
        for (j, q) in subspace.normals.iter().enumerate() {
            let product: f64 = r.iter().zip(q).map(|(a, b)| a * b).sum();
            assert!((product - f64::from(u8::from(j == k))).abs() < 1e-14, "{k} {j}: {product}");
        }
        for point in [x, z] {
            let value: f64 = r.iter().zip(point).map(|(a, b)| a * b).sum();
            assert!((value - subspace.offsets[k]).abs() < 1e-14, "{k}: {value}");
        }
    }
    // The distance of the origin to the line: |x|² - (x·(x - z))²/|x - z|², with x·(x - z) = 1·-1 + 2·2 + 4·3 = 15, |x - z|² = 14.
    assert!((subspace.distance() - (30.0_f64 - 225.0 / 14.0).sqrt()).abs() < 1e-14, "{}", subspace.distance());
}

#[test]
fn points_that_span_the_space_have_no_normal_and_a_repeated_point_has_all() {
    let case = &cases()[4];
    let subspace = AffineSubspace::of(&case.pos, &case.neg).unwrap();
    assert!(subspace.normals.is_empty() && subspace.distance() == 0.0);
    let subspace = AffineSubspace::of(&[[3.0, 4.0]], &[[3.0, 4.0]]).unwrap();
    assert_eq!(subspace.normals.len(), 2);
    assert!((subspace.distance() - 5.0).abs() < 1e-14);
    // More points than dimensions, off a subspace by rounding only.
    let many: Vec<Vec<f64>> = (0..50).map(|i| vec![0.1 * f64::from(i), 0.3 * f64::from(i) + 0.7, 0.2]).collect();
    let subspace = AffineSubspace::of(&many[..25], &many[25..]).unwrap();
    assert_eq!(subspace.normals.len(), 2, "{subspace:?}");
    // The line (t, 3 t + 0.7, 0.2): 0.7²/(1 + 9) + 0.2².
    assert!((subspace.distance() - (0.049_f64 + 0.04).sqrt()).abs() < 1e-14, "{}", subspace.distance());
}

#[test]
fn the_bias_scale_moves_the_bounds_to_the_largest_margin() {
    let (pos, neg) = (points(&[[12.0, 1.0], [12.5, 1.0]]), points(&[[10.0, 1.0], [9.0, 1.0]]));
    let bounds = margin_bounds(&pos, &neg, 1e4).unwrap();
    assert!(bounds.lower > 1.0 - 1e-6 && bounds.upper <= 1.0 + 1e-14, "{bounds:?}");
    assert!(hard_margin(&pos, &neg).unwrap().angle_degrees(&bounds.limit) < 1e-4);
    assert!(margin_bounds(&pos, &neg, f64::NAN).unwrap_err().to_string().contains("a positive, finite bias_scale"));
}
