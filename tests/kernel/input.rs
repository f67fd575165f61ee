//! Cells that read their standard input.

use crate::{bad, good, start, value};
use std::sync::{Arc, Mutex};
use widemargin::session::{InputRequest, Stage, Stream};

const SUM: &str = "let mut sum = 0; for _ in 0..2 { let mut line = String::new(); std::io::stdin().read_line(&mut line)?; \
                   sum += line.trim().parse::<i32>()?; } sum";

#[test]
fn a_cell_reads_typed_lines_or_the_end_of_its_input() {
    let mut session = start();
    good(&mut session, "let kept = 7;");
    let asked = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&asked);
    let mut lines = ["1", "20", "x y", "unread"].into_iter();
    session.set_input(Some(Box::new(move |request: &InputRequest| {
        seen.lock().expect("not poisoned").push(request.clone());
        lines.next().map(str::to_owned)
    })));
    assert_eq!(value(&good(&mut session, SUM)), "21");
    assert_eq!(*asked.lock().expect("not poisoned"), vec![InputRequest::default(); 2]);

    // evcxr_input's words: a prompt on a line of its own, which is not shown as text.
    let outcome = good(
        &mut session,
        "println!(\"EVCXR_INPUT_REQUEST_PASSWORD:secret?\"); let mut word = String::new(); std::io::stdin().read_line(&mut word)?; word",
    );
    assert_eq!((value(&outcome), outcome.text(Stream::Stdout)), ("\"x y\\n\"".to_owned(), String::new()));
    let last = asked.lock().expect("not poisoned").pop();
    assert_eq!(last, Some(InputRequest { prompt: "secret?".into(), password: true }));

    // Nobody answers: the reader is asked once more and gives up, or there is none.
    session.set_input(None);
    let error = bad(&mut session, "std::io::stdin().read_line(&mut String::new())?");
    assert_eq!(error.stage, Stage::Input, "{error}");
    assert_eq!(value(&good(&mut session, "kept")), "7");
    session.set_input(Some(Box::new(|_: &InputRequest| Some("4".into()))));
    assert_eq!(value(&good(&mut session, SUM)), "8");
}
