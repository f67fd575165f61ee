//! Words and marks that the layout adds: annotations with or without an arrow, lines, rectangles and circles.

use super::axis::Axis;
use super::frame::Frame;
use super::scatter::dashes;
use super::svg::{Paint, Svg, number};
use super::text::{self, Font, Side, Text};
use super::trace::items;
use serde_json::Value;

/// The pixel that `value` means on `reference`: an axis, its panel (`x domain`), or the paper.
fn place(reference: &str, value: &Value, axes: &[Axis], frame: &Frame, horizontal: bool) -> Option<f64> {
    let (name, domain) = match reference.strip_suffix(" domain") {
        Some(name) => (name, true),
        None => (reference, false),
    };
    match axes.iter().find(|axis| axis.name == name && axis.horizontal == horizontal) {
        Some(axis) if domain => Some(axis.pixels[0] + value.as_f64()? * (axis.pixels[1] - axis.pixels[0])),
        // Notes on a logarithmic axis are given as logarithms, and so is its range; shapes as values.
        Some(axis) => Some(axis.pixel(if axis.log { value.as_f64()? } else { axis.value(value)? })),
        None => {
            let (x, y) = frame.paper(value.as_f64()?, value.as_f64()?);
            Some(if horizontal { x } else { y })
        }
    }
}

fn reference<'a>(item: &'a Value, key: &str, first: &'a str) -> &'a str {
    item[key].as_str().unwrap_or(first)
}

pub fn annotations(layout: &Value, axes: &[Axis], frame: &Frame, font: &Font, out: &mut Svg) {
    for note in items(&layout["annotations"]).iter().filter(|note| note["visible"] != false) {
        let Some(words) = note["text"].as_str() else { continue };
        let (x_ref, y_ref) = (reference(note, "xref", "x"), reference(note, "yref", "y"));
        let (Some(x), Some(y)) =
            (place(x_ref, &note["x"], axes, frame, true), place(y_ref, &note["y"], axes, frame, false))
        else {
            continue;
        };
        let size = note["font"]["size"].as_f64().unwrap_or(font.size);
        let colour = note["font"]["color"].as_str().unwrap_or(&font.colour);
        let (width, height) = text::size(words, size);
        let arrow = note["showarrow"] != false;
        let (dx, dy) = if arrow {
            (note["ax"].as_f64().unwrap_or(-10.0), note["ay"].as_f64().unwrap_or(-30.0))
        } else {
            (note["xshift"].as_f64().unwrap_or(0.0), -note["yshift"].as_f64().unwrap_or(0.0))
        };
        let share = |name: Option<&str>, value: &Value, paper: bool| match name {
            Some("left" | "bottom") => 0.0,
            Some("right" | "top") => 1.0,
            Some("center" | "middle") => 0.5,
            // On the paper plotly anchors by thirds; with an arrow, and on axes, in the middle.
            _ if paper && !arrow => match value.as_f64().unwrap_or(0.5) {
                v if v < 1.0 / 3.0 => 0.0,
                v if v > 2.0 / 3.0 => 1.0,
                _ => 0.5,
            },
            _ => 0.5,
        };
        let across = share(note["xanchor"].as_str(), &note["x"], x_ref == "paper");
        let up = share(note["yanchor"].as_str(), &note["y"], y_ref == "paper");
        let (left, middle) = (x + dx - across * width, y + dy + (up - 0.5) * height);
        if arrow {
            let pointer =
                Paint::line(note["arrowcolor"].as_str().unwrap_or(colour), note["arrowwidth"].as_f64().unwrap_or(1.0));
            let from = (left + width / 2.0, middle);
            tip(from, (x, y), &pointer, out);
        }
        let around = [left - 2.0, middle - height / 2.0, left + width + 2.0, middle + height / 2.0];
        let border = note["bordercolor"].as_str().filter(|_| note["borderwidth"] != 0);
        if border.is_some() || note["bgcolor"].is_string() {
            let fill = note["bgcolor"].as_str().unwrap_or("none");
            let edge = border.map(str::to_owned);
            let paint = Paint { stroke: edge, width: note["borderwidth"].as_f64().unwrap_or(1.0), ..Paint::area(fill) };
            out.rect(around, &paint, false);
        }
        let (side, at) = match note["align"].as_str() {
            Some("left") => (Side::Start, left),
            Some("right") => (Side::End, left + width),
            _ => (Side::Middle, left + width / 2.0),
        };
        let turn = note["textangle"].as_f64().unwrap_or(0.0);
        text::write(out, &Text { markup: words, size, colour, side, turn }, at, middle);
    }
}

/// A line from the words to their point, with a head.
fn tip(from: (f64, f64), to: (f64, f64), paint: &Paint, out: &mut Svg) {
    out.line([from.0, from.1, to.0, to.1], paint);
    let length = (to.0 - from.0).hypot(to.1 - from.1);
    if length > 0.0 {
        let (ux, uy) = ((to.0 - from.0) / length, (to.1 - from.1) / length);
        let corner = |side: f64| (to.0 - 7.0 * ux + 3.0 * side * uy, to.1 - 7.0 * uy - 3.0 * side * ux);
        let ((ax, ay), (bx, by)) = (corner(1.0), corner(-1.0));
        let [x, y, ax, ay, bx, by] = [to.0, to.1, ax, ay, bx, by].map(number);
        out.path(&format!("M{x} {y}L{ax} {ay}L{bx} {by}Z"), &Paint::area(paint.stroke.clone().unwrap_or_default()));
    }
}

pub fn shapes(layout: &Value, axes: &[Axis], frame: &Frame, out: &mut Svg) {
    for shape in items(&layout["shapes"]).iter().filter(|shape| shape["visible"] != false) {
        let (x_ref, y_ref) = (reference(shape, "xref", "x"), reference(shape, "yref", "y"));
        let at = |key: &str, reference: &str, horizontal: bool| {
            let axis = axes.iter().find(|axis| axis.name == reference && axis.horizontal == horizontal);
            match axis {
                Some(axis) => axis.value(&shape[key]).map(|value| axis.pixel(value)),
                None => place(reference, &shape[key], axes, frame, horizontal),
            }
        };
        let corners = [at("x0", x_ref, true), at("y0", y_ref, false), at("x1", x_ref, true), at("y1", y_ref, false)];
        let [Some(x0), Some(y0), Some(x1), Some(y1)] = corners else { continue };
        let line = &shape["line"];
        let width = line["width"].as_f64().unwrap_or(2.0);
        let paint = Paint {
            fill: shape["fillcolor"].as_str().map(str::to_owned),
            dash: dashes(line["dash"].as_str().unwrap_or("solid"), width),
            opacity: shape["opacity"].as_f64(),
            ..Paint::line(line["color"].as_str().unwrap_or("#444444"), width)
        };
        match shape["type"].as_str() {
            Some("line") => out.line([x0, y0, x1, y1], &paint),
            Some("circle") => {
                let [left, middle, right, a, b] =
                    [x0, (y0 + y1) / 2.0, x1, (x1 - x0).abs() / 2.0, (y1 - y0).abs() / 2.0].map(number);
                out.path(
                    &format!("M{left} {middle}A{a} {b} 0 0 1 {right} {middle}A{a} {b} 0 0 1 {left} {middle}Z"),
                    &paint,
                );
            }
            Some("rect") => out.rect([x0, y0, x1, y1], &paint, false),
            // A free path is given in the data's units; it is decoration, and left out.
            _ => {}
        }
    }
}
