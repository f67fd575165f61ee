//! Hosting, both ways: the Jupyter kernel in front of an evaluator that is not ours. Read this to serve your own.

use crate::sockets::{ask, connect, connection, listening};
use serde_json::json;
use std::sync::Arc;
use widemargin::display::Bundle;
use widemargin::jupyter::serve;
use widemargin::session::{CellError, Completions, Evaluator, Outcome, Output, Reader, Stage, Stop};

/// Adds the whole numbers of a cell to a running total.
#[derive(Default)]
struct Adder {
    total: i64,
}

/// Its cells end at once, so there is nothing to stop.
struct Nothing;

impl Stop for Nothing {
    fn interrupt(&self) {}
    fn kill(&self) {}
}

impl Evaluator for Adder {
    fn eval(&mut self, code: &str, sink: &mut (dyn FnMut(&Output) + Send)) -> widemargin::Result<Outcome> {
        let mut outcome = Outcome::default();
        for word in code.split_whitespace() {
            match word.parse::<i64>() {
                Ok(number) => self.total += number,
                Err(_) => {
                    outcome.error = Some(CellError::new(Stage::Compile, "NotANumber", word));
                    return Ok(outcome);
                }
            }
        }
        let result = Output::Result(Bundle::text(self.total.to_string()));
        sink(&result);
        outcome.push(result);
        Ok(outcome)
    }

    fn complete(&mut self, code: &str, at: usize) -> Option<Completions> {
        code.is_empty().then(|| Completions { start: at, end: at, matches: vec![(self.total.to_string(), "number")] })
    }

    fn inspect(&mut self, _code: &str, _at: usize) -> Option<(String, String)> {
        Some((format!("total {}", self.total), format!("total <b>{}</b>", self.total)))
    }

    fn variables(&self) -> Vec<(String, String)> {
        vec![("total".into(), "i64".into())]
    }

    fn stopper(&self) -> Arc<dyn Stop> {
        Arc::new(Nothing)
    }

    fn set_input(&mut self, _reader: Option<Reader>) {}
}

#[test]
fn the_kernel_serves_an_evaluator_of_another_kind() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (path, ports) = connection(folder.path());
    let server = std::thread::spawn(move || serve(&path, false, Box::new(|_| Ok(Box::new(Adder::default())))));
    listening(&ports);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let (mut shell, mut control) = (connect(ports[0]).await, connect(ports[3]).await);
        let cell = |code: &str, ask_for: &str| json!({"code": code, "user_expressions": {"total": ask_for}});
        let reply = ask(&mut shell, "execute_request", cell("40 1", "1")).await;
        assert_eq!((&reply["status"], &reply["execution_count"]), (&json!("ok"), &json!(1)), "{reply}");
        assert_eq!(reply["user_expressions"]["total"]["data"]["text/plain"], "42");
        let reply = ask(&mut shell, "execute_request", json!({"code": "7 seven"})).await;
        assert_eq!(
            (&reply["status"], &reply["ename"], &reply["evalue"]),
            (&json!("error"), &json!("NotANumber"), &json!("seven"))
        );
        let reply = ask(&mut shell, "inspect_request", json!({"code": "", "cursor_pos": 0, "detail_level": 0})).await;
        assert_eq!(reply["data"]["text/plain"], "total 49");
        assert_eq!(
            ask(&mut shell, "complete_request", json!({"code": "", "cursor_pos": 0})).await["matches"],
            json!(["49"])
        );
        assert_eq!(ask(&mut control, "shutdown_request", json!({"restart": false})).await["status"], "ok");
    });
    server.join().expect("the server does not panic").expect("it ends in order");
}
