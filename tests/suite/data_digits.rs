//! Expected: tests/reference/digits.txt (scikit-learn's copy, counted and checksummed in Python).

use widemargin::data::{Dataset, digits};

/// The records the set was made from: label byte, then pixels 0 to 16.
fn records(data: &Dataset) -> Vec<u8> {
    let (rows, labels) = (data.rows().unwrap(), data.labels().unwrap());
    let one = |(row, label): (&Vec<f64>, &u32)| {
        std::iter::once(*label as u8).chain(row.iter().map(|value| (value * 16.0) as u8)).collect::<Vec<_>>()
    };
    rows.iter().zip(&labels).flat_map(one).collect()
}

#[test]
fn every_byte_is_that_of_the_reference() {
    let split = digits().unwrap();
    let mut crc = flate2::Crc::new();
    crc.update(&records(&split.train));
    crc.update(&records(&split.test));
    assert_eq!((crc.amount(), crc.sum()), (116_805, 0x16bb_1288));
}

#[test]
fn the_split_is_fixed_with_these_class_counts() {
    let split = digits().unwrap();
    assert_eq!((split.train.x.dims(), split.test.x.dims()), (&[1197, 1, 8, 8][..], &[600, 1, 8, 8][..]));
    assert_eq!(split.train.counts().unwrap(), [119, 120, 117, 121, 119, 123, 120, 118, 118, 122]);
    assert_eq!(split.test.counts().unwrap(), [59, 62, 60, 62, 62, 59, 61, 61, 56, 58]);
}

#[test]
fn pixels_are_sixteenths_from_0_to_1() {
    let split = digits().unwrap();
    for (data, sum) in [(&split.train, 375_456.0), (&split.test, 186_262.0)] {
        let values = data.rows().unwrap().concat();
        assert!(values.iter().all(|value| (0.0..=1.0).contains(value) && (value * 16.0).fract() == 0.0));
        assert_eq!(values.iter().sum::<f64>() * 16.0, sum); // sixteenths add exactly
    }
}

#[test]
fn the_nearest_training_image_names_579_of_600() {
    let split = digits().unwrap();
    let (train, labels) = (split.train.rows().unwrap(), split.train.labels().unwrap());
    let squared = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum::<f64>();
    let nearest = |image: &Vec<f64>| {
        // Squares of sixteenths add exactly, so equals are equal; min_by keeps the first, as argmin does.
        let distances = train.iter().map(|other| squared(image, other));
        distances.enumerate().min_by(|a, b| a.1.total_cmp(&b.1)).unwrap().0
    };
    let test = split.test.rows().unwrap();
    let right = test.iter().zip(split.test.labels().unwrap()).filter(|(image, label)| labels[nearest(image)] == *label);
    assert_eq!(right.count(), 579);
}
