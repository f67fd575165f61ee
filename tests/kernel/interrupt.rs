//! Stopping a running cell.

use crate::{bad, good, start, value};
use std::time::Duration;
use widemargin::session::Stage;

#[test]
fn one_interrupt_keeps_the_variables_and_two_end_the_cell() {
    let mut session = start();
    good(
        &mut session,
        "let kept = 7; let pair = digits()?.pair(3, 8)?; let mut net = Classifier::mlp(&Mlp::default(), 1)?;",
    );
    let interrupter = session.interrupter();

    // A training of a million epochs takes hours; one interrupt ends it with the history so far.
    let polite = interrupter.clone();
    let mut begun = false;
    let cell = "let run = Trainer { epochs: 1_000_000, ..Trainer::default() }.fit(&mut net, &pair.train)?;";
    let outcome = session.eval(cell, &mut |_| {
        // The first progress line: the training runs.
        if !std::mem::replace(&mut begun, true) {
            polite.interrupt();
        }
    });
    let outcome = outcome.expect("the evaluator answers");
    assert!(outcome.error.is_none(), "{:?}", outcome.error);
    assert_eq!(value(&good(&mut session, "(run.interrupted, run.epochs.len() < 1_000_000, kept)")), "(true, true, 7)");

    // A loop that never asks needs the second.
    let forced = interrupter.clone();
    let mut begun = false;
    let outcome = session.eval(
        "println!(\"on\"); loop { std::thread::sleep(std::time::Duration::from_millis(5)); }",
        &mut |_| {
            if !std::mem::replace(&mut begun, true) {
                forced.interrupt();
                std::thread::sleep(Duration::from_millis(50));
                forced.interrupt();
            }
        },
    );
    let error = outcome.expect("the evaluator answers").error.expect("the cell was killed");
    assert_eq!(error.stage, Stage::Crash);
    assert!(error.lost.contains(&"kept".to_owned()), "{:?}", error.lost);
    assert_eq!(value(&good(&mut session, "digits()?.train.len()")), "1197");

    // Without a running cell an interrupt does nothing.
    interrupter.interrupt();
    interrupter.interrupt();
    assert_eq!(bad(&mut session, "kept").name, "E0425");
    assert_eq!(value(&good(&mut session, "1 + 1")), "2");
}

#[test]
fn an_interrupt_while_a_cell_is_compiled_ends_the_compiler_and_loses_nothing() {
    let mut session = start();
    good(&mut session, "let kept = 7;");
    // Four hundred functions with iterators keep the compiler busy for seconds.
    let function = |i: usize| {
        format!(
            "fn f{i}() -> Vec<String> {{ (0..{i}).map(|x| format!(\"{{x:?}}\")).filter(|s| s.len() > 2).collect() }}\n"
        )
    };
    let functions: String = (0..400).map(function).collect();
    let calls: Vec<String> = (0..400).map(|i| format!("f{i}().len()")).collect();
    let cell = format!("{functions}let never: usize = [{}].iter().sum();", calls.join(", "));
    let interrupter = session.interrupter();
    let stopper = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(700));
        interrupter.interrupt();
    });
    let error = bad(&mut session, &cell);
    stopper.join().expect("it only waits");
    assert_eq!((error.stage, error.lost), (Stage::Interrupted, Vec::new()));
    assert_eq!(value(&good(&mut session, "kept")), "7");
    assert_eq!(bad(&mut session, "never").name, "E0425");
}
