//! The bound that the box engine returns, against what is proved and what was sampled: tests/reference/boxes.py (mpmath).

use serde_json::Value as Json;
use widemargin::loss::cross_entropy::{sigmoid, softplus};
use widemargin::loss::differential::{Boxes, PairLoss, Tol};

struct Row {
    tol: Tol,
    width: f64,
    function: String,
    proved: f64,
    sampled: f64,
}

fn rows() -> Vec<Row> {
    let rows: Json = serde_json::from_str(include_str!("../reference/boxes.json")).unwrap();
    let tol = |name: &str| [Tol::Fine, Tol::Mid, Tol::Coarse].into_iter().find(|tol| format!("{tol:?}") == name);
    let row = |row: &Json| Row {
        tol: tol(row["tol"].as_str().unwrap()).unwrap(),
        width: row["width"].as_f64().unwrap(),
        function: row["function"].as_str().unwrap().into(),
        proved: row["proved"].as_f64().unwrap(),
        sampled: row["sampled"].as_f64().unwrap(),
    };
    rows.as_array().unwrap().iter().map(row).collect()
}

/// What the engine returns for one pair, its bound and the function itself.
fn one_pair(row: &Row, s: f64, t: f64) -> (f64, f64, f64) {
    let (mut of_s, mut of_t) = ([0.0], [0.0]);
    let mut engine = Boxes::new(row.tol);
    if row.function == "curvature" {
        let bound = engine.hessian_diagonal(&[s], &[t], None, &mut of_s, &mut of_t).unwrap().certified_rel;
        return (of_t[0], bound, sigmoid(t - s) * sigmoid(s - t));
    }
    let value = engine.evaluate(&[s], &[t], &mut of_s, &mut of_t).unwrap();
    if row.function == "softplus" {
        (value.mean, value.certified_rel, softplus(t - s))
    } else {
        (of_t[0], value.certified_rel, sigmoid(t - s))
    }
}

#[test]
fn the_returned_bound_is_the_proved_one_and_little_more() {
    for row in rows() {
        let (_, bound, _) = one_pair(&row, 0.3, 0.1);
        // Loss and gradient share one bound, the gradient's; rounding of one point is counted as at most 4e-13.
        assert!(bound >= row.proved, "{:?} {}: {bound:e}", row.tol, row.function);
        assert!(
            row.function == "softplus" || bound <= 1.12 * row.proved + 4e-13,
            "{:?} {}: {bound:e}",
            row.tol,
            row.function
        );
    }
}

#[test]
fn the_error_stays_below_the_proved_bound_and_comes_near_the_sampled_one() {
    for row in rows() {
        // Places in units of 2^-20 make t - s exact; boxes up to three beyond the near ones, both corners among them.
        let places = [0, 1, 45_000, 200_001, 499_999, 700_003, (1 << 20) - 1].map(|k| f64::from(k) / 2f64.powi(20));
        let far = (2.0 / row.width) as i32 + 3;
        let mut worst: f64 = 0.0;
        for distance in -far..=far {
            for u in places {
                for v in places {
                    let (s, t) = (u * row.width, (f64::from(distance) + v) * row.width);
                    let (got, _, expected) = one_pair(&row, s, t);
                    worst = worst.max((got / expected - 1.0).abs());
                }
            }
        }
        // A pair's own roundings, and those of f64 in the expected value, are a few ulp.
        let rounding = 64.0 * f64::EPSILON;
        assert!(worst <= row.proved + rounding, "{:?} {}: {worst:e}", row.tol, row.function);
        let near = 0.5 * row.sampled..=1.05 * row.sampled + rounding;
        assert!(near.contains(&worst), "{:?} {}: {worst:e} beside {:e}", row.tol, row.function, row.sampled);
    }
}
