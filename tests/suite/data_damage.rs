//! Files with damage, for the tests of the readers: seeded truncations and byte flips.

use rand::Rng;
use widemargin::data::Dataset;
use widemargin::{Error, Result, rng};

/// `count` damaged copies of `bytes`: half cut at a random place, half with one to three bytes changed.
pub fn mutations(bytes: &[u8], count: usize, seed: u64) -> Vec<Vec<u8>> {
    let mut stream = rng::stream(seed, "damage");
    let mut one = |number: usize| {
        let mut copy = bytes.to_vec();
        if number.is_multiple_of(2) {
            copy.truncate(stream.random_range(0..bytes.len()));
        } else {
            for _ in 0..stream.random_range(1..=3) {
                let place = stream.random_range(0..copy.len());
                copy[place] ^= stream.random_range(1..=255_u8);
            }
        }
        copy
    };
    (0..count).map(&mut one).collect()
}

/// Whether a reader kept its word about any bytes: sound data, or an error that names the damage. A panic fails by itself.
pub fn is_sound_or_damaged(outcome: &Result<Dataset>) -> bool {
    match outcome {
        Ok(data) => {
            let values = data.x.flatten_all().and_then(|x| x.to_vec1::<f32>());
            let labels = data.labels();
            data.classes.len() == 10
                && values.is_ok_and(|values| values.iter().all(|value| (0.0..=1.0).contains(value)))
                && labels.is_ok_and(|labels| labels.len() == data.len() && labels.iter().all(|&label| label < 10))
        }
        Err(error) => matches!(error, Error::Damaged { .. }),
    }
}

/// The offset and the reason of an `Error::Damaged` in the named file; anything else fails.
pub fn damage<T: std::fmt::Debug>(outcome: Result<T>, file: &str) -> (u64, String) {
    match outcome {
        Err(Error::Damaged { path, offset, reason }) if path.ends_with(file) => (offset, reason),
        other => panic!("expected damage in {file}, got {other:?}"),
    }
}
