//! A hyperplane's own measures, against closed forms; the ways to hand points over.

use widemargin::margin::{Hyperplane, Points, Rows, bias_between};

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
fn lengths_beyond_the_square_root_of_f64_are_no_trouble() {
    for scale in [1e-200, 1.0, 1e200] {
        let margin = plane(&[3.0 * scale, 4.0 * scale], 0.0).margin(&[[5.0, 0.0]], &[[-5.0, 0.0]]);
        assert!((margin - 3.0).abs() < 1e-14, "{scale:e}: {margin}");
    }
}

#[test]
fn one_block_of_points_is_the_same_as_rows() {
    let block = Points::new(vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0], 3).unwrap();
    assert_eq!((block.count(), block.row(0), block.row(1)), (2, &[1.0, 2.0, 3.0][..], &[4.0, 5.0, 6.0][..]));
    let normal = plane(&[1.0, 0.0, -1.0], 0.5);
    assert_eq!(normal.margin(&block, &[[0.0; 3]]), normal.margin(&vec![vec![1.0, 2.0, 3.0]; 2], &[[0.0; 3]]));
    assert_eq!(
        Points::new(vec![1.0; 5], 2).unwrap_err().to_string(),
        "points: expected (n, 2) with a positive dimension, got [5]"
    );
    assert!(Points::new(vec![], 0).is_err());
}
