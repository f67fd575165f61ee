//! The session's own lines at the head of a cell.

use crate::{bad, good, shared, value};
use widemargin::session::{Stage, Stream};

/// The optimiser keeps one of two functions with the same code, under both names.
const MERGED: &str = "#[inline(never)] fn LEVEL_a() -> u64 { 1_234_567 }\n#[inline(never)] fn LEVEL_b() -> u64 { 1_234_567 }\n\
    LEVEL_a as fn() -> u64 as usize == LEVEL_b as fn() -> u64 as usize";

#[test]
fn a_cell_is_optimised_by_a_line_at_its_head() {
    let mut session = shared();
    let merged = |session: &mut _, head: &str, name: &str| {
        value(&good(session, &format!("{head}{}", MERGED.replace("LEVEL", name))))
    };
    assert_eq!(merged(&mut session, "", "plain"), "false");
    assert_eq!(merged(&mut session, ":opt 3\n", "optimised"), "true");
    assert_eq!(merged(&mut session, "", "later"), "false");
}

#[test]
fn lines_of_errors_count_the_switches() {
    let mut session = shared();
    let error = bad(&mut session, ":opt 1\nlet fine = 1;\nlet wrong: u8 = \"text\";");
    assert_eq!((error.stage, error.line), (Stage::Compile, Some(3)));
}

#[test]
fn timing_prints_the_phases_until_it_is_turned_off() {
    let mut session = shared();
    let text = good(&mut session, ":timing\n1 + 1").text(Stream::Stdout);
    assert!(text.starts_with("timing: ") && text.contains("compile ") && text.contains("load and run "), "{text}");
    assert!(good(&mut session, ":timing").outputs.is_empty());
    assert!(good(&mut session, "let untimed = 1;").outputs.is_empty());
}

#[test]
fn quit_does_not_end_the_host() {
    let mut session = shared();
    assert!(bad(&mut session, ":quit").message.contains("shut the kernel down"));
    assert_eq!(value(&good(&mut session, "2 + 2")), "4");
}
