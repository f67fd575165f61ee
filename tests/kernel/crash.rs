//! A cell that takes its process down leaves a session that answers.

use crate::{bad, good, start, value};
use widemargin::session::Stage;

#[test]
fn after_exit_and_abort_and_overflow_the_next_cell_works() {
    let mut session = start();
    let overflow = "fn dive(n: u64) -> u64 { let big = [n; 4096]; if n == u64::MAX { 0 } else { big[9] + dive(n + 1) } }\n\
                    std::hint::black_box(dive(0));";
    let fault = "unsafe { std::ptr::null::<u8>().wrapping_add(8).read_volatile() };";
    // More than any machine has, so that the allocator refuses at once.
    let memory = "let much = vec![1u8; 1 << 46]; much.len();";
    let faults = [
        ("std::process::exit(3);", "exit(3)"),
        ("std::process::abort();", "it aborted"),
        (overflow, "stack overflow"),
        (fault, "memory that is not its own"),
        (memory, "failed allocation"),
    ];
    good(&mut session, "fn kept_function() -> i32 { 5 }");
    for (cell, why) in faults {
        good(&mut session, "let lost_here = 1;");
        let error = bad(&mut session, cell);
        assert_eq!(error.stage, Stage::Crash, "{error}");
        assert!(error.message.contains(why), "{cell}: {error}");
        assert_eq!(error.lost, ["lost_here"]);
        assert_eq!(value(&good(&mut session, "kept_function()")), "5");
        assert_eq!(value(&good(&mut session, "Tensor::zeros(3, DType::F32, &Device::Cpu)?.dims()[0]")), "3");
    }
}

#[test]
fn a_loop_that_prints_ends_by_interrupts_and_its_output_is_bounded() {
    let mut session = start();
    let interrupter = session.interrupter();
    let mut seen = 0;
    let outcome = session.eval("loop { println!(\"{}\", \"x\".repeat(1000)); }", &mut |_| {
        seen += 1;
        // The first interrupt is for code that asks; this loop never does.
        if seen == 50 {
            interrupter.interrupt();
            interrupter.interrupt();
        }
    });
    let outcome = outcome.expect("the evaluator answers");
    let error = outcome.error.expect("the cell was ended");
    assert!(error.message.contains("second interrupt"), "{error}");
    assert_eq!(value(&good(&mut session, "1 + 1")), "2");

    // 8 MiB of text: 4 are kept, and the cell says how much was not.
    let outcome = good(&mut session, "for _ in 0..8192 { print!(\"{}\", \"y\".repeat(1024)); }");
    let printed = outcome.text(widemargin::session::Stream::Stdout).len();
    assert!((3 << 20..=4 << 20).contains(&printed), "{printed}");
    let notes = outcome.text(widemargin::session::Stream::Stderr);
    assert!(notes.contains("over 4 MiB") && notes.contains("MiB were not kept"), "{notes}");
}
