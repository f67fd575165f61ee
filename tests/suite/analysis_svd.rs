//! Singular values against mpmath (tests/reference/svd.py) and closed forms, by every way, inside their own bounds.

use candle_core::{DType, Device, Tensor};
use rand::Rng;
use serde_json::Value;
use widemargin::analysis::{SingularValues, Svd, Way};

fn matrix(rows: usize, columns: usize, entry: impl Fn(usize, usize) -> f64) -> Tensor {
    let values: Vec<f64> = (0..rows * columns).map(|k| entry(k / columns, k % columns)).collect();
    Tensor::from_vec(values, (rows, columns), &Device::Cpu).unwrap()
}

fn inside(found: &SingularValues, wanted: &[f64]) {
    assert_eq!(found.values.len(), found.errors.len());
    for (k, ((got, error), wanted)) in found.values.iter().zip(&found.errors).zip(wanted).enumerate() {
        // The references themselves are rounded to f64.
        assert!(
            (got - wanted).abs() <= error + 1e-16 * wanted,
            "{:?} value {k}: {got} {wanted} ± {error:e}",
            found.way
        );
    }
}

/// Values of mpmath, and the matrix with each row `copies` times, which has √copies times its values.
fn cases(copies: [usize; 2]) -> Vec<(Tensor, Vec<f64>)> {
    let file: Value = serde_json::from_str(include_str!("../reference/svd.json")).unwrap();
    let case = |(case, copies): (&Value, usize)| {
        let count = |key: &str| case[key].as_u64().unwrap() as usize;
        let (rows, columns) = (count("rows"), count("columns"));
        let hilbert = |i: usize, j: usize| 1.0 / (i + j + 1) as f64;
        let cosine = |i: usize, j: usize| ((((i + 1) * (j + 2)) % 101) as f64).cos() + if j == 0 { 3.0 } else { 0.0 };
        let entry = |i: usize, j: usize| if case["name"] == "hilbert" { hilbert(i, j) } else { cosine(i, j) };
        let values = case["singular_values"].as_array().unwrap().iter();
        let values = values.map(|v| v.as_f64().unwrap() * (copies as f64).sqrt()).collect();
        (matrix(rows * copies, columns, |i, j| entry(i % rows, j)), values)
    };
    file.as_array().unwrap().iter().zip(copies).map(case).collect()
}

#[test]
fn every_way_is_inside_its_bound() {
    for (a, wanted) in cases([1, 1]) {
        let found = Svd::default().values(&a).unwrap();
        assert_eq!(found.way, Way::Full);
        inside(&found, &wanted);
    }
    let tall = cases([256, 16]);
    // Condition 1.6e9: the bound of the Gram matrix refuses it, unless any answer will do.
    let found = Svd::default().values(&tall[0].0).unwrap();
    assert_eq!(found.way, Way::Full);
    inside(&found, &tall[0].1);
    let any = Svd { accuracy: f64::INFINITY, ..Svd::default() }.values(&tall[0].0).unwrap();
    assert_eq!(any.way, Way::Gram);
    inside(&any, &tall[0].1);
    // Condition 7.
    for a in [tall[1].0.clone(), tall[1].0.t().unwrap().contiguous().unwrap()] {
        let found = Svd::default().values(&a).unwrap();
        assert_eq!(found.way, Way::Gram);
        inside(&found, &tall[1].1);
        assert!(found.values.iter().zip(&tall[1].1).all(|(got, wanted)| (got / wanted - 1.0).abs() < 1e-12));
        let full = Svd { accuracy: 0.0, ..Svd::default() }.values(&a).unwrap();
        assert_eq!(full.way, Way::Full);
        inside(&full, &tall[1].1);
    }
}

/// The orthonormal cosines of type II: column k of n.
fn cosine(n: usize, i: usize, k: usize) -> f64 {
    let scale = if k == 0 { 1.0 / n as f64 } else { 2.0 / n as f64 };
    scale.sqrt() * (std::f64::consts::PI * (i as f64 + 0.5) * k as f64 / n as f64).cos()
}

#[test]
fn the_first_values_come_from_random_vectors_where_little_is_left() {
    let wanted: Vec<f64> = (0..20).map(|k| 0.5_f64.powi(k)).collect();
    let entry = |i: usize, j: usize| (0..20).map(|k| wanted[k] * cosine(400, i, k) * cosine(300, j, k)).sum();
    let a = matrix(400, 300, entry);
    let svd = Svd { top: Some(5), accuracy: 1e-6, ..Svd::default() };
    let found = svd.values(&a).unwrap();
    assert_eq!((found.way, found.values.len()), (Way::Randomised, 5));
    inside(&found, &wanted);
    // Of all there are the matrix has rounding only, and no relative accuracy: the full way.
    let all = Svd::default().values(&a).unwrap();
    assert_eq!((all.way, all.values.len()), (Way::Full, 300));
    inside(&all, &[wanted.as_slice(), &[0.0; 280]].concat());
    // Another seed gives other bytes inside the same bound; a flat spectrum is refused.
    let other = Svd { seed: 1, ..svd.clone() }.values(&a).unwrap();
    assert!(other.values != found.values);
    inside(&other, &wanted);
    let flat = matrix(400, 300, |i, j| (0..300).map(|k| cosine(400, i, k) * cosine(300, j, k)).sum());
    let found = svd.values(&flat).unwrap();
    assert_eq!(found.way, Way::Gram);
    inside(&found, &[1.0; 5]);
}

fn noise(rows: usize, columns: usize) -> Tensor {
    let mut rng = widemargin::rng::stream(3, "svd test");
    let values: Vec<f64> = (0..rows * columns).map(|_| rng.random::<f64>()).collect();
    Tensor::from_vec(values, (rows, columns), &Device::Cpu).unwrap()
}

#[test]
fn the_number_of_threads_changes_no_byte() {
    let a = noise(2_000, 96);
    let ways = [
        (Way::Gram, Svd::default()),
        (Way::Full, Svd { accuracy: 0.0, ..Svd::default() }),
        (Way::Randomised, Svd { top: Some(1), oversampling: 4, power: 2, accuracy: f64::INFINITY, ..Svd::default() }),
    ];
    for (way, svd) in ways {
        let run = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| svd.values(&a).unwrap())
        };
        let one = run(1);
        assert_eq!(one.way, way);
        assert!([2, 3].into_iter().all(|threads| run(threads) == one), "{way:?}");
    }
}

#[test]
fn the_thin_decomposition_multiplies_to_the_matrix() {
    for (rows, columns) in [(30, 7), (7, 30), (1, 5)] {
        let a = noise(rows, columns);
        let thin = Svd::default().thin(&a).unwrap();
        let r = rows.min(columns);
        let s = Tensor::from_slice(&thin.values, (1, r), &Device::Cpu).unwrap();
        let back = thin.u.broadcast_mul(&s).unwrap().matmul(&thin.v.t().unwrap()).unwrap();
        let off = |a: Tensor| a.abs().unwrap().max_all().unwrap().to_scalar::<f64>().unwrap();
        // Products of 30 numbers below 1, and a decomposition that is exact to rounding of σ_1, at most 15.
        assert!(off((back - &a).unwrap()) < 1e-13);
        for q in [&thin.u, &thin.v] {
            let unit = Tensor::eye(r, DType::F64, &Device::Cpu).unwrap();
            assert!(off((q.t().unwrap().matmul(q).unwrap() - unit).unwrap()) < 1e-13);
        }
        let first = Svd { top: Some(1), ..Svd::default() }.thin(&a).unwrap();
        assert_eq!((first.u.dims(), first.v.dims()), (&[rows, 1][..], &[columns, 1][..]));
    }
}

#[test]
fn sizes_and_settings_that_make_no_sense_are_named() {
    // The squares of these leave the range of f64; halving a number is exact. Both are within the bound of the full way.
    let a = noise(500, 60);
    let small = (&a * 0.5_f64.powi(600)).unwrap();
    let (large, tiny) =
        (Svd { accuracy: 0.0, ..Svd::default() }.values(&a).unwrap(), Svd::default().values(&small).unwrap());
    assert_eq!(tiny.way, Way::Gram);
    let scaled = tiny.values.iter().map(|v| v * 2.0_f64.powi(600));
    assert!(scaled.zip(&large.values).all(|(t, l)| (t - l).abs() <= 2.0 * large.errors[0]));
    let zero = Svd::default().values(&Tensor::zeros((300, 100), DType::F32, &Device::Cpu).unwrap()).unwrap();
    assert_eq!(zero.values, vec![0.0; 100]);
    let said = |svd: Svd, a: &Tensor| svd.values(a).unwrap_err().to_string();
    assert!(said(Svd { accuracy: f64::NAN, ..Svd::default() }, &a).contains("accuracy of 0 or more, got NaN"));
    assert!(said(Svd { top: Some(0), ..Svd::default() }, &a).contains("at least one value"));
    let bad = matrix(3, 2, |i, j| if (i, j) == (2, 1) { f64::NAN } else { 1.0 });
    assert!(said(Svd::default(), &bad).contains("NaN in row 2, column 1"));
    assert!(said(Svd::default(), &Tensor::zeros(3, DType::F64, &Device::Cpu).unwrap()).contains("(n, d)"));
}
