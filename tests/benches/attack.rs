//! PGD beside foolbox on PyTorch: first the same images, then the time of each, in turns.
//!
//! 400 images of 3×32×32 with random pixels, PGD-20 Linf 8/255 on the cross-entropy, `LeNet` and `ConvNet` with the same
//! weights. Checks first that all pixels agree to 1e-4 after 2 steps and that success flags are equal after 20.
//! By then rounding has parted some images: a gradient within rounding of zero has either sign, the pixel is 4/255 away after
//! the step, and the next gradients differ. So foolbox runs in f64 too, and as many images may part from that run by ours as
//! part by foolbox in f32. Prints seconds (medians) and the ratio ours / foolbox.
//!
//! Needs Python with torch, safetensors and foolbox: `WIDEMARGIN_TORCH_PYTHON` names it, else `python3`.
//! `RAYON_NUM_THREADS` sets the threads of both.

use candle_core::{Device, Tensor};
use serde_json::Value;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;
use widemargin::attack::{Objective, Pgd};
use widemargin::model::{Classifier, ConvNet, LeNet};

const IMAGES: usize = 400;
/// Those that Python attacks in f64 too.
const EXACT: usize = 100;
const ROUNDS: usize = 3;

fn main() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let x = images();
    let attack = Pgd {
        epsilon: 8.0 / 255.0,
        step: 2.0 / 255.0,
        steps: 20,
        objective: Objective::CrossEntropy,
        silent: true,
        ..Pgd::default()
    };
    let threads = rayon::current_num_threads();
    println!("{:>8} {:>9} {:>10} {:>6}   ({threads} threads)", "", "ours s", "foolbox s", "ratio");
    for name in ["lenet", "convnet"] {
        let net = match name {
            "lenet" => Classifier::lenet(&LeNet { outputs: 2, ..LeNet::default() }, 1),
            _ => Classifier::convnet(&ConvNet { outputs: 2, ..ConvNet::default() }, 1),
        }
        .expect("settings in range");
        // Every third label is wrong, so that success has both values.
        let predicted = net.predict(&x).expect("classes");
        let labels = predicted.iter().enumerate().map(|(k, class)| if k % 3 == 0 { 1 - class } else { *class });
        let y = Tensor::new(labels.collect::<Vec<u32>>(), &Device::Cpu).expect("labels");
        net.save(folder.path().join("net.safetensors")).expect("saved");
        let data =
            [("x", x.clone()), ("y", y.to_dtype(candle_core::DType::I64).expect("labels"))].into_iter().collect();
        candle_core::safetensors::save::<&str, _>(&data, folder.path().join("data.safetensors")).expect("saved");
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/reference/attack_time.py");
        let python = std::env::var("WIDEMARGIN_TORCH_PYTHON").unwrap_or("python3".into());
        let child = Command::new(&python)
            .args(["-B".as_ref(), script.as_os_str(), folder.path().as_os_str()])
            .args([name, &threads.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn();
        let Ok(mut child) = child else {
            println!("attack: nothing to compare with, {python} does not start");
            return;
        };
        let mut questions = child.stdin.take().expect("piped");
        let mut answers = BufReader::new(child.stdout.take().expect("piped")).lines();
        let (mut own, mut theirs) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            writeln!(questions, "again").expect("the Python process reads");
            let Some(Ok(line)) = answers.next() else {
                println!("attack: nothing to compare with, {python} has no torch, safetensors and foolbox");
                return;
            };
            let answer: Value = serde_json::from_str(&line).expect("a line of JSON");
            theirs.push(answer["seconds"].as_f64().expect("seconds"));
            let start = Instant::now();
            let found = attack.run(&net, &x, &y).expect("an attack");
            own.push(start.elapsed().as_secs_f64());
            if own.len() == 1 {
                let flags: Vec<bool> =
                    answer["success"].as_array().expect("flags").iter().filter_map(Value::as_bool).collect();
                assert_eq!(found.success, flags, "{name}");
                let other = candle_core::safetensors::load(folder.path().join("found.safetensors"), &Device::Cpu);
                let other = other.expect("a file");
                let two = Pgd { steps: 2, ..attack.clone() }.run(&net, &x, &y).expect("an attack");
                let (pixels, rows) = apart(&two.x, &other["early"]);
                println!("{name}: after two steps {pixels} pixels of {} in {rows} images differ", x.elem_count());
                // A sum of d terms of either sign is within d roundings of zero about once in 2^24 / d times: once in 1e5.
                assert!(pixels <= x.elem_count() / 100_000, "{name}");
                let (_, ours) = apart(&found.x, &other["exact"]);
                let (_, theirs) = apart(&other["x"], &other["exact"]);
                println!("{name}: of {EXACT} images {ours} part from the run in f64; {theirs} by foolbox in f32");
                // Rare events of one rate: their difference has the variance of both.
                let allowance = 3.0 * (2.0 * theirs.max(1) as f64).sqrt();
                assert!(ours as f64 <= theirs as f64 + allowance, "{name}");
            }
        }
        let _ = child.kill();
        let _ = child.wait();
        let (own, theirs) = (median(own), median(theirs));
        println!("{name:>8} {own:>9.2} {theirs:>10.2} {:>6.2}", own / theirs);
    }
}

fn median(mut seconds: Vec<f64>) -> f64 {
    seconds.sort_by(f64::total_cmp);
    seconds[seconds.len() / 2]
}

/// Pixels more than 1e-4 apart, and images that hold one, among those that both have.
fn apart(a: &Tensor, b: &Tensor) -> (usize, usize) {
    let (a, b) = (floats(a), floats(b));
    let count = |(a, b): (&[f32], &[f32])| a.iter().zip(b).filter(|(a, b)| !((**a - **b).abs() <= 1e-4)).count();
    let counts: Vec<usize> = a.chunks(3 * 32 * 32).zip(b.chunks(3 * 32 * 32)).map(count).collect();
    (counts.iter().sum(), counts.iter().filter(|count| **count > 0).count())
}

fn floats(tensor: &Tensor) -> Vec<f32> {
    tensor.flatten_all().and_then(|flat| flat.to_vec1()).expect("f32 on the CPU")
}

fn images() -> Tensor {
    let value = |k: usize| ((k * 7919 + 13) % 2003) as f32 / 2002.0;
    let values = (0..IMAGES * 3 * 32 * 32).map(value).collect::<Vec<f32>>();
    Tensor::from_vec(values, (IMAGES, 3, 32, 32), &Device::Cpu).expect("as many values as the shape has")
}
