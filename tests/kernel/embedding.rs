//! A host program: three cells, and the MIME types they gave. Read this to embed the evaluator.

use std::path::PathBuf;
use widemargin::session::{Options, Session};

#[test]
fn a_host_program_evaluates_three_cells() {
    // A program that calls `widemargin::session::hook()` first in `main` leaves `program` out.
    let options = Options { program: Some(PathBuf::from(env!("CARGO_BIN_EXE_widemargin"))), ..Options::default() };
    let mut session = Session::start(&options, &mut |line| println!("{line}")).expect("the prelude builds");
    let mut shown = Vec::new();
    for cell in [
        "let pair = digits()?.pair(3, 8)?;",
        "pair.train",
        "let (pos, neg) = synthetic::two_points()?.points()?;\n\
         figure::boundary(&pos, &neg, &[(\"maximum margin\", &hard_margin(&pos, &neg)?)])?",
    ] {
        // Outputs arrive in the closure while the cell runs; the outcome holds them all.
        let outcome = session.eval(cell, &mut |_output| {}).expect("the evaluator answers");
        assert!(outcome.error.is_none(), "{:?}", outcome.error);
        println!("{:.2} s {:?}", outcome.seconds, outcome.mime_types());
        shown.push(outcome.mime_types().concat());
    }
    assert_eq!(shown[0], Vec::<String>::new());
    assert_eq!(shown[1], ["text/html", "text/plain"]);
    assert_eq!(shown[2], ["application/vnd.plotly.v1+json", "image/png", "text/plain"]);
    assert!(session.variables().iter().any(|(name, kind)| name == "pair" && kind.ends_with("Pair")));
}
