//! A chapter's Markdown as cells: a top-level fence that opens with `rust` is code, all between is prose.
//!
//! ```` ```rust id="loss-curve" alt="Loss falls from 0.69 to 0.01" ```` names the cell and describes its figure; the word
//! `ignore` keeps a fence as prose.

use super::{Cell, Kind};
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
                        kind: Kind::Code { outputs: Vec::new(), count: None },
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
        cells.push(Cell { id, source: text.to_owned(), alt: String::new(), kind: Kind::Markdown });
    }
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
