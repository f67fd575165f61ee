//! Expected margins: closed forms, checked against two quadratic programs in tests/reference/synthetic.txt.

use widemargin::Error;
use widemargin::data::synthetic::{AffineSubspace, affine_subspace, line, two_gaussians, two_points};

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn distance(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum::<f64>().sqrt()
}

/// The smallest distance between opposite points and the smallest along `normal`. Where they are equal, half of it is the
/// hard margin: a slab of this width separates the classes, and two points are no further apart.
fn gaps(pos: &[Vec<f64>], neg: &[Vec<f64>], normal: &[f64]) -> (f64, f64) {
    let pairs = || pos.iter().flat_map(|x| neg.iter().map(move |z| (x, z)));
    let nearest = pairs().map(|(x, z)| distance(x, z)).fold(f64::INFINITY, f64::min);
    (nearest, pairs().map(|(x, z)| dot(x, normal) - dot(z, normal)).fold(f64::INFINITY, f64::min))
}

#[test]
fn two_points_are_those_of_the_example() {
    let (pos, neg) = two_points().unwrap().points().unwrap();
    assert_eq!((pos, neg), (vec![vec![1.0, 0.0]], vec![vec![-1.0, -3.0]]));
}

#[test]
fn the_line_has_hard_margin_12_014991() {
    let data = line(20).unwrap();
    let (pos, neg) = data.points().unwrap();
    assert_eq!((pos.len(), neg.len()), (20, 20));
    // f32 holds these coordinates, up to 90, to 4e-6.
    assert!(pos.iter().chain(&neg).all(|x| (x[1] - 10.0 - 20.0 * x[0]).abs() < 1e-5));
    let normal = [1.0 / 401_f64.sqrt(), 20.0 / 401_f64.sqrt()];
    let (nearest, along) = gaps(&pos, &neg, &normal);
    for gap in [nearest, along] {
        assert!((gap / 2.0 - 0.6 * 401_f64.sqrt()).abs() < 1e-5, "{gap}");
    }
    let step = pos[1][0] - pos[0][0];
    assert!(pos.windows(2).all(|two| (two[1][0] - two[0][0] - step).abs() < 1e-6) && (step - 0.8 / 19.0).abs() < 1e-6);
}

#[test]
fn a_line_of_one_point_per_class_is_refused() {
    assert_eq!(line(1).unwrap_err().to_string(), "line: expected 2 or more points per class, got 1");
}

#[test]
fn gaussians_have_the_stated_mean_and_variance() {
    let sets = (0..500).map(|seed| two_gaussians(seed).unwrap().points().unwrap()).collect::<Vec<_>>();
    let check = |values: Vec<f64>, mean: f64| {
        let n = values.len() as f64;
        let got = values.iter().sum::<f64>() / n;
        let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / n;
        // Five standard errors of 5000 draws: 5 * 5 / sqrt(5000) and 5 * 25 * sqrt(2 / 5000).
        assert!((got - mean).abs() < 0.36 && (variance - 25.0).abs() < 2.5, "{got} {variance}");
    };
    for (axis, (pos, neg)) in [(2.0, 40.0), (12.0, 50.0)].into_iter().enumerate() {
        check(sets.iter().flat_map(|set| set.0.iter().map(|x| x[axis])).collect(), pos);
        check(sets.iter().flat_map(|set| set.1.iter().map(|x| x[axis])).collect(), neg);
    }
}

#[test]
fn a_seed_fixes_the_points() {
    assert_eq!(two_gaussians(3).unwrap().rows().unwrap(), two_gaussians(3).unwrap().rows().unwrap());
    assert_ne!(two_gaussians(3).unwrap().rows().unwrap(), two_gaussians(4).unwrap().rows().unwrap());
    let wide = AffineSubspace { ambient: 12, directions: 5, rotate: true, ..AffineSubspace::default() };
    let rows = |seed| affine_subspace(&wide, seed).unwrap().rows().unwrap();
    assert_eq!(rows(3), rows(3));
    assert_ne!(rows(3), rows(4));
}

#[test]
fn without_rotation_delta_is_exact_in_every_point() {
    let settings = AffineSubspace { ambient: 20, directions: 15, delta: 0.3, ..AffineSubspace::default() };
    let data = affine_subspace(&settings, 1).unwrap();
    assert_eq!(data.x.dims(), [40, 20]);
    assert!(data.rows().unwrap().iter().all(|row| row[5..].iter().all(|&value| value == f64::from(0.3_f32))));
    let basis = settings.basis(1).unwrap();
    assert!(basis.iter().enumerate().all(|(axis, row)| row[axis] == 1.0 && dot(row, row) == 1.0));
}

#[test]
fn rotated_points_keep_delta_in_every_direction() {
    let settings = AffineSubspace { ambient: 50, directions: 40, rotate: true, ..AffineSubspace::default() };
    for seed in 0..5 {
        let basis = settings.basis(seed).unwrap();
        for row in affine_subspace(&settings, seed).unwrap().rows().unwrap() {
            for r in &basis[10..] {
                // Rounding to f32 moves a point of norm about 15 by at most 15 * 6e-8 in any direction.
                assert!((dot(r, &row) - 1.0).abs() < 2e-6, "{}", dot(r, &row));
            }
        }
    }
}

#[test]
fn the_basis_is_orthonormal_and_turns_with_the_seed() {
    let settings = AffineSubspace { ambient: 50, directions: 40, rotate: true, ..AffineSubspace::default() };
    let basis = settings.basis(7).unwrap();
    for (i, a) in basis.iter().enumerate() {
        for (j, b) in basis.iter().enumerate() {
            // 49 reflections in f64.
            assert!((dot(a, b) - f64::from(u8::from(i == j))).abs() < 1e-13);
        }
    }
    assert_ne!(basis, settings.basis(8).unwrap());
}

#[test]
fn the_hard_margin_is_half_the_gap_along_the_first_direction() {
    for (ambient, directions, rotate) in [(9, 8, false), (9, 8, true), (30, 4, false), (30, 4, true), (1, 0, true)] {
        let settings =
            AffineSubspace { ambient, directions, rotate, gap: 0.5, offset: -3.0, ..AffineSubspace::default() };
        let (pos, neg) = affine_subspace(&settings, 2).unwrap().points().unwrap();
        let normal = settings.basis(2).unwrap().swap_remove(0);
        let (nearest, along) = gaps(&pos, &neg, &normal);
        // Rounding to f32 of points of norm at most 10.
        assert!((nearest - 0.5).abs() < 2e-6 && (along - 0.5).abs() < 2e-6, "{nearest} {along}");
        let middle = (dot(&pos[0], &normal) + dot(&neg[0], &normal)) / 2.0;
        assert!((middle + 3.0).abs() < 2e-6, "{middle}");
    }
}

#[test]
fn settings_out_of_range_are_refused() {
    let good = AffineSubspace::default;
    for bad in [
        AffineSubspace { directions: 9, ..good() },
        AffineSubspace { ambient: 0, directions: 0, ..good() },
        AffineSubspace { gap: 0.0, ..good() },
        AffineSubspace { gap: f64::NAN, ..good() },
        AffineSubspace { delta: f64::INFINITY, ..good() },
        AffineSubspace { spread: -1.0, ..good() },
        AffineSubspace { per_class: 0, ..good() },
        AffineSubspace { offset: 1e300, ..good() }, // finite, but not as f32
    ] {
        assert!(matches!(affine_subspace(&bad, 1), Err(Error::Value { .. })), "{bad:?}");
    }
}
