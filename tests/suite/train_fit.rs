//! Training: agreement with a NumPy script, reproducibility, errors.

use candle_core::{Device, Tensor};
use serde_json::Value;
use widemargin::data::Dataset;
use widemargin::loss::Loss;
use widemargin::model::{Classifier, LeNet, Linear, Mlp};
use widemargin::train::{History, Trainer};

fn two_points() -> Dataset {
    let x = Tensor::new(&[[1f32, 0.0], [-1.0, -3.0]], &Device::Cpu).unwrap();
    let y = Tensor::new(&[1u32, 0], &Device::Cpu).unwrap();
    Dataset::new("two points", x, y, vec!["-".into(), "+".into()]).unwrap()
}

/// `n` points of two overlapping classes, 40 % of them positive; the values are multiples of 1/1024.
fn blobs(n: usize, inputs: usize, seed: u64) -> Dataset {
    use rand::RngCore;
    let mut rng = widemargin::rng::stream(seed, "test");
    let labels: Vec<u32> = (0..n).map(|i| u32::from(i % 5 < 2)).collect();
    let value = |label: u32, random: u32| (random % 1024) as f32 / 1024.0 + 0.25 * label as f32;
    let x: Vec<f32> = labels
        .iter()
        .flat_map(|&label| (0..inputs).map(|_| value(label, rng.next_u32())).collect::<Vec<_>>())
        .collect();
    let x = Tensor::from_vec(x, (n, inputs), &Device::Cpu).unwrap();
    let y = Tensor::new(labels, &Device::Cpu).unwrap();
    Dataset::new("blobs", x, y, vec!["0".into(), "1".into()]).unwrap()
}

fn quiet(loss: Loss) -> Trainer {
    Trainer { loss, silent: true, ..Trainer::default() }
}

fn losses(history: &History) -> Vec<(u64, u64)> {
    history.epochs.iter().map(|epoch| (epoch.loss.to_bits(), epoch.accuracy.to_bits())).collect()
}

fn bytes(net: &Classifier) -> Vec<u32> {
    net.vars().iter().flat_map(|v| v.flatten_all().unwrap().to_vec1::<f32>().unwrap()).map(f32::to_bits).collect()
}

#[test]
fn descent_on_two_points_follows_the_numpy_script() {
    // expected: tests/reference/descent.py (NumPy, f64)
    let reference: Value = serde_json::from_str(include_str!("../reference/descent.json")).unwrap();
    for run in reference["runs"].as_array().unwrap() {
        let of = |key: &str| run[key].as_f64().unwrap();
        let loss = if run["loss"] == "differential" { Loss::Differential } else { Loss::CrossEntropy };
        let trainer = Trainer {
            loss,
            epochs: of("steps") as usize,
            batch: 0,
            learning_rate: of("rate"),
            momentum: of("momentum"),
            weight_decay: of("decay"),
            seed: 0,
            silent: true,
            ..Trainer::default()
        };
        let mut net = Classifier::linear(&Linear::default()).unwrap();
        let history = trainer.fit(&mut net, &two_points()).unwrap();
        let w: Vec<f64> = net.weight().unwrap().iter().map(|&w| f64::from(w)).collect();
        let (e, f) = (run["w"][0].as_f64().unwrap(), run["w"][1].as_f64().unwrap());
        // 100 f32 steps on values of order 1 to 10: 100 · 10 · 2^-24 = 6e-5 at worst.
        let scale = e.hypot(f);
        assert!((w[0] - e).hypot(w[1] - f) < 2e-5 * scale, "{w:?} for {}", run["w"]);
        let angle = (w[0] * f - w[1] * e).abs() / (scale * w[0].hypot(w[1]));
        assert!(angle < 1e-5, "angle {angle:e} rad");
        assert!((f64::from(net.bias().unwrap()) - of("b")).abs() < 2e-5 * scale);
        assert!((history.epochs[0].loss - of("first")).abs() < 1e-6);
        assert!((history.last().unwrap().loss - of("last")).abs() < 2e-5 * of("last"));
    }
}

#[test]
fn differential_training_of_two_points_points_from_one_to_the_other() {
    // Every step adds a multiple of x - z, so the direction is the SVM's after one step; the boundary is the bisector.
    let mut net = Classifier::linear(&Linear::default()).unwrap();
    Trainer { batch: 0, epochs: 3, ..quiet(Loss::Differential) }.fit(&mut net, &two_points()).unwrap();
    let (w, b) = (net.weight().unwrap(), net.bias().unwrap());
    assert!((w[1] / w[0] - 1.5).abs() < 1e-6);
    let middle = [0.0, -1.5];
    assert!((w[0] * middle[0] + w[1] * middle[1] + b).abs() < 1e-6);
}

#[test]
fn the_bias_of_overlapping_classes_makes_the_fewest_training_errors() {
    let data = blobs(60, 2, 4);
    let mut net = Classifier::linear(&Linear::default()).unwrap();
    Trainer { epochs: 5, ..quiet(Loss::Differential) }.fit(&mut net, &data).unwrap();
    let accuracy = net.accuracy(&data.x, &data.y).unwrap();
    assert!(accuracy < 1.0, "the classes overlap");
    let bias = net.bias().unwrap();
    for step in -200..200 {
        net.set_bias(bias + step as f32 * 0.01).unwrap();
        assert!(net.accuracy(&data.x, &data.y).unwrap() <= accuracy);
    }
}

#[test]
fn two_outputs_and_one_output_agree_on_the_differential_loss() {
    let data = blobs(40, 64, 2);
    for outputs in [1, 2] {
        let mut net = Classifier::mlp(&Mlp { outputs, ..Mlp::default() }, 3).unwrap();
        let history = Trainer { epochs: 60, ..quiet(Loss::Differential) }.fit(&mut net, &data).unwrap();
        assert!(history.last().unwrap().loss < 0.01, "{history}");
        assert_eq!(net.accuracy(&data.x, &data.y).unwrap(), 1.0);
        assert_eq!(history.last().unwrap().accuracy, 1.0);
    }
}

#[test]
fn three_classes_train_with_cross_entropy_and_with_differences() {
    let labels: Vec<u32> = (0..60).map(|i| i % 3).collect();
    let x: Vec<f32> = labels
        .iter()
        .enumerate()
        .flat_map(|(i, &c)| [c as f32 / 2.0 + (i % 7) as f32 / 50.0, (i % 5) as f32 / 10.0])
        .collect();
    let x = Tensor::from_vec(x, (60, 2), &Device::Cpu).unwrap();
    let y = Tensor::new(labels, &Device::Cpu).unwrap();
    let data = Dataset::new("three", x, y, vec!["a".into(), "b".into(), "c".into()]).unwrap();
    let settings = Mlp { inputs: 2, hidden: vec![16], features: 16, outputs: 3, leaky_slope: 0.0 };
    for loss in [Loss::CrossEntropy, Loss::Differential, Loss::SquaredHingePairs, Loss::HardestPairs(20)] {
        let mut net = Classifier::mlp(&settings, 1).unwrap();
        let history = Trainer { epochs: 200, ..quiet(loss.clone()) }.fit(&mut net, &data).unwrap();
        // With a loss on pairs the biases were placed afterwards: the accuracy is that of the classes named.
        assert_eq!(net.accuracy(&data.x, &data.y).unwrap(), 1.0, "{}: {history}", loss.name());
    }
    let mut one = Classifier::mlp(&Mlp { outputs: 1, ..settings }, 1).unwrap();
    let message = quiet(Loss::CrossEntropy).fit(&mut one, &data).unwrap_err().to_string();
    assert_eq!(message, "fit: expected labels below 2, as many as the net tells apart, got 2 at row 2");
}

#[test]
fn the_same_seed_gives_the_same_bytes_and_another_order_others() {
    let data = blobs(50, 64, 1);
    let run = |loss: &Loss, seed| {
        let mut net = Classifier::mlp(&Mlp::default(), 1).unwrap();
        let history = Trainer { epochs: 3, batch: 8, seed, ..quiet(loss.clone()) }.fit(&mut net, &data).unwrap();
        (bytes(&net), losses(&history))
    };
    for loss in [Loss::CrossEntropy, Loss::Differential] {
        assert_eq!(run(&loss, 1), run(&loss, 1));
        assert_ne!(run(&loss, 1), run(&loss, 2));
    }
}

const CHILD: &str = "WIDEMARGIN_TEST_CHILD";

/// Runs one test of this file in a process of its own, where `CHILD` is set, and returns the line that starts with `key`.
fn child(test: &str, threads: &str, key: &str) -> String {
    let output = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", &format!("train_fit::{test}"), "--nocapture"])
        .env(CHILD, "1")
        .env("RAYON_NUM_THREADS", threads)
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    // The harness may have printed the test's name before it on the same line.
    let line = text.lines().find_map(|line| line.find(key).map(|at| line[at..].to_owned()));
    line.unwrap_or_else(|| panic!("no {key} from the child: {text}\n{}", String::from_utf8_lossy(&output.stderr)))
}

fn in_child() -> bool {
    std::env::var_os(CHILD).is_some()
}

#[test]
fn the_number_of_threads_does_not_change_a_byte() {
    if in_child() {
        let data = blobs(96, 256, 1);
        let mut lenet =
            Classifier::lenet(&LeNet { channels: 1, height: 16, width: 16, outputs: 2, ..LeNet::default() }, 1)
                .unwrap();
        let first = Trainer { epochs: 2, ..quiet(Loss::CrossEntropy) }.fit(&mut lenet, &data).unwrap();
        let mut mlp = Classifier::mlp(&Mlp { inputs: 256, hidden: vec![300], ..Mlp::default() }, 1).unwrap();
        let second = Trainer { epochs: 2, batch: 0, ..quiet(Loss::Differential) }.fit(&mut mlp, &data).unwrap();
        println!("bytes {:?} {:?} {:?} {:?}", bytes(&lenet), bytes(&mlp), losses(&first), losses(&second));
        return;
    }
    // candle reads the number of threads once per process.
    let run = |threads| child("the_number_of_threads_does_not_change_a_byte", threads, "bytes ");
    let one = run("1");
    for threads in ["2", "3"] {
        assert!(run(threads) == one, "{threads} threads give other bytes than one");
    }
}

#[test]
fn an_interrupt_returns_the_epochs_that_were_completed() {
    if !in_child() {
        // The flag is global: in a process of its own it stops no other test.
        let line = child("an_interrupt_returns_the_epochs_that_were_completed", "1", "stopped ");
        assert_eq!(line, "stopped true true");
        return;
    }
    let data = blobs(60, 64, 4);
    let mut net = Classifier::mlp(&Mlp::default(), 1).unwrap();
    std::thread::spawn(|| {
        std::thread::sleep(std::time::Duration::from_millis(300));
        widemargin::progress::interrupt();
    });
    let history = Trainer { epochs: 1_000_000, ..quiet(Loss::Differential) }.fit(&mut net, &data).unwrap();
    let some = (1..1_000_000).contains(&history.epochs.len());
    println!("stopped {} {some}", history.interrupted);
}

#[test]
fn four_hundred_full_batch_epochs_fit_the_digits() {
    let pair = widemargin::data::digits().unwrap().pair(3, 8).unwrap();
    for loss in [Loss::CrossEntropy, Loss::Differential] {
        let mut net = Classifier::mlp(&Mlp::default(), 1).unwrap();
        let history = Trainer { epochs: 400, batch: 0, ..quiet(loss) }.fit(&mut net, &pair.train).unwrap();
        let test = net.accuracy(&pair.test.x, &pair.test.y).unwrap();
        println!("{history}, test accuracy {test:.3}");
        assert_eq!(net.accuracy(&pair.train.x, &pair.train.y).unwrap(), 1.0);
        assert!(test > 0.9, "{test}"); // the test images are by other writers
    }
}

#[test]
fn the_default_settings_learn_digits_with_either_loss() {
    for (pos, neg) in [(3, 8), (4, 9)] {
        let pair = widemargin::data::digits().unwrap().pair(pos, neg).unwrap();
        for loss in [Loss::CrossEntropy, Loss::Differential] {
            for seed in 1..4 {
                let mut net = Classifier::mlp(&Mlp::default(), seed).unwrap();
                let history = Trainer { seed, ..quiet(loss.clone()) }.fit(&mut net, &pair.train).unwrap();
                let test = net.accuracy(&pair.test.x, &pair.test.y).unwrap();
                println!("{pos} against {neg}, seed {seed}: {history}, test accuracy {test:.3}");
                assert!(net.accuracy(&pair.train.x, &pair.train.y).unwrap() > 0.99 && test > 0.9);
            }
        }
    }
}

#[test]
fn divergence_names_the_epoch_and_a_remedy() {
    let mut net = Classifier::mlp(&Mlp::default(), 1).unwrap();
    let trainer = Trainer { learning_rate: 1e30, epochs: 5, ..quiet(Loss::CrossEntropy) };
    let message = trainer.fit(&mut net, &blobs(40, 64, 1)).unwrap_err().to_string();
    assert!(message.contains("in epoch 1") || message.contains("in epoch 2"), "{message}");
    assert!(message.contains("lower learning_rate (now 1"), "{message}");
}

#[test]
fn settings_out_of_range_are_errors() {
    let fit = |trainer: Trainer| trainer.fit(&mut Classifier::linear(&Linear::default()).unwrap(), &two_points());
    let base = || quiet(Loss::Differential);
    assert!(fit(Trainer { learning_rate: 0.0, ..base() }).is_err());
    assert!(fit(Trainer { learning_rate: f64::NAN, ..base() }).is_err());
    assert!(fit(Trainer { momentum: 1.0, ..base() }).is_err());
    assert!(fit(Trainer { weight_decay: -1.0, ..base() }).is_err());
    let message = fit(Trainer { batch: 1, ..base() }).unwrap_err().to_string();
    assert!(message.contains("an example of class 0 in each of the 2 batches"), "{message}");
    let mut through_origin = Classifier::linear(&Linear { inputs: 2, bias: false }).unwrap();
    let message = base().fit(&mut through_origin, &two_points()).unwrap_err().to_string();
    assert!(message.contains("a net with a bias"), "{message}");
}

#[test]
fn no_epochs_leave_the_features_and_an_empty_history() {
    let mut net = Classifier::linear(&Linear::default()).unwrap();
    let history = Trainer { epochs: 0, ..quiet(Loss::CrossEntropy) }.fit(&mut net, &two_points()).unwrap();
    assert!(history.epochs.is_empty() && !history.interrupted);
    assert_eq!(net.weight().unwrap(), [0.0, 0.0]);
}

#[test]
fn an_epoch_counts_every_example_once() {
    // With a rate too small to move anything, the mean over batches is the mean over the data.
    let data = blobs(53, 64, 6);
    let mut net = Classifier::mlp(&Mlp::default(), 1).unwrap();
    let value = Loss::CrossEntropy.value(&net.scores(&data.x).unwrap(), &data.y).unwrap().to_scalar::<f32>().unwrap();
    let accuracy = net.accuracy(&data.x, &data.y).unwrap();
    let trainer = Trainer { epochs: 1, batch: 10, learning_rate: 1e-12, ..quiet(Loss::CrossEntropy) };
    let history = trainer.fit(&mut net, &data).unwrap();
    assert!((history.epochs[0].loss - f64::from(value)).abs() < 1e-6);
    assert_eq!(history.epochs[0].accuracy, accuracy);
}
