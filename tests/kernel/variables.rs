//! What a failed cell does to variables.

use crate::{bad, good, shared, value};
use widemargin::session::Stage;

#[test]
fn a_cell_that_does_not_compile_names_line_and_code_and_loses_nothing() {
    let mut session = shared();
    good(&mut session, "let kept_a = vec![1, 2];");
    let error = bad(&mut session, "let kept_b = 1;\nlet kept_c: String = kept_a.len();");
    assert_eq!((error.stage, error.name.as_str(), error.line), (Stage::Compile, "E0308", Some(2)));
    assert!(error.detail.contains("kept_a.len()") && error.detail.contains('^'), "{}", error.detail);
    assert!(error.lost.is_empty(), "{:?}", error.lost);
    assert_eq!(value(&good(&mut session, "kept_a.len()")), "2");
}

#[test]
fn a_panic_and_a_question_mark_keep_earlier_variables() {
    let mut session = shared();
    good(&mut session, "let mut kept_d = vec![5];");
    bad(&mut session, "kept_d.push(6); panic!(\"stop\")");
    bad(&mut session, "kept_d.push(7); \"x\".parse::<u8>()?;");
    assert_eq!(value(&good(&mut session, "kept_d")), "[5, 6, 7]");
}

#[test]
fn a_variable_that_a_failed_cell_bound_anew_is_named_as_lost() {
    let mut session = shared();
    good(&mut session, "let rebound = 1;");
    let error = bad(&mut session, "let rebound = 2; \"x\".parse::<u8>()?;");
    assert_eq!(error.lost, ["rebound"]);
    assert!(error.to_string().contains("rebound"), "{error}");
}

#[test]
fn errors_in_text_that_is_not_ascii_are_reported() {
    let mut session = shared();
    let error = bad(&mut session, "let größe = 1;\nlet naïve: u8 = \"é\";");
    assert_eq!((error.name.as_str(), error.line), ("E0308", Some(2)));
}

#[test]
fn functions_types_and_macros_outlive_their_cell() {
    let mut session = shared();
    good(
        &mut session,
        "fn twice(x: i32) -> i32 { 2 * x }\nstruct Named { n: i32 }\nmacro_rules! three { () => { 3 } }",
    );
    assert_eq!(value(&good(&mut session, "twice(Named { n: three!() }.n)")), "6");
}

#[test]
fn variables_that_cells_do_not_name_live_on() {
    let mut session = shared();
    good(&mut session, "let mut unnamed_a = vec![1]; let unnamed_b = String::from(\"b\");");
    good(&mut session, "1 + 1");
    bad(&mut session, "panic!(\"between\")");
    bad(&mut session, "let never: u8 = 300u16;");
    good(&mut session, "unnamed_a.push(2);");
    // Named in a format string only.
    let printed = good(&mut session, "println!(\"{unnamed_b} {unnamed_a:?}\");");
    assert_eq!(printed.text(widemargin::session::Stream::Stdout), "b [1, 2]\n");
}

#[test]
fn a_type_defined_anew_loses_its_values_when_they_are_next_named() {
    let mut session = shared();
    good(&mut session, "#[derive(Debug)] struct Redefined { a: i32 }\nlet of_old_type = Redefined { a: 1 };");
    good(&mut session, "#[derive(Debug)] struct Redefined { b: i32 }\nlet of_new_type = Redefined { b: 2 };");
    let error = bad(&mut session, "of_old_type");
    assert_eq!(error.lost, ["of_old_type"], "{error}");
    assert_eq!(value(&good(&mut session, "of_new_type.b")), "2");
}
