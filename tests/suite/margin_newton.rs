//! The path of the pair loss to its limit: the theorem that this loss leads to the maximum margin, as a test.

use crate::margin_reference::{cases, points};
use rand_distr::{Distribution, StandardNormal};
use widemargin::loss::differential::{AllPairs, PairLoss};
use widemargin::margin::{Hyperplane, certified_hard_margin, pair_loss_limit};

/// Two clouds on both sides of a random plane, with an empty strip between them.
fn clouds(d: usize, n: usize, strip: f64) -> (Vec<Vec<f64>>, Vec<Vec<f64>>) {
    let mut rng = widemargin::rng::stream((d * 1000 + n) as u64, "pair loss limit");
    let mut normal = || -> Vec<f64> { (0..d).map(|_| StandardNormal.sample(&mut rng)).collect() };
    let across = normal();
    let length = across.iter().map(|v| v * v).sum::<f64>().sqrt();
    let mut side = |label: f64| {
        let row = |x: Vec<f64>| {
            let value: f64 = x.iter().zip(&across).map(|(x, a)| x * a).sum::<f64>() / length;
            let wanted = label * (value.abs() + strip);
            x.iter().zip(&across).map(|(x, a)| x + (wanted - value) * a / length).collect()
        };
        (0..n).map(|_| row(normal())).collect()
    };
    (side(1.0), side(-1.0))
}

#[test]
fn the_pair_loss_leads_to_the_maximum_margin() {
    for (d, n, strip) in [(2, 20, 0.3), (2, 50, 0.1), (5, 40, 0.2), (20, 100, 0.1), (30, 15, 0.5), (10, 2000, 0.1)] {
        let (pos, neg) = clouds(d, n, strip);
        let (plane, certificate) = certified_hard_margin(&pos, &neg).unwrap();
        let limit = pair_loss_limit(&pos, &neg).unwrap();
        let off = limit.plane.angle_degrees(&plane).to_radians();
        // Two methods that share no solver.
        assert!(off < 1e-7, "d = {d}, n = {n}: {off:e}, {} steps", limit.steps);
        let share = limit.plane.margin(&pos, &neg) / certificate.upper;
        assert!(share > 1.0 - 1e-7 && share <= 1.0 + 1e-14, "d = {d}, n = {n}: {share}");
    }
}

#[test]
fn agrees_with_the_quadratic_programs() {
    for case in cases() {
        let limit = pair_loss_limit(&case.pos, &case.neg).unwrap();
        // The reference is polished to about 1e-9, its constraints to 1e-7.
        assert!(limit.plane.angle_degrees(&case.hard) < 1e-4, "{}", case.name);
        assert!((limit.plane.margin(&case.pos, &case.neg) / case.hard_margin - 1.0).abs() < 1e-6, "{}", case.name);
    }
}

#[test]
fn what_is_minimised_is_the_pair_loss_and_its_gradient_points_along_the_weights() {
    for (d, n, strip) in [(2, 20, 0.3), (5, 40, 0.2), (20, 100, 0.1)] {
        let (pos, neg) = clouds(d, n, strip);
        let limit = pair_loss_limit(&pos, &neg).unwrap();
        // From a gap of 40 on, the sum of exponentials is the logistic pair loss to rounding.
        assert!(limit.gap > 40.0, "{}", limit.gap);
        let scores = |rows: &[Vec<f64>]| -> Vec<f64> {
            rows.iter().map(|r| r.iter().zip(&limit.weights).map(|(r, w)| r * w).sum()).collect()
        };
        let (s, t) = (scores(&pos), scores(&neg));
        let (mut in_s, mut in_t) = (vec![0.0; n], vec![0.0; n]);
        let value = AllPairs::default().evaluate(&s, &t, &mut in_s, &mut in_t).unwrap();
        // Scores near 1e9 are rounded to 1e-7 each.
        assert!((value.log_mean - limit.log_loss).abs() <= 1e-15 * limit.gap + 1e-6, "{value:?} {}", limit.log_loss);
        // The gradient of log L, summed back to the weights: -w/beta at the minimum.
        let mut gradient = vec![0.0; d];
        for (row, slope) in pos.iter().zip(&in_s).chain(neg.iter().zip(&in_t)) {
            gradient.iter_mut().zip(row).for_each(|(g, r)| *g -= slope * r);
        }
        let angle = Hyperplane { w: gradient, b: 0.0 }.angle_degrees(&Hyperplane { w: limit.weights, b: 0.0 });
        // Softmax weights of scores near 1e10 are right to 1e-6, of points a few times as long as their difference.
        assert!(angle.to_radians() < 1e-5, "d = {d}: {angle:e}");
    }
}

#[test]
fn points_that_no_plane_separates_are_refused() {
    let message = pair_loss_limit(&points(&[[0.0, 0.0], [2.0, 2.0]]), &points(&[[1.0, 1.0]])).unwrap_err();
    assert!(
        message.to_string().starts_with("pair_loss_limit: expected two classes that a hyperplane separates, got hulls")
    );
    assert!(pair_loss_limit(&points(&[[1.0, 1.0]]), &points(&[[1.0, 1.0]])).is_err());
    let nan = pair_loss_limit(&points(&[[f64::NAN, 0.0]]), &points(&[[1.0, 1.0]])).unwrap_err().to_string();
    assert!(nan.contains("NaN in positive point 0, coordinate 0"), "{nan}");
}
