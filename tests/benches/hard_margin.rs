//! Time of the exact hard margin with its certificate: two normal clouds on both sides of a random plane.
//!
//! Checks the gap and the angle to the limit of the pair loss, found by annealed Newton, before it prints a time.
//! Prints the best and the median milliseconds, the relative gap, the certified angle and the one to Newton's plane in
//! radians, support points and steps.
//! `RAYON_NUM_THREADS=1` for one core. With a folder as argument it writes the problems and its answers there, for
//! tests/reference/hard_margin.py, which times other solvers on them.

use rand::RngCore;
use rand_distr::{Distribution, StandardNormal};
use std::io::Write;
use std::time::Instant;
use widemargin::margin::{Hyperplane, Points, certified_hard_margin, pair_loss_limit};

/// name, d, points in a class, condition of the covariance's root, half width of the empty strip.
const PROBLEMS: [(&str, usize, usize, f64, f64); 6] = [
    ("d=2 n=50", 2, 50, 1.0, 0.1),
    ("d=20 n=500", 20, 500, 1.0, 0.1),
    ("d=30 n=1000 condition 1e3", 30, 1000, 1e3, 0.1),
    ("d=100 n=5000", 100, 5000, 1.0, 0.5),
    ("d=1000 n=200", 1000, 200, 1.0, 0.1),
    ("d=10 n=100000", 10, 100_000, 1.0, 0.1),
];

fn main() {
    let folder = std::env::args().skip(1).find(|argument| !argument.starts_with("--"));
    println!("hard_margin, {} threads", rayon::current_num_threads());
    println!(
        "{:28} {:>9} {:>9} {:>9} {:>10} {:>9} {:>5} {:>6}",
        "problem (n a class)", "best ms", "median", "gap", "certified", "Newton", "SV", "steps"
    );
    for (name, d, n, condition, strip) in PROBLEMS {
        let (pos, neg) = problem(d, n, condition, strip);
        let (plane, certificate) = certified_hard_margin(&pos, &neg).expect("separable by construction");
        let gap = certificate.gap() / certificate.upper;
        assert!(gap <= 1e-12, "{name}: gap {gap:e}");
        let other = pair_loss_limit(&pos, &neg).expect("separable by construction").plane;
        let off = plane.angle_degrees(&other).to_radians();
        assert!(off <= 1e-6, "{name}: {off:e} from the limit of the pair loss");
        let once = || {
            let start = Instant::now();
            std::hint::black_box(certified_hard_margin(&pos, &neg).expect("separable by construction"));
            start.elapsed().as_secs_f64() * 1e3
        };
        let first = once();
        let mut times: Vec<f64> = (0..(1000.0 / first).clamp(5.0, 500.0) as usize).map(|_| once()).collect();
        times.sort_by(f64::total_cmp);
        println!(
            "{name:28} {:>9.3} {:>9.3} {gap:>9.1e} {:>10.1e} {off:>9.1e} {:>5} {:>6}",
            times[0],
            times[times.len() / 2],
            certificate.angle_degrees.to_radians(),
            certificate.pos.len() + certificate.neg.len(),
            certificate.steps
        );
        if let Some(folder) = &folder {
            write(folder, name, d, &pos, &neg, &plane).expect("the folder can be written");
        }
    }
}

fn problem(d: usize, n: usize, condition: f64, strip: f64) -> (Points, Points) {
    let mut rng = widemargin::rng::stream((d * n) as u64, "hard margin");
    let scales: Vec<f64> = (0..d).map(|k| condition.powf(-(k as f64) / (d.max(2) - 1) as f64)).collect();
    let direction: Vec<f64> = (0..d).map(|_| StandardNormal.sample(&mut rng)).collect();
    let length = direction.iter().map(|v| v * v).sum::<f64>().sqrt();
    let direction: Vec<f64> = direction.iter().map(|v| v / length).collect();
    let mut side = |label: f64| {
        let mut values = Vec::with_capacity(n * d);
        for _ in 0..n {
            let row: Vec<f64> = scales.iter().map(|s| s * gaussian(&mut rng)).collect();
            let across: f64 = row.iter().zip(&direction).map(|(r, v)| r * v).sum();
            let wanted = label * (across.abs() + strip);
            values.extend(row.iter().zip(&direction).map(|(r, v)| r + (wanted - across) * v));
        }
        Points::new(values, d).expect("n rows of d")
    };
    (side(1.0), side(-1.0))
}

fn gaussian(rng: &mut impl RngCore) -> f64 {
    StandardNormal.sample(rng)
}

/// DIR/NAME.f64: d, rows of the positives, rows of the negatives, then w and b, little-endian f64.
fn write(folder: &str, name: &str, d: usize, pos: &Points, neg: &Points, plane: &Hyperplane) -> std::io::Result<()> {
    use widemargin::margin::Rows;
    let path = std::path::Path::new(folder).join(format!("{}.f64", name.replace(' ', "_")));
    let mut file = std::io::BufWriter::new(std::fs::File::create(path)?);
    let rows = |set: &Points| (0..set.count()).flat_map(|i| set.row(i).to_vec()).collect::<Vec<f64>>();
    for value in [d as f64].into_iter().chain(rows(pos)).chain(rows(neg)).chain(plane.w.clone()).chain([plane.b]) {
        file.write_all(&value.to_le_bytes())?;
    }
    file.flush()
}
