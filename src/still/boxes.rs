//! Box plots: median, quartiles, whiskers, outliers.

use super::axis::Axis;
use super::colour::faded;
use super::svg::{Paint, Svg};
use super::trace::{Extent, Kind, POINT_PAD, Trace, items};
use serde_json::Value;

/// Where the boxes of a trace stand beside their places, and half of their width, in the axis' units.
#[derive(Clone, Copy, Default)]
pub struct Place {
    offset: f64,
    half: f64,
}

/// Boxes of one panel stand side by side with `boxmode: group`, else each at its own place.
pub fn place(traces: &mut [Trace], axes: &[Axis], layout: &Value) {
    let share = |key: &str| 1.0 - layout[key].as_f64().unwrap_or(0.3);
    let panels: Vec<(usize, usize)> =
        traces.iter().filter(|t| matches!(t.kind, Kind::Boxes(_))).map(|t| (t.x, t.y)).collect();
    let mut seen: Vec<(usize, usize)> = Vec::new();
    for trace in traces.iter_mut().filter(|t| matches!(t.kind, Kind::Boxes(_))) {
        let panel = (trace.x, trace.y);
        let grouped = layout["boxmode"] == "group";
        let together = if grouped { panels.iter().filter(|other| **other == panel).count() as f64 } else { 1.0 };
        let before = if grouped { seen.iter().filter(|other| **other == panel).count() as f64 } else { 0.0 };
        seen.push(panel);
        let mut at: Vec<f64> = summaries(trace, axes).iter().map(|item| item.at).collect();
        at.sort_by(f64::total_cmp);
        let apart = at.windows(2).map(|pair| pair[1] - pair[0]).filter(|d| *d > 0.0).fold(f64::INFINITY, f64::min);
        let apart = if apart.is_finite() { apart } else { 1.0 };
        let all = apart * share("boxgap");
        let half = trace.json["width"].as_f64().unwrap_or(all * share("boxgroupgap") / together) / 2.0;
        trace.kind = Kind::Boxes(Place { offset: all * ((before + 0.5) / together - 0.5), half });
    }
}

/// The numbers of one box.
struct Summary {
    /// Where it stands on the axis of positions.
    at: f64,
    quartiles: [f64; 3],
    whiskers: [f64; 2],
    outliers: Vec<f64>,
}

pub fn lying(json: &Value) -> bool {
    json["y"].is_null() || json["orientation"] == "h"
}

/// One box for each position: groups by the values of the other axis, or all under the trace's name.
fn summaries(trace: &Trace, axes: &[Axis]) -> Vec<Summary> {
    let (values, places) = if lying(trace.json) { ("x", "y") } else { ("y", "x") };
    let (value_axis, place_axis) = if lying(trace.json) { (trace.x, trace.y) } else { (trace.y, trace.x) };
    let mut groups: Vec<(f64, Vec<f64>)> = Vec::new();
    let places = items(&trace.json[places]);
    for (k, value) in items(&trace.json[values]).iter().enumerate() {
        let name = Value::from(trace.name.as_str());
        let at = axes[place_axis].value(places.get(k).unwrap_or(&name)).unwrap_or(0.0);
        let Some(value) = axes[value_axis].value(value) else { continue };
        match groups.iter_mut().find(|(place, _)| *place == at) {
            Some((_, group)) => group.push(value),
            None => groups.push((at, vec![value])),
        }
    }
    groups.into_iter().map(|(at, group)| summary(at, group)).collect()
}

fn summary(at: f64, mut values: Vec<f64>) -> Summary {
    values.sort_by(f64::total_cmp);
    // plotly's "linear" quartiles: the value at (n · p - 1/2), between its neighbours.
    let quantile = |p: f64| {
        let place = (values.len() as f64 * p - 0.5).clamp(0.0, values.len() as f64 - 1.0);
        let (low, share) = (place.floor() as usize, place.fract());
        values[low] + share * (values[(low + 1).min(values.len() - 1)] - values[low])
    };
    let quartiles = [0.25, 0.5, 0.75].map(quantile);
    let reach = 1.5 * (quartiles[2] - quartiles[0]);
    let inside = |v: &f64| *v >= quartiles[0] - reach && *v <= quartiles[2] + reach;
    let kept: Vec<f64> = values.iter().copied().filter(inside).collect();
    let ends = [kept.first().copied().unwrap_or(quartiles[0]), kept.last().copied().unwrap_or(quartiles[2])];
    // A whisker never ends inside of the box.
    let whiskers = [ends[0].min(quartiles[0]), ends[1].max(quartiles[2])];
    let outliers = values.iter().copied().filter(|v| !inside(v)).collect();
    Summary { at, quartiles, whiskers, outliers }
}

pub fn extents(trace: &Trace, axes: &[Axis]) -> [Option<Extent>; 2] {
    let boxes = summaries(trace, axes);
    let values = boxes.iter().flat_map(|b| b.whiskers.into_iter().chain(b.outliers.iter().copied()));
    let along = Extent::around(values, [POINT_PAD; 2]);
    let across = Extent::around(boxes.iter().flat_map(|b| [b.at - 0.5, b.at + 0.5]), [0.0; 2]);
    if lying(trace.json) { [along, across] } else { [across, along] }
}

pub fn draw(trace: &Trace, place: Place, axes: &[Axis], svg: &mut Svg) {
    let lies = lying(trace.json);
    let (along, across) = if lies { (&axes[trace.x], &axes[trace.y]) } else { (&axes[trace.y], &axes[trace.x]) };
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let colour = text(&trace.json["line"]["color"]).or_else(|| text(&trace.json["marker"]["color"]));
    let colour = colour.unwrap_or_else(|| trace.colour.clone());
    let fill = text(&trace.json["fillcolor"]).unwrap_or_else(|| faded(&colour, 0.5));
    let line = Paint::line(colour.clone(), trace.json["line"]["width"].as_f64().unwrap_or(2.0));
    let corners = |a: f64, b: f64, from: f64, to: f64| if lies { [from, a, to, b] } else { [a, from, b, to] };
    for item in summaries(trace, axes) {
        let middle = across.pixel(item.at + place.offset);
        let half = (across.pixel(item.at + place.offset + place.half) - middle).abs();
        let [q1, median, q3] = item.quartiles.map(|v| along.pixel(v));
        svg.rect(
            corners(middle - half, middle + half, q1, q3),
            &Paint { fill: Some(fill.clone()), ..line.clone() },
            false,
        );
        svg.line(corners(middle - half, middle + half, median, median), &line);
        for (end, from) in item.whiskers.map(|v| along.pixel(v)).into_iter().zip([q1, q3]) {
            svg.line(corners(middle, middle, from, end), &line);
            svg.line(corners(middle - half / 2.0, middle + half / 2.0, end, end), &line);
        }
        for value in item.outliers.iter().filter(|_| trace.json["boxpoints"] != false) {
            let at = corners(middle, middle, along.pixel(*value), along.pixel(*value));
            svg.circle(at[0], at[1], 3.0, &Paint::area(colour.clone()));
        }
    }
}
