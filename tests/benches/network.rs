//! Networks beside PyTorch: first the same numbers, then the time of each, in turns.
//!
//! Checks that a checkpoint of every network gives the same scores there (1e-5) and one written there the same scores
//! here, then that the scores and every gradient of the default `ConvNet` are those of PyTorch in f64 (1e-4 of a
//! tensor's largest entry; how far PyTorch's own f32 is from them is printed beside). Prints
//! milliseconds (of alternating rounds, 128 images of 3×32×32) and the ratio ours / PyTorch, of the medians and of the least
//! times: where other programs run beside, the least are the ones that hardly waited.
//!
//! Needs Python with torch and safetensors: `WIDEMARGIN_TORCH_PYTHON` names it, else `python3`. `RAYON_NUM_THREADS` sets
//! the threads of both; `WIDEMARGIN_VECTORS=avx2` keeps ours to AVX2.

use candle_core::{Device, Tensor};
use serde_json::Value;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Instant;
use widemargin::data::Dataset;
use widemargin::loss::Loss;
use widemargin::model::{Classifier, ConvNet, LeNet, Linear, Mlp, ResNet};
use widemargin::train::Trainer;

const IMAGES: usize = 128;
const ROUNDS: usize = 7;
const REPEATS: usize = 5;

fn main() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let threads = rayon::current_num_threads();
    let Some(mut peer) = Peer::start(folder.path(), threads) else { return };
    exchange(&mut peer, folder.path());
    let mut net = convnet();
    let (x, y) = (images(&[IMAGES, 3, 32, 32]), labels());
    gradients(&mut peer, folder.path(), &mut net, &x, &y);

    println!("{:>8} {:^26} {:^26}   ({threads} threads)", "", "median", "least");
    print!("{:>8}", "");
    (0..2).for_each(|_| print!(" {:>9} {:>9} {:>6}", "ours ms", "torch ms", "ratio"));
    println!();
    let data =
        Dataset::new("even and odd", x.clone(), y.clone(), vec!["even".into(), "odd".into()]).expect("a data set");
    let trainer = Trainer { batch: 0, learning_rate: 0.01, epochs: 1, silent: true, ..Trainer::default() };
    time(&mut peer, "forward", || {
        net.predict(&x).expect("scores");
    });
    time(&mut peer, "input", || {
        let (_, g) = net.input_gradient(&x, |s| Loss::CrossEntropy.value(s, &y)).expect("a gradient");
        let step = || (&x + (g.sign()? * 0.01)?)?.clamp(0f32, 1f32);
        step().expect("a step");
    });
    let before = peak();
    time(&mut peer, "step", || {
        trainer.fit(&mut net, &data).expect("a step");
    });
    if let (Some(before), Some(after)) = (before, peak()) {
        println!("peak memory of this process: {before} MB before the steps, {after} MB after");
    }
}

/// Ours and PyTorch's in turns; the first round of each is left out.
fn time(peer: &mut Peer, what: &str, mut ours: impl FnMut()) {
    let (mut own, mut theirs) = (Vec::new(), Vec::new());
    for round in 0..=ROUNDS {
        let answer = peer.ask(&format!("time {what} {REPEATS}"));
        let seconds = answer["seconds"].as_array().expect("seconds").iter().filter_map(Value::as_f64);
        theirs.extend(seconds.skip(if round == 0 { REPEATS } else { 0 }));
        for _ in 0..REPEATS {
            let start = Instant::now();
            ours();
            if round > 0 {
                own.push(start.elapsed().as_secs_f64());
            }
        }
    }
    own.sort_by(f64::total_cmp);
    theirs.sort_by(f64::total_cmp);
    print!("{what:>8}");
    for at in [own.len() / 2, 0] {
        print!(" {:>9.1} {:>9.1} {:>6.2}", own[at] * 1e3, theirs[at] * 1e3, own[at] / theirs[at]);
    }
    println!();
}

fn convnet() -> Classifier {
    Classifier::convnet(&ConvNet { outputs: 2, ..ConvNet::default() }, 1).expect("settings in range")
}

/// Every network, both ways.
fn exchange(peer: &mut Peer, folder: &Path) {
    let networks = [
        ("linear", Classifier::linear(&Linear { inputs: 64, bias: true }), vec![9, 64]),
        ("mlp", Classifier::mlp(&Mlp::default(), 1), vec![9, 64]),
        ("lenet", Classifier::lenet(&LeNet::default(), 1), vec![9, 3, 32, 32]),
        ("lenet_wide", Classifier::lenet(&LeNet::wide(), 1), vec![9, 3, 32, 32]),
        ("convnet", Ok(convnet()), vec![9, 3, 32, 32]),
        ("resnet", Classifier::resnet(&ResNet::default(), 1), vec![9, 3, 32, 32]),
    ];
    for (name, net, shape) in networks {
        let mut net = net.expect("settings in range");
        let x = images(&shape);
        if name == "linear" {
            // It starts at zero, which would prove nothing of the way there.
            let start = images(&[1, 64]);
            net.vars()[0].set(&start).expect("as many weights");
        }
        if !net.named_buffers().is_empty() {
            // A step, so that the running values are not those of the start.
            net.gradients(&x, |scores| Ok(scores.sum_all()?)).expect("a step");
        }
        net.save(folder.join(format!("{name}.safetensors"))).expect("saved");
        let sides = shape.iter().map(usize::to_string).collect::<Vec<_>>().join(" ");
        let answer = peer.ask(&format!("exchange {name} {sides}"));
        let there = compare(&floats(&net.scores(&x).expect("scores")), &answer["ours"]);
        net.load_weights(folder.join(format!("{name}.torch.safetensors"))).expect("loaded");
        let back = compare(&floats(&net.scores(&x).expect("scores")), &answer["back"]);
        println!("exchange {name}: scores differ by {there:.1e} there, {back:.1e} back");
        assert!(there < 1e-5 && back < 1e-5, "{name}");
    }
}

fn compare(ours: &[f32], theirs: &Value) -> f64 {
    let theirs: Vec<f64> = theirs.as_array().expect("scores").iter().filter_map(Value::as_f64).collect();
    assert_eq!(ours.len(), theirs.len());
    let scale = theirs.iter().fold(1.0_f64, |largest, value| largest.max(value.abs()));
    let differences = ours.iter().zip(&theirs).map(|(a, b)| (f64::from(*a) - b).abs() / scale);
    differences.fold(0.0, |largest, value| if value.is_nan() { f64::NAN } else { largest.max(value) })
}

/// Scores and all gradients of the default network.
fn gradients(peer: &mut Peer, folder: &Path, net: &mut Classifier, x: &Tensor, y: &Tensor) {
    net.save(folder.join("convnet.safetensors")).expect("saved");
    peer.ask("gradients");
    let theirs = candle_core::safetensors::load(folder.join("gradients.safetensors"), &Device::Cpu).expect("a file");
    let (scores, input) = net.input_gradient(x, |s| Loss::CrossEntropy.value(s, y)).expect("a gradient");
    let found = net.gradients(x, |s| Loss::CrossEntropy.value(s, y)).expect("gradients");
    let mut ours = vec![("scores".to_string(), scores), ("input".to_string(), input)];
    ours.extend(net.named_vars().into_iter().map(|(name, _)| name).zip(found.parameters));
    let mut worst = [0.0_f64; 2];
    for (name, tensor) in ours {
        let exact: Vec<f64> = theirs[&format!("f64.{name}")].flatten_all().and_then(|t| t.to_vec1()).expect("f64");
        let scale = exact.iter().fold(0.0_f64, |largest, value| largest.max(value.abs()));
        for (worst, own) in worst.iter_mut().zip([&tensor, &theirs[&name]]) {
            let own = floats(own);
            assert_eq!(own.len(), exact.len(), "{name}");
            for (a, b) in own.iter().zip(&exact) {
                let difference = (f64::from(*a) - b).abs() / scale;
                *worst = if difference.is_nan() { f64::INFINITY } else { worst.max(difference) };
            }
        }
        assert!(worst[0] < 1e-4, "{name}: an entry differs by {:e}", worst[0]);
    }
    println!("scores and gradients differ from PyTorch in f64 by {:.1e}, PyTorch in f32 by {:.1e}", worst[0], worst[1]);
}

fn floats(tensor: &Tensor) -> Vec<f32> {
    tensor.flatten_all().and_then(|flat| flat.to_vec1()).expect("f32 on the CPU")
}

/// The images of network_peer.py.
fn images(shape: &[usize]) -> Tensor {
    let value = |k: u64| {
        let base = (((k * 7919 + 97 * 104_729 + 13) % 2003) as f64 / 1001.5 - 1.0) * 0.5;
        (f64::from(base as f32) + 0.5) as f32
    };
    let values = (0..shape.iter().product::<usize>() as u64).map(value).collect::<Vec<f32>>();
    Tensor::from_vec(values, shape, &Device::Cpu).expect("as many values as the shape has")
}

fn labels() -> Tensor {
    Tensor::from_vec((0..IMAGES as u32).map(|row| row % 2).collect(), IMAGES, &Device::Cpu).expect("a label a row")
}

/// The largest resident size so far, in MB, where the system tells.
fn peak() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.split_whitespace().next()?.parse::<u64>().ok()? / 1024)
}

/// The Python process.
struct Peer {
    child: Child,
    questions: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Peer {
    fn start(folder: &Path, threads: usize) -> Option<Self> {
        let python = std::env::var("WIDEMARGIN_TORCH_PYTHON").unwrap_or("python3".into());
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/reference/network_peer.py");
        let child = Command::new(&python)
            .args(["-B".as_ref(), script.as_os_str(), folder.as_os_str()])
            .arg(threads.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn();
        let mut child = match child {
            Ok(child) => child,
            Err(error) => {
                println!("network: nothing to compare with, {python}: {error}");
                return None;
            }
        };
        let questions = child.stdin.take().expect("piped");
        let answers = BufReader::new(child.stdout.take().expect("piped"));
        let mut peer = Self { child, questions, answers };
        match peer.answer() {
            Some(hello) => println!("PyTorch {} with {} threads", hello["torch"], hello["threads"]),
            None => {
                println!(
                    "network: nothing to compare with, {python} has no torch and safetensors (set WIDEMARGIN_TORCH_PYTHON)"
                );
                return None;
            }
        }
        Some(peer)
    }

    fn ask(&mut self, question: &str) -> Value {
        writeln!(self.questions, "{question}").expect("the Python process reads");
        self.answer().unwrap_or_else(|| panic!("{question}: the Python process ended"))
    }

    fn answer(&mut self) -> Option<Value> {
        let mut line = String::new();
        self.answers.read_line(&mut line).ok()?;
        serde_json::from_str(&line).ok()
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
