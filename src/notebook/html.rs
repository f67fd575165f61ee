//! One page per notebook: everything inside, plotly.js once, figures interactive with the network off.

use super::{Cell, Kind, Notebook, numbers};
use crate::display::{Bundle, base64, escape_html};
use crate::session::{Output, Stream};
use crate::still::{PLOTLY, svg};
use pulldown_cmark::{Options, Parser};
use std::fmt::Write;

const STYLE: &str = include_str!("page.css");
/// Draws a figure when it comes near the view; a page of thirty figures opens at once.
const DRAW: &str = include_str!("page.js");

/// The page's text. `plotly_js` is the script that draws figures; it stands in the page once, if there is a figure.
pub fn html(notebook: &Notebook, plotly_js: &str) -> String {
    let mut body = String::new();
    let mut figures = 0;
    for cell in &notebook.cells {
        match &cell.kind {
            Kind::Markdown => pulldown_cmark::html::push_html(
                &mut body,
                Parser::new_ext(
                    &numbers::fill(&cell.source, &notebook.cells).0,
                    Options::ENABLE_TABLES | Options::ENABLE_FOOTNOTES,
                ),
            ),
            Kind::Code { outputs, .. } => code(cell, outputs, &mut figures, &mut body),
        }
    }
    let title = title(notebook);
    let script = if figures == 0 { String::new() } else { format!("<script>{plotly_js}</script>\n") };
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>{title}</title>\n\
         <style>\n{STYLE}</style>\n<noscript><style>.plot {{ display: none; }}</style></noscript>\n</head>\n<body>\n<main>\n{body}</main>\n{script}<script>\n{DRAW}</script>\n</body>\n</html>\n",
        title = escape_html(&title),
    )
}

/// The first heading, else the file's name.
fn title(notebook: &Notebook) -> String {
    let prose = notebook.cells.iter().filter(|cell| cell.kind == Kind::Markdown);
    let heading = prose.flat_map(|cell| cell.source.lines()).find_map(|line| line.strip_prefix("# "));
    heading.unwrap_or(&notebook.name).to_owned()
}

fn code(cell: &Cell, outputs: &[Output], figures: &mut usize, body: &mut String) {
    let id = escape_html(&cell.id);
    let _ = writeln!(body, "<section class=\"cell\" id=\"{id}\">");
    let _ = writeln!(body, "<pre class=\"code\"><code>{}</code></pre>", escape_html(&cell.source));
    let shown = outputs_html(outputs, &cell.alt, Look::Alone);
    *figures += shown.matches("<div class=\"plot\"").count();
    body.push_str(&shown);
    body.push_str("</section>\n");
}

/// Where outputs stand.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Look {
    /// On a page of their own: the picture of a figure is for readers without scripts.
    Alone,
    /// On a page of the book, inside Markdown: the picture is for print too, and no blank line ends a block early.
    Page,
}

/// The outputs of a cell, one block of HTML each.
pub(super) fn outputs_html(outputs: &[Output], alt: &str, look: Look) -> String {
    let mut body = String::new();
    for output in outputs {
        match output {
            Output::Text(stream, text) => {
                let class = if *stream == Stream::Stdout { "text" } else { "text stderr" };
                let _ = writeln!(body, "<pre class=\"{class}\">{}</pre>", escape_html(text));
            }
            Output::Clear { .. } => {}
            Output::Display(bundle) | Output::Result(bundle) | Output::Update(_, bundle) => {
                show(bundle, alt, look, &mut body);
            }
        }
        if look == Look::Page {
            body.push('\n');
        }
    }
    body
}

/// The richest format that a page can show.
fn show(bundle: &Bundle, alt: &str, look: Look, body: &mut String) {
    let text = |mime: &str| bundle.data.get(mime).and_then(|value| value.as_str());
    if let Some(figure) = bundle.data.get(PLOTLY) {
        // The figure's own text is computed from its data; the author's is the fallback.
        let alt = escape_html(text("text/plain").unwrap_or(alt)).replace('\n', " ");
        // Only `</` can end a script element early.
        let json = figure.to_string().replace("</", "<\\/");
        let still = svg(figure).map(|picture| {
            let packed = base64(picture.as_bytes());
            let image = format!("img alt=\"{alt}\" src=\"data:image/svg+xml;base64,{packed}\"");
            match look {
                Look::Alone => format!("<noscript><{image}></noscript>"),
                Look::Page => format!("<{image} class=\"still\">"),
            }
        });
        let still = still.unwrap_or_default();
        let _ = writeln!(
            body,
            "<figure><div class=\"plot\" role=\"img\" aria-label=\"{alt}\"></div>\
             <script type=\"application/json\">{json}</script>{still}<figcaption>{alt}</figcaption></figure>"
        );
    } else if let Some(png) = text("image/png") {
        // A picture's own words come first, as above.
        let alt = escape_html(text("text/plain").unwrap_or(alt)).replace('\n', " ");
        let _ = writeln!(body, "<img alt=\"{alt}\" src=\"data:image/png;base64,{}\">", png.trim());
    } else if let Some(html) = text("text/html") {
        let html = if look == Look::Page { html.replace("\n\n", "\n") } else { html.to_owned() };
        let _ = writeln!(body, "<div class=\"html\">{html}</div>");
    } else if let Some(plain) = text("text/plain") {
        let _ = writeln!(body, "<pre class=\"result\">{}</pre>", escape_html(plain));
    }
}
