//! What a failed cell says: the compiler in the cell's own lines, a panic with its backtrace folded.

use crate::{bad, shared};
use widemargin::session::{Output, Stage};

#[test]
fn a_suggestion_is_made_in_the_cells_line() {
    let mut session = shared();
    let detail = bad(&mut session, "let said = 1;\nlet borrowed: &i32 = said;").detail;
    let wanted = "2 | let borrowed: &i32 = &said;\n  |                      +\n";
    assert!(detail.contains("help: consider borrowing here") && detail.contains(wanted), "{detail}");
}

#[test]
fn a_suggestion_of_two_parts_is_made_at_both() {
    let mut session = shared();
    let detail = bad(&mut session, "let wrapped: Option<i32> = 40 + 2;").detail;
    let wanted = "1 | let wrapped: Option<i32> = Some(40 + 2);\n  |                            +++++      +\n";
    assert!(detail.contains(wanted), "{detail}");
}

#[test]
fn a_missing_use_is_named_by_itself() {
    let mut session = shared();
    let detail = bad(&mut session, "let counts: BTreeSet<i32> = BTreeSet::new();").detail;
    assert!(detail.contains("help: consider importing this struct\n"), "{detail}");
    assert!(detail.contains("  | use std::collections::BTreeSet;\n"), "{detail}");
}

#[test]
fn notes_say_where_something_was_defined() {
    let mut session = shared();
    // One span only: evcxr gives no place to a note of several.
    let cell = "fn two() -> f64 { 2.0 }\ntwo(\"a\");";
    let detail = bad(&mut session, cell).detail;
    assert!(detail.contains("note: function defined here\n --> cell:1:4\n1 | fn two()"), "{detail}");
    assert!(detail.contains("--> cell:2:5\n2 | two(\"a\");\n  |     ^^^ unexpected argument"), "{detail}");
}

/// evcxr drops the error itself here, which ends the message in a riddle: "function defined here".
#[test]
fn a_last_value_that_is_wrong_about_the_cells_own_function_says_how_to_learn_more() {
    let mut session = shared();
    let error = bad(&mut session, "fn thrice(x: f64) -> f64 { 3.0 * x }\nthrice(\"a\")");
    let wanted = "the last value does not compile; with a `;` behind it the reason is shown (function defined here)";
    assert_eq!(error.message, wanted);
}

#[test]
fn a_panic_of_a_called_function_has_a_folded_backtrace() {
    let mut session = shared();
    let cell = "#[inline(never)] fn deep(n: u32) -> u32 { if n == 0 { panic!(\"at the ground\") } else { deep(n - 1) + 1 } }\ndeep(2)";
    // After an earlier panic: the list of libraries that it read has no later ones.
    session.eval("panic!(\"before\")", &mut |_| {}).expect("the evaluator answers");
    let outcome = session.eval(cell, &mut |_| {}).expect("the evaluator answers");
    let error = outcome.error.expect("a panic");
    assert_eq!((error.stage, error.message.as_str(), error.line), (Stage::Panic, "at the ground", Some(1)));
    let [Output::Display(bundle)] = &outcome.outputs[..] else { panic!("{:?} {}", outcome.outputs, error.detail) };
    let (plain, html) = (bundle.plain().expect("text"), bundle.data["text/html"].as_str().expect("HTML"));
    assert!(
        plain.starts_with("backtrace: ") && plain.contains("deep") && plain.ends_with("called by the cell"),
        "{plain}"
    );
    assert!(html.starts_with("<details><summary>backtrace: "), "{html}");
    // Neither the machinery of panics nor the worker below the cell.
    assert!(!html.contains("panicking") && !html.contains("run_user_code") && !html.contains("main"), "{html}");
}

#[test]
fn a_panic_of_the_cell_itself_needs_no_backtrace() {
    let mut session = shared();
    let outcome = session.eval("panic!(\"here\")", &mut |_| {}).expect("the evaluator answers");
    assert_eq!(outcome.error.map(|error| error.message), Some("here".into()));
    assert!(outcome.outputs.is_empty(), "{:?}", outcome.outputs);
}
