//! The attack's step on the host's machine, against the same step written out entry by entry.

use crate::host::Host;
use widemargin::cuda::{AttackStep, Machine, StepNorm};

const ROWS: usize = 7;
const WIDTH: usize = 700;

struct Batch {
    x: Vec<f32>,
    clean: Vec<f32>,
    gradient: Vec<f32>,
    epsilons: Vec<f64>,
    steps: Vec<f32>,
}

/// Rows 2 and 3 have a gradient of zeros and of one NaN; row 4 has one so small that its squares vanish.
fn batch() -> Batch {
    use rand::RngCore;
    let mut rng = widemargin::rng::stream(9, "step");
    let mut uniform =
        |count: usize| -> Vec<f32> { (0..count).map(|_| rng.next_u32() as f32 / 2f32.powi(32)).collect() };
    let clean = uniform(ROWS * WIDTH);
    let moved = uniform(ROWS * WIDTH);
    let x = clean.iter().zip(&moved).map(|(c, m)| (c + 0.1 * (m - 0.5)).clamp(0.0, 1.0)).collect();
    let mut gradient: Vec<f32> = uniform(ROWS * WIDTH).iter().map(|g| g - 0.5).collect();
    gradient.iter_mut().step_by(11).for_each(|g| *g = 0.0);
    gradient[2 * WIDTH..3 * WIDTH].fill(0.0);
    gradient[3 * WIDTH + 650] = f32::NAN;
    gradient[4 * WIDTH..5 * WIDTH].iter_mut().for_each(|g| *g *= 1e-38);
    let epsilons = (0..ROWS).map(|row| 0.05 * (row + 1) as f64).collect();
    let steps = (0..ROWS).map(|row| if row == 5 { -0.02 } else { 0.02 * row as f32 }).collect();
    Batch { x, clean, gradient, epsilons, steps }
}

fn run(batch: &Batch, norm: StepNorm, seed: u64) -> Option<(Vec<f32>, Vec<u32>)> {
    let host = Host::new(seed)?;
    let filled = |bytes: Vec<u8>| {
        let mut memory = host.memory(bytes.len()).unwrap();
        host.write(&mut memory, &bytes).unwrap();
        memory
    };
    let floats = |values: &[f32]| filled(values.iter().flat_map(|v| v.to_ne_bytes()).collect());
    let x = floats(&batch.x);
    let (clean, gradient, steps) = (floats(&batch.clean), floats(&batch.gradient), floats(&batch.steps));
    let epsilons = filled(batch.epsilons.iter().flat_map(|v| v.to_ne_bytes()).collect());
    let status = host.memory(4 * ROWS).unwrap();
    let [x_at, clean, gradient, epsilons, steps, status_at] =
        [&x, &clean, &gradient, &epsilons, &steps, &status].map(|memory| host.address(memory));
    let step = AttackStep {
        x: x_at,
        clean,
        gradient,
        epsilons,
        steps,
        status: status_at,
        rows: ROWS as u32,
        width: WIDTH as u32,
        bounds: [0.0, 1.0],
    };
    step.run(&host, norm).unwrap();
    let mut bytes = vec![0; 4 * ROWS * WIDTH];
    host.read(&x, &mut bytes).unwrap();
    let moved = bytes.as_chunks::<4>().0.iter().map(|b| f32::from_ne_bytes(*b)).collect();
    let mut bytes = vec![0; 4 * ROWS];
    host.read(&status, &mut bytes).unwrap();
    Some((moved, bytes.as_chunks::<4>().0.iter().map(|b| u32::from_ne_bytes(*b)).collect()))
}

/// One row as src/attack/batch.rs moves it, L2 sums in f64.
fn expected(batch: &Batch, row: usize, norm: StepNorm) -> Vec<f32> {
    let part = |values: &[f32]| values[row * WIDTH..(row + 1) * WIDTH].to_vec();
    let (x, clean, mut gradient) = (part(&batch.x), part(&batch.clean), part(&batch.gradient));
    if gradient.iter().any(|g| !g.is_finite()) {
        gradient.fill(0.0);
    }
    let largest = gradient.iter().fold(0.0_f32, |m, g| m.max(g.abs()));
    let scaled = |g: f32| if largest == 0.0 { 0.0 } else { f64::from(g) / f64::from(largest) };
    let length = gradient.iter().map(|g| scaled(*g).powi(2)).sum::<f64>().sqrt();
    let direction = |g: f32| match norm {
        StepNorm::Linf => {
            if g == 0.0 {
                0.0
            } else {
                g.signum()
            }
        }
        StepNorm::L2 => {
            if length == 0.0 {
                0.0
            } else {
                (scaled(g) / length) as f32
            }
        }
    };
    let step = batch.steps[row];
    let change: Vec<f32> = (0..WIDTH).map(|k| (x[k] + step * direction(gradient[k])) - clean[k]).collect();
    let epsilon = batch.epsilons[row];
    let moved = change.iter().map(|c| f64::from(*c).powi(2)).sum::<f64>().sqrt();
    let project = |c: f32| match norm {
        StepNorm::Linf => c.clamp(-(epsilon as f32), epsilon as f32),
        StepNorm::L2 => {
            if moved > epsilon {
                c * (epsilon / moved) as f32
            } else {
                c
            }
        }
    };
    (0..WIDTH).map(|k| (clean[k] + project(change[k])).clamp(0.0, 1.0)).collect()
}

#[test]
fn a_step_is_the_cpus_and_names_rows_without_a_direction() {
    let batch = batch();
    // The sums of L2 are in another order: a unit in the last place of a change of 1.
    for (norm, tolerance) in [(StepNorm::Linf, 0.0), (StepNorm::L2, f32::EPSILON)] {
        let Some((moved, status)) = run(&batch, norm, 1) else { return };
        assert_eq!(status, [0, 0, 1, 2, 0, 0, 0], "{norm:?}");
        for row in 0..ROWS {
            for (k, want) in expected(&batch, row, norm).into_iter().enumerate() {
                let got = moved[row * WIDTH + k];
                assert!((got - want).abs() <= tolerance, "{norm:?} row {row}, entry {k}: {got:e} for {want:e}");
            }
        }
        assert_eq!(run(&batch, norm, 7).unwrap().0, moved, "the order of threads");
    }
}
