//! Bars beside, upon or over one another, and histograms, which are bars of counts.

use super::axis::{Axis, nice};
use super::scatter;
use super::svg::{Paint, Svg};
use super::text::{self, Side, Text};
use super::trace::{Extent, Kind, Trace, items, nth};
use serde_json::{Value, json};
use std::collections::HashMap;

/// Room above the highest bar.
const PAD: f64 = 0.05;

/// Whether a trace's bars lie: their values stand on x.
pub fn lying(json: &Value) -> bool {
    json["orientation"] == "h"
}

/// The same traces with each histogram counted into bars.
pub fn counted(data: &[Value]) -> Vec<Value> {
    data.iter().map(|trace| if trace["type"] == "histogram" { histogram(trace) } else { trace.clone() }).collect()
}

fn histogram(trace: &Value) -> Value {
    let lies = trace["x"].is_null();
    let (key, other) = if lies { ("y", "x") } else { ("x", "y") };
    let mut values: Vec<f64> = items(&trace[key]).iter().filter_map(Value::as_f64).collect();
    values.sort_by(f64::total_cmp);
    let mut bar = trace.clone();
    bar["type"] = "bar".into();
    let (Some(low), Some(high)) = (values.first().copied(), values.last().copied()) else {
        bar[key] = json!([]);
        return bar;
    };
    let bins = &trace[if lies { "ybins" } else { "xbins" }];
    let wanted = trace[if lies { "nbinsy" } else { "nbinsx" }].as_f64();
    // plotly's rule: bins shrink with the 0.4th power of the count.
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    let deviation = (values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / count).sqrt();
    let rough = wanted.map_or(2.0 * deviation / count.powf(0.4), |wanted| (high - low) / wanted.max(1.0));
    let size =
        bins["size"].as_f64().filter(|size| *size > 0.0).unwrap_or_else(|| if high > low { nice(rough) } else { 1.0 });
    let start = bins["start"].as_f64().unwrap_or_else(|| (low / size).floor() * size);
    let end = bins["end"].as_f64().unwrap_or(high);
    let number = ((((end - start) / size) - 1e-9).floor().max(0.0) as usize + 1).min(10_000);
    let mut counts = vec![0.0; number];
    for value in &values {
        let at = ((value - start) / size + 1e-9).floor();
        if at >= 0.0 && (at as usize) < number {
            counts[at as usize] += 1.0;
        }
    }
    let scale = match trace["histnorm"].as_str() {
        Some("probability") => 1.0 / values.len() as f64,
        Some("percent") => 100.0 / values.len() as f64,
        Some("density") => 1.0 / size,
        Some("probability density") => 1.0 / (values.len() as f64 * size),
        _ => 1.0,
    };
    bar[key] = (0..number).map(|k| json!(start + (k as f64 + 0.5) * size)).collect();
    bar[other] = counts.into_iter().map(|count| json!(count * scale)).collect();
    bar["orientation"] = if lies { "h" } else { "v" }.into();
    bar["width"] = size.into();
    bar
}

/// Gives every bar its corners: traces of one panel stand beside each other, or on each other with `barmode`.
pub fn place(traces: &mut [Trace], axes: &[Axis], layout: &Value) {
    let mode = layout["barmode"].as_str().unwrap_or("group").to_owned();
    let gap = layout["bargap"].as_f64().unwrap_or(0.2);
    let panels: Vec<(usize, usize)> =
        traces.iter().filter(|t| matches!(t.kind, Kind::Bars(_))).map(|t| (t.x, t.y)).collect();
    let mut placed: HashMap<(usize, usize), usize> = HashMap::new();
    let mut heights: HashMap<(usize, usize, bool, u64), f64> = HashMap::new();
    for trace in traces.iter_mut() {
        if !matches!(trace.kind, Kind::Bars(_)) {
            continue;
        }
        let panel = (trace.x, trace.y);
        let together = panels.iter().filter(|other| **other == panel).count();
        let index = placed.entry(panel).or_insert(0);
        let number = *index;
        *index += 1;
        let lies = lying(trace.json);
        let points = trace.points(axes);
        let position = |p: &(f64, f64)| if lies { p.1 } else { p.0 };
        let mut positions: Vec<f64> = points.iter().flatten().map(position).collect();
        positions.sort_by(f64::total_cmp);
        let apart = positions.windows(2).map(|w| w[1] - w[0]).filter(|d| *d > 0.0).fold(f64::INFINITY, f64::min);
        let apart = if apart.is_finite() { apart } else { 1.0 };
        let bars = points.iter().enumerate().filter_map(|(k, point)| {
            let point = (*point)?;
            let (at, value) = if lies { (point.1, point.0) } else { point };
            let full = nth(&trace.json["width"], k).as_f64().unwrap_or(apart * (1.0 - gap));
            let (from, to) = match mode.as_str() {
                "group" => {
                    let each = full / together as f64;
                    let from = at - full / 2.0 + each * number as f64;
                    (from, from + each)
                }
                _ => (at - full / 2.0, at + full / 2.0),
            };
            let own = nth(&trace.json["base"], k).as_f64();
            let base = match mode.as_str() {
                "stack" | "relative" => {
                    let height = heights.entry((trace.x, trace.y, value < 0.0, at.to_bits())).or_insert(0.0);
                    let base = *height;
                    *height += value;
                    base
                }
                _ => own.unwrap_or(0.0),
            };
            let (low, high) = (base, base + value);
            Some(if lies { [low, from, high, to] } else { [from, low, to, high] })
        });
        trace.kind = Kind::Bars(bars.collect());
    }
}

pub fn extents(json: &Value, bars: &[[f64; 4]]) -> [Option<Extent>; 2] {
    let ends = |a: usize, b: usize| bars.iter().flat_map(move |bar| [bar[a], bar[b]]);
    let along = |values: Vec<f64>| {
        // Bars stand on 0; room is wanted only at the end that is not 0.
        let low = if values.iter().any(|v| *v < 0.0) { PAD } else { 0.0 };
        let high = if values.iter().any(|v| *v > 0.0) { PAD } else { 0.0 };
        Extent::around(values.into_iter(), [low, high])
    };
    if lying(json) {
        [along(ends(0, 2).collect()), Extent::around(ends(1, 3), [PAD; 2])]
    } else {
        [Extent::around(ends(0, 2), [PAD; 2]), along(ends(1, 3).collect())]
    }
}

pub fn paint(trace: &Trace, k: usize) -> Paint {
    let settings = &trace.json["marker"];
    let line = &settings["line"];
    Paint {
        fill: Some(nth(&settings["color"], k).as_str().unwrap_or(trace.colour).to_owned()),
        stroke: nth(&line["color"], k).as_str().map(str::to_owned),
        width: nth(&line["width"], k).as_f64().unwrap_or(if line["color"].is_null() { 0.0 } else { 1.0 }),
        opacity: trace.json["opacity"].as_f64().or_else(|| nth(&settings["opacity"], k).as_f64()),
        ..Paint::default()
    }
}

pub fn draw(trace: &Trace, bars: &[[f64; 4]], axes: &[Axis], svg: &mut Svg) {
    let (x, y) = (&axes[trace.x], &axes[trace.y]);
    for (k, [x0, y0, x1, y1]) in bars.iter().enumerate() {
        let corners = [x.pixel(*x0), y.pixel(*y0), x.pixel(*x1), y.pixel(*y1)];
        svg.rect(corners, &paint(trace, k), false);
        if let Some(length) = trace.json["error_y"]["array"][k].as_f64().filter(|_| !lying(trace.json)) {
            let middle = (corners[0] + corners[2]) / 2.0;
            let end = if (*y0).abs() > (*y1).abs() { *y0 } else { *y1 };
            scatter::error_bar(
                trace,
                middle,
                corners[3],
                [Some(y.pixel(end - length)), Some(y.pixel(end + length))],
                svg,
            );
        }
        let Some(words) = nth(&trace.json["text"], k).as_str() else { continue };
        let font = &trace.json["textfont"];
        let (size, colour) = (font["size"].as_f64().unwrap_or(12.0), font["color"].as_str().unwrap_or("#222222"));
        let (side, px, py) = if lying(trace.json) {
            (Side::Start, corners[2] + 4.0, (corners[1] + corners[3]) / 2.0)
        } else {
            (Side::Middle, (corners[0] + corners[2]) / 2.0, corners[3] - 0.5 * size - 3.0)
        };
        text::write(svg, &Text { markup: words, size, colour, side, turn: 0.0 }, px, py);
    }
}
