//! Time of the pair loss with both gradients: n positives N(1, 2) against n negatives N(0, 2).
//!
//! Checks its gradients against the definition before it prints a time: all of them up to 5,000 scores a side, beyond
//! that 64 rows and columns.
//! Prints n, microseconds (the median), Gpair/s. `RAYON_NUM_THREADS=1` for one core. Other sizes as arguments:
//! 1,000,000, or 10^12 pairs, takes minutes.

use rand_distr::{Distribution, Normal};
use std::time::Instant;
use widemargin::loss::cross_entropy::sigmoid;
use widemargin::loss::differential::{AllPairs, PairLoss};

// Sums of 10^6 terms in two orders.
const TOLERANCE: f64 = 1e-10;

fn main() {
    println!("differential_loss, {} threads", rayon::current_num_threads());
    println!("{:>9} {:>14} {:>9}", "n", "microseconds", "Gpair/s");
    let selected: Vec<usize> = std::env::args().filter_map(|argument| argument.parse().ok()).collect();
    let sizes = if selected.is_empty() { vec![64, 5_000, 50_000] } else { selected };
    let mut engine = AllPairs::default();
    for n in sizes {
        let mut rng = widemargin::rng::stream(n as u64, "bench");
        let normal = |mean| Normal::new(mean, 2.0).expect("the deviation is positive");
        let s: Vec<f64> = normal(1.0).sample_iter(&mut rng).take(n).collect();
        let t: Vec<f64> = normal(0.0).sample_iter(&mut rng).take(n).collect();
        let (mut in_s, mut in_t) = (vec![0.0; n], vec![0.0; n]);
        let pairs = n as f64 * n as f64;
        let repeats = (2e7 / n as f64).clamp(11.0, 1001.0) as usize;
        let mut once = || {
            let start = Instant::now();
            engine.evaluate(&s, &t, &mut in_s, &mut in_t).expect("finite scores");
            start.elapsed().as_secs_f64()
        };
        let mut seconds: Vec<f64> = (0..repeats).map(|_| once()).collect();
        check(&s, &t, &in_s, &in_t);
        seconds.sort_by(f64::total_cmp);
        let median = seconds[repeats / 2];
        println!("{n:>9} {:>14.1} {:>9.2}", median * 1e6, pairs / median / 1e9);
    }
}

fn check(s: &[f64], t: &[f64], in_s: &[f64], in_t: &[f64]) {
    let pairs = s.len() as f64 * t.len() as f64;
    let stride = if s.len() > 5_000 { s.len() / 64 } else { 1 };
    for at in (0..s.len()).step_by(stride) {
        let row = -t.iter().map(|t| sigmoid(t - s[at])).sum::<f64>() / pairs;
        let column = s.iter().map(|s| sigmoid(t[at] - s)).sum::<f64>() / pairs;
        for (got, expected) in [(in_s[at], row), (in_t[at], column)] {
            assert!((got / expected - 1.0).abs() < TOLERANCE, "{at}: {got:e} for {expected:e}");
        }
    }
}
