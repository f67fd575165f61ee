//! Bars beside, upon or over one another.

use super::axis::{Axis, label_of};
use super::colour::is_dark;
use super::scatter;
use super::svg::{Paint, Svg};
use super::text::{self, Side, Text};
use super::trace::{Extent, Kind, Trace, nth};
use serde_json::Value;
use std::collections::HashMap;

/// Room above the highest bar: a twentieth of the axis.
const PAD: f64 = 0.05 / 0.95;

/// The bars of a trace.
#[derive(Default)]
pub struct Bars {
    /// Each from corner to corner, on the axes' scales.
    corners: Vec<[f64; 4]>,
    /// The places that the bars take, with the gaps around them.
    reach: Vec<f64>,
}

/// Whether a trace's bars lie: their values stand on x.
pub fn lying(json: &Value) -> bool {
    json["orientation"] == "h"
}

fn is_bars(trace: &Trace) -> bool {
    matches!(trace.kind, Kind::Bars(_))
}

/// Gives every bar its corners: traces of one panel stand beside each other, or on each other with `barmode`.
pub fn place(traces: &mut [Trace], axes: &[Axis], layout: &Value) {
    let mode = layout["barmode"].as_str().unwrap_or("group").to_owned();
    let gap = layout["bargap"].as_f64().unwrap_or(0.2);
    let panels: Vec<(usize, usize)> = traces.iter().filter(|t| is_bars(t)).map(|t| (t.x, t.y)).collect();
    let mut placed: HashMap<(usize, usize), usize> = HashMap::new();
    let mut heights: HashMap<(usize, usize, bool, u64), f64> = HashMap::new();
    for trace in traces.iter_mut() {
        if !is_bars(trace) {
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
        let mut reach = Vec::new();
        let bars = points.iter().enumerate().map(|(k, point)| {
            // A bar without a height still has its number among the trace's settings.
            let Some(point) = *point else { return [f64::NAN; 4] };
            let (at, value) = if lies { (point.1, point.0) } else { point };
            let own = nth(&trace.json["width"], k).as_f64();
            let full = own.unwrap_or(apart * (1.0 - gap));
            let half = own.map_or(apart / 2.0, |own| own / 2.0);
            reach.extend([at - half, at + half]);
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
            if lies { [low, from, high, to] } else { [from, low, to, high] }
        });
        let corners = bars.collect();
        trace.kind = Kind::Bars(Bars { corners, reach });
    }
}

pub fn extents(json: &Value, bars: &Bars) -> [Option<Extent>; 2] {
    let (a, b) = if lying(json) { (0, 2) } else { (1, 3) };
    let ends = bars.corners.iter().enumerate().flat_map(|(k, bar)| {
        let error = scatter::error(&json["error_y"], k, nth(&json["y"], k))
            .filter(|_| !lying(json))
            .map_or(0.0, |(_, above)| above);
        [bar[a], bar[b], bar[b] + error]
    });
    let along = Extent::from_zero(ends.collect(), PAD);
    let across = Extent::around(bars.reach.iter().copied(), [0.0; 2]);
    if lying(json) { [along, across] } else { [across, along] }
}

pub fn paint(trace: &Trace, k: usize) -> Paint {
    let settings = &trace.json["marker"];
    let line = &settings["line"];
    Paint {
        fill: Some(nth(&settings["color"], k).as_str().unwrap_or(&trace.colour).to_owned()),
        stroke: nth(&line["color"], k).as_str().map(str::to_owned),
        width: nth(&line["width"], k).as_f64().unwrap_or(if line["color"].is_null() { 0.0 } else { 1.0 }),
        opacity: trace.json["opacity"].as_f64().or_else(|| nth(&settings["opacity"], k).as_f64()),
        ..Paint::default()
    }
}

pub fn draw(trace: &Trace, bars: &Bars, axes: &[Axis], svg: &mut Svg) {
    let (x, y) = (&axes[trace.x], &axes[trace.y]);
    for (k, bar) in bars.corners.iter().enumerate().filter(|(_, bar)| bar.iter().all(|end| end.is_finite())) {
        let [x0, y0, x1, y1] = bar;
        let corners = [x.pixel(*x0), y.pixel(*y0), x.pixel(*x1), y.pixel(*y1)];
        svg.rect(corners, &paint(trace, k), true);
        let error = scatter::error(&trace.json["error_y"], k, nth(&trace.json["y"], k));
        if let Some((below, above)) = error.filter(|_| !lying(trace.json)) {
            let middle = (corners[0] + corners[2]) / 2.0;
            let end = if (*y0).abs() > (*y1).abs() { *y0 } else { *y1 };
            scatter::error_bar(
                trace,
                middle,
                corners[3],
                [Some(y.pixel(end - below)), Some(y.pixel(end + above))],
                svg,
            );
        }
        if let Some(words) = label_of(nth(&trace.json["text"], k)) {
            label(trace, k, &words, corners, svg);
        }
    }
}

/// The words of a bar: inside of its end where they fit, else beyond it.
fn label(trace: &Trace, k: usize, words: &str, [x0, y0, x1, y1]: [f64; 4], svg: &mut Svg) {
    let font = &trace.json["textfont"];
    let size = font["size"].as_f64().unwrap_or(12.0);
    let (width, height) = text::size(words, size);
    let lies = lying(trace.json);
    let room = if lies { (x1 - x0).abs() - 6.0 - width } else { (y1 - y0).abs() - 6.0 - height };
    let inside = match trace.json["textposition"].as_str() {
        Some("none") => return,
        Some("inside") => true,
        Some("outside") => false,
        _ => room >= 0.0 && (lies || (x1 - x0).abs() >= width),
    };
    let dark = inside && paint(trace, k).fill.is_some_and(|fill| is_dark(&fill));
    let colour = font["color"].as_str().unwrap_or(if dark { "#ffffff" } else { "#444444" });
    // From the bar's end towards its foot, or away from it.
    let towards = |from: f64, to: f64| if (from > to) == inside { 1.0 } else { -1.0 };
    let (side, x, y) = if lies {
        let sign = towards(x0, x1);
        (if sign > 0.0 { Side::Start } else { Side::End }, x1 + 3.0 * sign, (y0 + y1) / 2.0)
    } else {
        (Side::Middle, (x0 + x1) / 2.0, y1 + towards(y0, y1) * (height / 2.0 + 3.0))
    };
    text::write(svg, &Text { markup: words, size, colour, side, turn: 0.0 }, x, y);
}
