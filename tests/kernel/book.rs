//! The book's tools: keys, numbers in prose, chapters as text, and the pages themselves.

use std::path::{Path, PathBuf};
use widemargin::display::Bundle;
use widemargin::notebook::{Cell, Kind, Notebook, agree, book, lock, markdown, numbers, set_parameters};
use widemargin::session::{Output, Stream};

fn chapter(text: &str) -> Notebook {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("01-c.md");
    std::fs::write(&path, text).expect("writable");
    Notebook::read(&path).expect("well formed")
}

/// As if it had been run: each code cell printed `outputs` in order.
fn executed(text: &str, outputs: &[&str]) -> Notebook {
    let mut notebook = chapter(text);
    let keys = lock::keys(&notebook.cells);
    let mut outputs = outputs.iter();
    for (cell, wanted) in notebook.cells.iter_mut().zip(keys) {
        if let Kind::Code { outputs: made, key, .. } = &mut cell.kind {
            let text = outputs.next().expect("an output for each cell");
            *made = vec![Output::Text(Stream::Stdout, (*text).into())];
            *key = wanted;
        }
    }
    notebook
}

const THREE: &str = "Prose.\n\n```rust id=\"a\"\nlet a = 1;\n```\n\nMore.\n\n```rust id=\"b\"\nlet b = 2;\n```\n\n```rust id=\"c\"\na + b\n```\n";

#[test]
fn editing_a_cell_makes_it_and_the_later_ones_stale_and_editing_prose_makes_none() {
    let made = executed(THREE, &["", "", "3"]);
    let stale = |text: &str| lock::stale(&chapter(text).cells, &made.cells);
    assert_eq!(stale(THREE), [] as [&str; 0]);
    assert_eq!(stale(&THREE.replace("Prose.", "Other prose.\n\n- a list")), [] as [&str; 0]);
    assert_eq!(stale(&THREE.replace("b = 2", "b = 5")), ["b", "c"]);
    assert_eq!(stale(&THREE.replace("a = 1", "a = 5")), ["a", "b", "c"]);
    assert_eq!(stale(&THREE.replace("a + b", "b")), ["c"]);
}

#[test]
fn prose_takes_its_numbers_from_outputs_and_says_what_is_missing() {
    let text = "First {{a: margin}}, second {{a: margin #2}}, {{a: L2 norm}}; {{a: nothing}}, $x^{{a}}$, {{no: cell}}.\n\n```rust id=\"a\"\nx\n```\n";
    let notebook = executed(text, &["the margin is 0.5100 or -3e-4; L2 norm: 7"]);
    let (filled, missing) = numbers::fill(&notebook.cells[0].source, &notebook.cells);
    assert_eq!(filled, "First 0.5100, second -3e-4, 7; {{a: nothing}}, $x^{{a}}$, {{no: cell}}.");
    assert_eq!(missing, ["{{a: nothing}}"]);
}

#[test]
fn a_notebook_holds_numbers_where_its_chapter_holds_their_places() {
    let text = "About {{a: is}} pixels.\n\nA second line.\n\n```rust id=\"a\" tolerance=\"0.1\" hide parameters\nlet x = 1;\n```\n";
    let notebook = executed(text, &["x is 4.5"]);
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("01-c.ipynb");
    notebook.write(&path, Some("abc")).expect("written");
    let file = std::fs::read_to_string(&path).expect("readable");
    assert!(file.contains("About 4.5 pixels."), "{file}");
    assert_eq!(Notebook::prelude_of(&path).expect("readable").as_deref(), Some("abc"));
    let again = Notebook::read(&path).expect("readable");
    assert_eq!(again, notebook);
    assert_eq!(markdown(&again), text, "what `nb pull` writes");
    // A person edits one line of the prose in Jupyter; the other keeps its place.
    std::fs::write(&path, file.replace("A second line.", "A better line.")).expect("writable");
    assert_eq!(markdown(&Notebook::read(&path).expect("readable")), text.replace("A second", "A better"));
}

#[test]
fn two_runs_agree_within_the_tolerance_of_each_cell_and_in_their_words() {
    let text = |mark: &str| format!("```rust id=\"a\"{mark}\nx\n```\n");
    let differ = |mark: &str, a: &str, b: &str| {
        let text = text(mark);
        agree::differences(&executed(&text, &[a]), &executed(&text, &[b]))
    };
    assert!(differ("", "margin 0.510, 20 points", "margin   0.510, 20 points").is_empty(), "spaces do not count");
    assert!(differ("", "margin 0.510", "margin 0.511").is_empty(), "one unit of the last digit");
    assert_eq!(differ("", "margin 0.510", "margin 0.513"), ["a: stored 0.510, now 0.513, tolerance 0.001"]);
    assert_eq!(differ("", "20 points", "21 points").len(), 1, "a count has no last digit to spare");
    assert!(differ(" tolerance=\"0.1\"", "20 points", "21 points").is_empty());
    assert!(differ(" tolerance=\"any\"", "3.1 s", "9 ms").is_empty());
    assert_eq!(differ(" tolerance=\"0.1\"", "wider", "narrower"), ["a: stored \"wider\", now \"narrower\""]);
    assert_eq!(differ(" tolerance=\"often\"", "1", "1").len(), 1, "a tolerance that is none is a finding");
    assert_eq!(differ("", "loss NaN", "loss 0.5").len(), 1, "what is not finite is no number");
}

#[test]
fn parameters_change_only_cells_that_are_marked() {
    let text = "```rust id=\"a\" parameters\nlet epochs = 200; // passes\nlet mut seed: u64 = 1;\n```\n\n```rust id=\"b\"\nlet epochs = 3;\n```\n";
    let mut notebook = chapter(text);
    set_parameters(&mut notebook, "epochs", "20").expect("known");
    set_parameters(&mut notebook, "seed", "7").expect("known");
    assert_eq!(notebook.cells[0].source, "let epochs = 20; // passes\nlet mut seed: u64 = 7;");
    assert_eq!(notebook.cells[1].source, "let epochs = 3;");
    let error = set_parameters(&mut notebook, "depth", "1").expect_err("unknown").to_string();
    assert_eq!(error, "unknown parameter `depth`; known: epochs, seed");
}

/// A book of one chapter in a folder of its own.
fn one_chapter(text: &str, notebook: &Notebook) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let root = folder.path().join("book");
    let write = |path: &str, text: &str| {
        let path = root.join(path);
        std::fs::create_dir_all(path.parent().expect("inside")).expect("made");
        std::fs::write(path, text).expect("writable");
    };
    write("book.toml", "[book]\ntitle = \"T\"\n[build]\nbuild-dir = \"out\"\n");
    write("src/SUMMARY.md", "- [One](01-c.md)\n");
    write("src/01-c.md", text);
    notebook.write(&folder.path().join("notebooks/01-c.ipynb"), None).expect("written");
    (folder, root)
}

fn build(folder: &Path, root: &Path) -> widemargin::Result<(String, Vec<String>)> {
    let mut notes = Vec::new();
    let page = book::build(root, &folder.join("notebooks"), "/* plotly */", &mut |line| notes.push(line.to_owned()))?;
    Ok((std::fs::read_to_string(page.with_file_name("01-c.html")).expect("the page"), notes))
}

const PAGE: &str = "# One\n\nThe sum $a_1 + b_2 < 4$ costs $5, `$HOME` and {{c: sum}}.\n\n```rust id=\"c\" alt=\"A curve\"\nlet x = \"a < b\";\n```\n";

#[test]
fn a_page_holds_code_outputs_numbers_and_formulas_and_asks_the_network_for_nothing() {
    let mut notebook = executed(PAGE, &["sum 3\n\nlast <line>"]);
    let figure = serde_json::json!({"data": [{"x": [0, 1], "y": [1, 2], "type": "scatter"}], "layout": {}});
    let shown = Bundle::text("A line\nthat rises").with("application/vnd.plotly.v1+json", figure);
    if let Kind::Code { outputs, .. } = &mut notebook.cells[1].kind {
        outputs.push(Output::Display(shown));
    }
    let (folder, root) = one_chapter(PAGE, &notebook);
    let (page, notes) = build(folder.path(), &root).expect("built");
    assert!(notes.is_empty(), "{notes:?}");
    assert!(
        page.contains("<span class=\"math\">a_1 + b_2 &lt; 4</span> costs $5, <code>$HOME</code> and 3."),
        "{page}"
    );
    assert!(page.contains("sum 3\n\nlast &lt;line&gt;"), "a blank line ends no output");
    assert!(page.contains("aria-label=\"A line that rises\"") && page.contains("<figcaption>A line that rises"));
    assert!(page.contains("\"type\":\"scatter\"") && page.contains("class=\"still\""));
    assert!(page.contains("href=\"notebooks/01-c.ipynb\"") && root.join("out/notebooks/01-c.ipynb").is_file());
    assert!(root.join("out/assets/plotly.min.js").is_file());
    for attribute in ["src=\"http", "href=\"http"] {
        assert!(!page.contains(attribute), "{attribute}");
    }
}

#[test]
fn a_stale_result_says_so_on_its_page() {
    let notebook = executed(PAGE, &["sum 3"]);
    let (folder, root) = one_chapter(&PAGE.replace("a < b", "b"), &notebook);
    let (page, notes) = build(folder.path(), &root).expect("built");
    assert!(page.contains("This result is older than its code."));
    assert_eq!(notes, ["01-c: 1 outputs are older than their code, from cell c"]);
}

#[test]
fn a_number_without_a_source_stops_the_build() {
    let (folder, root) = one_chapter(PAGE, &executed(PAGE, &["nothing"]));
    let error = build(folder.path(), &root).expect_err("refused").to_string();
    assert!(error.contains("01-c: no output holds the number for {{c: sum}}"), "{error}");
}

#[test]
fn every_chapter_of_the_book_reads_back_as_it_was_written() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("book/src");
    let mut chapters = 0;
    for entry in std::fs::read_dir(folder).expect("the book").flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if book::is_notebook(&name) && name.ends_with(".md") {
            let text = std::fs::read_to_string(entry.path()).expect("readable");
            let notebook = Notebook::read(&entry.path()).expect("well formed");
            let code = |cell: &&Cell| cell.kind != Kind::Markdown;
            assert!(notebook.cells.iter().filter(code).count() > 0, "{name} has cells");
            assert_eq!(markdown(&notebook), text, "{name}");
            chapters += 1;
        }
    }
    assert!(chapters >= 2);
}
