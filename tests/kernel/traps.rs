//! The traps that were measured before the first line was written, each held shut.

use crate::{bad, good, shared, value};
use widemargin::session::{Output, Stage, Stream};

/// T1: with dependencies linked into every cell the second cell's gradient is [4, 7].
#[test]
fn a_gradient_across_cells_equals_the_gradient_within_one() {
    let mut session = shared();
    let whole = "{ let w = Var::from_slice(&[3f32, 5.], 2, &Device::Cpu)?; \
                 let x = Tensor::from_slice(&[1f32, 2.], 2, &Device::Cpu)?; \
                 let g = (w.as_tensor() * &x)?.sum_all()?.backward()?; g.get(&w).unwrap().to_vec1::<f32>()? }";
    let one_cell = value(&good(&mut session, whole));
    good(&mut session, "let t1_w = Var::from_slice(&[3f32, 5.], 2, &Device::Cpu)?;");
    good(&mut session, "let t1_x = Tensor::from_slice(&[1f32, 2.], 2, &Device::Cpu)?;");
    good(&mut session, "let t1_g = (t1_w.as_tensor() * &t1_x)?.sum_all()?.backward()?;");
    let across = value(&good(&mut session, "t1_g.get(&t1_w).unwrap().to_vec1::<f32>()?"));
    assert_eq!(across, one_cell);
    assert_eq!(across, "[1.0, 2.0]"); // d(w.x)/dw = x
}

/// T1: one library holds the statics, however many cells are loaded.
#[test]
fn every_cell_uses_the_same_copy_of_the_prelude() {
    let mut session = shared();
    let address = "candle_nn::ops::softmax_last_dim as fn(&Tensor) -> candle_core::Result<Tensor> as usize";
    assert_eq!(value(&good(&mut session, address)), value(&good(&mut session, address)));
    let maps = "std::fs::read_to_string(\"/proc/self/maps\")?.lines().filter_map(|l| l.split_whitespace().last())\
                .filter(|p| p.contains(\"libwidemargin\")).collect::<std::collections::HashSet<_>>().len()";
    assert_eq!(value(&good(&mut session, maps)), "1");
}

/// T2: evcxr returns `Ok` for a cell stopped by `?`.
#[test]
fn a_question_mark_is_an_error_with_its_message_and_line() {
    let mut session = shared();
    let error = bad(&mut session, "let t2 = 1;\nlet t2_parsed: i32 = \"seven\".parse::<i32>()?;\nprintln!(\"never\");");
    assert_eq!(error.stage, Stage::Question);
    assert_eq!(error.message, "invalid digit found in string");
    assert_eq!(error.line, Some(2));
}

/// T2: evcxr returns `Ok` for a cell that panicked.
#[test]
fn a_panic_is_an_error_with_its_message_and_line() {
    let mut session = shared();
    let error = bad(&mut session, "println!(\"before\");\n\npanic!(\"no {}\", \"good\");");
    assert_eq!((error.stage, error.message.as_str(), error.line), (Stage::Panic, "no good", Some(3)));
}

/// A panic that code catches is no error of the cell.
#[test]
fn a_caught_panic_is_no_error() {
    let mut session = shared();
    let outcome = good(&mut session, "std::panic::catch_unwind(|| panic!(\"inner\")).is_err()");
    assert_eq!(value(&outcome), "true");
}

/// T3: evcxr keeps one block per MIME type and delivers it after the text.
#[test]
fn two_figures_and_the_text_between_them_keep_their_order() {
    let mut session = shared();
    let cell = "let t3 = Bundle::text(\"figure\").with(\"application/vnd.plotly.v1+json\", \"{}\");\n\
                struct T3(Bundle); impl Show for T3 { fn bundle(&self) -> Bundle { self.0.clone() } }\n\
                println!(\"one\"); show(&T3(t3.clone())); print!(\"two \"); print!(\"three\\n\"); show(&T3(t3)); print!(\"end\");";
    let outputs = good(&mut session, cell).outputs;
    let kinds: Vec<String> = outputs
        .iter()
        .map(|output| match output {
            Output::Text(Stream::Stdout, text) => text.clone(),
            Output::Display(bundle) => bundle.data.keys().cloned().collect::<Vec<_>>().join(" "),
            other => format!("{other:?}"),
        })
        .collect();
    let figure = "application/vnd.plotly.v1+json text/plain";
    assert_eq!(kinds, ["one\n", figure, "two three\n", figure, "end"]);
}

/// T4: a notebook prints `Display` only, so the message alone must be complete.
#[test]
fn a_message_is_complete_by_itself() {
    let mut session = shared();
    let error = bad(
        &mut session,
        "Tensor::zeros((2, 3), DType::F32, &Device::Cpu)?.matmul(&Tensor::zeros((2, 3), DType::F32, &Device::Cpu)?)?;",
    );
    assert!(error.message.contains("[2, 3]") && error.message.lines().count() == 1, "{}", error.message);
}

/// T15: salsa 0.28.5 breaks rust-analyzer 0.0.347.
#[test]
fn the_lock_file_and_the_manifest_hold_salsa_back() {
    let lock = include_str!("../../Cargo.lock");
    let manifest = include_str!("../../Cargo.toml");
    for name in ["salsa", "salsa-macros", "salsa-macro-rules"] {
        assert!(lock.contains(&format!("name = \"{name}\"\nversion = \"0.28.2\"")), "{name} in Cargo.lock");
        assert!(manifest.contains(&format!("{name} = {{ version = \"=0.28.2\"")), "{name} in Cargo.toml");
    }
}

/// T16: an unoptimised rust-analyzer takes 27 to 84 s to start.
#[test]
fn dependencies_are_optimised_in_every_profile() {
    let manifest = include_str!("../../Cargo.toml");
    let section = manifest.split("[profile.dev.package.\"*\"]").nth(1).expect("the section is there");
    let level = section.lines().find_map(|line| line.strip_prefix("opt-level = "));
    assert!(level.is_some_and(|level| matches!(level, "2" | "3")), "{level:?}");
}

/// T17: evcxr waits until somebody has read all it printed.
#[test]
fn a_flood_of_output_does_not_hang_the_session() {
    let mut session = shared();
    let outcome = good(&mut session, "for i in 0..100_000 { println!(\"{i}\"); }");
    assert_eq!(outcome.text(Stream::Stdout).lines().count(), 100_000);
}
