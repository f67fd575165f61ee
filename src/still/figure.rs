//! The whole picture: panels with axes, traces inside, title, legend and notes around them.

use super::axis::{Axis, label_of};
use super::frame::{Edge, Frame, room};
use super::legend::{ColourBar, Legend};
use super::svg::{Paint, Svg};
use super::text::{self, Font, Side, Text};
use super::trace::{Extent, Kind, POINT_PAD, Trace, items};
use super::{bars, boxes, histogram, limits, notes, ruler};
use crate::error::{Error, Result};
use serde_json::Value;

/// The width of a still whose figure names none: figures fit the page they stand on.
const WIDTH: f64 = 800.0;
const HEIGHT: f64 = 450.0;

/// The figure `{"data": [...], "layout": {...}}` as SVG.
///
/// Errors: `Value` for what is no figure, for a type of trace that a still cannot draw, and for settings that it would
/// draw otherwise than plotly does.
pub fn svg(figure: &Value) -> Result<String> {
    let layout = &figure["layout"];
    let Some(data) = figure["data"].as_array() else {
        let (expected, got) = ("a figure with a list of traces".into(), figure["data"].to_string());
        return Err(Error::Value { op: "still", expected, got });
    };
    let seen = |(_, trace): &(usize, &Value)| trace["visible"] != false && trace["visible"] != "legendonly";
    let data: Vec<(usize, Value)> =
        data.iter().enumerate().filter(seen).map(|(k, trace)| (k, histogram::counted(trace, layout))).collect();
    limits::check(&data.iter().map(|(_, trace)| trace).collect::<Vec<_>>(), layout)?;
    let mut axes = axes(&data, layout);
    let traces = data.iter().map(|(index, json)| Trace::of(json, *index, &axes, layout));
    let mut traces = traces.collect::<Result<Vec<_>>>()?;
    name_categories(&traces, &mut axes);
    bars::place(&mut traces, &axes, layout);
    boxes::place(&mut traces, &axes, layout);
    set_ranges(&traces, &mut axes);

    let length = |key: &str, otherwise: f64| layout[key].as_f64().filter(|v| *v >= 1.0).unwrap_or(otherwise);
    let (width, height) = (length("width", WIDTH), length("height", HEIGHT));
    let font = Font::of(&layout["font"]);
    let legend = Legend::of(&traces, layout, &font);
    let bar = ColourBar::of(&traces);
    let frame = Frame::around(layout, &mut axes, &legend, bar.as_ref(), &font, [width, height]);

    let mut out = Svg::new();
    let paper = layout["paper_bgcolor"].as_str().unwrap_or("#ffffff");
    out.rect([0.0, 0.0, width, height], &Paint::area(paper), false);
    let panels = panels(&traces, &axes);
    // Every grid lies below every trace: panels may lie upon each other.
    for (x, y) in &panels {
        ground(&axes[*x], &axes[*y], layout, &mut out);
    }
    for place in panels {
        out.clip(area(&axes[place.0], &axes[place.1]));
        for (k, trace) in traces.iter().enumerate().filter(|(_, trace)| (trace.x, trace.y) == place) {
            trace.draw(&traces[..k], &axes, &mut out);
        }
        out.end();
    }
    for axis in axes.iter().filter(|axis| axis.visible()) {
        ruler::draw(axis, &axes, &frame, &font, &mut out);
    }
    let beside = room(&axes, Edge::Right, &font) + bar.as_ref().map_or(0.0, |bar| bar.width(&font));
    legend.draw(&traces, &frame, [room(&axes, Edge::Bottom, &font), beside], &mut out);
    if let Some(bar) = bar {
        bar.draw(&traces, &axes, room(&axes, Edge::Right, &font), &font, &mut out);
    }
    notes::shapes(layout, &axes, &frame, &mut out);
    notes::annotations(layout, &axes, &frame, &font, &mut out);
    title(layout, &frame, &font, width, &mut out);
    let words = layout["meta"]["alt"].as_str().unwrap_or("figure");
    Ok(out.finish(width, height, words))
}

fn axes(data: &[(usize, Value)], layout: &Value) -> Vec<Axis> {
    let mut names = vec!["x".to_owned(), "y".to_owned()];
    let used = data.iter().flat_map(|(_, trace)| [trace["xaxis"].as_str(), trace["yaxis"].as_str()]).flatten();
    let set = layout.as_object().into_iter().flatten().filter_map(|(key, _)| {
        let number = key.strip_prefix("xaxis").or_else(|| key.strip_prefix("yaxis"))?;
        Some(format!("{}{number}", &key[..1]))
    });
    let set: Vec<String> = set.collect();
    for name in used.map(str::to_owned).chain(set) {
        if (name.starts_with('x') || name.starts_with('y')) && !names.contains(&name) {
            names.push(name);
        }
    }
    let mut axes: Vec<Axis> = names.iter().map(|name| Axis::new(name, layout)).collect();
    for index in 0..axes.len() {
        let (mine, its) = if axes[index].horizontal { ("xaxis", "yaxis") } else { ("yaxis", "xaxis") };
        let first = |key: &str| if key == "xaxis" { "x" } else { "y" };
        let name = |trace: &Value, key: &str| trace[key].as_str().unwrap_or(first(key)).to_owned();
        let partners = data.iter().filter(|(_, trace)| name(trace, mine) == axes[index].name);
        let partners: Vec<String> = partners.map(|(_, trace)| name(trace, its)).collect();
        // Of several panels the axis stands at the lowest, or at the leftmost.
        let start = |name: &String| axes.iter().find(|axis| axis.name == *name).map_or(0.0, |axis| axis.domain[0]);
        let partner = partners.iter().min_by(|a, b| start(a).total_cmp(&start(b))).cloned();
        axes[index].counterpart = partner.unwrap_or_else(|| first(its).to_owned());
    }
    axes
}

/// Gives an axis names where a trace has words that are no numbers.
fn name_categories(traces: &[Trace], axes: &mut [Axis]) {
    for (index, axis) in axes.iter_mut().enumerate() {
        let key = if axis.horizontal { "x" } else { "y" };
        let mine = traces.iter().filter(|trace| if axis.horizontal { trace.x == index } else { trace.y == index });
        let mut names: Vec<String> = Vec::new();
        let mut words = axis.layout["type"] == "category";
        for trace in mine {
            let boxed = [Value::from(trace.name.as_str())];
            // A box without positions stands at its name.
            let across = matches!(trace.kind, Kind::Boxes(_)) && trace.json[key].is_null();
            let values = if across { &boxed[..] } else { items(&trace.json[key]) };
            for value in values {
                words |= value.as_str().is_some_and(|text| text.parse::<f64>().is_err());
                names.extend(label_of(value).filter(|name| !names.contains(name)));
            }
        }
        if words {
            axis.categories = names;
        }
    }
}

fn set_ranges(traces: &[Trace], axes: &mut [Axis]) {
    let mut extents: Vec<Option<Extent>> = vec![None; axes.len()];
    for trace in traces {
        let [x, y] = trace.extents(axes);
        extents[trace.x] = Extent::join(extents[trace.x], x);
        extents[trace.y] = Extent::join(extents[trace.y], y);
        let maps = matches!(trace.kind, Kind::HeatMap | Kind::Image);
        let (lies, places) = match trace.kind {
            Kind::Bars(_) => (bars::lying(trace.json), true),
            Kind::Boxes(_) => (boxes::lying(trace.json), true),
            _ => (false, false),
        };
        for (index, positions) in [(trace.x, places && !lies), (trace.y, places && lies)] {
            axes[index].bare |= maps || positions;
            axes[index].under_map |= maps;
        }
    }
    // Axes that match one another show the same range.
    let leader =
        |axis: &Axis| axis.layout["matches"].as_str().and_then(|name| axes.iter().position(|a| a.name == name));
    let leaders: Vec<Option<usize>> = axes.iter().map(leader).collect();
    for (index, leader) in leaders.iter().enumerate() {
        if let Some(leader) = *leader {
            extents[leader] = Extent::join(extents[leader], extents[index]);
        }
    }
    for index in 0..axes.len() {
        let at = leaders[index].unwrap_or(index);
        let (extent, range) = (extents[at], axes[at].layout["range"].clone());
        let pad = extent.map_or([POINT_PAD; 2], |extent| extent.pad);
        axes[index].set_range(&range, extent.map(|extent| extent.range), pad);
    }
}

fn panels(traces: &[Trace], axes: &[Axis]) -> Vec<(usize, usize)> {
    let mut out: Vec<(usize, usize)> = Vec::new();
    for pair in traces.iter().map(|trace| (trace.x, trace.y)) {
        if !out.contains(&pair) {
            out.push(pair);
        }
    }
    if out.is_empty() && axes.len() >= 2 {
        out.push((0, 1));
    }
    out
}

/// The rectangle between two axes.
fn area(x: &Axis, y: &Axis) -> [f64; 4] {
    [x.pixels[0], y.pixels[1], x.pixels[1], y.pixels[0]]
}

/// What lies below the traces of a panel.
fn ground(x: &Axis, y: &Axis, layout: &Value, out: &mut Svg) {
    let background = layout["plot_bgcolor"].as_str().unwrap_or("#ffffff");
    // An axis laid over another shares its background.
    if y.layout["overlaying"].is_null() && x.layout["overlaying"].is_null() {
        out.rect(area(x, y), &Paint::area(background), false);
    }
    ruler::grid([x, y], area(x, y), out);
}

fn title(layout: &Value, frame: &Frame, font: &Font, width: f64, out: &mut Svg) {
    let settings = &layout["title"];
    let Some(words) = settings["text"].as_str().or_else(|| settings.as_str()).filter(|text| !text.is_empty()) else {
        return;
    };
    let size = settings["font"]["size"].as_f64().unwrap_or(1.4 * font.size);
    let place = settings["x"].as_f64().unwrap_or(0.5);
    let side = match settings["xanchor"].as_str() {
        Some("center") => Side::Middle,
        Some("right") => Side::End,
        Some("left") => Side::Start,
        _ if place < 1.0 / 3.0 => Side::Start,
        _ if place > 2.0 / 3.0 => Side::End,
        _ => Side::Middle,
    };
    // In the upper half of what a tall margin leaves: notes may stand below.
    let height = text::size(words, size).1;
    let y = (layout["margin"]["t"].as_f64().unwrap_or(frame.top).min(frame.top) / 2.0).min(10.0 + height / 2.0 + 8.0);
    let colour = settings["font"]["color"].as_str().unwrap_or(&font.colour);
    text::write(out, &Text { markup: words, size, colour, side, turn: 0.0 }, place * width, y);
}
