//! What a cell prints and shows.

use crate::{good, shared, value};
use widemargin::session::{Output, Stream};

#[test]
fn text_without_a_newline_belongs_to_its_own_cell() {
    let mut session = shared();
    assert_eq!(good(&mut session, "print!(\"half\");").text(Stream::Stdout), "half");
    assert_eq!(good(&mut session, "println!(\"next\");").text(Stream::Stdout), "next\n");
}

#[test]
fn flushed_text_at_the_end_does_not_hang() {
    let mut session = shared();
    let cell = "use std::io::Write as _; print!(\"x\"); std::io::stdout().flush()?;";
    assert_eq!(good(&mut session, cell).text(Stream::Stdout), "x");
}

#[test]
fn standard_error_is_a_stream_of_its_own() {
    let mut session = shared();
    let outcome = good(&mut session, "eprintln!(\"warning\");");
    assert_eq!(outcome.outputs, [Output::Text(Stream::Stderr, "warning\n".into())]);
}

#[test]
fn the_last_value_is_shown_and_the_unit_is_not() {
    let mut session = shared();
    assert_eq!(value(&good(&mut session, "6 * 7")), "42");
    assert!(good(&mut session, "()").outputs.is_empty());
    assert!(good(&mut session, "for _ in 0..3 {}").outputs.is_empty());
}

#[test]
fn a_last_value_over_several_lines_is_shown() {
    let mut session = shared();
    let cell = "[1, 2, 3]\n    .iter()\n    .map(|x| (\n        x * 2\n    ))\n    .collect::<Vec<i32>>()";
    assert_eq!(value(&good(&mut session, cell)), "[2, 4, 6]");
}

#[test]
fn a_type_of_the_cell_shows_itself_before_debug() {
    let mut session = shared();
    let cell = "#[derive(Debug)] struct Shown; impl Show for Shown { fn bundle(&self) -> Bundle { Bundle::text(\"mine\") } }\nShown";
    assert_eq!(value(&good(&mut session, cell)), "mine");
    assert_eq!(value(&good(&mut session, "#[derive(Debug)] struct Plain;\nPlain")), "Plain");
}

#[test]
fn outputs_arrive_while_the_cell_runs() {
    let mut session = shared();
    let (sender, receiver) = std::sync::mpsc::channel();
    let cell = "print!(\"first\"); std::io::Write::flush(&mut std::io::stdout())?; \
                std::thread::sleep(std::time::Duration::from_millis(400)); println!(\" second\");";
    let mut sink = |output: &Output| {
        let _ = sender.send((std::time::Instant::now(), output.clone()));
    };
    session.eval(cell, &mut sink).expect("the evaluator answers");
    let arrivals: Vec<_> = receiver.try_iter().collect();
    assert_eq!(arrivals[0].1, Output::Text(Stream::Stdout, "first".into()));
    // The sleep of 400 ms lies between the two; half of it allows for a busy machine.
    assert!(arrivals[1].0.duration_since(arrivals[0].0).as_millis() > 200);
}

#[test]
fn an_update_replaces_the_output_with_its_id() {
    let mut session = shared();
    let cell =
        "let mut p = widemargin::progress::Progress::new(\"steps\", 50, false); for i in 1..=50 { p.update(i, \"\"); }";
    let outputs = good(&mut session, cell).outputs;
    assert_eq!(outputs.len(), 1, "{outputs:?}");
    let Output::Update(_, bundle) = &outputs[0] else { panic!("{outputs:?}") };
    assert_eq!(bundle.data["text/plain"], "steps: 50/50");
}
