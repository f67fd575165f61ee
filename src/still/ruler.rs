//! What is drawn of an axis: its grid inside of the panel; its line, ticks, labels and title beside it.

use super::axis::{Axis, Tick};
use super::frame::Frame;
use super::svg::{Paint, Svg};
use super::text::{self, Font, Side, Text};

/// The length of a tick, and the room between a tick and its label.
const TICK: f64 = 5.0;
const GAP: f64 = 3.0;
/// Labels that would touch are turned by so many degrees.
const TURN: f64 = 35.0;

/// The axis that this one stands at.
pub fn anchor<'a>(axis: &Axis, axes: &'a [Axis]) -> Option<&'a Axis> {
    let name = axis.layout["anchor"].as_str().unwrap_or(&axis.counterpart);
    axes.iter().find(|other| other.name == name && other.horizontal != axis.horizontal)
}

/// Whether the axis stands at the right or at the top of its panel.
pub fn far(axis: &Axis) -> bool {
    matches!(axis.layout["side"].as_str(), Some("right" | "top"))
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

fn standoff(axis: &Axis) -> f64 {
    axis.layout["title"]["standoff"].as_f64().unwrap_or(10.0)
}

fn ticked(axis: &Axis) -> bool {
    axis.layout["ticks"] == "outside" || axis.under_map && axis.layout["ticks"].is_null()
}

/// The size of the largest label, away from the axis.
fn label_room(axis: &Axis, font: &Font) -> f64 {
    let size = tick_size(axis, font);
    let ticks = axis.ticks();
    let turned = axis.horizontal && crowded(axis, &ticks, size);
    let room = |tick: &Tick| {
        let (width, height) = text::size(&tick.label, tick.share * size);
        match (turned, axis.horizontal) {
            (true, _) => width * TURN.to_radians().sin() + height,
            (_, true) => height,
            _ => width,
        }
    };
    if axis.layout["showticklabels"] == false { 0.0 } else { ticks.iter().map(room).fold(0.0, f64::max) }
}

/// What an axis needs beside its panel: ticks, labels and title.
pub fn outside(axis: &Axis, font: &Font) -> f64 {
    let title = text::size(title_of(axis), title_size(axis, font)).1;
    let title = if title_of(axis).is_empty() { 0.0 } else { standoff(axis) + title };
    TICK + GAP + label_room(axis, font) + title + 4.0
}

/// How far the turned labels of a horizontal axis reach to the right.
pub fn reach(axis: &Axis, font: &Font) -> f64 {
    let (ticks, size) = (axis.ticks(), tick_size(axis, font));
    if !axis.horizontal || !crowded(axis, &ticks, size) {
        return 0.0;
    }
    let end = |tick: &Tick| axis.pixel(tick.at) + text::size(&tick.label, size).0 * TURN.to_radians().cos();
    ticks.iter().map(end).fold(0.0, f64::max)
}

/// Whether horizontal labels would touch.
fn crowded(axis: &Axis, ticks: &[Tick], size: f64) -> bool {
    let ends = |tick: &Tick| (axis.pixel(tick.at), text::size(&tick.label, tick.share * size).0 / 2.0);
    let labelled: Vec<&Tick> = ticks.iter().filter(|tick| !tick.label.is_empty()).collect();
    labelled.windows(2).any(|pair| {
        let ((a, half), (b, other)) = (ends(pair[0]), ends(pair[1]));
        (b - a).abs() < half + other + 4.0
    })
}

/// The lines of the grid within `area`, then those of zero: they cross all others.
pub fn grid(axes: [&Axis; 2], area: [f64; 4], out: &mut Svg) {
    let across = |axis: &Axis, at: f64, paint: &Paint, out: &mut Svg| {
        let p = axis.pixel(at);
        out.line(if axis.horizontal { [p, area[1], p, area[3]] } else { [area[0], p, area[2], p] }, paint);
    };
    let shown = |axis: &&Axis| axis.visible() && !axis.bare;
    for axis in axes.into_iter().filter(shown).filter(|axis| axis.layout["showgrid"] != false) {
        let colour = axis.layout["gridcolor"].as_str().unwrap_or("#eeeeee");
        let paint = Paint::line(colour, axis.layout["gridwidth"].as_f64().unwrap_or(1.0));
        axis.ticks().iter().for_each(|tick| across(axis, tick.at, &paint, out));
    }
    for axis in axes.into_iter().filter(shown) {
        if axis.layout["zeroline"] != false && !axis.log && axis.categories.is_empty() && axis.shows(0.0) {
            let colour = axis.layout["zerolinecolor"].as_str().unwrap_or("#444444");
            across(axis, 0.0, &Paint::line(colour, axis.layout["zerolinewidth"].as_f64().unwrap_or(1.0)), out);
        }
    }
}

/// The axis beside its panel.
pub fn draw(axis: &Axis, axes: &[Axis], frame: &Frame, font: &Font, out: &mut Svg) {
    let far = far(axis);
    let at = match (anchor(axis, axes), axis.horizontal, far) {
        (Some(other), ..) => other.pixels[usize::from(far)],
        (None, true, true) => frame.top,
        (None, true, false) => frame.bottom,
        (None, false, true) => frame.right,
        (None, false, false) => frame.left,
    };
    // Away from the panel.
    let sign = if axis.horizontal != far { 1.0 } else { -1.0 };
    let colour = axis.layout["linecolor"].as_str().unwrap_or("#444444");
    let paint = Paint::line(colour, axis.layout["linewidth"].as_f64().unwrap_or(1.0));
    let point =
        |along: f64, away: f64| if axis.horizontal { [along, at + sign * away] } else { [at + sign * away, along] };
    let line = |[x0, y0]: [f64; 2], [x1, y1]: [f64; 2], out: &mut Svg| out.line([x0, y0, x1, y1], &paint);
    if axis.layout["showline"] == true {
        line(point(axis.pixels[0], 0.0), point(axis.pixels[1], 0.0), out);
    }
    let ticked = ticked(axis);
    let size = tick_size(axis, font);
    let colour = axis.layout["tickfont"]["color"].as_str().unwrap_or(&font.colour);
    let from = if ticked { TICK + GAP } else { GAP };
    let ticks = axis.ticks();
    let turned = axis.horizontal && crowded(axis, &ticks, size);
    for tick in &ticks {
        let along = axis.pixel(tick.at);
        if ticked {
            line(point(along, 0.0), point(along, TICK), out);
        }
        if axis.layout["showticklabels"] == false || tick.label.is_empty() {
            continue;
        }
        let size = tick.share * size;
        let height = text::size(&tick.label, size).1;
        let (side, [x, y], turn) = if turned {
            (Side::Start, point(along, from + size / 2.0), TURN)
        } else if axis.horizontal {
            (Side::Middle, point(along, from + height / 2.0), 0.0)
        } else {
            (if far { Side::Start } else { Side::End }, point(along, from), 0.0)
        };
        text::write(out, &Text { markup: &tick.label, size, colour, side, turn }, x, y);
    }
    if !title_of(axis).is_empty() {
        let size = title_size(axis, font);
        let half = text::size(title_of(axis), size).1 / 2.0;
        let away = outside(axis, font) - 4.0 - half;
        let [x, y] = point((axis.pixels[0] + axis.pixels[1]) / 2.0, away);
        let turn = if axis.horizontal { 0.0 } else { -90.0 };
        let colour = axis.layout["title"]["font"]["color"].as_str().unwrap_or(&font.colour);
        text::write(out, &Text { markup: title_of(axis), size, colour, side: Side::Middle, turn }, x, y);
    }
}
