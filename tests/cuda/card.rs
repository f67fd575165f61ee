//! On candle's card: operations, training and attacks against the CPU's, and twice the same bytes. What has no card skips.

use candle_core::{DType, Device, Tensor, Var};
use std::time::Instant;
use widemargin::attack::{Adversarial, Norm, Objective, Pgd};
use widemargin::data::{self, Dataset};
use widemargin::device::choose;
use widemargin::loss::Loss;
use widemargin::model::ops::{self, Conv2d};
use widemargin::model::{Classifier, ConvNet, LeNet};
use widemargin::train::Trainer;

fn card() -> Option<Device> {
    match choose("cuda") {
        Ok((card, line)) => {
            println!("{line}");
            Some(card)
        }
        Err(why) => {
            crate::skip(&why.to_string());
            None
        }
    }
}

fn draw(seed: &str, shape: &[usize]) -> Tensor {
    use rand::RngCore;
    let mut rng = widemargin::rng::stream(13, seed);
    let count = shape.iter().product();
    let values: Vec<f64> = (0..count).map(|_| f64::from(rng.next_u32() >> 8) / f64::from(1 << 23) - 1.0).collect();
    Tensor::from_vec(values, shape, &Device::Cpu).unwrap()
}

fn values(tensor: &Tensor) -> Vec<f64> {
    tensor.to_dtype(DType::F64).unwrap().flatten_all().unwrap().to_vec1().unwrap()
}

/// Value and gradients of sum(slopes · op) in every input.
fn graph(device: &Device, inputs: &[Tensor], op: &dyn Fn(&[Var]) -> Tensor) -> Vec<Vec<f64>> {
    let there = |tensor: &Tensor| Var::from_tensor(&tensor.to_device(device).unwrap()).unwrap();
    let vars: Vec<Var> = inputs.iter().map(there).collect();
    let y = op(&vars);
    let slopes = draw("slopes", y.dims()).to_dtype(y.dtype()).unwrap().to_device(device).unwrap();
    let gradients = (&y * slopes).unwrap().sum_all().unwrap().backward().unwrap();
    let mut all = vec![values(&y)];
    all.extend(vars.iter().map(|var| values(gradients.get(var).unwrap())));
    all
}

#[test]
fn operations_have_the_values_and_gradients_of_the_cpus() {
    let Some(card) = card() else { return };
    let settings = Conv2d { padding: 1, ..Conv2d::default() };
    let grouped = Conv2d { stride: 2, padding: 2, dilation: 2, groups: 2 };
    let convolve = |vars: &[Var]| ops::conv2d(&vars[0], &vars[1], Some(&vars[2]), &settings).unwrap();
    let groups = |vars: &[Var]| ops::conv2d(&vars[0], &vars[1], Some(&vars[2]), &grouped).unwrap();
    let dense = |vars: &[Var]| ops::dense(&vars[0], &vars[1], Some(&vars[2])).unwrap();
    let rectify = |vars: &[Var]| ops::leaky_relu(&vars[0], 0.0).unwrap();
    let maximum = |vars: &[Var]| ops::max_pool(&vars[0], 2, 2).unwrap();
    let overlapping = |vars: &[Var]| ops::max_pool(&vars[0], 3, 2).unwrap();
    let average = |vars: &[Var]| ops::average_pool(&vars[0], 2, 2).unwrap();
    type Op<'a> = &'a dyn Fn(&[Var]) -> Tensor;
    // The largest number of products that one result adds, of absolute value at most 1.
    let cases: [(&str, Vec<Vec<usize>>, usize, Op); 7] = [
        ("convolution", vec![vec![9, 3, 17, 15], vec![6, 3, 3, 3], vec![6]], 9 * 17 * 15, &convolve),
        ("grouped convolution", vec![vec![5, 4, 19, 16], vec![6, 2, 3, 3], vec![6]], 5 * 19 * 16, &groups),
        ("dense", vec![vec![70, 40], vec![30, 40], vec![30]], 70, &dense),
        ("rectifier", vec![vec![4, 700]], 1, &rectify),
        ("max pool", vec![vec![3, 5, 12, 14]], 4, &maximum),
        ("overlapping max pool", vec![vec![3, 5, 13, 15]], 9, &overlapping),
        ("average pool", vec![vec![3, 5, 12, 14]], 4, &average),
    ];
    for (name, shapes, terms, op) in cases {
        for dtype in [DType::F32, DType::F64] {
            let input =
                |(at, shape): (usize, &Vec<usize>)| draw(&format!("{name} {at}"), shape).to_dtype(dtype).unwrap();
            let inputs: Vec<Tensor> = shapes.iter().enumerate().map(input).collect();
            let expected = graph(&Device::Cpu, &inputs, op);
            let got = graph(&card, &inputs, op);
            let unit = if dtype == DType::F32 { f64::from(f32::EPSILON) } else { f64::EPSILON };
            for (what, (got, expected)) in got.iter().zip(&expected).enumerate() {
                let worst = got.iter().zip(expected).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
                assert!(got.iter().all(|v| v.is_finite()), "{name} {dtype:?}, part {what}");
                assert!(worst <= terms as f64 * unit, "{name} {dtype:?}, part {what}: {worst:e}");
            }
            assert_eq!(graph(&card, &inputs, op), got, "{name}: twice the same bytes");
        }
    }
}

fn images(count: usize, side: usize, channels: usize) -> Dataset {
    let y: Vec<u32> = (0..count as u32).map(|row| row % 2).collect();
    // Class 1 is brighter, so that there is something to learn.
    let shift = Tensor::new(y.iter().map(|y| f64::from(*y) * 0.2).collect::<Vec<_>>(), &Device::Cpu).unwrap();
    let x = draw("images", &[count, channels, side, side]).affine(0.4, 0.4).unwrap();
    let x = x.broadcast_add(&shift.reshape((count, 1, 1, 1)).unwrap()).unwrap().to_dtype(DType::F32).unwrap();
    Dataset::new("images", x, Tensor::new(y, &Device::Cpu).unwrap(), vec!["dark".into(), "bright".into()]).unwrap()
}

fn parameters(net: &Classifier) -> Vec<f64> {
    net.vars().iter().flat_map(|var| values(var.as_tensor())).collect()
}

#[test]
fn training_goes_the_cpus_way_and_repeats_itself() {
    let Some(card) = card() else { return };
    let data = images(96, 16, 3);
    for loss in [Loss::Differential, Loss::CrossEntropy] {
        let trainer = Trainer { loss, epochs: 2, batch: 32, learning_rate: 0.02, silent: true, ..Trainer::default() };
        let net = Classifier::lenet(&LeNet { height: 16, width: 16, ..LeNet::default() }, 1).unwrap();
        let run = |device: &Device| {
            let mut own = net.to_device(device).unwrap();
            let history = trainer.fit(&mut own, &data.to_device(device).unwrap()).unwrap();
            (parameters(&own), history.epochs.iter().map(|e| (e.loss, e.accuracy)).collect::<Vec<_>>())
        };
        let (expected, history) = run(&Device::Cpu);
        let (got, own) = run(&card);
        // Six steps of f32 sums in another order: 1e-4 of the weights' size of about 0.1.
        let worst = got.iter().zip(&expected).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
        println!("{}: parameters {worst:.1e} apart after six steps", trainer.loss.name());
        assert!(worst <= 1e-5 && got.iter().all(|v| v.is_finite()), "{worst:e}");
        for ((loss, accuracy), (own_loss, own_accuracy)) in history.iter().zip(&own) {
            assert!((loss - own_loss).abs() <= 1e-4 * loss.abs(), "{own_loss} for {loss}");
            assert!((accuracy - own_accuracy).abs() <= 1.0 / 96.0, "{own_accuracy} for {accuracy}");
        }
        assert_eq!(run(&card), (got, own), "twice the same bytes");
    }
}

#[test]
fn an_attack_on_the_card_finds_what_the_cpus_finds() {
    let Some(card) = card() else { return };
    let data = images(40, 16, 3);
    let mut net = Classifier::lenet(&LeNet { height: 16, width: 16, ..LeNet::default() }, 2).unwrap();
    Trainer { epochs: 3, batch: 20, silent: true, ..Trainer::default() }.fit(&mut net, &data).unwrap();
    let (there, own) = (net.to_device(&card).unwrap(), data.to_device(&card).unwrap());
    for (norm, epsilon) in [(Norm::Linf, 0.03), (Norm::L2, 0.5), (Norm::L1, 3.0)] {
        for (objective, restarts) in [(Objective::Margin, 1), (Objective::CrossEntropy, 3)] {
            let attack =
                Pgd { norm, epsilon, objective, restarts, steps: 10, batch: 16, silent: true, ..Pgd::default() };
            let expected = attack.run(&net, &data.x, &data.y).unwrap();
            let found = attack.run(&there, &own.x, &own.y).unwrap();
            let what = format!("{norm}, {objective}");
            assert!(found.x.device().is_cuda(), "{what}");
            check(&found, epsilon, &what);
            // A sign may fall otherwise where a gradient is rounding noise; a row at the threshold may then too.
            let differ = found.any.iter().zip(&expected.any).filter(|(a, b)| a != b).count();
            assert!(differ <= 1, "{what}: {differ} rows differ");
            assert_eq!(found.clean_predicted, expected.clean_predicted, "{what}");
            let again = attack.run(&there, &own.x, &own.y).unwrap();
            assert_eq!(values(&again.x), values(&found.x), "{what}: twice the same bytes");
            assert_eq!((again.any, again.predicted, again.trace), (found.any, found.predicted, found.trace), "{what}");
        }
    }
}

fn check(found: &Adversarial, epsilon: f64, what: &str) {
    assert!(values(&found.x).iter().all(|v| (0.0..=1.0).contains(v)), "{what}: outside of the box");
    assert!(found.norms.iter().all(|norm| *norm <= epsilon + 1e-6), "{what}: outside of the ball");
    assert_eq!(found.trace.len(), 10, "{what}");
}

/// Seconds of an epoch and of PGD-40 on the reference network, for device.sh, which runs PyTorch's beside it.
#[test]
fn benchmark_of_training_and_attack() {
    let Some(card) = card() else { return };
    let data = images(10_000, 32, 3).to_device(&card).unwrap();
    let mut net = Classifier::convnet(&ConvNet::default(), 1).unwrap().to_device(&card).unwrap();
    for loss in [Loss::CrossEntropy, Loss::Differential] {
        let trainer = Trainer { loss, epochs: 3, batch: 128, learning_rate: 0.01, silent: true, ..Trainer::default() };
        let history = trainer.fit(&mut net, &data).unwrap();
        // The first epoch also loads libraries.
        let best = history.epochs[1..].iter().map(|epoch| epoch.seconds).fold(f64::INFINITY, f64::min);
        println!("BENCH epoch of 10,000 images, {}: {:.1} ms", trainer.loss.name(), 1e3 * best);
    }
    let batch = data.take(128).unwrap();
    let attack = Pgd { epsilon: 8.0 / 255.0, steps: 40, silent: true, ..Pgd::default() };
    let mut best = f64::INFINITY;
    for _ in 0..3 {
        let start = Instant::now();
        let found = attack.run(&net, &batch.x, &batch.y).unwrap();
        assert_eq!(found.trace.len(), 40);
        best = best.min(start.elapsed().as_secs_f64());
    }
    println!("BENCH PGD-40 on 128 images: {:.1} ms", 1e3 * best);
}

#[test]
fn digits_move_to_the_card_and_back() {
    let Some(card) = card() else { return };
    let pair = data::digits().unwrap().pair(3, 8).unwrap();
    let there = pair.train.to_device(&card).unwrap();
    assert_eq!(values(&there.x), values(&pair.train.x));
    assert_eq!(there.labels().unwrap(), pair.train.labels().unwrap());
}
