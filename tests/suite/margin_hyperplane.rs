//! A hyperplane's own measures, against closed forms; the nearest point of a hull.

use widemargin::margin::{Atom, Hyperplane, bias_between, min_norm_point};

fn plane(w: &[f64], b: f64) -> Hyperplane {
    Hyperplane { w: w.to_vec(), b }
}

#[test]
fn margin_is_a_signed_distance_and_does_not_depend_on_the_scale_of_w() {
    let (pos, neg) = (vec![vec![3.0, 4.0]], vec![vec![0.0, 0.0]]);
    assert_eq!(plane(&[3.0, 4.0], -5.0).margin(&pos, &neg), 1.0);
    assert_eq!(plane(&[300.0, 400.0], -500.0).margin(&pos, &neg), 1.0);
    assert_eq!(plane(&[3.0, 4.0], 5.0).margin(&pos, &neg), -1.0);
    assert!(plane(&[0.0, 0.0], 1.0).margin(&pos, &neg).is_nan() || plane(&[0.0, 0.0], 1.0).margin(&pos, &neg) < 0.0);
    assert!(plane(&[f64::NAN, 0.0], 0.0).margin(&pos, &neg).is_nan());
}

#[test]
fn small_angles_keep_their_digits() {
    let angle = plane(&[1.0, 0.0], 0.0).angle_degrees(&plane(&[1.0, 1e-9], 0.0));
    assert!((angle / 1e-9_f64.to_degrees() - 1.0).abs() < 1e-12, "{angle}");
    assert_eq!(plane(&[1.0, 0.0], 0.0).angle_degrees(&plane(&[-2.0, 0.0], 0.0)), 180.0);
    assert!((plane(&[1.0, 0.0], 0.0).angle_degrees(&plane(&[0.0, 5.0], 3.0)) - 90.0).abs() < 1e-12);
}

#[test]
fn the_bias_between_the_classes_has_the_largest_margin_of_its_normal() {
    let (pos, neg) = (vec![vec![12.0, 1.0], vec![12.5, 1.0]], vec![vec![10.0, 1.0], vec![9.0, 1.0]]);
    let w = [1.0, 0.0];
    let b = bias_between(&w, &pos, &neg);
    assert_eq!(b, -11.0);
    for other in [-11.5, -11.01, -10.9, 0.0] {
        assert!(plane(&w, other).margin(&pos, &neg) < plane(&w, b).margin(&pos, &neg));
    }
}

#[test]
fn the_nearest_point_of_a_triangle() {
    let corners = [vec![3.0, 0.0], vec![0.0, 4.0], vec![5.0, 5.0]];
    let nearest = min_norm_point(&[1.0, 1.0], |u| {
        let value = |p: &Vec<f64>| p[0] * u[0] + p[1] * u[1];
        let i = (0..3).min_by(|a, b| value(&corners[*a]).total_cmp(&value(&corners[*b]))).unwrap();
        Atom { key: (i, 0), point: corners[i].clone() }
    })
    .unwrap();
    // The foot of the perpendicular on the edge from (3, 0) to (0, 4): 12/25 (4, 3).
    assert!((nearest.point[0] - 1.92).abs() < 1e-14 && (nearest.point[1] - 1.44).abs() < 1e-14);
    assert!((nearest.upper - 2.4).abs() < 1e-14 && (nearest.lower - 2.4).abs() < 1e-14);
    let mut weights: Vec<_> = nearest.support.iter().map(|(key, weight)| (key.0, *weight)).collect();
    weights.sort_by_key(|(i, _)| *i);
    assert!((weights[0].1 - 0.64).abs() < 1e-14 && (weights[1].1 - 0.36).abs() < 1e-14, "{weights:?}");
}
