//! The whole picture: panels with axes, traces inside, title, legend and notes around them.

use super::axis::{Axis, Tick};
use super::bars;
use super::legend::{ColourBar, Legend};
use super::notes;
use super::svg::{Paint, Svg};
use super::text::{self, Side, Text};
use super::trace::{Extent, Kind, POINT_PAD, Trace, items};
use crate::error::Result;
use serde_json::Value;

/// The width of a still whose figure names none: figures fit the page they stand on.
const WIDTH: f64 = 800.0;
const HEIGHT: f64 = 450.0;
/// The length of a tick, and the room between a tick and its label.
const TICK: f64 = 5.0;
const GAP: f64 = 3.0;

/// The frame inside the margins, in pixels.
#[derive(Clone, Copy)]
pub struct Frame {
    pub left: f64,
    pub top: f64,
    pub right: f64,
    pub bottom: f64,
}

impl Frame {
    /// The pixel of a place in shares of the frame, from its lower left corner.
    pub fn paper(&self, x: f64, y: f64) -> (f64, f64) {
        (self.left + x * (self.right - self.left), self.bottom - y * (self.bottom - self.top))
    }
}

/// The figure `{"data": [...], "layout": {...}}` as SVG.
///
/// Errors: `Value` for a type of trace that a still cannot draw.
pub fn svg(figure: &Value) -> Result<String> {
    let layout = &figure["layout"];
    let data = bars::counted(items(&figure["data"]));
    let data: Vec<&Value> = data.iter().filter(|t| t["visible"] != false && t["visible"] != "legendonly").collect();
    let mut axes = axes(&data, layout);
    let traces = data.iter().enumerate().map(|(index, json)| Trace::of(json, index, &axes));
    let mut traces = traces.collect::<Result<Vec<_>>>()?;
    name_categories(&traces, &mut axes);
    bars::place(&mut traces, &axes, layout);
    set_ranges(&traces, &mut axes);

    let width = layout["width"].as_f64().unwrap_or(WIDTH);
    let height = layout["height"].as_f64().unwrap_or(HEIGHT);
    let font = Font::of(layout);
    let legend = Legend::of(&traces, layout, &font);
    let bar = ColourBar::of(&traces);
    let frame = frame(layout, &mut axes, &legend, bar.as_ref(), &font, [width, height]);

    let mut out = Svg::new();
    let paper = layout["paper_bgcolor"].as_str().unwrap_or("#ffffff");
    out.rect([0.0, 0.0, width, height], &Paint::area(paper), false);
    for (x, y) in panels(&traces, &axes) {
        panel(&axes[x], &axes[y], &traces, (x, y), &axes, layout, &mut out);
    }
    for axis in axes.iter().filter(|axis| axis.visible()) {
        draw_axis(axis, &axes, &frame, &font, &mut out);
    }
    legend.draw(&traces, &frame, axis_room(&axes, &frame, &font), &mut out);
    if let Some(bar) = bar {
        bar.draw(&traces, &axes, &font, &mut out);
    }
    notes::shapes(layout, &axes, &frame, &mut out);
    notes::annotations(layout, &axes, &frame, &font, &mut out);
    title(layout, &frame, &font, width, &mut out);
    let words = layout["meta"]["alt"].as_str().unwrap_or("figure");
    Ok(out.finish(width, height, words))
}

/// The font of all words that name none.
pub struct Font {
    pub size: f64,
    pub colour: String,
}

impl Font {
    fn of(layout: &Value) -> Self {
        let font = &layout["font"];
        let colour = font["color"].as_str().unwrap_or("#444444").to_owned();
        Self { size: font["size"].as_f64().unwrap_or(12.0), colour }
    }
}

fn axes(data: &[&Value], layout: &Value) -> Vec<Axis> {
    let mut names = vec!["x".to_owned(), "y".to_owned()];
    let used = data.iter().flat_map(|trace| [trace["xaxis"].as_str(), trace["yaxis"].as_str()]).flatten();
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
    names.iter().map(|name| Axis::new(name, layout)).collect()
}

/// Gives an axis names where a trace has words that are no numbers.
fn name_categories(traces: &[Trace], axes: &mut [Axis]) {
    for (index, axis) in axes.iter_mut().enumerate() {
        let key = if axis.horizontal { "x" } else { "y" };
        let mine = traces.iter().filter(|trace| if axis.horizontal { trace.x == index } else { trace.y == index });
        let mut names: Vec<String> = Vec::new();
        let mut words = axis.layout["type"] == "category";
        for trace in mine {
            let boxed = [trace.json["name"].clone()];
            // A box without positions stands at its name.
            let across = matches!(trace.kind, Kind::Boxes) && trace.json[key].is_null();
            let values = if across { &boxed[..] } else { items(&trace.json[key]) };
            for value in values {
                words |= value.as_str().is_some_and(|text| text.parse::<f64>().is_err());
                names.extend(super::axis::label_of(value).filter(|name| !names.contains(name)));
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
    }
    for (axis, extent) in axes.iter_mut().zip(extents) {
        let pad = extent.map_or([POINT_PAD; 2], |extent| extent.pad);
        axis.set_range(extent.map(|extent| extent.range), pad);
    }
}

/// Sets the pixels of all axes, leaving room for labels, titles, the legend and the bar of colours.
fn frame(
    layout: &Value,
    axes: &mut [Axis],
    legend: &Legend,
    bar: Option<&ColourBar>,
    font: &Font,
    [width, height]: [f64; 2],
) -> Frame {
    let margin = |side: &str, otherwise: f64| layout["margin"][side].as_f64().unwrap_or(otherwise);
    let mut frame = Frame {
        left: margin("l", 80.0),
        top: margin("t", 80.0),
        right: width - margin("r", 80.0),
        bottom: height - margin("b", 80.0),
    };
    // The second round knows the ticks of the first.
    for _ in 0..2 {
        place(axes, &frame);
        let left =
            axes.iter().filter(|axis| !axis.horizontal && axis.visible() && axis.domain()[0] == axis.domain()[0]);
        let first = |axis: &&Axis| anchor(axis, axes).is_none_or(|x| x.domain()[0] < 0.01);
        let room = left.filter(first).map(|axis| outside(axis, font)).fold(0.0, f64::max);
        frame.left = frame.left.max(room);
        let below = axis_room(axes, &frame, font);
        let legend_height = legend.height_below(frame.right - frame.left);
        let wanted = if legend_height > 0.0 { below + legend_height + 12.0 } else { below };
        frame.bottom = frame.bottom.min(height - wanted.max(margin("b", 0.0).min(height / 2.0)));
        let beside = legend.width_beside() + bar.map_or(0.0, |bar| bar.width(font));
        frame.right = frame.right.min(width - beside.max(12.0));
    }
    place(axes, &frame);
    frame
}

fn place(axes: &mut [Axis], frame: &Frame) {
    for axis in axes.iter_mut() {
        let [from, to] = axis.domain();
        axis.pixels = if axis.horizontal {
            [frame.paper(from, 0.0).0, frame.paper(to, 0.0).0]
        } else {
            [frame.paper(0.0, from).1, frame.paper(0.0, to).1]
        };
    }
    one_scale(axes);
}

/// Axes with `scaleanchor` get as many pixels for a unit as the axis they name.
fn one_scale(axes: &mut [Axis]) {
    for index in 0..axes.len() {
        let Some(other) = axes[index].layout["scaleanchor"].as_str() else { continue };
        let Some(other) = axes.iter().position(|axis| axis.name == other) else { continue };
        let ratio = axes[index].layout["scaleratio"].as_f64().unwrap_or(1.0);
        let per_unit = |axis: &Axis| (axis.pixels[1] - axis.pixels[0]).abs() / (axis.range[1] - axis.range[0]).abs();
        let (mine, its) = (per_unit(&axes[index]) / ratio, per_unit(&axes[other]));
        let scale = mine.min(its);
        for (index, factor) in [(index, mine / scale), (other, its / scale)] {
            let axis = &mut axes[index];
            // The axis with too many pixels for a unit gives up pixels, or shows more units.
            let [a, b] = if axis.layout["constrain"] == "domain" { axis.pixels } else { axis.range };
            let by = if axis.layout["constrain"] == "domain" { 1.0 / factor } else { factor };
            let (middle, half) = ((a + b) / 2.0, (b - a) / 2.0 * by);
            let ends = [middle - half, middle + half];
            *(if axis.layout["constrain"] == "domain" { &mut axis.pixels } else { &mut axis.range }) = ends;
        }
    }
}

/// The axis that this one stands at.
fn anchor<'a>(axis: &Axis, axes: &'a [Axis]) -> Option<&'a Axis> {
    let first = if axis.horizontal { "y" } else { "x" };
    let name = axis.layout["anchor"].as_str().unwrap_or(first);
    axes.iter().find(|other| other.name == name && other.horizontal != axis.horizontal)
}

fn title_of(axis: &Axis) -> &str {
    axis.layout["title"]["text"].as_str().or_else(|| axis.layout["title"].as_str()).unwrap_or_default()
}

fn title_size(axis: &Axis, font: &Font) -> f64 {
    axis.layout["title"]["font"]["size"].as_f64().unwrap_or(1.2 * font.size)
}

fn tick_size(axis: &Axis, font: &Font) -> f64 {
    axis.layout["tickfont"]["size"].as_f64().unwrap_or(font.size)
}

/// What an axis needs beyond the frame: ticks, labels and title.
fn outside(axis: &Axis, font: &Font) -> f64 {
    let labels = axis.label_room(tick_size(axis, font));
    let title = text::size(title_of(axis), title_size(axis, font)).1;
    let title = if title_of(axis).is_empty() { 0.0 } else { standoff(axis) + title };
    TICK + GAP + labels + title + 4.0
}

fn standoff(axis: &Axis) -> f64 {
    axis.layout["title"]["standoff"].as_f64().unwrap_or(10.0)
}

/// The room that the lowest horizontal axes need below the frame.
fn axis_room(axes: &[Axis], _: &Frame, font: &Font) -> f64 {
    let lowest = |axis: &&Axis| {
        axis.horizontal && axis.visible() && anchor(axis, axes).is_none_or(|other| other.domain()[0] < 0.01)
    };
    axes.iter().filter(lowest).map(|axis| outside(axis, font)).fold(0.0, f64::max)
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

fn panel(x: &Axis, y: &Axis, traces: &[Trace], place: (usize, usize), axes: &[Axis], layout: &Value, out: &mut Svg) {
    let background = layout["plot_bgcolor"].as_str().unwrap_or("#ffffff");
    let area = area(x, y);
    // An axis laid over another shares its background.
    if y.layout["overlaying"].is_null() && x.layout["overlaying"].is_null() {
        out.rect(area, &Paint::area(background), false);
    }
    let inner = |axis: &Axis, at: f64, paint: &Paint, out: &mut Svg| {
        let p = axis.pixel(at);
        out.line(if axis.horizontal { [p, area[1], p, area[3]] } else { [area[0], p, area[2], p] }, paint);
    };
    let maps = traces.iter().any(|t| (t.x, t.y) == place && matches!(t.kind, Kind::HeatMap | Kind::Image));
    for axis in [x, y].into_iter().filter(|axis| axis.visible() && axis.layout["showgrid"] != false && !maps) {
        let colour = axis.layout["gridcolor"].as_str().unwrap_or("#eeeeee");
        let paint = Paint::line(colour, axis.layout["gridwidth"].as_f64().unwrap_or(1.0));
        let named = axis.categories.is_empty();
        axis.ticks().iter().filter(|_| named || !axis.horizontal).for_each(|tick| inner(axis, tick.at, &paint, out));
        let zero = axis.layout["zeroline"] != false && !axis.log && axis.categories.is_empty() && axis.shows(0.0);
        if zero {
            let colour = axis.layout["zerolinecolor"].as_str().unwrap_or("#444444");
            inner(axis, 0.0, &Paint::line(colour, axis.layout["zerolinewidth"].as_f64().unwrap_or(1.0)), out);
        }
    }
    out.clip(area);
    traces.iter().filter(|trace| (trace.x, trace.y) == place).for_each(|trace| trace.draw(axes, out));
    out.end();
}

fn draw_axis(axis: &Axis, axes: &[Axis], frame: &Frame, font: &Font, out: &mut Svg) {
    let far = matches!(axis.layout["side"].as_str(), Some("right" | "top"));
    let at = match anchor(axis, axes) {
        Some(other) => other.pixels[usize::from(far)],
        None if axis.horizontal => {
            if far {
                frame.top
            } else {
                frame.bottom
            }
        }
        None => {
            if far {
                frame.right
            } else {
                frame.left
            }
        }
    };
    // Away from the panel.
    let sign = if axis.horizontal != far { 1.0 } else { -1.0 };
    let colour = axis.layout["linecolor"].as_str().unwrap_or("#444444");
    let width = axis.layout["linewidth"].as_f64().unwrap_or(1.0);
    let point =
        |along: f64, away: f64| if axis.horizontal { [along, at + sign * away] } else { [at + sign * away, along] };
    let line = |from: [f64; 2], to: [f64; 2], out: &mut Svg| {
        out.line([from[0], from[1], to[0], to[1]], &Paint::line(colour, width));
    };
    if axis.layout["showline"] == true {
        line(point(axis.pixels[0], 0.0), point(axis.pixels[1], 0.0), out);
    }
    let ticked = axis.layout["ticks"] == "outside";
    let size = tick_size(axis, font);
    let words = axis.layout["tickfont"]["color"].as_str().unwrap_or(&font.colour);
    let from = if ticked { TICK + GAP } else { GAP };
    let ticks = axis.ticks();
    let turned = axis.horizontal && crowded(axis, &ticks, size);
    for tick in &ticks {
        let along = axis.pixel(tick.at);
        if ticked {
            line(point(along, 0.0), point(along, TICK), out);
        }
        if axis.layout["showticklabels"] == false {
            continue;
        }
        let height = text::size(&tick.label, size).1;
        let (side, [x, y], turn) = if turned {
            (Side::Start, point(along, from + size / 2.0), 35.0)
        } else if axis.horizontal {
            (Side::Middle, point(along, from + height / 2.0), 0.0)
        } else {
            (if far { Side::Start } else { Side::End }, point(along, from), 0.0)
        };
        text::write(out, &Text { markup: &tick.label, size, colour: words, side, turn }, x, y);
    }
    if !title_of(axis).is_empty() {
        let size = title_size(axis, font);
        let room = outside(axis, font) - 4.0;
        let half = text::size(title_of(axis), size).1 / 2.0;
        let [x, y] = point((axis.pixels[0] + axis.pixels[1]) / 2.0, room - half);
        let turn = if axis.horizontal {
            0.0
        } else if far {
            90.0
        } else {
            -90.0
        };
        let colour = axis.layout["title"]["font"]["color"].as_str().unwrap_or(&font.colour);
        text::write(out, &Text { markup: title_of(axis), size, colour, side: Side::Middle, turn }, x, y);
    }
}

/// Whether horizontal labels would touch.
fn crowded(axis: &Axis, ticks: &[Tick], size: f64) -> bool {
    let ends = |tick: &Tick| (axis.pixel(tick.at), text::size(&tick.label, size).0 / 2.0);
    ticks.windows(2).any(|pair| {
        let ((a, half), (b, other)) = (ends(&pair[0]), ends(&pair[1]));
        (b - a).abs() < half + other + 4.0
    })
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
