//! The program: exit codes, messages, and nothing half-written.

use std::path::Path;
use std::process::{Command, Output};

fn widemargin(folder: &Path, arguments: &[&str]) -> Output {
    let program = env!("CARGO_BIN_EXE_widemargin");
    Command::new(program).args(arguments).current_dir(folder).output().expect("the program starts")
}

fn notebook(cells: &[&str]) -> String {
    let cells: Vec<_> = cells
        .iter()
        .enumerate()
        .map(|(i, source)| {
            serde_json::json!({"cell_type": "code", "id": format!("c{i}"), "metadata": {}, "source": source,
                "outputs": [], "execution_count": null})
        })
        .collect();
    serde_json::json!({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}).to_string()
}

/// Runs one notebook that must fail; returns stderr.
fn failing(content: &str) -> String {
    let folder = tempfile::tempdir().expect("a temporary folder");
    std::fs::write(folder.path().join("bad.ipynb"), content).expect("writable");
    let output = widemargin(folder.path(), &["run", "bad.ipynb", "--out", "out"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(!folder.path().join("out").exists(), "something was written for a notebook that failed");
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn a_file_that_is_not_json_is_refused_with_its_place() {
    let message = failing("{\"cells\": [,]}");
    assert!(message.contains("bad.ipynb") && message.contains("byte 11") && message.contains("not JSON"), "{message}");
}

#[test]
fn an_unknown_notebook_name_lists_the_known_ones() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    std::fs::create_dir(folder.path().join("notebooks")).expect("writable");
    std::fs::write(folder.path().join("notebooks/01-one.ipynb"), notebook(&[])).expect("writable");
    let output = widemargin(folder.path(), &["run", "07"]);
    let message = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1));
    assert!(message.contains("unknown notebook `07`; known: 01-one"), "{message}");
}

#[test]
fn without_the_notebooks_a_name_is_answered_with_where_to_start() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for command in ["run", "lab"] {
        let output = widemargin(folder.path(), &[command, "01"]);
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{error}");
        assert!(error.contains("no folder notebooks here; start in the folder that holds it"), "{error}");
    }
}

#[test]
fn a_failing_cell_is_named_with_its_notebook_and_line() {
    let message = failing(&notebook(&["let a = 1;", "let b = 2;\nlet c: u8 = \"x\".parse()?;"]));
    assert!(message.contains("bad: cell 2 (c1): line 2 stopped by ?: invalid digit"), "{message}");
}

#[test]
fn a_cell_that_does_not_compile_is_shown_with_its_code() {
    let message = failing(&notebook(&["let a: u8 = \"x\";"]));
    assert!(message.contains("cell 1 (c0): line 1 does not compile: mismatched types"), "{message}");
    assert!(message.contains("error[E0308]"), "{message}");
}

#[test]
fn a_shape_mismatch_in_a_question_mark_is_one_line() {
    let cell =
        "Tensor::zeros((2, 3), DType::F32, &Device::Cpu)?.matmul(&Tensor::zeros(2, DType::F32, &Device::Cpu)?)?;";
    let message = failing(&notebook(&[cell]));
    assert!(message.contains("shape mismatch in matmul, lhs: [2, 3], rhs: [2]"), "{message}");
}

#[test]
fn a_good_notebook_gives_an_executed_file_and_a_page() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    std::fs::write(folder.path().join("good.ipynb"), notebook(&["println!(\"<hello>\");", "2 + 2"])).expect("writable");
    let output = widemargin(folder.path(), &["run", "good.ipynb", "--out", "out"]);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let executed = std::fs::read_to_string(folder.path().join("out/good.ipynb")).expect("written");
    let executed: serde_json::Value = serde_json::from_str(&executed).expect("JSON");
    assert_eq!(executed["cells"][0]["outputs"][0]["text"], "<hello>\n");
    assert_eq!(executed["cells"][1]["outputs"][0]["data"]["text/plain"], "4");
    assert_eq!(executed["cells"][1]["execution_count"], 2);
    let page = std::fs::read_to_string(folder.path().join("out/good.html")).expect("written");
    assert!(page.contains("&lt;hello&gt;") && !page.contains("<hello>"));
}

#[test]
fn wrong_usage_exits_with_two() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    assert_eq!(widemargin(folder.path(), &["frobnicate"]).status.code(), Some(2));
}

#[test]
fn bad_data_names_and_panics_are_one_clear_message_each() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let cut = folder.path().join("data_batch_1.bin");
    std::fs::write(&cut, vec![1_u8; 3073 + 100]).expect("writable");
    let reader = format!("cifar10::read_file(std::path::Path::new({cut:?}))?");
    for (cell, wanted) in [
        (reader.as_str(), "data_batch_1.bin: damaged at byte 3073"),
        ("data::load(\"imagenet\")?", "unknown data set `imagenet`; known: digits"),
        ("let v: Vec<i32> = vec![]; v[3]", "line 1 panicked: index out of bounds: the len is 0 but the index is 3"),
    ] {
        let message = failing(&notebook(&[cell]));
        assert!(message.contains(wanted), "{message}");
    }
}
