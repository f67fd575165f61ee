//! Lines, areas, markers, error bars and words at points.

use super::axis::Axis;
use super::colour::{Scale, faded};
use super::svg::{Paint, Svg, number};
use super::text::{self, Side, Text};
use super::trace::{Extent, Kind, POINT_PAD, Trace, items, nth};
use serde_json::Value;
use std::fmt::Write;

fn has(trace: &Trace, part: &str) -> bool {
    match trace.json["mode"].as_str() {
        Some(mode) => mode.split('+').any(|word| word == part),
        // plotly's rule for traces that do not say.
        None => part == "lines" || part == "markers" && items(&trace.json["y"]).len() < 20,
    }
}

pub fn extents(trace: &Trace, axes: &[Axis]) -> [Option<Extent>; 2] {
    let points: Vec<(f64, f64)> = trace.points(axes).into_iter().flatten().collect();
    let fill = trace.json["fill"].as_str().unwrap_or_default();
    // As plotly: lines and areas run from edge to edge, markers, words and error bars keep their distance.
    let tight = matches!(fill, "tozeroy" | "tonexty") || !has(trace, "markers") && !has(trace, "text");
    let pad = if tight && trace.json["error_y"].is_null() { 0.0 } else { POINT_PAD };
    let x = Extent::around(points.iter().map(|p| p.0), [pad; 2]);
    let mut reach: Vec<f64> = points.iter().map(|p| p.1).collect();
    for (k, point) in trace.points(axes).into_iter().enumerate() {
        if let (Some((_, y)), Some((below, above))) =
            (point, error(&trace.json["error_y"], k, nth(&trace.json["y"], k)))
        {
            reach.extend(shifted(&axes[trace.y], y, -below).into_iter().chain(shifted(&axes[trace.y], y, above)));
        }
    }
    let zeroed = fill == "tozeroy" && !axes[trace.y].log;
    [x, if zeroed { Extent::from_zero(reach, POINT_PAD) } else { Extent::around(reach.into_iter(), [POINT_PAD; 2]) }]
}

/// The lengths of an error bar below and above its point: a list, or one rule for all (plotly's `type`).
pub fn error(settings: &Value, k: usize, value: &Value) -> Option<(f64, f64)> {
    if settings.is_null() || settings["visible"] == false {
        return None;
    }
    let size = value.as_f64()?.abs();
    let of = |rule: &Value, otherwise: f64| match settings["type"].as_str() {
        Some("constant") => rule.as_f64().unwrap_or(otherwise),
        Some("sqrt") => size.sqrt(),
        _ => size * rule.as_f64().unwrap_or(otherwise) / 100.0,
    };
    let (above, below) =
        if settings["array"].is_array() && !matches!(settings["type"].as_str(), Some(rule) if rule != "data") {
            let above = settings["array"][k].as_f64()?;
            (above, settings["arrayminus"][k].as_f64())
        } else {
            let below = settings["valueminus"].is_number().then(|| of(&settings["valueminus"], 10.0));
            (of(&settings["value"], 10.0), below)
        };
    Some((below.filter(|_| settings["symmetric"] != true).unwrap_or(above), above))
}

/// The place of a value that lies `by` beyond the one at `at`.
fn shifted(axis: &Axis, at: f64, by: f64) -> Option<f64> {
    let moved = if axis.log { (10_f64.powf(at) + by).log10() } else { at + by };
    moved.is_finite().then_some(moved)
}

/// The pixels of a trace's points.
fn pixels(trace: &Trace, axes: &[Axis]) -> Vec<Option<(f64, f64)>> {
    let pixel = |(a, b): (f64, f64)| (axes[trace.x].pixel(a), axes[trace.y].pixel(b));
    trace.points(axes).into_iter().map(|point| point.map(pixel)).collect()
}

pub fn draw(trace: &Trace, before: &[Trace], axes: &[Axis], svg: &mut Svg) {
    let (x, y) = (&axes[trace.x], &axes[trace.y]);
    let points = trace.points(axes);
    let pixels = pixels(trace, axes);
    area(trace, before, axes, &pixels, svg);
    if has(trace, "lines") {
        svg.path(&path(&pixels, trace.json["line"]["shape"].as_str().unwrap_or_default()), &line_paint(trace));
    }
    for (k, point) in points.iter().enumerate() {
        if let (Some((px, at)), Some((below, above))) =
            (point, error(&trace.json["error_y"], k, nth(&trace.json["y"], k)))
        {
            let ends = [shifted(y, *at, -below), shifted(y, *at, above)].map(|end| end.map(|end| y.pixel(end)));
            error_bar(trace, x.pixel(*px), y.pixel(*at), ends, svg);
        }
    }
    for k in shown_markers(trace, pixels.len()) {
        if let (Some((px, py)), Some((a, b))) = (pixels[k], points[k])
            && x.shows(a)
            && y.shows(b)
        {
            marker(trace, k, px, py, svg);
        }
    }
    if has(trace, "text") {
        for (k, point) in pixels.iter().enumerate() {
            if let (Some((px, py)), Some(words)) = (point, nth(&trace.json["text"], k).as_str()) {
                label(trace, words, *px, *py, svg);
            }
        }
    }
}

fn colour(trace: &Trace, part: &str) -> String {
    let own = trace.json[part]["color"].as_str();
    // A line takes the colour of its markers where it has none, and the other way round.
    let other = trace.json[if part == "line" { "marker" } else { "line" }]["color"].as_str();
    own.or(other).unwrap_or(&trace.colour).to_owned()
}

fn line_paint(trace: &Trace) -> Paint {
    let line = &trace.json["line"];
    let width = line["width"].as_f64().unwrap_or(2.0);
    let dash = dashes(line["dash"].as_str().unwrap_or("solid"), width);
    Paint { dash, opacity: trace.json["opacity"].as_f64(), ..Paint::line(colour(trace, "line"), width) }
}

/// plotly's named dashes for a line of this width, as lengths of strokes and gaps.
pub fn dashes(name: &str, width: f64) -> String {
    let unit = width.max(3.0);
    let pattern: &[f64] = match name {
        "dot" => &[1.0, 1.0],
        "dash" => &[3.0, 3.0],
        "longdash" => &[5.0, 5.0],
        "dashdot" => &[3.0, 1.0, 1.0, 1.0],
        "longdashdot" => &[5.0, 2.0, 1.0, 2.0],
        _ => &[],
    };
    pattern.iter().map(|length| number(length * unit)).collect::<Vec<_>>().join(" ")
}

fn path(pixels: &[Option<(f64, f64)>], shape: &str) -> String {
    let mut out = String::new();
    let mut last: Option<(f64, f64)> = None;
    for point in pixels {
        if let Some((px, py)) = point {
            let (a, b) = (number(*px), number(*py));
            let _ = match (last, shape) {
                (None, _) => write!(out, "M{a} {b}"),
                (Some(_), "hv") => write!(out, "H{a}V{b}"),
                (Some(_), "vh") => write!(out, "V{b}H{a}"),
                (Some((last, _)), "hvh") => write!(out, "H{}V{b}H{a}", number((last + px) / 2.0)),
                (Some((_, last)), "vhv") => write!(out, "V{}H{a}V{b}", number((last + py) / 2.0)),
                (Some(_), _) => write!(out, "L{a} {b}"),
            };
        }
        last = *point;
    }
    out
}

fn fill_paint(trace: &Trace) -> Paint {
    let own = trace.json["fillcolor"].as_str().map(str::to_owned);
    Paint::area(own.unwrap_or_else(|| faded(&colour(trace, "line"), 0.5)))
}

fn area(trace: &Trace, before: &[Trace], axes: &[Axis], line: &[Option<(f64, f64)>], svg: &mut Svg) {
    let paint = fill_paint(trace);
    let shape = trace.json["line"]["shape"].as_str().unwrap_or_default();
    let same = |other: &&Trace| matches!(other.kind, Kind::Scatter) && (other.x, other.y) == (trace.x, trace.y);
    let lower = before.iter().rev().find(same).map(|other| pixels(other, axes));
    match (trace.json["fill"].as_str(), lower) {
        (Some("toself"), _) => {
            for part in line.split(Option::is_none).filter(|part| !part.is_empty()) {
                svg.path(&format!("{}Z", path(part, shape)), &paint);
            }
        }
        (Some("tonexty"), Some(lower)) => {
            // There and back: the line itself, then the one before it from its end.
            let there: Vec<_> = line.iter().filter(|point| point.is_some()).copied().collect();
            let back: Vec<_> = lower.iter().rev().filter(|point| point.is_some()).copied().collect();
            if !there.is_empty() && !back.is_empty() {
                let back = path(
                    &back,
                    match shape {
                        "hv" => "vh",
                        "vh" => "hv",
                        other => other,
                    },
                );
                svg.path(&format!("{}L{}Z", path(&there, shape), &back[1..]), &paint);
            }
        }
        (Some("tozeroy" | "tonexty"), _) => {
            let y = &axes[trace.y];
            let zero = if y.log { y.pixels[0] } else { y.pixel(0.0) };
            for part in line.split(Option::is_none) {
                if let (Some(Some((first, _))), Some(Some(_))) = (part.first(), part.last()) {
                    svg.path(&format!("{}V{}H{}Z", path(part, shape), number(zero), number(*first)), &paint);
                }
            }
        }
        _ => {}
    }
}

/// A bar from `low` to `high` (pixels) with caps.
pub fn error_bar(trace: &Trace, px: f64, py: f64, [low, high]: [Option<f64>; 2], svg: &mut Svg) {
    let settings = &trace.json["error_y"];
    let own = || match trace.kind {
        Kind::Scatter => self::colour(trace, "line"),
        _ => "#444444".to_owned(),
    };
    let colour = settings["color"].as_str().map_or_else(own, str::to_owned);
    let paint = Paint::line(colour, settings["thickness"].as_f64().unwrap_or(2.0));
    let half = settings["width"].as_f64().unwrap_or(4.0);
    // A lower end without a logarithm lies below every axis.
    let (low, high) = (low.unwrap_or(1e5), high.unwrap_or(py));
    svg.line([px, low, px, high], &paint);
    for end in [low, high] {
        svg.line([px - half, end, px + half, end], &paint);
    }
}

/// The points that carry a marker: with `maxdisplayed`, about that many, evenly.
fn shown_markers(trace: &Trace, count: usize) -> impl Iterator<Item = usize> + use<> {
    let most = trace.json["marker"]["maxdisplayed"].as_f64().unwrap_or(0.0);
    let step = if most > 0.0 { (count as f64 / most).ceil().max(1.0) as usize } else { 1 };
    (0..if has(trace, "markers") { count } else { 0 }).step_by(step)
}

fn marker(trace: &Trace, k: usize, x: f64, y: f64, svg: &mut Svg) {
    let settings = &trace.json["marker"];
    let size = nth(&settings["size"], k).as_f64().unwrap_or(6.0);
    let fill = match nth(&settings["color"], k) {
        Value::String(colour) => colour.clone(),
        Value::Number(value) => scaled(settings, value.as_f64().unwrap_or(0.0)),
        _ => colour(trace, "marker"),
    };
    let symbol = nth(&settings["symbol"], k).as_str().unwrap_or("circle").to_owned();
    let line = &settings["line"];
    let outline = nth(&line["color"], k).as_str().unwrap_or(if symbol.ends_with("-open") { &fill } else { "#444444" });
    let mut paint = Paint {
        stroke: Some(outline.to_owned()),
        width: nth(&line["width"], k).as_f64().unwrap_or(0.0),
        opacity: nth(&settings["opacity"], k).as_f64().or_else(|| trace.json["opacity"].as_f64()),
        ..Paint::area(fill.clone())
    };
    if symbol.ends_with("-open") {
        // An open symbol is an outline even where none was asked for.
        paint = Paint { fill: None, stroke: Some(fill), width: paint.width.max(1.0), ..paint };
    }
    symbol_at(symbol.trim_end_matches("-open"), x, y, size / 2.0, &paint, svg);
}

/// A number's colour on the markers' scale.
fn scaled(settings: &Value, value: f64) -> String {
    let extent = Extent::around(items(&settings["color"]).iter().filter_map(Value::as_f64), [0.0; 2]);
    let [low, high] = extent.map_or([0.0, 1.0], |extent| extent.range);
    let (low, high) = (settings["cmin"].as_f64().unwrap_or(low), settings["cmax"].as_f64().unwrap_or(high));
    let share = if high > low { (value - low) / (high - low) } else { 0.5 };
    Scale::of(&settings["colorscale"], settings["reversescale"] == true).at(share)
}

/// The corners of plotly's symbols around (0, 0), in radii.
fn corners(symbol: &str) -> Option<Vec<(f64, f64)>> {
    let regular = |count: usize, turn: f64| {
        let angle = move |k: usize| (turn + 360.0 * k as f64 / count as f64).to_radians();
        (0..count).map(|k| (angle(k).sin(), -angle(k).cos())).collect()
    };
    let a = 0.4;
    Some(match symbol {
        "square" => vec![(-1.0, -1.0), (1.0, -1.0), (1.0, 1.0), (-1.0, 1.0)],
        "diamond" => vec![(0.0, -1.3), (1.3, 0.0), (0.0, 1.3), (-1.3, 0.0)],
        "cross" | "x" => {
            let b = 1.2;
            let plus = [
                (a, -b),
                (a, -a),
                (b, -a),
                (b, a),
                (a, a),
                (a, b),
                (-a, b),
                (-a, a),
                (-b, a),
                (-b, -a),
                (-a, -a),
                (-a, -b),
            ];
            let half = std::f64::consts::FRAC_1_SQRT_2;
            let turn = |(x, y): (f64, f64)| if symbol == "x" { ((x - y) * half, (x + y) * half) } else { (x, y) };
            plus.into_iter().map(turn).collect()
        }
        "triangle-up" => vec![(-1.155, 0.577), (1.155, 0.577), (0.0, -1.155)],
        "triangle-down" => vec![(-1.155, -0.577), (1.155, -0.577), (0.0, 1.155)],
        "triangle-left" => vec![(0.577, -1.155), (0.577, 1.155), (-1.155, 0.0)],
        "triangle-right" => vec![(-0.577, -1.155), (-0.577, 1.155), (1.155, 0.0)],
        "pentagon" => regular(5, 0.0),
        "hexagon" => regular(6, 0.0),
        "star" => {
            let outer: Vec<(f64, f64)> = regular(5, 0.0);
            let inner: Vec<(f64, f64)> = regular(5, 36.0);
            outer
                .into_iter()
                .zip(inner)
                .flat_map(|(o, i)| [(1.4 * o.0, 1.4 * o.1), (0.535 * i.0, 0.535 * i.1)])
                .collect()
        }
        _ => return None,
    })
}

fn symbol_at(symbol: &str, x: f64, y: f64, radius: f64, paint: &Paint, svg: &mut Svg) {
    match corners(symbol) {
        Some(corners) => {
            let points: Vec<_> = corners.into_iter().map(|(a, b)| Some((x + a * radius, y + b * radius))).collect();
            svg.path(&format!("{}Z", path(&points, "")), paint);
        }
        None => svg.circle(x, y, radius, paint),
    }
}

fn label(trace: &Trace, words: &str, x: f64, y: f64, svg: &mut Svg) {
    let font = &trace.json["textfont"];
    let size = font["size"].as_f64().unwrap_or(12.0);
    let position = trace.json["textposition"].as_str().unwrap_or("middle center");
    let (side, dx) = match position.split(' ').nth(1) {
        Some("left") => (Side::End, -6.0),
        Some("right") => (Side::Start, 6.0),
        _ => (Side::Middle, 0.0),
    };
    let dy = match position.split(' ').next() {
        Some("top") => -(0.5 * size + 6.0),
        Some("bottom") => 0.5 * size + 6.0,
        _ => 0.0,
    };
    let colour = font["color"].as_str().unwrap_or("#444444");
    text::write(svg, &Text { markup: words, size, colour, side, turn: 0.0 }, x + dx, y + dy);
}

/// The sample of a trace in the legend, 30 pixels wide.
pub fn sample(trace: &Trace, x: f64, y: f64, svg: &mut Svg) {
    if trace.json["fill"].as_str().is_some_and(|fill| fill != "none") {
        // Below the line, or in the middle where the line has no width.
        let alone = trace.json["line"]["width"] == 0 || !has(trace, "lines");
        let (top, bottom) = if alone { (y - 4.0, y + 4.0) } else { (y, y + 6.0) };
        svg.rect([x, top, x + 30.0, bottom], &fill_paint(trace), false);
    }
    if has(trace, "lines") {
        svg.line([x, y, x + 30.0, y], &line_paint(trace));
    }
    if has(trace, "markers") {
        marker(trace, 0, x + 15.0, y, svg);
    }
}
