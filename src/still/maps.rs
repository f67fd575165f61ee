//! Heat maps and images: cells of colour.

use super::axis::Axis;
use super::colour::Scale;
use super::svg::{Paint, Svg};
use super::text::{self, Side, Text};
use super::trace::{Extent, Kind, Trace, items};
use serde_json::Value;

fn rows<'a>(trace: &Trace<'a>) -> &'a [Value] {
    items(&trace.json["z"])
}

fn width(trace: &Trace) -> usize {
    rows(trace).iter().map(|row| items(row).len()).max().unwrap_or(0)
}

/// The borders of cells along an axis: half way between their places, or as given where there is one more than cells.
fn borders(trace: &Trace, key: &str, axis: &Axis, count: usize) -> Vec<f64> {
    let given: Vec<f64> = items(&trace.json[key]).iter().filter_map(|value| axis.value(value)).collect();
    if given.len() == count + 1 {
        return given;
    }
    let start = trace.json[format!("{key}0")].as_f64().unwrap_or(0.0);
    let step = trace.json[format!("d{key}")].as_f64().unwrap_or(1.0);
    let places = if given.len() == count { given } else { (0..count).map(|k| start + k as f64 * step).collect() };
    let (Some(first), Some(last)) = (places.first(), places.last()) else { return Vec::new() };
    let ends = |at: usize, other: usize| if count > 1 { (places[at] - places[other]) / 2.0 } else { 0.5 };
    let mut out = vec![first - if count > 1 { ends(1, 0) } else { 0.5 }];
    out.extend(places.windows(2).map(|pair| (pair[0] + pair[1]) / 2.0));
    out.push(last + if count > 1 { ends(count - 1, count - 2) } else { 0.5 });
    out
}

pub fn extents(trace: &Trace, axes: &[Axis]) -> [Option<Extent>; 2] {
    let x = borders(trace, "x", &axes[trace.x], width(trace));
    let y = borders(trace, "y", &axes[trace.y], rows(trace).len());
    [Extent::around(x.into_iter(), [0.0; 2]), Extent::around(y.into_iter(), [0.0; 2])]
}

/// The numbers of the ends of the colours.
pub fn limits(trace: &Trace) -> [f64; 2] {
    let values = rows(trace).iter().flat_map(items).filter_map(Value::as_f64);
    let [low, high] = Extent::around(values, [0.0; 2]).map_or([0.0, 1.0], |extent| extent.range);
    [trace.json["zmin"].as_f64().unwrap_or(low), trace.json["zmax"].as_f64().unwrap_or(high)]
}

pub fn scale(trace: &Trace) -> Scale {
    Scale::of(&trace.json["colorscale"], trace.json["reversescale"] == true)
}

/// Whether the trace wants a bar that explains its colours.
pub fn explained(trace: &Trace) -> bool {
    matches!(trace.kind, Kind::HeatMap) && trace.json["showscale"] != false
}

pub fn draw(trace: &Trace, axes: &[Axis], svg: &mut Svg) {
    let ([low, high], scale) = (limits(trace), scale(trace));
    let colour = |value: &Value| {
        let value = value.as_f64()?;
        Some(scale.at(if high > low { (value - low) / (high - low) } else { 0.5 }))
    };
    cells(trace, axes, svg, colour);
    let template = trace.json["texttemplate"].as_str();
    let words = if template == Some("%{z}") { &trace.json["z"] } else { &trace.json["text"] };
    if template.is_none() || words.is_null() {
        return;
    }
    let (x, y) = (&axes[trace.x], &axes[trace.y]);
    let (xs, ys) = (borders(trace, "x", x, width(trace)), borders(trace, "y", y, rows(trace).len()));
    for (row, line) in items(words).iter().enumerate() {
        for (column, word) in items(line).iter().enumerate() {
            let Some(word) = super::axis::label_of(word) else { continue };
            let cell = colour(&rows(trace)[row][column]).unwrap_or_default();
            let colour = if super::colour::is_dark(&cell) { "#ffffff" } else { "#222222" };
            let middle = |ends: &[f64], k: usize, axis: &Axis| axis.pixel((ends[k] + ends[k + 1]) / 2.0);
            let text = Text { markup: &word, size: 12.0, colour, side: Side::Middle, turn: 0.0 };
            text::write(svg, &text, middle(&xs, column, x), middle(&ys, row, y));
        }
    }
}

pub fn draw_image(trace: &Trace, axes: &[Axis], svg: &mut Svg) {
    let colour = |value: &Value| {
        let channel = |k: usize| value[k].as_f64().map(|v| v.clamp(0.0, 255.0).round() as u8);
        Some(format!("#{:02x}{:02x}{:02x}", channel(0)?, channel(1)?, channel(2)?))
    };
    cells(trace, axes, svg, colour);
}

/// One rectangle for each run of equal colour in a row.
fn cells(trace: &Trace, axes: &[Axis], svg: &mut Svg, colour: impl Fn(&Value) -> Option<String>) {
    let (x, y) = (&axes[trace.x], &axes[trace.y]);
    let xs: Vec<f64> = borders(trace, "x", x, width(trace)).into_iter().map(|v| x.pixel(v)).collect();
    let ys: Vec<f64> = borders(trace, "y", y, rows(trace).len()).into_iter().map(|v| y.pixel(v)).collect();
    // A cell reaches a little under its right and lower neighbour: two edges at one place may round apart.
    let under = |ends: &[f64], from: usize, to: usize, count: usize| {
        let sign = (ends[to] - ends[from]).signum();
        [ends[from], ends[to] + if to < count { 0.4 * sign } else { 0.0 }]
    };
    let count = rows(trace).len();
    for (row, line) in rows(trace).iter().enumerate() {
        let colours: Vec<Option<String>> = items(line).iter().map(&colour).collect();
        let mut from = 0;
        while from < colours.len() {
            let to = (from..colours.len()).find(|k| colours[*k] != colours[from]).unwrap_or(colours.len());
            if let Some(colour) = &colours[from] {
                let ([x0, x1], [y0, y1]) = (under(&xs, from, to, colours.len()), under(&ys, row, row + 1, count));
                svg.rect([x0, y0, x1, y1], &Paint::area(colour.clone()), true);
            }
            from = to;
        }
    }
}
