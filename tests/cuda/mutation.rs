//! Mistakes put into the sources on purpose: the table must catch each. A child process runs it for every mutant, since
//! one may crash or never end.

use crate::host::Builder;
use std::process::Command;
use std::time::{Duration, Instant};
use widemargin::cuda::Source;

/// A file, a text in it, its occurrence from 0, what it becomes.
const MUTANTS: [(&str, &str, usize, &str); 21] = [
    // Barriers that are gone, in the order of the files.
    ("pair_exact.cu", "    __syncthreads();\n    double sum = 0.0;", 0, "    double sum = 0.0;"),
    ("pair_exact.cu", "__syncthreads();", 2, ""),
    ("pair_exact.cu", "        __syncthreads();\n        for (u32 group", 0, "        for (u32 group"),
    ("pair_boxes.cu", "__syncthreads();", 0, ""),
    ("pair_boxes.cu", "__syncthreads();", 1, ""),
    ("pair_boxes.cu", "__syncthreads();", 2, ""),
    ("pair_separated.cu", "__syncthreads();", 0, ""),
    // A barrier that only some reach, a shuffle among lanes that are not all there.
    (
        "pair_exact.cu",
        "    __syncthreads();\n    for (u32 half",
        0,
        "    if (threadIdx.x < 32) __syncthreads();\n    for (u32 half",
    ),
    ("pair_exact.cu", "for (u32 step = 16;", 0, "if (threadIdx.x % 32 < 16) for (u32 step = 16;"),
    ("pair_exact.cu", "for (u32 step = 16; step > 0", 0, "for (u32 step = 16; step > 1"),
    // Wrong strides and bounds.
    (
        "pair_exact.cu",
        "(blockIdx.x * V + v) * blockDim.x + threadIdx.x",
        0,
        "(blockIdx.x * V + v) + blockDim.x * threadIdx.x",
    ),
    ("pair_exact.cu", "if (at >= padded) return;", 0, "if (at > padded) return;"),
    ("pair_exact.cu", "if (block >= blocks) return;", 0, ""),
    ("pair_exact.cu", "u32 first = blockIdx.y * share", 0, "u32 first = blockIdx.y * (share - 1)"),
    ("pair_boxes.cu", "if (cell < width)", 0, "if (cell <= width)"),
    ("pair_boxes.cu", "group * WINDOW * 8;", 0, "0;"),
    ("pair_boxes.cu", "point += GROUPS", 0, "point += GROUPS + 1"),
    // Wrong mathematics.
    (
        "pair_exact.cu",
        "derivative[v] = fma(derivative[v], b[v], q[v]);",
        0,
        "derivative[v] = fma(derivative[v], b[v], coefficient);",
    ),
    ("pair_exact.cu", "if (LOSS && --until_peel == 0) {", 0, "if (LOSS && false) {"),
    ("pair_boxes.cu", "source > to; source--", 0, "source > to + 1; source--"),
    ("pair_separated.cu", "power *= value;", 0, "power *= power;"),
];

fn mutated(text: &str, find: &str, occurrence: usize, replace: &str) -> String {
    let (at, _) = text.match_indices(find).nth(occurrence).unwrap_or_else(|| panic!("{find} is not in the source"));
    format!("{}{replace}{}", &text[..at], &text[at + find.len()..])
}

/// Whether the child fails, crashes or never ends.
fn is_caught(library: &std::path::Path) -> bool {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--test-threads=1", "large_sides", "separated_sides", "no_order", "a_bad_score"]);
    command.env("WIDEMARGIN_MUTANT", library).stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null());
    let mut child = command.spawn().unwrap();
    let began = Instant::now();
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return !status.success();
        }
        if began.elapsed() > Duration::from_secs(120) {
            child.kill().unwrap();
            child.wait().unwrap();
            return true;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn every_mistake_is_caught() {
    if std::env::var_os("WIDEMARGIN_MUTANT").is_some() {
        return;
    }
    let builder = match Builder::new("mutants") {
        Ok(builder) => builder,
        Err(why) => return crate::skip(&why),
    };
    let sound = builder.build("sound", None).unwrap();
    assert!(!is_caught(&sound), "the sources themselves fail");
    let mut missed = Vec::new();
    for (at, (file, find, occurrence, replace)) in MUTANTS.iter().enumerate() {
        let source = Source::ALL.into_iter().find(|source| source.file == *file).unwrap();
        let text = mutated(source.text, find, *occurrence, replace);
        let library = builder.build(&format!("mutant{at}"), Some((source, &text))).unwrap();
        let caught = is_caught(&library);
        println!(
            "{file}: {find:?} number {occurrence} becomes {replace:?}: {}",
            if caught { "caught" } else { "MISSED" }
        );
        if !caught {
            missed.push(at);
        }
    }
    assert!(missed.is_empty(), "mutants {missed:?} were missed");
}
