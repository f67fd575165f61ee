//! A whole attack on the host's machine, against the CPU's own, step for step.

use crate::host::{Host, Memory};
use candle_core::{Device, Tensor};
use widemargin::attack::{Adversarial, Norm, Objective, Pgd};
use widemargin::cuda::{Course, CourseOf, Found, Machine, Number, StepNorm};
use widemargin::model::{Classifier, Mlp};

const ROWS: usize = 19;
const WIDTH: usize = 300;
const STEPS: usize = 6;

fn draw(seed: &str, count: usize) -> Vec<f32> {
    use rand::RngCore;
    let mut rng = widemargin::rng::stream(12, seed);
    (0..count).map(|_| (rng.next_u32() >> 8) as f32 / (1 << 24) as f32).collect()
}

struct Setup {
    net: Classifier,
    x: Vec<f32>,
    labels: Vec<u32>,
    targets: Vec<u32>,
}

fn setup(outputs: usize) -> Setup {
    let settings = Mlp { inputs: WIDTH, hidden: vec![20], outputs, ..Mlp::default() };
    let net = Classifier::mlp(&settings, 3).unwrap();
    let classes = outputs.max(2) as u32;
    let labels = (0..ROWS as u32).map(|row| row % classes).collect();
    let targets = (0..ROWS as u32).map(|row| (row + 1) % classes).collect();
    Setup { net, x: draw("x", ROWS * WIDTH), labels, targets }
}

fn tensor(values: &[f32], shape: &[usize]) -> Tensor {
    Tensor::from_slice(values, shape, &Device::Cpu).unwrap()
}

fn floats(values: &[f32]) -> Vec<f64> {
    values.iter().map(|value| f64::from(*value)).collect()
}

/// The attack with every decision made by the CUDA kernels, and scores and gradients by the net.
fn run(setup: &Setup, attack: &Pgd, targeted: bool, seed: u64) -> Option<Found> {
    let host = Host::new(seed)?;
    let Setup { net, x, labels, targets } = setup;
    let outputs = net.outputs();
    let norm = if attack.norm == Norm::Linf { StepNorm::Linf } else { StepNorm::L2 };
    let step = (2.5 * attack.epsilon / STEPS as f64) as f32;
    let predicted = net.predict(&tensor(x, &[ROWS, WIDTH])).unwrap();
    let goal = if targeted { targets } else { labels };
    let hits: Vec<bool> = predicted.iter().zip(goal).map(|(p, y)| (p == y) == targeted).collect();
    let mut course = Course::new(
        &host,
        &CourseOf {
            clean: x,
            start: x,
            labels: goal,
            targeted,
            entropy: attack.objective == Objective::CrossEntropy,
            outputs,
            epsilons: &[attack.epsilon; ROWS],
            steps: &[step; ROWS],
            bounds: [0.0, 1.0],
            norm,
            count: STEPS,
            hits: &hits,
            margins: &[f64::NEG_INFINITY; ROWS],
        },
    )
    .unwrap();
    let now = |course: &Course<Host>| {
        // SAFETY: the course's rows are ROWS · WIDTH floats, alive while it is.
        let values = unsafe { std::slice::from_raw_parts(course.x() as *const f32, ROWS * WIDTH) };
        tensor(values, &[ROWS, WIDTH])
    };
    let hold = |values: &Tensor| -> Memory {
        host.holding(&floats(&values.flatten_all().unwrap().to_vec1::<f32>().unwrap()), Number::F32)
    };
    for _ in 0..STEPS {
        let (scores, gradient) = net
            .input_gradient(&now(&course), |scores| {
                let own = hold(&scores.detach());
                let slopes = host.memory(4 * ROWS * outputs)?;
                course.slopes(host.address(&own), host.address(&slopes))?;
                let slopes: Vec<f32> = host.numbers(&slopes, Number::F32).iter().map(|s| *s as f32).collect();
                Ok((scores * tensor(&slopes, scores.dims()))?.sum_all()?)
            })
            .unwrap();
        let (scores, gradient) = (hold(&scores), hold(&gradient));
        course.note(host.address(&scores)).unwrap();
        course.step(host.address(&gradient)).unwrap();
    }
    let scores = hold(&net.scores(&now(&course)).unwrap().detach());
    course.note(host.address(&scores)).unwrap();
    Some(course.read().unwrap())
}

fn flat(x: &Tensor) -> Vec<f32> {
    x.flatten_all().unwrap().to_vec1().unwrap()
}

fn near(got: &[f32], expected: &[f32], tolerance: f32, what: &str) {
    for (at, (got, expected)) in got.iter().zip(expected).enumerate() {
        assert!((got - expected).abs() <= tolerance, "{what} at {at}: {got:e} for {expected:e}");
    }
}

#[test]
fn an_attack_takes_the_cpus_course() {
    for (outputs, norm, objective, targeted, epsilon) in [
        (1, Norm::Linf, Objective::Margin, false, 0.02),
        (1, Norm::L2, Objective::CrossEntropy, false, 0.3),
        (3, Norm::Linf, Objective::CrossEntropy, false, 0.01),
        (3, Norm::Linf, Objective::Margin, true, 0.02),
        (3, Norm::L2, Objective::Margin, false, 0.2),
        (4, Norm::L2, Objective::CrossEntropy, true, 0.3),
    ] {
        let what = format!("{outputs} outputs, {norm}, {objective}, targeted {targeted}");
        let setup = setup(outputs);
        let attack = Pgd { norm, objective, epsilon, steps: STEPS, silent: true, ..Pgd::default() };
        let (x, y) = (tensor(&setup.x, &[ROWS, WIDTH]), Tensor::new(setup.labels.as_slice(), &Device::Cpu).unwrap());
        let targets = Tensor::new(setup.targets.as_slice(), &Device::Cpu).unwrap();
        let expected: Adversarial = if targeted {
            attack.run_targeted(&setup.net, &x, &y, &targets).unwrap()
        } else {
            attack.run(&setup.net, &x, &y).unwrap()
        };
        let Some(found) = run(&setup, &attack, targeted, 1) else { return };
        // Linf steps are the same bytes. L2 lengths are added in another order: 2^-24 of a coordinate below 1 a step,
        // and the gradient of a rectified net does not change with it unless a unit switches, which none does here.
        let tolerance = if norm == Norm::Linf { 0.0 } else { 4.0 * STEPS as f32 * f32::EPSILON };
        near(&found.x, &flat(&expected.x), tolerance, &what);
        near(&found.best, &flat(&expected.best), tolerance, &what);
        assert_eq!(found.hits, expected.any, "{what}");
        let wanted = |row: usize| if targeted { setup.targets[row] } else { setup.labels[row] };
        assert!(found.hits.iter().any(|hit| *hit) || targeted, "{what}: nothing was found, so nothing was tried");
        for (step, now) in expected.trace.iter().enumerate() {
            let seen = &found.seen[step * ROWS..(step + 1) * ROWS];
            let wrong = seen.iter().enumerate().filter(|(row, (c, _))| (*c == Some(wanted(*row))) == targeted).count();
            assert_eq!(wrong, now.wrong, "{what}, step {step}");
            let margin = seen.iter().map(|(_, margin)| margin).sum::<f64>() / ROWS as f64;
            assert!((margin - now.margin).abs() < 1e-5, "{what}, step {step}: {margin} for {}", now.margin);
        }
        let last: Vec<u32> = found.seen[STEPS * ROWS..].iter().map(|(class, _)| class.unwrap()).collect();
        assert_eq!(last, expected.predicted, "{what}");
        assert!(found.status.iter().all(|status| *status == 0), "{what}");
        assert_eq!(run(&setup, &attack, targeted, 9).unwrap(), found, "{what}: the order of threads");
    }
}

#[test]
fn rows_without_finite_scores_or_without_a_direction_are_told_apart() {
    let Some(host) = Host::new(2) else { return };
    let x = draw("flat", 4 * 5);
    let rows = CourseOf {
        clean: &x,
        start: &x,
        labels: &[0, 1, 2, 0],
        targeted: false,
        entropy: false,
        outputs: 3,
        epsilons: &[0.1; 4],
        steps: &[0.1; 4],
        bounds: [0.0, 1.0],
        norm: StepNorm::Linf,
        count: 1,
        hits: &[false, true, false, false],
        margins: &[f64::NEG_INFINITY, 0.5, f64::NEG_INFINITY, f64::NEG_INFINITY],
    };
    let mut course = Course::new(&host, &rows).unwrap();
    // Right by 1; wrong by 0.25, less than the best before; not finite; two largest, of which the first counts.
    let scores = [3.0, 2.0, 1.0, 0.5, 0.25, 0.0, 1.0, f64::NAN, 0.0, 1.0, 2.0, 2.0];
    let scores = host.holding(&scores, Number::F32);
    let slopes = host.memory(4 * 12).unwrap();
    course.slopes(host.address(&scores), host.address(&slopes)).unwrap();
    let slopes = host.numbers(&slopes, Number::F32);
    assert_eq!(&slopes[..6], [-1.0, 1.0, 0.0, 1.0, -1.0, 0.0]);
    assert_eq!(&slopes[9..], [-1.0, 1.0, 0.0]);
    course.note(host.address(&scores)).unwrap();
    let mut gradient = vec![1.0; 20];
    gradient[5..10].fill(0.0);
    gradient[12] = f64::INFINITY;
    let gradient = host.holding(&gradient, Number::F32);
    course.step(host.address(&gradient)).unwrap();
    let found = course.read().unwrap();
    assert_eq!(found.seen[..2], [(Some(0), -1.0), (Some(0), 0.25)]);
    assert!(found.seen[2].0.is_none() && found.seen[2].1.is_nan());
    assert_eq!(found.seen[3], (Some(1), 1.0));
    assert_eq!((found.hits, found.margins), (vec![false, true, false, true], vec![-1.0, 0.5, f64::NEG_INFINITY, 1.0]));
    assert_eq!(found.status, [0, 1, 2, 0]);
    assert_eq!(found.x[5..15], x[5..15], "rows without a direction stay");
    assert_eq!(found.best, x);
}
