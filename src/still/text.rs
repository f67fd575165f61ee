//! Text in a still: plotly's small markup, lines, and how wide a text will be.

use super::svg::{Svg, number};
use crate::display::escape_html;
use serde_json::Value;

/// Where a text stands relative to its point, horizontally.
#[derive(Clone, Copy, PartialEq)]
pub enum Side {
    Start,
    Middle,
    End,
}

/// How a piece of text is set.
#[derive(Clone, Copy, Default, PartialEq)]
struct Style {
    /// -1 for `<sub>`, 1 for `<sup>`.
    shift: i8,
    bold: bool,
    italic: bool,
}

/// The font of all words that name none.
pub struct Font {
    pub size: f64,
    pub colour: String,
}

impl Font {
    pub fn of(font: &Value) -> Self {
        let colour = font["color"].as_str().unwrap_or("#444444").to_owned();
        Self { size: font["size"].as_f64().unwrap_or(12.0), colour }
    }
}

/// A text with its font.
pub struct Text<'a> {
    pub markup: &'a str,
    pub size: f64,
    pub colour: &'a str,
    pub side: Side,
    /// Degrees, clockwise.
    pub turn: f64,
}

const LINE: f64 = 1.3;
/// A `<sub>` or `<sup>` is this much smaller.
const SMALL: f64 = 0.7;

/// The lines of a text: `<br>` ends one; `<sub>`, `<sup>`, `<b>` and `<i>` set the style, other tags are dropped.
fn lines(markup: &str) -> Vec<Vec<(String, Style)>> {
    let mut out = vec![Vec::new()];
    let mut style = Style::default();
    let mut rest = markup;
    while !rest.is_empty() {
        let end = rest.find('<').unwrap_or(rest.len());
        if end > 0 {
            let text = plain(&rest[..end]);
            out.last_mut().expect("there is a line").push((text, style));
            rest = &rest[end..];
            continue;
        }
        let Some(close) = rest.find('>') else {
            out.last_mut().expect("there is a line").push((plain(rest), style));
            break;
        };
        match rest[1..close].trim_end_matches('/').trim() {
            "br" => out.push(Vec::new()),
            "sub" => style.shift = -1,
            "sup" => style.shift = 1,
            "/sub" | "/sup" => style.shift = 0,
            "b" => style.bold = true,
            "/b" => style.bold = false,
            "i" | "em" => style.italic = true,
            "/i" | "/em" => style.italic = false,
            _ => {}
        }
        rest = &rest[close + 1..];
    }
    out
}

fn plain(text: &str) -> String {
    text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&#39;", "'").replace("&amp;", "&")
}

/// Width of a character in DejaVu Sans, as a share of the font's size, by kinds of similar width.
fn advance(c: char) -> f64 {
    match c {
        'i' | 'j' | 'l' | '\'' | '|' => 0.29,
        ' ' | '.' | ',' | ':' | ';' | 'I' | '/' => 0.33,
        'f' | 't' | 'r' | '(' | ')' | '[' | ']' | '-' => 0.39,
        'm' | 'M' | 'W' | '@' | '%' => 0.95,
        'w' | '+' | '=' | '−' | '×' | '<' | '>' | '~' | '#' | '→' => 0.83,
        'c' | 's' | 'z' | 'k' | 'v' | 'x' | 'y' => 0.56,
        'A'..='Z' => 0.69,
        _ => 0.62,
    }
}

/// Width and height of a text, in pixels.
pub fn size(markup: &str, font: f64) -> (f64, f64) {
    let lines = lines(markup);
    let width = |line: &Vec<(String, Style)>| {
        let part = |(text, style): &(String, Style)| {
            text.chars().map(advance).sum::<f64>() * if style.shift == 0 { 1.0 } else { SMALL }
        };
        line.iter().map(part).sum::<f64>()
    };
    let widest = lines.iter().map(width).fold(0.0, f64::max);
    (widest * font, lines.len() as f64 * font * LINE)
}

/// Writes the text with the middle of its height at `y`.
pub fn write(svg: &mut Svg, text: &Text, x: f64, y: f64) {
    let lines = lines(text.markup);
    let anchor = match text.side {
        Side::Start => "start",
        Side::Middle => "middle",
        Side::End => "end",
    };
    let turn = if text.turn == 0.0 {
        String::new()
    } else {
        format!(" transform=\"rotate({} {} {})\"", number(text.turn), number(x), number(y))
    };
    let step = text.size * LINE;
    // Digits and capitals are 0.73 of the font high: their middle lies 0.36 above the base line.
    let first = y + 0.36 * text.size - step * (lines.len() - 1) as f64 / 2.0;
    for (k, line) in lines.iter().enumerate() {
        let base = first + step * k as f64;
        let mut body = String::new();
        let mut shifted = 0.0;
        for (part, style) in line {
            let shift = match style.shift {
                -1 => 0.25 * text.size,
                1 => -0.35 * text.size,
                _ => 0.0,
            };
            let mut attributes = String::new();
            if shift != shifted {
                attributes += &format!(" dy=\"{}\"", number(shift - shifted));
            }
            shifted = shift;
            if style.shift != 0 {
                attributes += &format!(" font-size=\"{}\"", number(text.size * SMALL));
            }
            if style.bold {
                attributes += " font-weight=\"bold\"";
            }
            if style.italic {
                attributes += " font-style=\"italic\"";
            }
            body += &match attributes.is_empty() {
                true => escape_html(part),
                false => format!("<tspan{attributes}>{}</tspan>", escape_html(part)),
            };
        }
        svg.raw(&format!(
            "<text x=\"{}\" y=\"{}\" font-size=\"{}\" fill=\"{}\" text-anchor=\"{anchor}\"{turn}>{body}</text>",
            number(x),
            number(base),
            number(text.size),
            escape_html(text.colour)
        ));
    }
}
