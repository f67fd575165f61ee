//! A chapter's Markdown as cells: a top-level fence that opens with `rust` is code, all between is prose.
//!
//! ```` ```rust id="loss-curve" alt="Loss falls from 0.69 to 0.01" ```` names the cell and describes its figure; the word
//! `ignore` keeps a fence as prose. `tolerance="0.05"`, `hide` and `parameters` are [`Marks`]. Prose between two cells is
//! one cell.

use super::{Cell, Kind, Marks, Notebook};
use pulldown_cmark::{CodeBlockKind, Event, Parser, Tag, TagEnd};

/// The cells, or the byte offset and the reason.
pub fn parse(text: &str) -> Result<Vec<Cell>, (usize, String)> {
    let mut cells = Vec::new();
    let mut depth = 0_usize;
    let mut prose_from = 0;
    let mut events = Parser::new(text).into_offset_iter();
    while let Some((event, range)) = events.next() {
        match event {
            Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(info))) if depth == 0 => {
                let words = attributes(&info).map_err(|reason| (range.start, reason))?;
                let is_cell = words.first().is_some_and(|(key, _)| key == "rust");
                let ignored = words.iter().any(|(key, _)| key == "ignore");
                let mut code = String::new();
                for (inner, _) in events.by_ref() {
                    match inner {
                        Event::Text(part) => code.push_str(&part),
                        Event::End(TagEnd::CodeBlock) => break,
                        _ => {}
                    }
                }
                if is_cell && !ignored {
                    prose(&text[prose_from..range.start], &mut cells);
                    prose_from = range.end;
                    let value = |key: &str| words.iter().find(|(k, _)| k == key).map(|(_, v)| v.clone());
                    let id = value("id").ok_or((range.start, "a rust fence needs id=\"...\"".to_owned()))?;
                    if cells.iter().any(|cell: &Cell| cell.id == id) {
                        return Err((range.start, format!("the id {id} is used twice")));
                    }
                    cells.push(Cell {
                        id,
                        source: code.trim_end().to_owned(),
                        alt: value("alt").unwrap_or_default(),
                        marks: Marks {
                            tolerance: value("tolerance"),
                            hide: value("hide").is_some(),
                            parameters: value("parameters").is_some(),
                        },
                        kind: Kind::Code { outputs: Vec::new(), count: None, key: String::new() },
                    });
                }
            }
            Event::Start(_) => depth += 1,
            Event::End(_) => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    prose(&text[prose_from..], &mut cells);
    Ok(cells)
}

fn prose(text: &str, cells: &mut Vec<Cell>) {
    let text = text.trim();
    if !text.is_empty() {
        let id = format!("prose-{}", cells.iter().filter(|cell| cell.kind == Kind::Markdown).count() + 1);
        cells.push(Cell {
            id,
            source: text.to_owned(),
            alt: String::new(),
            marks: Marks::default(),
            kind: Kind::Markdown,
        });
    }
}

/// The chapter's Markdown: what `parse` reads back as the same cells.
pub fn text(notebook: &Notebook) -> String {
    let cells = notebook.cells.iter().map(|cell| match cell.kind {
        Kind::Markdown => cell.source.trim().to_owned(),
        Kind::Code { .. } => fence(cell),
    });
    cells.collect::<Vec<_>>().join("\n\n") + "\n"
}

/// A code cell as the fence that names it.
pub(super) fn fence(cell: &Cell) -> String {
    let quoted = |text: &str| text.replace('"', "'").replace('\n', " ");
    let mut info = format!("rust id=\"{}\"", quoted(&cell.id));
    if !cell.alt.is_empty() {
        info += &format!(" alt=\"{}\"", quoted(&cell.alt));
    }
    if let Some(tolerance) = &cell.marks.tolerance {
        info += &format!(" tolerance=\"{}\"", quoted(tolerance));
    }
    for (word, set) in [("hide", cell.marks.hide), ("parameters", cell.marks.parameters)] {
        if set {
            info = info + " " + word;
        }
    }
    let ticks = ticks(&cell.source);
    format!("{ticks}{info}\n{}\n{ticks}", cell.source.trim_end())
}

/// A fence longer than any run of backticks inside.
pub(super) fn ticks(source: &str) -> String {
    let longest = source.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    "`".repeat(3.max(longest + 1))
}

/// `rust id="a" hide` as pairs; a word without a value has an empty one.
fn attributes(info: &str) -> Result<Vec<(String, String)>, String> {
    let mut out = Vec::new();
    let mut rest = info.trim_start();
    while !rest.is_empty() {
        let end = rest.find([' ', ',', '=']).unwrap_or(rest.len());
        let key = rest[..end].to_owned();
        rest = &rest[end..];
        let mut value = String::new();
        if let Some(after) = rest.strip_prefix("=\"") {
            let close = after.find('"').ok_or(format!("the value of {key} has no closing quote"))?;
            value = after[..close].to_owned();
            rest = &after[close + 1..];
        }
        out.push((key, value));
        rest = rest.trim_start_matches([' ', ',', '=']);
    }
    Ok(out)
}
