//! Singular values of 10,000 x 256 features beside NumPy: first their error, then the time of each, in turns.
//!
//! The features have singular values from 1 to 1/55, as those of a small network. Errors are relative to each value, against
//! LAPACK's gesvd. NumPy takes its fastest way of equal accuracy: eigenvalues of the Gram matrix, and gesdd beside it.
//!
//! Needs Python with numpy and scipy: `WIDEMARGIN_NUMPY_PYTHON` names it, else `python3`. `RAYON_NUM_THREADS` sets the threads
//! of both.

use candle_core::{Device, Tensor};
use serde_json::Value;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;
use widemargin::analysis::{Svd, Way};

const ROUNDS: usize = 15;

fn main() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let threads = rayon::current_num_threads();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/reference/svd_time.py");
    let python = std::env::var("WIDEMARGIN_NUMPY_PYTHON").unwrap_or("python3".into());
    let mut command = Command::new(&python);
    for name in ["OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"] {
        command.env(name, threads.to_string());
    }
    command.args(["-B".as_ref(), script.as_os_str(), folder.path().as_os_str()]);
    let Ok(mut child) = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn() else {
        println!("spectrum: nothing to compare with, {python} does not start");
        return;
    };
    let mut questions = child.stdin.take().expect("piped");
    let mut answers = BufReader::new(child.stdout.take().expect("piped")).lines();
    let mut ask = |what: &str| -> Option<Value> {
        writeln!(questions, "{what}").ok()?;
        serde_json::from_str(&answers.next()?.ok()?).ok()
    };
    let Some(first) = ask("make") else {
        println!("spectrum: nothing to compare with, {python} has no numpy and scipy");
        return;
    };
    let exact: Vec<f64> = first["exact"].as_array().expect("values").iter().filter_map(Value::as_f64).collect();
    let bytes = std::fs::read(folder.path().join("features.f64")).expect("what Python wrote");
    let values: Vec<f64> = bytes.chunks_exact(8).map(|b| f64::from_le_bytes(b.try_into().expect("8 bytes"))).collect();
    let features = Tensor::from_vec(values, (10_000, 256), &Device::Cpu).expect("as many as the shape has");
    let worst = |values: &[f64]| values.iter().zip(&exact).map(|(a, b)| (a / b - 1.0).abs()).fold(0.0, f64::max);
    let mut times = [const { Vec::new() }; 4];
    let mut errors = [0.0_f64; 4];
    for _ in 0..ROUNDS {
        for (k, accuracy) in [1e-8, 0.0].into_iter().enumerate() {
            let start = Instant::now();
            let found = Svd { accuracy, ..Svd::default() }.values(&features).expect("finite features");
            times[k].push(start.elapsed().as_secs_f64());
            assert_eq!(found.way, if k == 0 { Way::Gram } else { Way::Full });
            assert!(found.errors.iter().zip(&found.values).all(|(error, value)| error <= &(1e-8 * value)));
            errors[k] = worst(&found.values);
            assert!(errors[k] < 1e-12, "way {k}: {:e}", errors[k]);
        }
        for (k, way) in ["gram", "svd"].into_iter().enumerate() {
            let answer = ask(way).expect("an answer");
            times[2 + k].push(answer["seconds"].as_f64().expect("seconds"));
            errors[2 + k] = answer["error"].as_f64().expect("an error");
        }
    }
    let _ = child.kill();
    let _ = child.wait();
    times.iter_mut().for_each(|times| times.sort_by(f64::total_cmp));
    let median = |k: usize| 1e3 * times[k][ROUNDS / 2];
    let least = |k: usize| 1e3 * times[k][0];
    println!("{:>22} {:>9} {:>8} {:>10}   ({threads} threads)", "", "median ms", "least", "error");
    for (k, name) in ["ours, Gram", "ours, full", "numpy, Gram + eigvalsh", "numpy, svd"].into_iter().enumerate() {
        println!("{name:>22} {:>9.1} {:>8.1} {:>10.1e}", median(k), least(k), errors[k]);
    }
    let [medians, leasts] = [median(0) / median(2).min(median(3)), least(0) / least(2).min(least(3))];
    println!("ours / fastest numpy: {medians:.2} of the medians, {leasts:.2} of the least times");
}
