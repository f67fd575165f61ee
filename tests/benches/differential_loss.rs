//! Time of the pair loss with both gradients, and of Hessian products: n positives N(1, 2) against n negatives N(0, 2).
//!
//! Checks what it times against the definition before it prints: all components up to 5,000 scores a side, beyond that
//! 64 rows and columns. Prints what, n, microseconds (the median), Gpair/s, and the memory held between calls.
//! `RAYON_NUM_THREADS=1` for one core. Sizes as arguments replace the list; `--exact` adds the exact engine to them.

use rand_distr::{Distribution, Normal};
use std::time::Instant;
use widemargin::loss::cross_entropy::sigmoid;
use widemargin::loss::differential::{AllPairs, PairLoss, Tol};

// Sums of 10^6 terms in two orders.
const TOLERANCE: f64 = 1e-10;

fn main() {
    println!("differential_loss, {} threads", rayon::current_num_threads());
    println!("{:<16} {:>9} {:>14} {:>9} {:>12}", "what", "n", "microseconds", "Gpair/s", "workspace");
    let selected: Vec<usize> = std::env::args().filter_map(|argument| argument.parse().ok()).collect();
    let exact_sizes = match selected.is_empty() {
        true => vec![64, 5_000, 20_000],
        false if std::env::args().any(|argument| argument == "--exact") => selected.clone(),
        false => vec![],
    };
    let sizes = if selected.is_empty() { vec![64, 500, 5_000, 50_000, 1_000_000] } else { selected };
    for n in sizes {
        let sides = Sides::draw(n);
        sides.gradient(Tol::Fine);
        sides.product();
    }
    for n in exact_sizes {
        Sides::draw(n).gradient(Tol::Exact);
    }
}

struct Sides {
    s: Vec<f64>,
    t: Vec<f64>,
}

impl Sides {
    fn draw(n: usize) -> Self {
        let mut rng = widemargin::rng::stream(n as u64, "bench");
        let mut side = |mean| {
            let normal = Normal::new(mean, 2.0).expect("the deviation is positive");
            normal.sample_iter(&mut rng).take(n).collect()
        };
        Sides { s: side(1.0), t: side(0.0) }
    }

    fn gradient(&self, tol: Tol) {
        let mut engine = AllPairs::new(tol);
        let (mut in_s, mut in_t) = (vec![0.0; self.s.len()], vec![0.0; self.t.len()]);
        engine.evaluate(&self.s, &self.t, &mut in_s, &mut in_t).expect("finite scores");
        self.check(&in_s, &in_t, |x| [-sigmoid(x), sigmoid(x)]);
        let seconds = self.median(|| {
            engine.evaluate(&self.s, &self.t, &mut in_s, &mut in_t).expect("finite scores");
        });
        self.print(&format!("gradient {tol:?}"), seconds, engine.workspace_bytes());
    }

    fn product(&self) {
        let mut engine = AllPairs::default();
        let (mut of_s, mut of_t) = (vec![0.0; self.s.len()], vec![0.0; self.t.len()]);
        // Against (0.5, -0.5) every term has one sign: v_i - u_j = 1.
        let (v, u) = (vec![0.5; of_s.len()], vec![-0.5; of_t.len()]);
        let mut once = || {
            engine.hessian_product(&self.s, &self.t, None, (&v, &u), &mut of_s, &mut of_t).expect("finite scores");
        };
        let seconds = self.median(&mut once);
        self.check(&of_s, &of_t, |x| [sigmoid(x) * sigmoid(-x), -sigmoid(x) * sigmoid(-x)]);
        self.print("Hessian product", seconds, engine.workspace_bytes());
    }

    fn median(&self, mut once: impl FnMut()) -> f64 {
        let start = Instant::now();
        once();
        let repeats = (2.0 / start.elapsed().as_secs_f64()).clamp(5.0, 1001.0) as usize;
        let mut seconds: Vec<f64> = (0..repeats)
            .map(|_| {
                let start = Instant::now();
                once();
                start.elapsed().as_secs_f64()
            })
            .collect();
        seconds.sort_by(f64::total_cmp);
        seconds[repeats / 2]
    }

    fn print(&self, what: &str, seconds: f64, workspace: usize) {
        let (n, pairs) = (self.s.len(), self.s.len() as f64 * self.t.len() as f64);
        let (time, rate, memory) = (seconds * 1e6, pairs / seconds / 1e9, workspace as f64 / 1e6);
        println!("{what:<16} {n:>9} {time:>14.1} {rate:>9.2} {memory:>9.2} MB");
    }

    /// The sums over pairs of what `term` gives a positive and a negative for x = t - s.
    fn check(&self, of_s: &[f64], of_t: &[f64], term: impl Fn(f64) -> [f64; 2]) {
        let pairs = self.s.len() as f64 * self.t.len() as f64;
        let stride = if self.s.len() > 5_000 { self.s.len() / 64 } else { 1 };
        for at in (0..self.s.len()).step_by(stride) {
            let row = self.t.iter().map(|t| term(t - self.s[at])[0]).sum::<f64>() / pairs;
            let column = self.s.iter().map(|s| term(self.t[at] - s)[1]).sum::<f64>() / pairs;
            for (got, expected) in [(of_s[at], row), (of_t[at], column)] {
                assert!((got / expected - 1.0).abs() < TOLERANCE, "{at}: {got:e} for {expected:e}");
            }
        }
    }
}
