//! Whether a cell's text is finished, for consoles that decide between a new line and running it.

/// The answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Completeness {
    /// It can run.
    Complete,
    /// Something is still open; the next line wants this many spaces.
    Incomplete(usize),
    /// A bracket closes what is not open.
    Invalid,
}

/// Reads brackets, strings, characters and comments; what is left to the compiler counts as complete.
pub fn completeness(code: &str) -> Completeness {
    let mut open = Vec::new();
    let mut rest = code;
    let mut last = "";
    while let Some(c) = rest.chars().next() {
        let skipped = match c {
            '/' if rest.starts_with("//") => Some(rest.find('\n').unwrap_or(rest.len())),
            '/' if rest.starts_with("/*") => comment(rest),
            '"' => string(rest),
            'r' if raw_hashes(rest).is_some() => raw_string(rest),
            '\'' => Some(character(rest)),
            '(' | '[' | '{' => {
                open.push(c);
                Some(1)
            }
            ')' | ']' | '}' => {
                let partner = match c {
                    ')' => '(',
                    ']' => '[',
                    _ => '{',
                };
                if open.pop() != Some(partner) {
                    return Completeness::Invalid;
                }
                Some(1)
            }
            'b' | 'c' if literal_prefix(rest) => Some(1),
            c if c.is_alphanumeric() || c == '_' => {
                Some(rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len()))
            }
            c => Some(c.len_utf8()),
        };
        // An unclosed string or comment reaches to the end.
        let Some(skipped) = skipped else { return Completeness::Incomplete(0) };
        if !c.is_whitespace() && !rest.starts_with("//") && !rest.starts_with("/*") {
            last = &code[..code.len() - rest.len() + skipped];
        }
        rest = &rest[skipped..];
    }
    match open.len() {
        0 if wants_more(last) => Completeness::Incomplete(0),
        0 => Completeness::Complete,
        depth => Completeness::Incomplete(4 * depth),
    }
}

/// Whether code that ends so goes on: behind an operator that stands between two things.
fn wants_more(code: &str) -> bool {
    let ends = ["=", "+", "-", "*", "/", "%", "&", "|", "^", ",", "::", "->", "=>"];
    // `0..` is a range without an end; a line of evcxr's own (`:dep`) is finished.
    let range = code.ends_with("..") || code.ends_with("..=");
    let member = code.ends_with('.') && !range;
    let command = code.lines().last().is_some_and(|line| line.starts_with(':'));
    !command && (member || ends.iter().any(|end| code.ends_with(end)))
}

/// Whether `text` starts a literal such as `b"x"`, `br"x"` or `c"x"`, of which the first letter tells nothing.
fn literal_prefix(text: &str) -> bool {
    let rest = &text[1..];
    rest.starts_with('"') || rest.starts_with('\'') || (rest.starts_with('r') && raw_hashes(rest).is_some())
}

/// Length of a block comment, which may hold others; `None` if it does not end.
fn comment(text: &str) -> Option<usize> {
    let (mut depth, mut at) = (0_usize, 0);
    loop {
        let rest = text.get(at..)?;
        if rest.starts_with("/*") {
            depth += 1;
            at += 2;
        } else if rest.starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return Some(at);
            }
        } else {
            at += rest.chars().next()?.len_utf8();
        }
    }
}

fn string(text: &str) -> Option<usize> {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return Some(at + 1),
            _ => {}
        }
    }
    None
}

/// How many hashes a raw string opens with; `None` if `text` does not open one.
fn raw_hashes(text: &str) -> Option<usize> {
    let after = text[1..].trim_start_matches('#');
    after.starts_with('"').then(|| text.len() - 1 - after.len())
}

fn raw_string(text: &str) -> Option<usize> {
    let hashes = raw_hashes(text)?;
    let close = format!("\"{}", "#".repeat(hashes));
    let body = hashes + 2;
    Some(body + text[body..].find(&close)? + close.len())
}

/// Length of a character literal, or 1 for a lifetime's quote.
fn character(text: &str) -> usize {
    let mut chars = text.char_indices().skip(1);
    match chars.next() {
        // The escaped character may itself be a quote.
        Some((_, '\\')) => match chars.next() {
            Some((at, c)) => text[at + c.len_utf8()..].find('\'').map_or(1, |end| at + c.len_utf8() + end + 1),
            None => 1,
        },
        Some(_) => match chars.next() {
            Some((at, '\'')) => at + 1,
            _ => 1,
        },
        None => 1,
    }
}
