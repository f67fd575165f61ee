//! How long cells take: start, trivial cells, many variables, tensors, a training, a figure, completion.
//!
//! `cargo bench --bench cell_latency` prints the median and the least of each in milliseconds, after it has checked the
//! cell's value. A program that hosts a session is also its worker and its compiler's wrapper, so the first call is the
//! hook. `tests/benches/stock_kernel.py` runs the same cells on another installed kernel for comparison.

use std::time::Instant;
use widemargin::session::{Options, Outcome, Output, Session};

const TRAINING: &str = include_str!("training_cell.rs.txt");
const FIGURE: &str = include_str!("figure_cell.rs.txt");

fn main() {
    widemargin::session::hook();
    let start = Instant::now();
    let mut session = Session::start(&Options::default(), &mut |line| eprintln!("{line}")).expect("a session starts");
    report("start to ready", vec![start.elapsed().as_secs_f64()], None);
    run(&mut session, "first prelude cell", 1, |_| "digits()?.train.len()".into(), Some("1197"));
    run(&mut session, "first let", 1, |_| "let first = Tensor::zeros(3, DType::F32, &Device::Cpu)?;".into(), None);
    run(&mut session, "x + 1, shown", 15, |i| format!("{i} + 1"), None);
    run(&mut session, "let x = i;", 15, |i| format!("let x = {i};"), None);
    run(&mut session, "println!", 15, |i| format!("println!(\"{i}\");"), None);
    run(&mut session, "let t = tensor", 9, |_| "let t = Tensor::arange(0f32, 8., &Device::Cpu)?;".into(), None);
    run(&mut session, "t, shown", 9, |_| "t".into(), None);
    run(&mut session, "thirty lines of training", 7, |_| TRAINING.into(), None);
    run(&mut session, "plotly figure built in the cell", 5, |_| FIGURE.into(), None);
    let points = "let points = (vec![vec![2., 1.], vec![3., 1.]], vec![vec![0., 0.], vec![0., 1.]]);";
    run(&mut session, "points", 1, |_| points.into(), None);
    let boundary = "figure::boundary(&points.0, &points.1, &[(\"SVM\", &hard_margin(&points.0, &points.1)?)])?";
    run(&mut session, "figure by a prelude call", 7, |_| boundary.into(), None);
    let complete = |session: &mut Session| {
        let begun = Instant::now();
        let found = session.complete("t.sq", 4).expect("the code can be analysed");
        assert!(found.matches.iter().any(|(text, _)| text.starts_with("sqrt")), "{:?}", found.matches);
        begun.elapsed().as_secs_f64()
    };
    let times = (0..9).map(|_| complete(&mut session)).collect();
    report("completion t.sq", times, None);
    let inspect = |session: &mut Session| {
        let begun = Instant::now();
        assert!(session.inspect("Tensor", 0).is_some());
        begun.elapsed().as_secs_f64()
    };
    let times = (0..9).map(|_| inspect(&mut session)).collect();
    report("inspection of Tensor", times, None);
    let many: String = (0..40).map(|i| format!("let v{i} = vec![{i}];\n")).collect();
    run(&mut session, "forty variables made", 1, |_| many.clone(), None);
    run(&mut session, "x + 1 with forty variables", 15, |i| format!("{i} + 1"), None);
    println!("{:<36} {:>8.0} MB", "memory of this process", memory());
}

fn run(session: &mut Session, name: &str, times: usize, cell: impl Fn(usize) -> String, expected: Option<&str>) {
    let mut seconds = Vec::new();
    let mut phases = None;
    for i in 0..times {
        let outcome = session.eval(&cell(i), &mut |_| {}).expect("the evaluator answers");
        assert!(outcome.error.is_none(), "{name}: {:?}", outcome.error);
        if let Some(expected) = expected {
            assert_eq!(text(&outcome), expected, "{name}");
        }
        seconds.push(outcome.seconds);
        phases = Some(outcome.phases);
    }
    report(name, seconds, phases);
}

fn text(outcome: &Outcome) -> String {
    let results = outcome.outputs.iter().filter_map(|output| match output {
        Output::Result(bundle) => bundle.data.get("text/plain")?.as_str(),
        _ => None,
    });
    results.collect()
}

fn report(name: &str, mut seconds: Vec<f64>, phases: Option<Vec<(String, f64)>>) {
    seconds.sort_by(f64::total_cmp);
    let (median, least) = (1e3 * seconds[seconds.len() / 2], 1e3 * seconds[0]);
    let phases = phases.unwrap_or_default();
    let phases: Vec<String> = phases.iter().map(|(phase, s)| format!("{phase} {:.0}", 1e3 * s)).collect();
    println!("{name:<36} {median:>8.0} ms (least {least:.0})  last: {}", phases.join(", "));
}

/// Resident memory in megabytes.
fn memory() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or("0 kB");
    line.split_whitespace().next().and_then(|kb| kb.parse::<f64>().ok()).unwrap_or(f64::NAN) / 1e3
}
