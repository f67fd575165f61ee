//! `$…$` and `$$…$$` in prose become `<span class="math">`, before Markdown can take the TeX for its own.
//!
//! Pandoc's rule: no space inside the dollars, no digit after the closing one. Code keeps its dollars.

use std::fmt::Write;

/// `text` with its formulas as elements that hold TeX.
pub fn spans(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut fence: Option<String> = None;
    let mut prose = String::new();
    for line in text.split_inclusive('\n') {
        let start = line.trim_start();
        let ticks: String = start.chars().take_while(|c| *c == '`').collect();
        match &fence {
            Some(open) => {
                out.push_str(line);
                if ticks.len() >= open.len() && start.trim_end() == ticks {
                    fence = None;
                }
            }
            None if ticks.len() >= 3 => {
                out.push_str(&formulas(&std::mem::take(&mut prose)));
                out.push_str(line);
                fence = Some(ticks);
            }
            None => prose.push_str(line),
        }
    }
    out + &formulas(&prose)
}

fn formulas(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(['$', '`', '\\']) {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        if rest.starts_with('\\') {
            // An escaped character, a dollar among them.
            let end = 1 + rest[1..].chars().next().map_or(0, char::len_utf8);
            out.push_str(&rest[..end]);
            rest = &rest[end..];
        } else if rest.starts_with('`') {
            let ticks = rest.bytes().take_while(|b| *b == b'`').count();
            let close = rest[ticks..].find(&rest[..ticks]).map_or(ticks, |at| at + 2 * ticks);
            out.push_str(&rest[..close]);
            rest = &rest[close..];
        } else if let Some((tex, display, end)) = formula(rest) {
            let kind = if display { "math display" } else { "math" };
            let _ = write!(out, "<span class=\"{kind}\">{}</span>", entities(tex));
            rest = &rest[end..];
        } else {
            out.push('$');
            rest = &rest[1..];
        }
    }
    out + rest
}

/// The formula that `text` begins with: its TeX, whether it stands on its own, and its end.
fn formula(text: &str) -> Option<(&str, bool, usize)> {
    if let Some(body) = text.strip_prefix("$$") {
        let close = body.find("$$")?;
        return Some((body[..close].trim(), true, close + 4));
    }
    let body = &text[1..];
    let close = body.find('$')?;
    let tex = &body[..close];
    let digit = body[close + 1..].starts_with(|c: char| c.is_ascii_digit());
    let spaced = tex.starts_with(char::is_whitespace) || tex.ends_with(char::is_whitespace);
    let inside = !tex.is_empty() && !tex.contains("\n\n") && !tex.contains('`');
    (inside && !digit && !spaced).then_some((tex, false, close + 2))
}

/// TeX that Markdown and HTML read as plain text.
fn entities(tex: &str) -> String {
    tex.chars().fold(String::new(), |mut out, c| {
        if c.is_ascii_punctuation() {
            let _ = write!(out, "&#{};", c as u32);
        } else {
            out.push(if c == '\n' { ' ' } else { c });
        }
        out
    })
}
