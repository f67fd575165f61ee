//! Notebook files: Markdown in, `.ipynb` both ways, HTML out.

use std::path::PathBuf;
use widemargin::display::Bundle;
use widemargin::notebook::{Cell, Kind, Marks, Notebook, html};
use widemargin::session::{Output, Stream};

fn read(name: &str, text: &str) -> widemargin::Result<Notebook> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join(name);
    std::fs::write(&path, text).expect("writable");
    Notebook::read(&path)
}

const CHAPTER: &str = "# Title\n\nProse with `code`.\n\n```rust id=\"one\" alt=\"A curve, \\\"falling\"\nlet a = 1;\n```\n\n\
    - in a list:\n\n  ```rust\n  not_a_cell();\n  ```\n\n```rust ignore\nnor_this();\n```\n\n```rust id=\"two\"\na\n```\n\nEnd.\n";

#[test]
fn top_level_rust_fences_are_cells_and_all_else_is_prose() {
    let notebook = read("c.md", &CHAPTER.replace("\\\"", "")).expect("well formed");
    let kinds: Vec<_> = notebook.cells.iter().map(|cell| (cell.id.as_str(), cell.kind == Kind::Markdown)).collect();
    assert_eq!(kinds, [("prose-1", true), ("one", false), ("prose-2", true), ("two", false), ("prose-3", true)]);
    assert_eq!((notebook.cells[1].source.as_str(), notebook.cells[1].alt.as_str()), ("let a = 1;", "A curve, falling"));
    assert!(notebook.cells[2].source.contains("not_a_cell") && notebook.cells[2].source.contains("nor_this"));
}

#[test]
fn a_fence_without_id_and_an_id_used_twice_are_refused_with_their_place() {
    let message = |text: &str| read("c.md", text).expect_err("malformed").to_string();
    assert!(message("ab\n\n```rust\nx\n```\n").contains("byte 4: a rust fence needs id"));
    let twice = "```rust id=\"a\"\nx\n```\n```rust id=\"a\"\ny\n```\n";
    assert!(message(twice).contains("byte 21: the id a is used twice"), "{}", message(twice));
}

#[test]
fn what_is_no_notebook_is_refused() {
    let message = |text: &str| read("n.ipynb", text).expect_err("malformed").to_string();
    assert!(message("{\"nbformat\": 3, \"cells\": []}").contains("expected a notebook of nbformat 4, got nbformat 3"));
    assert!(message("[1, 2").contains("damaged at byte 4: not JSON"), "{}", message("[1, 2"));
    assert!(message("").contains("byte 0"));
}

fn sample() -> Notebook {
    let figure = serde_json::json!({"data": [{"y": [1, 2], "name": "</script>"}], "layout": {}});
    let outputs = vec![
        Output::Text(Stream::Stdout, "a < b\nc".into()),
        Output::Display(Bundle::text("a figure").with("application/vnd.plotly.v1+json", figure)),
        Output::Result(Bundle::text("<4>")),
    ];
    let code = Kind::Code { outputs, count: Some(1), key: "00ff".into() };
    let cell = |id: &str, source: &str, kind| Cell {
        id: id.into(),
        source: source.into(),
        alt: String::new(),
        marks: Marks::default(),
        kind,
    };
    let cells = vec![cell("p", "# A title\n\n| a |\n|---|\n| 1 |", Kind::Markdown), cell("c", "x\ny", code)];
    Notebook { name: "sample".into(), cells }
}

#[test]
fn an_executed_notebook_survives_a_round_trip() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path: PathBuf = folder.path().join("sample.ipynb");
    sample().write(&path, None).expect("writable");
    assert_eq!(Notebook::read(&path).expect("readable"), sample());
}

#[test]
fn the_page_holds_everything_and_asks_the_network_for_nothing() {
    let page = html(&sample(), "/* plotly */");
    assert_eq!(page.matches("/* plotly */").count(), 1);
    assert!(page.contains("<title>A title</title>") && page.contains("<table>"));
    assert!(page.contains("a &lt; b") && page.contains("&lt;4&gt;"));
    assert!(
        page.contains("aria-label=\"a figure\"") && page.contains("<\\/script>"),
        "the figure's text ends no script"
    );
    assert!(!page.contains("src=\"http") && !page.contains("href=\"http"));
}

#[test]
fn a_page_without_scripts_shows_stills() {
    let page = html(&sample(), "");
    let still = page.split("<noscript><img alt=\"a figure\" src=\"data:image/svg+xml;base64,").nth(1).expect("a still");
    assert!(still.starts_with("PHN2Zy"), "base64 of <svg");
    assert!(page.contains("<noscript><style>.plot { display: none; }</style></noscript>"));
}

#[test]
fn a_picture_in_a_notebook_file_has_its_words_where_nbconvert_reads_them() {
    let shown = Output::Display(Bundle::text("Loss falls.").with("image/png", "iVBORw0KGgo="));
    let code =
        Kind::Code { outputs: vec![shown, Output::Result(Bundle::text("4"))], count: Some(1), key: "00ff".into() };
    let cell = Cell { id: "c".into(), source: "x".into(), alt: String::new(), marks: Marks::default(), kind: code };
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("n.ipynb");
    Notebook { name: "n".into(), cells: vec![cell] }.write(&path, None).expect("written");
    let file: serde_json::Value = serde_json::from_slice(&std::fs::read(&path).expect("readable")).expect("JSON");
    let outputs = &file["cells"][0]["outputs"];
    assert_eq!(outputs[0]["metadata"]["image/png"]["alt"], "Loss falls.");
    assert_eq!(outputs[1]["metadata"], serde_json::json!({}));
}
