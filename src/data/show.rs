//! How a notebook shows data: the shape of an input, and how many inputs each class has.

use super::{Dataset, Pair, Split};
use crate::display::{Bundle, Show, escape_html};
use crate::error::Result;
use std::fmt::Write;

impl Show for Dataset {
    fn bundle(&self) -> Bundle {
        table(&self.name, &[("inputs", self)])
    }
}

impl Show for Split {
    fn bundle(&self) -> Bundle {
        parts(&self.train, &self.test)
    }
}

impl Show for Pair {
    fn bundle(&self) -> Bundle {
        parts(&self.train, &self.test)
    }
}

fn parts(train: &Dataset, test: &Dataset) -> Bundle {
    table(&format!("{} | {}", train.name, test.name), &[("train", train), ("test", test)])
}

/// One line per class, one column per part, and the total.
fn table(name: &str, parts: &[(&str, &Dataset)]) -> Bundle {
    let counts = match parts.iter().map(|(_, data)| data.counts()).collect::<Result<Vec<_>>>() {
        Ok(counts) => counts,
        Err(error) => return Bundle::text(format!("{name}: {error}")),
    };
    let (_, first) = parts[0];
    let title = format!("{name}: each input {:?}", first.x.dims().get(1..).unwrap_or_default());
    let mut lines = Vec::new();
    lines.push(std::iter::once("class".into()).chain(parts.iter().map(|(part, _)| part.to_string())).collect());
    for (label, class) in first.classes.iter().enumerate() {
        let count = |part: &Vec<usize>| part.get(label).map_or("-".into(), |count| count.to_string());
        lines.push(std::iter::once(class.clone()).chain(counts.iter().map(count)).collect());
    }
    lines.push(std::iter::once("all".into()).chain(parts.iter().map(|(_, data)| data.len().to_string())).collect());
    Bundle::text(text(&title, &lines)).with("text/html", html(&title, &lines))
}

fn text(title: &str, lines: &[Vec<String>]) -> String {
    let widest = lines.iter().map(|line| line[0].chars().count()).max().unwrap_or(0);
    let mut out = title.to_string();
    for line in lines {
        let _ = write!(out, "\n{:widest$}", line[0]);
        for cell in &line[1..] {
            let _ = write!(out, "  {cell:>6}");
        }
    }
    out
}

fn html(title: &str, lines: &[Vec<String>]) -> String {
    let mut out = format!("<table><caption>{}</caption>", escape_html(title));
    for (number, line) in lines.iter().enumerate() {
        out.push_str("<tr>");
        for (column, cell) in line.iter().enumerate() {
            let (open, close) = match (number, column) {
                (0, _) => ("<th scope=\"col\">", "</th>"),
                (_, 0) => ("<th scope=\"row\">", "</th>"),
                _ => ("<td>", "</td>"),
            };
            let _ = write!(out, "{open}{}{close}", escape_html(cell));
        }
        out.push_str("</tr>");
    }
    out + "</table>"
}
