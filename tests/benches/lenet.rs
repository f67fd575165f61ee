//! LeNet on CIFAR-10, horse against airplane: 20 epochs of cross-entropy, their seconds and the accuracy on the test images.
//!
//! `WIDEMARGIN_TEST_DATA=FOLDER RAYON_NUM_THREADS=2 cargo bench --no-default-features --bench lenet` repeats it: the seeds are
//! fixed, and the accuracy does not depend on the number of threads. FOLDER holds `cifar-10-airplane-horse`: CIFAR-10's binary
//! files, or just these two classes of them. The settings are fixed here, not chosen by a look at the test images.

use std::path::Path;
use std::time::Instant;
use widemargin::data::cifar10;
use widemargin::loss::Loss;
use widemargin::model::{Classifier, LeNet};
use widemargin::train::Trainer;

const SEEDS: u64 = 3;
/// The accuracy that this network is known to reach on these classes.
const ACCURACY: f64 = 0.93;

fn main() {
    let Ok(folder) = std::env::var("WIDEMARGIN_TEST_DATA") else {
        return println!("lenet: skipped, WIDEMARGIN_TEST_DATA names no folder with real data");
    };
    let folder = Path::new(&folder).join("cifar-10-airplane-horse");
    if !folder.exists() {
        return println!("lenet: skipped, no {}", folder.display());
    }
    let split = cifar10::read(&folder).expect("the publishers' files");
    let pair = split.pair(7, 0).expect("both classes are there");
    let trainer = Trainer {
        loss: Loss::CrossEntropy,
        epochs: 20,
        batch: 64,
        learning_rate: 0.01,
        momentum: 0.9,
        weight_decay: 1e-3,
        silent: true,
        ..Trainer::default()
    };
    println!("{} images, {} threads", pair.train.len(), rayon::current_num_threads());
    let mut sum = 0.0;
    for seed in 0..SEEDS {
        let mut net = Classifier::lenet(&LeNet::default(), seed).expect("settings in range");
        let start = Instant::now();
        let history = Trainer { seed, ..trainer.clone() }.fit(&mut net, &pair.train).expect("a training");
        let seconds = start.elapsed().as_secs_f64();
        let accuracy = net.accuracy(&pair.test.x, &pair.test.y).expect("an accuracy");
        println!("seed {seed}: {seconds:.0} s, test accuracy {accuracy:.4}; {history}");
        sum += accuracy;
    }
    let mean = sum / SEEDS as f64;
    println!("mean test accuracy {mean:.4}");
    assert!(mean >= ACCURACY, "mean test accuracy {mean} is below {ACCURACY}");
}
