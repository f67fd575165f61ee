//! On a card: the same table, twice the same bytes. `device.sh` runs this on a machine without Rust.

use crate::conformance::{METHODS, draw, evaluate, table};
use widemargin::cuda::{Gpu, Method, Pairs, Precision};

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
