//! Spectra and ranks. Reference: tests/reference/spectrum.py (NumPy, LAPACK), and closed forms.

use candle_core::{Device, Tensor};
use serde_json::Value;
use widemargin::analysis::{Profile, Spectrum};
use widemargin::display::Show;

fn of(rows: &[Vec<f64>]) -> Spectrum {
    let flat: Vec<f64> = rows.iter().flatten().copied().collect();
    Spectrum::of(&Tensor::from_vec(flat, (rows.len(), rows[0].len()), &Device::Cpu).unwrap()).unwrap()
}

#[test]
fn agrees_with_numpy() {
    let file: Value = serde_json::from_str(include_str!("../reference/spectrum.json")).unwrap();
    for case in file.as_array().unwrap() {
        let list = |v: &Value| -> Vec<f64> { v.as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect() };
        let rows: Vec<Vec<f64>> = case["rows"].as_array().unwrap().iter().map(list).collect();
        let spectrum = of(&rows);
        for (profile, wanted) in [(&spectrum.raw, &case["raw"]), (&spectrum.centred, &case["centred"])] {
            let name = &case["name"];
            let values = list(&wanted["singular_values"]);
            assert_eq!(profile.singular_values.len(), values.len(), "{name}");
            for (got, value) in profile.singular_values.iter().zip(&values) {
                // Both decompositions are exact to about 1e-14 of the largest value.
                assert!((got - value).abs() < 1e-12 * values[0], "{name}: {got} {value}");
            }
            let close = |got: f64, key: &str| (got - wanted[key].as_f64().unwrap()).abs() < 1e-9;
            assert!(close(profile.effective_rank(), "effective_rank"), "{name}");
            assert!(close(profile.participation_ratio(), "participation_ratio"), "{name}");
            assert!(close(profile.stable_rank(), "stable_rank") && close(profile.energy(3), "energy_3"), "{name}");
            assert!(close(profile.k90() as f64, "k90") && close(profile.k99() as f64, "k99"), "{name}");
        }
    }
}

#[test]
fn orthogonal_columns_have_closed_forms() {
    let spectrum = of(&[vec![2.0, 0.0], vec![0.0, 1.0]]);
    assert_eq!(spectrum.raw.singular_values, [2.0, 1.0]);
    assert!((spectrum.raw.energy(1) - 0.8).abs() < 1e-15);
    assert!((spectrum.raw.stable_rank() - 1.25).abs() < 1e-15);
    // exp(-(2/3 ln 2/3 + 1/3 ln 1/3)) = 3/2^(2/3).
    assert!((spectrum.raw.effective_rank() - 3.0 / 2.0_f64.powf(2.0 / 3.0)).abs() < 1e-14);
    // 5²/17.
    assert!((spectrum.raw.participation_ratio() - 25.0 / 17.0).abs() < 1e-14);
    assert_eq!((spectrum.raw.k90(), spectrum.raw.k99()), (2, 2));
}

#[test]
fn a_mean_hides_the_rank_of_the_raw_matrix_only() {
    let rows: Vec<Vec<f64>> = (0..64).map(|i| (0..6).map(|j| 100.0 + f64::from(i >> j & 1)).collect()).collect();
    let spectrum = of(&rows);
    assert!(spectrum.raw.stable_rank() < 1.001);
    // All 64 corners of a cube: six equal directions.
    assert!((spectrum.centred.stable_rank() - 6.0).abs() < 1e-9);
    assert!((spectrum.centred.effective_rank() - 6.0).abs() < 1e-9);
}

#[test]
fn constant_and_zero_matrices_give_numbers() {
    // 0.1 is no binary fraction: its mean and the differences to it are rounded.
    let constant = of(&vec![vec![0.1, 0.7, -0.3]; 10]);
    assert_eq!((constant.raw.k99(), constant.centred.k99()), (1, 0));
    assert!((constant.raw.effective_rank() - 1.0).abs() < 1e-12);
    assert_eq!((constant.centred.effective_rank(), constant.centred.stable_rank()), (0.0, 0.0));
    let zero = of(&vec![vec![0.0; 3]; 2]);
    for profile in [&zero.raw, &zero.centred, &Profile { singular_values: Vec::new() }] {
        assert_eq!((profile.k90(), profile.k99()), (0, 0));
        assert_eq!((profile.effective_rank(), profile.stable_rank(), profile.energy(1)), (0.0, 0.0, 1.0));
        assert_eq!(profile.participation_ratio(), 0.0);
    }
}

#[test]
fn fewer_rows_than_columns_are_no_trouble() {
    let one = of(&[vec![3.0, 4.0, 0.0]]);
    assert!((one.raw.singular_values[0] - 5.0).abs() < 1e-15);
    assert_eq!((one.raw.k99(), one.centred.k99()), (1, 0));
}

#[test]
fn tiny_values_do_not_vanish_when_squared() {
    let spectrum = of(&[vec![2e-200, 0.0], vec![0.0, 1e-200]]);
    assert!((spectrum.raw.stable_rank() - 1.25).abs() < 1e-12);
}

#[test]
fn bad_features_are_named() {
    let message = |t: Tensor| Spectrum::of(&t).unwrap_err().to_string();
    let rank_1 = Tensor::new(&[1.0_f32], &Device::Cpu).unwrap();
    assert_eq!(message(rank_1), "spectrum: expected features (n, d), not empty, got [1]");
    let nan = Tensor::new(&[[0.0_f32, 1.0], [f32::INFINITY, 0.0]], &Device::Cpu).unwrap();
    assert_eq!(message(nan), "spectrum: expected finite features, got inf in row 1, column 0");
}

#[test]
fn the_table_shows_raw_and_centred() {
    let bundle = of(&[vec![2.0, 0.0], vec![0.0, 1.0]]).bundle();
    let text = bundle.data["text/plain"].as_str().unwrap();
    assert!(text.contains("raw") && text.contains("centred") && text.contains("1.89"), "{text}");
}
