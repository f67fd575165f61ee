//! One page per notebook: everything inside, plotly.js once, figures interactive with the network off.

use super::{Cell, Kind, Notebook};
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
                Parser::new_ext(&cell.source, Options::ENABLE_TABLES | Options::ENABLE_FOOTNOTES),
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
    for output in outputs {
        match output {
            Output::Text(stream, text) => {
                let class = if *stream == Stream::Stdout { "text" } else { "text stderr" };
                let _ = writeln!(body, "<pre class=\"{class}\">{}</pre>", escape_html(text));
            }
            Output::Clear { .. } => {}
            Output::Display(bundle) | Output::Result(bundle) | Output::Update(_, bundle) => {
                show(bundle, &cell.alt, figures, body);
            }
        }
    }
    body.push_str("</section>\n");
}

/// The richest format that a page can show.
fn show(bundle: &Bundle, alt: &str, figures: &mut usize, body: &mut String) {
    let text = |mime: &str| bundle.data.get(mime).and_then(|value| value.as_str());
    if let Some(figure) = bundle.data.get(PLOTLY) {
        *figures += 1;
        // The figure's own text is computed from its data; the author's is the fallback.
        let alt = escape_html(text("text/plain").unwrap_or(alt));
        // Only `</` can end a script element early.
        let json = figure.to_string().replace("</", "<\\/");
        // Seen only where scripts are off.
        let still = svg(figure).map(|picture| {
            let packed = base64(picture.as_bytes());
            format!("<noscript><img alt=\"{alt}\" src=\"data:image/svg+xml;base64,{packed}\"></noscript>")
        });
        let still = still.unwrap_or_default();
        let _ = writeln!(
            body,
            "<figure><div class=\"plot\" role=\"img\" aria-label=\"{alt}\"></div>\
             <script type=\"application/json\">{json}</script>{still}<figcaption>{alt}</figcaption></figure>"
        );
    } else if let Some(png) = text("image/png") {
        // A picture's own words come first, as above.
        let alt = escape_html(text("text/plain").unwrap_or(alt));
        let _ = writeln!(body, "<img alt=\"{alt}\" src=\"data:image/png;base64,{}\">", png.trim());
    } else if let Some(html) = text("text/html") {
        let _ = writeln!(body, "<div class=\"html\">{html}</div>");
    } else if let Some(plain) = text("text/plain") {
        let _ = writeln!(body, "<pre class=\"result\">{}</pre>", escape_html(plain));
    }
}
