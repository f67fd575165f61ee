//! The book: mdBook with a preprocessor that puts each chapter's executed outputs under its cells.
//!
//! Reads `book/src/NN-name.md` and `notebooks/NN-name.ipynb`, executes nothing, asks the network for nothing. A figure is
//! plotly's JSON, drawn when it comes into view by one script that all pages share, with a picture for print and for
//! readers without scripts. Formulas are left to KaTeX, which lies in `book/src/katex`.

use super::html::{Look, outputs_html};
use super::{Cell, Kind, Notebook, lock, markdown, math, numbers, write_atomically};
use crate::error::{Error, Result};
use mdbook_driver::MDBook;
use mdbook_driver::book::Book;
use mdbook_preprocessor::{Preprocessor, PreprocessorContext};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

/// Makes the pages of the book in `root`; returns where its first page lies.
///
/// `notebooks` holds the executed chapters, `plotly_js` the script that draws figures. `say` gets a line for each chapter
/// that is shown with outputs older than its code.
/// Errors: `Session` if mdBook refuses, a chapter has no notebook, or a number in its prose has no source.
pub fn build(root: &Path, notebooks: &Path, plotly_js: &str, say: &mut dyn FnMut(&str)) -> Result<PathBuf> {
    // Lies among the sources, so that mdBook copies it; git ignores it.
    let script = root.join("src/assets/plotly.min.js");
    if std::fs::metadata(&script).map_or(true, |file| file.len() != plotly_js.len() as u64) {
        write_atomically(&script, plotly_js.as_bytes())?;
    }
    let refused = |reason: String| Error::Session { stage: "book build", reason };
    let mut book = MDBook::load(root).map_err(|error| refused(format!("{error:#}")))?;
    let notes = Arc::new(Mutex::new(Vec::new()));
    book.with_preprocessor(Chapters { notebooks: notebooks.to_owned(), notes: notes.clone() });
    book.build().map_err(|error| refused(format!("{error:#}")))?;
    notes.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).iter().for_each(|note: &String| say(note));
    // Beside the pages, for the link at the head of each chapter.
    let out = book.build_dir_for("html");
    for chapter in book.book.chapters() {
        let name = chapter.path.as_ref().and_then(|path| path.file_stem()).unwrap_or_default().to_string_lossy();
        let from = notebooks.join(format!("{name}.ipynb"));
        if is_notebook(&name) {
            let bytes = std::fs::read(&from).map_err(Error::io("read", &from))?;
            write_atomically(&out.join(format!("notebooks/{name}.ipynb")), &bytes)?;
        }
    }
    Ok(out.join("index.html"))
}

/// Whether a chapter of this name is executed: `NN-name`.
pub fn is_notebook(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_digit())
}

struct Chapters {
    notebooks: PathBuf,
    notes: Arc<Mutex<Vec<String>>>,
}

impl Preprocessor for Chapters {
    fn name(&self) -> &str {
        "widemargin"
    }

    fn run(&self, _: &PreprocessorContext, mut book: Book) -> mdbook_driver::errors::Result<Book> {
        let mut failed = None;
        book.for_each_chapter_mut(|chapter| {
            let name = chapter.path.as_ref().and_then(|path| path.file_stem()).unwrap_or_default();
            let name = name.to_string_lossy().into_owned();
            match self.page(&name, &chapter.content) {
                Ok(page) => chapter.content = page,
                Err(error) => failed = failed.take().or(Some(error)),
            }
        });
        failed.map_or(Ok(book), |error| Err(error.into()))
    }
}

impl Chapters {
    fn page(&self, name: &str, text: &str) -> Result<String> {
        if !is_notebook(name) {
            return Ok(math::spans(text));
        }
        let made = Notebook::read(&self.notebooks.join(format!("{name}.ipynb")))?;
        let path = Path::new(name).with_extension("md");
        let cells = markdown::parse(text).map_err(|(offset, reason)| super::damaged(&path, offset, reason))?;
        let stale = lock::stale(&cells, &made.cells);
        if let Some(first) = stale.first() {
            let note = format!("{name}: {} outputs are older than their code, from cell {first}", stale.len());
            self.notes.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).push(note);
        }
        page(name, &lock::with_outputs(&cells, &made.cells), &stale)
    }
}

/// A chapter as mdBook's Markdown.
fn page(name: &str, cells: &[Cell], stale: &[String]) -> Result<String> {
    let mut out = String::new();
    for (index, cell) in cells.iter().enumerate() {
        match &cell.kind {
            Kind::Markdown => {
                let (prose, missing) = numbers::fill(&cell.source, cells);
                if let Some(place) = missing.first() {
                    let reason = format!("{name}: no output holds the number for {place}");
                    return Err(Error::Session { stage: "book build", reason });
                }
                let prose = math::spans(&prose);
                // The link stands under the chapter's title.
                match prose.split_once('\n').filter(|(title, _)| index == 0 && title.starts_with("# ")) {
                    Some((title, rest)) => out += &format!("{title}\n\n{}\n{rest}", link(name)),
                    None => out += &prose,
                }
            }
            Kind::Code { outputs, .. } => {
                out += &format!("<section class=\"cell\" id=\"{}\">\n\n", cell.id);
                let ticks = markdown::ticks(&cell.source);
                let code = format!("{ticks}rust\n{}\n{ticks}\n", cell.source);
                if cell.marks.hide {
                    out += &format!(
                        "<details class=\"hidden-code\"><summary>The code of this cell</summary>\n\n{code}\n</details>\n"
                    );
                } else {
                    out += &code;
                }
                if stale.contains(&cell.id) {
                    out += "\n<p class=\"stale\">This result is older than its code.</p>\n";
                }
                out.push('\n');
                out += &outputs_html(outputs, &cell.alt, Look::Page);
                out += "\n</section>\n";
            }
        }
        out += "\n\n";
    }
    Ok(out)
}

fn link(name: &str) -> String {
    format!(
        "<p class=\"notebook\">This page is a notebook: <a href=\"notebooks/{name}.ipynb\" download>{name}.ipynb</a></p>\n"
    )
}
