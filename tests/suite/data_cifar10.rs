use crate::data_damage::{damage, is_sound_or_damaged, mutations};
use std::fs;
use std::path::Path;
use tempfile::TempDir;
use widemargin::Error;
use widemargin::data::cifar10;

/// Records with these labels; byte i of the pixels of record r is (i + 7 r) mod 256.
fn records(labels: &[u8]) -> Vec<u8> {
    let one = |(number, label): (usize, &u8)| {
        std::iter::once(*label)
            .chain((0..3072).map(move |place| ((place + 7 * number) % 256) as u8))
            .collect::<Vec<_>>()
    };
    labels.iter().enumerate().flat_map(one).collect()
}

fn folder(files: &[(&str, &[u8])]) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    for (name, bytes) in files {
        fs::write(dir.path().join(name), bytes).unwrap();
    }
    dir
}

#[test]
fn the_batches_that_are_there_are_joined_in_order() {
    let dir = folder(&[
        ("data_batch_3.bin", &records(&[7, 7])),
        ("data_batch_1.bin", &records(&[0])),
        ("test_batch.bin", &records(&[9, 0, 7])),
    ]);
    let split = cifar10::read(dir.path()).unwrap();
    assert_eq!(split.train.labels().unwrap(), [0, 7, 7]);
    assert_eq!(split.test.labels().unwrap(), [9, 0, 7]);
    assert_eq!(split.train.x.dims(), [3, 3, 32, 32]);
    assert_eq!((split.train.classes[0].as_str(), split.train.classes[7].as_str()), ("airplane", "horse"));
    assert_eq!(split.pair(0, 7).unwrap().train.labels().unwrap(), [1, 0, 0]);
}

#[test]
fn pixels_are_bytes_over_255_channel_first_row_by_row() {
    let dir = folder(&[("some.bin", &records(&[1, 2]))]);
    let x = cifar10::read_file(&dir.path().join("some.bin")).unwrap().x;
    let images = (0..2).map(|image| x.get(image).unwrap().to_vec3::<f32>().unwrap()).collect::<Vec<_>>();
    for (record, channel, row, column) in [(0, 0, 0, 0), (0, 0, 0, 31), (0, 2, 31, 31), (1, 1, 5, 9)] {
        let byte = (1024 * channel + 32 * row + column + 7 * record) % 256;
        assert_eq!(images[record][channel][row][column], byte as f32 / 255.0);
    }
}

#[test]
fn class_names_come_from_the_meta_file_where_there_is_one() {
    let meta = "a\nb\nc\nd\ne\nf\ng\nh\ni\nj\n\n";
    let all = records(&[2]);
    let dir = folder(&[("data_batch_1.bin", &all), ("test_batch.bin", &all), ("batches.meta.txt", meta.as_bytes())]);
    assert_eq!(cifar10::read(dir.path()).unwrap().test.classes[2], "c");
    assert_eq!(cifar10::read_file(&dir.path().join("test_batch.bin")).unwrap().classes[9], "j");
    fs::write(dir.path().join("batches.meta.txt"), "a\nb\n").unwrap();
    assert_eq!(damage(cifar10::read(dir.path()), "batches.meta.txt"), (4, "2 class names instead of 10".into()));
    fs::write(dir.path().join("batches.meta.txt"), b"a\n\xff").unwrap();
    assert_eq!(damage(cifar10::read(dir.path()), "batches.meta.txt").0, 2);
}

#[test]
fn damage_names_file_offset_and_reason() {
    let read = |bytes: &[u8]| {
        let dir =
            folder(&[("data_batch_1.bin", &records(&[0])), ("data_batch_2.bin", bytes), ("test_batch.bin", bytes)]);
        damage(cifar10::read(dir.path()), "data_batch_2.bin")
    };
    assert_eq!(read(&[]), (0, "no record".into()));
    assert_eq!(read(&records(&[1, 2])[..4000]), (3073, "record 1 is cut off: 927 of 3073 bytes".into()));
    assert_eq!(read(&records(&[1, 2, 10])), (6146, "record 2 has label 10, the largest is 9".into()));
}

#[test]
fn a_missing_file_is_named() {
    let empty = folder(&[]);
    let error = cifar10::read(empty.path()).unwrap_err();
    assert!(matches!(&error, Error::Io { path, .. } if path.ends_with("data_batch_1.bin")), "{error}");
    let error = cifar10::read(folder(&[("data_batch_5.bin", &records(&[0]))]).path()).unwrap_err();
    assert!(matches!(&error, Error::Io { path, .. } if path.ends_with("test_batch.bin")), "{error}");
    assert!(matches!(cifar10::read_file(&empty.path().join("no.bin")), Err(Error::Io { .. })));
    assert!(matches!(cifar10::read_file(empty.path()), Err(Error::Io { .. })));
}

#[test]
fn no_bytes_make_the_reader_panic() {
    let dir = folder(&[]);
    let path = dir.path().join("some.bin");
    for (number, bytes) in mutations(&records(&[0, 1, 2]), 400, 1).iter().enumerate() {
        fs::write(&path, bytes).unwrap();
        let outcome = cifar10::read_file(&path);
        assert!(is_sound_or_damaged(&outcome), "mutation {number}: {outcome:?}");
    }
}

#[test]
fn the_first_image_of_the_real_set_is_the_frog() {
    let Ok(folder) = std::env::var("WIDEMARGIN_TEST_DATA") else {
        return println!("skipped: WIDEMARGIN_TEST_DATA names no folder with real data");
    };
    let path = Path::new(&folder).join("cifar-10-lossless-sample/data_batch_1.bin");
    if !path.exists() {
        return println!("skipped: no {}", path.display());
    }
    let data = cifar10::read_file(&path).unwrap();
    let red = data.take(1).unwrap().rows().unwrap()[0][..3].iter().map(|value| value * 255.0).collect::<Vec<_>>();
    assert_eq!((data.labels().unwrap()[0], data.classes[6].as_str()), (6, "frog"));
    // The first bytes are 59 43 50; f32 keeps byte/255 to a relative 6e-8.
    assert!(red.iter().zip([59.0, 43.0, 50.0]).all(|(got, byte)| (got - byte).abs() < 1e-5), "{red:?}");
}
