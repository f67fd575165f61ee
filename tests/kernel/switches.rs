//! The session's own lines at the head of a cell.

use crate::{bad, good, shared, value};
use widemargin::session::{Stage, Stream};

/// Debug assertions stay on at every level, so the level is seen by what the optimiser removes: a stack frame.
const INLINED: &str = "#[inline] fn LEVEL() -> usize { let here = 0u8; std::hint::black_box(&here) as *const u8 as usize }\n\
    { let there = 0u8; (std::hint::black_box(&there) as *const u8 as usize).abs_diff(LEVEL()) }";

#[test]
fn a_cell_is_optimised_by_a_line_at_its_head() {
    let mut session = shared();
    let frame = |session: &mut _, head: &str, name: &str| -> usize {
        let cell = format!("{head}{}", INLINED.replace("LEVEL", name));
        value(&good(session, &cell)).parse().expect("a distance in bytes")
    };
    let plain = frame(&mut session, "", "plain_level");
    let optimised = frame(&mut session, ":opt 3\n", "optimised_level");
    let after = frame(&mut session, "", "later_level");
    assert!(optimised < plain, "{optimised} {plain}");
    assert_eq!(after, plain);
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
