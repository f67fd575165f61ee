//! How a notebook shows data: the shape of an input, how many inputs each class has, and the first images of each.

use super::{Dataset, Pair, Split};
use crate::display::{Bundle, Show, Table};
use crate::error::Result;

/// Images of a class that are shown, and a bound on the pixels of all: a notebook's file keeps them.
const IMAGES: usize = 8;
const PIXELS: usize = 40_000;

impl Show for Dataset {
    fn bundle(&self) -> Bundle {
        parts(&self.name, &[("inputs", self)])
    }
}

impl Show for Split {
    fn bundle(&self) -> Bundle {
        train_and_test(&self.train, &self.test)
    }
}

impl Show for Pair {
    fn bundle(&self) -> Bundle {
        train_and_test(&self.train, &self.test)
    }
}

fn train_and_test(train: &Dataset, test: &Dataset) -> Bundle {
    parts(&format!("{} | {}", train.name, test.name), &[("train", train), ("test", test)])
}

/// One line per class, one column per part, and the total; below it images of the first part, if it holds images.
fn parts(name: &str, parts: &[(&str, &Dataset)]) -> Bundle {
    let counts = match parts.iter().map(|(_, data)| data.counts()).collect::<Result<Vec<_>>>() {
        Ok(counts) => counts,
        Err(error) => return Bundle::text(format!("{name}: {error}")),
    };
    let (_, first) = parts[0];
    let input = first.x.dims().get(1..).unwrap_or_default();
    let mut table = Table::new(format!("{name}: each input {input:?}"), ["class"]);
    table.head.extend(parts.iter().map(|(part, _)| (*part).to_owned()));
    for (label, class) in first.classes.iter().enumerate() {
        let count = |part: &Vec<usize>| part.get(label).map_or("-".into(), usize::to_string);
        table.row(std::iter::once(class.clone()).chain(counts.iter().map(count)));
    }
    table.row(std::iter::once("all".into()).chain(parts.iter().map(|(_, data)| data.len().to_string())));
    let mut html = table.html();
    if let [1 | 3, height, width] = input {
        let area = (height * width * first.classes.len()).max(1);
        // A set whose fields were changed may hold what cannot be drawn: the reason stands in place of the picture.
        match first.grid((PIXELS / area).clamp(1, IMAGES)) {
            Ok(picture) => html += &picture.html((64 / height.max(width)).clamp(1, 4)),
            Err(error) => table.notes.push(error.to_string()),
        }
    }
    if !table.notes.is_empty() {
        html = table.html();
    }
    Bundle::text(table.to_string()).with("text/html", html)
}
