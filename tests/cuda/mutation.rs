//! Mistakes put into the sources on purpose: the table must catch each. A child process runs it for every mutant, since
//! one may crash or never end.

use crate::host::Builder;
use std::process::Command;
use std::time::{Duration, Instant};
use widemargin::cuda::Source;

/// A file, a text in it, its occurrence from 0, what it becomes.
const MUTANTS: [(&str, &str, usize, &str); 37] = [
    // Barriers that are gone, in the order of the files.
    ("pair_exact.cu", "    __syncthreads();\n    double sum = 0.0;", 0, "    double sum = 0.0;"),
    ("pair_exact.cu", "__syncthreads();", 2, ""),
    ("pair_exact.cu", "        __syncthreads();\n        for (u32 group", 0, "        for (u32 group"),
    ("pair_boxes.cu", "__syncthreads();", 0, ""),
    ("pair_boxes.cu", "__syncthreads();", 1, ""),
    ("pair_boxes.cu", "__syncthreads();", 2, ""),
    ("pair_separated.cu", "__syncthreads();", 0, ""),
    ("layers.cu", "__syncthreads();", 0, ""),
    ("attack_course.cu", "__syncthreads();", 0, ""),
    ("attack_step.cu", "__syncthreads();", 0, ""),
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
    ("columns.cu", "if (window >= windows) return;", 0, ""),
    ("columns.cu", "columns += windows;", 0, "columns += windows - 1;"),
    ("columns.cu", "y < height && at < width", 0, "at < width"),
    ("columns.cu", "row < oh;", 0, "row <= oh;"),
    ("columns.cu", "down % stride == 0 && ", 0, ""),
    ("columns.cu", "if (at >= a * pixels) return;", 0, ""),
    ("columns.cu", "+ bias[first]", 0, "+ bias[second]"),
    ("pool.cu", "min(rows, y / stride + 1)", 0, "y / stride + 1"),
    ("pool.cu", "(at - size) / stride + 1", 0, "(at - size) / stride"),
    ("layers.cu", "* gridDim.x + blockIdx.x) * pixels", 0, "+ blockIdx.x * examples) * pixels"),
    ("attack_course.cu", "(size_t)(row + 1) * width; at +=", 0, "(size_t)(row + 1) * width - 1; at +="),
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
    ("pool.cu", "value > corner[best]", 0, "value >= corner[best]"),
    ("attack_course.cu", "&& k != except", 0, ""),
];

fn mutated(text: &str, find: &str, occurrence: usize, replace: &str) -> String {
    let (at, _) = text.match_indices(find).nth(occurrence).unwrap_or_else(|| panic!("{find} is not in the source"));
    format!("{}{replace}{}", &text[..at], &text[at + find.len()..])
}

const LOSS: &[&str] = &["large_sides", "separated_sides", "no_order", "a_bad_score"];
const LAYERS: &[&str] = &["layers::"];
const ATTACK: &[&str] = &["course::", "step::"];

/// The tests that must catch a mistake in a file.
fn tests_of(file: &str) -> &'static [&'static str] {
    match file {
        "columns.cu" | "pool.cu" | "layers.cu" => LAYERS,
        "attack_course.cu" | "attack_step.cu" => ATTACK,
        _ => LOSS,
    }
}

/// Whether the child fails, crashes or never ends.
fn is_caught(library: &std::path::Path, tests: &[&str]) -> bool {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--test-threads=1", "--skip", "a_card"]).args(tests);
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
    assert!(!is_caught(&sound, &[LOSS, LAYERS, ATTACK].concat()), "the sources themselves fail");
    let mut missed = Vec::new();
    for (at, (file, find, occurrence, replace)) in MUTANTS.iter().enumerate() {
        let source = Source::ALL.into_iter().find(|source| source.file == *file).unwrap();
        let text = mutated(source.text, find, *occurrence, replace);
        let library = builder.build(&format!("mutant{at}"), Some((source, &text))).unwrap();
        let caught = is_caught(&library, tests_of(file));
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
