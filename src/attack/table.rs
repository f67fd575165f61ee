//! Tables of results, as text and as HTML.

use crate::display::{Bundle, escape_html};

/// Numbers stand on the right, words on the left.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Align {
    Left,
    Right,
}

/// A table with a heading per column and a name per line, as text and as HTML.
pub(super) fn table(
    caption: &str,
    heads: &[String],
    lines: &[(String, Vec<String>)],
    note: &str,
    align: Align,
) -> Bundle {
    let first = lines.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
    let width = |k: usize| {
        let cells = lines.iter().filter_map(|(_, cells)| cells.get(k)).map(|cell| cell.chars().count());
        cells.chain([heads[k].chars().count()]).max().unwrap_or(0)
    };
    let cell = |k: usize, cell: &str| match align {
        Align::Left => format!("  {cell:<0$}", width(k)),
        Align::Right => format!("  {cell:>0$}", width(k)),
    };
    let mut text = format!("{caption}\n{:first$}", "");
    let mut html = format!("<table><caption>{}</caption><thead><tr><th></th>", escape_html(caption));
    for (k, head) in heads.iter().enumerate() {
        text += &cell(k, head);
        html += &format!("<th scope=\"col\">{}</th>", escape_html(head));
    }
    html += "</tr></thead><tbody>";
    for (name, cells) in lines {
        let mut line = format!("{name:first$}");
        html += &format!("<tr><th scope=\"row\">{}</th>", escape_html(name));
        for (k, content) in cells.iter().enumerate() {
            line += &cell(k, content);
            html += &format!("<td>{}</td>", escape_html(content));
        }
        text += &format!("\n{}", line.trim_end());
        html += "</tr>";
    }
    text += &format!("\n{note}");
    html += &format!("</tbody></table><p>{}</p>", escape_html(note));
    Bundle::text(text).with("text/html", html)
}
