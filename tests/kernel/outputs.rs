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

fn texts(outputs: &[Output]) -> Vec<String> {
    let text = |output: &Output| match output {
        Output::Text(_, text) => text.clone(),
        Output::Display(bundle) | Output::Result(bundle) | Output::Update(_, bundle) => {
            bundle.plain().unwrap_or("no text").to_owned()
        }
        Output::Clear { wait } => format!("clear {wait}"),
    };
    outputs.iter().map(text).collect()
}

#[test]
fn a_loop_shows_its_progress_in_one_output_that_ends_with_the_last_state() {
    let mut session = shared();
    let mut seen = Vec::new();
    let cell = "let mut passed = 0; for _ in bar(\"steps\", 0..30) { passed += 1; \
                std::thread::sleep(std::time::Duration::from_millis(10)); }\npassed";
    let start = std::time::Instant::now();
    let outcome = session.eval(cell, &mut |output| seen.push(output.clone())).expect("the evaluator answers");
    let seconds = start.elapsed().as_secs_f64();
    assert_eq!(texts(&outcome.outputs), ["steps: 30/30", "30"]);
    let updates = seen.iter().filter(|output| matches!(output, Output::Update(..))).count();
    // The first, the last, and at most ten a second between.
    assert!(updates >= 3 && updates as f64 <= 2.0 + 10.0 * seconds, "{updates} updates in {seconds} s");
    let Output::Update(_, bundle) = &outcome.outputs[0] else { panic!("{:?}", outcome.outputs) };
    assert!(bundle.data["text/html"].as_str().unwrap().starts_with("<progress value=\"30\" max=\"30\""));
}

#[test]
fn a_loop_that_breaks_keeps_the_state_it_reached() {
    let mut session = shared();
    let cell = "for k in bar(\"tries\", 0..1000) { if k == 7 { break; } }";
    assert_eq!(texts(&good(&mut session, cell).outputs), ["tries: 7/1000"]);
    let open = "for k in bar(\"tries\", std::iter::successors(Some(1), |k| (*k < 9).then_some(k + 1))) { let _ = k; }";
    assert_eq!(texts(&good(&mut session, open).outputs), ["tries: 9"]);
}

#[test]
fn a_slot_changes_in_this_cell_and_in_a_later_one() {
    let mut session = shared();
    let first = good(
        &mut session,
        "let slot = Slot::new(&Bundle::text(\"old\")); println!(\"between\"); slot.update(&Bundle::text(\"new\"));",
    );
    assert_eq!(texts(&first.outputs), ["new", "between\n"]);
    let second = good(&mut session, "slot.update(&Bundle::text(\"newest\"));");
    let (Output::Update(a, _), Output::Update(b, _)) = (&first.outputs[0], &second.outputs[0]) else {
        panic!("{first:?} {second:?}")
    };
    assert_eq!(a, b);
    assert!(good(&mut session, "slot").outputs.is_empty());
}

#[test]
fn clear_output_removes_what_came_before_at_once_or_with_the_next_output() {
    let mut session = shared();
    let mut seen = Vec::new();
    let cell = "print!(\"a\"); clear_output(false); println!(\"b\"); clear_output(true); println!(\"c\");";
    let outcome = session.eval(cell, &mut |output| seen.push(output.clone())).expect("the evaluator answers");
    assert_eq!(texts(&outcome.outputs), ["c\n"]);
    assert_eq!(texts(&seen), ["a", "clear false", "b\n", "clear true", "c\n"]);
    let waits = good(&mut session, "println!(\"kept\"); clear_output(true);");
    assert_eq!(texts(&waits.outputs), ["kept\n"]);
}

#[test]
fn unfinished_lines_and_carriage_returns_arrive_while_the_cell_runs() {
    let mut session = shared();
    let (sender, receiver) = std::sync::mpsc::channel();
    let cell =
        "for k in 0..3 { print!(\"\\r{k}\"); std::thread::sleep(std::time::Duration::from_millis(200)); } println!();";
    let mut sink = |output: &Output| {
        let _ = sender.send((std::time::Instant::now(), output.clone()));
    };
    session.eval(cell, &mut sink).expect("the evaluator answers");
    let arrivals: Vec<_> = receiver.try_iter().collect();
    assert_eq!(
        arrivals.iter().flat_map(|(_, output)| texts(std::slice::from_ref(output))).collect::<String>(),
        "\r0\r1\r2\n"
    );
    // The first came before the two sleeps that follow it; half of them allows for a busy machine.
    let last = arrivals.last().expect("arrivals").0;
    assert!(last.duration_since(arrivals[0].0).as_millis() > 200, "{arrivals:?}");
}

#[test]
fn tensors_and_sets_show_themselves() {
    let mut session = shared();
    let tensor = "Tensor::new(&[[1f32, f32::NAN]], &Device::Cpu)?";
    let shown = value(&good(&mut session, tensor));
    assert!(shown.starts_with("Tensor (1, 2) f32 on cpu: 2 values, NOT FINITE: 1 NaN"), "{shown}");
    assert_eq!(value(&good(&mut session, &format!("let shown_t = {tensor};\n&shown_t"))), shown);
    assert_eq!(value(&good(&mut session, "Some(shown_t.clone())")), shown);
    let html = |session: &mut _, cell: &str| match &good(session, cell).outputs[..] {
        [Output::Result(bundle)] => bundle.data["text/html"].as_str().expect("HTML").to_owned(),
        other => panic!("{other:?}"),
    };
    assert!(html(&mut session, "digits()?.pair(3, 8)?.train").contains("<img alt=\"The first 8 images of each class"));
    assert!(html(&mut session, "Table::new(\"mine\", [\"a\"])").contains("<caption>mine</caption>"));
}

#[test]
fn a_value_that_cannot_show_itself_is_named_and_a_long_one_is_cut() {
    let mut session = shared();
    let named = value(&good(&mut session, "struct Hidden;\nHidden"));
    assert_eq!(named, "a value of type Hidden; #[derive(Debug)] or `impl Show` makes it visible");
    let long = value(&good(&mut session, "vec![1.5f64; 1_000_000]"));
    assert!(long.starts_with("[1.5, 1.5,") && long.len() < 10_100, "{}", long.len());
    assert!(long.ends_with("(cut here: print it with println! to see all of it)"), "{}", &long[long.len() - 80..]);
    assert_eq!(value(&good(&mut session, "(1, Some(\"two\"), [3.0])")), "(1, Some(\"two\"), [3.0])");
    assert_eq!(value(&good(&mut session, "Err::<i32, _>(\"no\")")), "Err(\"no\")");
}

#[test]
fn a_figure_carries_plotly_a_picture_and_words() {
    let mut session = shared();
    let cell = "figure::boundary(&[vec![1.0, 0.0]], &[vec![-1.0, 0.0]], &[])?";
    let shown = good(&mut session, cell).mime_types();
    assert_eq!(shown, [["application/vnd.plotly.v1+json", "image/png", "text/plain"]]);
}
