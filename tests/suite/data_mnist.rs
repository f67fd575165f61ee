use crate::data_damage::{damage, is_sound_or_damaged, mutations};
use flate2::{Compression, write::GzEncoder};
use std::fs;
use std::io::Write;
use std::path::Path;
use tempfile::TempDir;
use widemargin::data::{Dataset, mnist};
use widemargin::{Error, Result};

const LABELS: [u8; 3] = [7, 0, 9];

fn header(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_be_bytes()).collect()
}

/// Three images; pixel i of image r is (i + 11 r) mod 256.
fn images() -> Vec<u8> {
    let pixels = (0..3).flat_map(|image| (0..784).map(move |place| ((place + 11 * image) % 256) as u8));
    header(&[0x803, 3, 28, 28]).into_iter().chain(pixels).collect()
}

fn labels() -> Vec<u8> {
    [header(&[0x801, 3]), LABELS.to_vec()].concat()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// Reads the two contents from files without a telling name.
fn read(images: &[u8], labels: &[u8]) -> Result<Dataset> {
    let dir = tempfile::tempdir().unwrap();
    let (x, y) = (dir.path().join("images"), dir.path().join("labels"));
    fs::write(&x, images).unwrap();
    fs::write(&y, labels).unwrap();
    mnist::read_files(&x, &y)
}

#[test]
fn plain_and_packed_files_give_the_same_images() {
    let plain = read(&images(), &labels()).unwrap();
    let packed = read(&gzip(&images()), &gzip(&labels())).unwrap();
    assert_eq!((plain.x.dims(), plain.labels().unwrap()), (&[3, 1, 28, 28][..], vec![7, 0, 9]));
    assert_eq!((packed.rows().unwrap(), packed.labels().unwrap()), (plain.rows().unwrap(), vec![7, 0, 9]));
    assert_eq!(plain.rows().unwrap()[2][100], f64::from(122_f32 / 255.0)); // 100 + 11 * 2
}

#[test]
fn a_folder_is_read_by_the_official_names_with_or_without_gz() {
    let dir = TempDir::new().unwrap();
    let put = |name: &str, bytes: &[u8]| fs::write(dir.path().join(name), bytes).unwrap();
    put("train-images-idx3-ubyte", &images());
    put("train-labels-idx1-ubyte.gz", &gzip(&labels()));
    put("t10k-images-idx3-ubyte.gz", &gzip(&images()));
    let error = mnist::read(dir.path()).unwrap_err();
    assert!(matches!(&error, Error::Io { path, .. } if path.ends_with("t10k-labels-idx1-ubyte.gz")), "{error}");
    put("t10k-labels-idx1-ubyte", &labels());
    let split = mnist::read(dir.path()).unwrap();
    assert_eq!((split.train.len(), split.test.len(), split.test.name.as_str()), (3, 3, "MNIST test"));
}

#[test]
fn damage_names_file_offset_and_reason() {
    let edited = |mut bytes: Vec<u8>, place: usize, byte: u8| {
        bytes[place] = byte;
        bytes
    };
    let bad_images = |bytes: &[u8]| damage(read(bytes, &labels()), "images");
    let bad_labels = |bytes: &[u8]| damage(read(&images(), bytes), "labels");
    assert_eq!(bad_images(&[]), (0, "header cut off: 0 of 16 bytes".into()));
    assert_eq!(bad_images(&labels()).0, 11);
    let reason = "starts with 0x801, an IDX file of this kind with 0x803";
    assert_eq!(bad_images(&edited(images(), 3, 1)), (0, reason.into()));
    assert_eq!(bad_images(&edited(images(), 15, 27)), (12, "images with a side of 27, expected 28".into()));
    let reason = "the header announces 3 items, 2352 bytes, and 2351 follow";
    assert_eq!(bad_images(&images()[..2367]), (2367, reason.into()));
    assert_eq!(bad_images(&[images(), vec![0]].concat()).0, 2368);
    assert_eq!(bad_images(&header(&[0x803, 0, 28, 28])), (4, "the header announces no item".into()));
    assert_eq!(bad_images(&header(&[0x803, u32::MAX, 28, 28])).0, 16);
    assert_eq!(bad_labels(&edited(labels(), 9, 10)), (9, "label 10, the largest is 9".into()));
    let (offset, reason) = bad_labels(&[header(&[0x801, 2]), vec![1, 2]].concat());
    assert!(offset == 4 && reason.starts_with("2 labels for the 3 images of "), "{reason}");
}

#[test]
fn damage_inside_gzip_says_which_bytes_are_counted() {
    let packed = gzip(&images());
    let (offset, reason) = damage(read(&packed[..packed.len() - 9], &labels()), "images");
    assert!(offset == packed.len() as u64 - 9 && reason.starts_with("corrupt gzip stream: "), "{offset} {reason}");
    let (offset, reason) = damage(read(&[packed.clone(), vec![1, 2]].concat(), &labels()), "images");
    assert_eq!((offset, reason.as_str()), (packed.len() as u64, "2 bytes after the end of the gzip stream"));
    let (offset, reason) = damage(read(&gzip(&images()[..2367]), &labels()), "images");
    assert!(offset == 2367 && reason.ends_with("(byte of the unpacked content)"), "{offset} {reason}");
}

#[test]
fn no_bytes_make_the_reader_panic() {
    for (number, bytes) in mutations(&images(), 200, 1).iter().enumerate() {
        let outcome = read(bytes, &labels());
        assert!(is_sound_or_damaged(&outcome), "images, mutation {number}: {outcome:?}");
    }
    for (number, bytes) in mutations(&labels(), 200, 2).iter().enumerate() {
        let outcome = read(&images(), bytes);
        assert!(is_sound_or_damaged(&outcome), "labels, mutation {number}: {outcome:?}");
    }
}

#[test]
fn a_changed_gzip_file_gives_an_error_or_the_same_images() {
    let clean = read(&images(), &labels()).unwrap().rows().unwrap();
    for (number, bytes) in mutations(&gzip(&images()), 400, 3).iter().enumerate() {
        let outcome = read(bytes, &labels());
        assert!(is_sound_or_damaged(&outcome), "mutation {number}: {outcome:?}");
        // The stream ends in a CRC-32 of the content; only the header's time stamp and the like can change unseen.
        assert!(outcome.is_err() || outcome.unwrap().rows().unwrap() == clean, "mutation {number}");
    }
}

#[test]
fn the_official_test_set_starts_with_a_seven() {
    let Ok(folder) = std::env::var("WIDEMARGIN_TEST_DATA") else {
        return println!("skipped: WIDEMARGIN_TEST_DATA names no folder with real data");
    };
    let dir = Path::new(&folder).join("mnist");
    let images = dir.join("t10k-images-idx3-ubyte.gz");
    if !images.exists() {
        return println!("skipped: no {}", images.display());
    }
    let data = mnist::read_files(&images, &dir.join("t10k-labels-idx1-ubyte.gz")).unwrap();
    assert_eq!((data.len(), data.labels().unwrap()[0]), (10_000, 7));
    // Class counts of the official test labels, as published with the set.
    assert_eq!(data.counts().unwrap(), [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]);
}
