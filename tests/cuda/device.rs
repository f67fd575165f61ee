//! On a card: the same table, twice the same bytes. `device.sh` runs this on a machine without Rust.

use crate::conformance::{METHODS, draw, evaluate, table};
use std::time::Instant;
use widemargin::cuda::{Gpu, Machine, Method, Pairs, Precision};
use widemargin::loss::differential::{AllPairs, PairLoss, Tol};

#[test]
fn a_card_passes_the_table_and_repeats_itself() {
    for method in METHODS {
        let gpu = match Gpu::open() {
            Ok(gpu) => gpu,
            Err(why) => return crate::skip(&why.to_string()),
        };
        println!("{}", gpu.describe());
        let mut pairs = Pairs::new(gpu, method);
        let [loss, component] = table(&mut pairs, method);
        println!("{:<22} loss {loss:.1e}  component {component:.1e}", format!("{method:?}"));
        let (s, t) = draw(5, 20_000, 17_001, 8.0);
        let mut bits = || {
            let (value, in_s, in_t) = evaluate(&mut pairs, &s, &t);
            in_s.iter().chain(&in_t).chain([&value.mean]).map(|x| x.to_bits()).collect::<Vec<_>>()
        };
        assert_eq!(bits(), bits(), "{method:?}");
    }
}

#[test]
fn a_machine_without_a_card_says_so_in_one_line() {
    match Gpu::open() {
        Ok(gpu) => {
            let mut pairs = Pairs::new(gpu, Method::Blocks(Precision::Single));
            let (value, ..) = evaluate(&mut pairs, &[2.0_f64], &[0.0]);
            assert!((value.mean - 0.126_928_011_042_972_5).abs() < 1e-6);
        }
        Err(why) => {
            let text = why.to_string();
            assert!(text.starts_with("CUDA: ") || text.starts_with("NVRTC: "), "{text}");
            assert!(!text.contains('\n') && text.len() < 300, "{text}");
            println!("{text}");
        }
    }
}

/// Loss and both gradients of scores that are on the card, for device.sh: each method's answer is checked, then timed.
#[test]
fn benchmark_of_the_pair_loss() {
    // The bound on each method's answer, and what it may cost at least on an H200: pairs/s counted in kernels/README.md.
    let cases: [(&str, Method, usize, bool, f64, Option<f64>); 6] = [
        ("exact f32, 20,000", Method::Blocks(Precision::Single), 20_000, false, 2e-6, Some(4.8e12)),
        ("exact f32, 50,000", Method::Blocks(Precision::Single), 50_000, false, 2e-6, Some(4.8e12)),
        ("exact f64, 50,000", Method::Blocks(Precision::Double), 50_000, true, 1e-12, Some(3.0e12)),
        ("boxes Fine, 50,000", Method::Boxes(Tol::Fine), 50_000, true, 1e-12, None),
        ("boxes Fine, 1,000,000", Method::Boxes(Tol::Fine), 1_000_000, true, 1e-12, None),
        ("boxes Fine f32, 1,000,000", Method::Boxes(Tol::Fine), 1_000_000, false, 1e-12, None),
    ];
    for (name, method, n, double, bound, floor) in cases {
        let gpu = match Gpu::open() {
            Ok(gpu) => gpu,
            Err(why) => return crate::skip(&why.to_string()),
        };
        let (s, t) = draw(7, n, n, 5.0);
        // As the card gets them.
        let rounded = |side: &[f64]| side.iter().map(|x| if double { *x } else { f64::from(*x as f32) }).collect();
        let (s, t): (Vec<f64>, Vec<f64>) = (rounded(&s), rounded(&t));
        let (expected, in_s, in_t) = AllPairs::default().loss_and_grads(&s, &t).unwrap();
        let bytes = |side: &[f64]| -> Vec<u8> {
            let bytes = |x: &f64| if double { x.to_ne_bytes().to_vec() } else { (*x as f32).to_ne_bytes().to_vec() };
            side.iter().flat_map(bytes).collect()
        };
        let (s, t) = (bytes(&s), bytes(&t));
        let mut pairs = Pairs::new(gpu, method);
        let memories: Vec<_> = (0..4).map(|_| pairs.machine().memory(s.len()).unwrap()).collect();
        let mut memories = memories.into_iter();
        let mut next = || memories.next().unwrap();
        let (mut of_s, mut of_t, out_s, out_t) = (next(), next(), next(), next());
        pairs.machine().write(&mut of_s, &s).unwrap();
        pairs.machine().write(&mut of_t, &t).unwrap();
        let [s_at, t_at, in_s_at, in_t_at] =
            [&of_s, &of_t, &out_s, &out_t].map(|memory| pairs.machine().address(memory));
        let mut best = f64::INFINITY;
        for _ in 0..10 {
            let start = Instant::now();
            let value = pairs.evaluate_at((s_at, n), (t_at, n), in_s_at, in_t_at, double).unwrap();
            pairs.machine().synchronize().unwrap();
            best = best.min(start.elapsed().as_secs_f64());
            assert!((value.mean - expected).abs() <= 2.0 * bound * expected, "{name}: {:e}", value.mean);
        }
        let written = if double { 0.0 } else { f64::from(f32::EPSILON) };
        for (memory, want) in [(&out_s, &in_s), (&out_t, &in_t)] {
            let mut raw = vec![0; s.len()];
            pairs.machine().read(memory, &mut raw).unwrap();
            let size = if double { 8 } else { 4 };
            for (raw, want) in raw.chunks(size).zip(want) {
                let got = match raw.try_into() {
                    Ok(four) => f64::from(f32::from_ne_bytes(four)),
                    Err(_) => f64::from_ne_bytes(raw.try_into().unwrap()),
                };
                assert!((got - want).abs() <= (2.0 * bound + written) * want.abs(), "{name}: {got:e} for {want:e}");
            }
        }
        let rate = (n as f64).powi(2) / best;
        let share = floor.map_or(String::new(), |floor| format!("  {:.0} % of an H200's floor", 100.0 * rate / floor));
        println!("BENCH pair loss {name}: {:.1} us  {rate:.3e} pairs/s{share}", 1e6 * best);
    }
}
