//! Points in the plane with decision boundaries, each with the band that is its margin.

use super::Figure;
use super::style::{axis, brief, colour, dash, layout, plain, plot, tint};
use crate::error::{Error, Result};
use crate::margin::Hyperplane;
use plotly::Scatter;
use plotly::common::{Fill, HoverInfo, Line, Marker, MarkerSymbol, Mode};

const OP: &str = "boundary";
/// Data up to this much longer one way than the other are drawn to one scale.
const ROUGHLY_SQUARE: f64 = 5.0;

/// Points and the hyperplanes between them, each as a line with its margin as a band.
///
/// `pos`, `neg`: points of length 2. A margin is a distance, so both axes have one scale, unless the data are more than
/// five times longer one way (then the figure says that angles look distorted). A plane that does not separate the
/// points has no band, and the legend says so.
/// Errors: `Shape` if a point or a normal is not of length 2; `Value` if there is no point or one is not finite.
pub fn boundary(pos: &[Vec<f64>], neg: &[Vec<f64>], planes: &[(&str, &Hyperplane)]) -> Result<Figure> {
    let view = View::around(pos, neg)?;
    if let Some((_, plane)) = planes.iter().find(|(_, plane)| plane.w.len() != 2) {
        return Err(Error::Shape { op: OP, expected: "normals of length 2".into(), got: vec![plane.w.len()] });
    }
    let note = if view.one_scale { "" } else { "<br><sub>axes differ in scale, so angles look distorted</sub>" };
    let title = format!("Decision boundaries and their margins{note}");
    let mut plot = plot(
        layout(&title)
            .x_axis(axis("x₁").range(view.x.to_vec()))
            .y_axis(axis("x₂").range(view.y.to_vec()))
            .show_legend(true),
    );
    let mut sentences = vec![format!("{} in the plane.", counted(pos.len(), neg.len()))];
    for (k, (name, plane)) in planes.iter().enumerate() {
        // Colours 0 and 1 belong to the points.
        let k = k + 2;
        let margin = plane.margin(pos, neg);
        let length = plane.w[0].hypot(plane.w[1]);
        let drawable = length > 0.0 && length.is_finite() && plane.b.is_finite();
        let (legend, sentence) = match (drawable, margin > 0.0) {
            (false, _) => (format!("{name}: no boundary"), format!("{name} has no boundary.")),
            (true, true) => (
                format!("{name}: margin {}", brief(margin)),
                format!("{name} separates them with margin {}.", brief(margin)),
            ),
            (true, false) => (
                format!("{name}: does not separate"),
                format!("{name} does not separate them; the worst point is {} on the wrong side.", brief(-margin)),
            ),
        };
        sentences.push(sentence);
        let strip = |width: f64| if drawable { view.strip(plane, width * length) } else { Vec::new() };
        if margin > 0.0 {
            let (x, y) = strip(margin).into_iter().unzip::<_, _, Vec<f64>, Vec<f64>>();
            let band = Scatter::new(x, y)
                .mode(Mode::Lines)
                .fill(Fill::ToSelf)
                .fill_color(tint(k, 0.13))
                .line(Line::new().color(tint(k, 0.6)).width(1.0))
                .legend_group(plain(name))
                .show_legend(false)
                .hover_info(HoverInfo::Skip);
            plot.add_trace(band);
        }
        let (x, y) = strip(0.0).into_iter().unzip::<_, _, Vec<f64>, Vec<f64>>();
        let line = Scatter::new(x, y)
            .name(plain(&legend))
            .mode(Mode::Lines)
            .line(Line::new().color(colour(k)).dash(dash(k - 2)).width(2.5))
            .legend_group(plain(name));
        plot.add_trace(line);
    }
    if let [(first, a), (second, b), ..] = planes {
        let angle = a.angle_degrees(b);
        if angle.is_finite() {
            sentences.push(format!("The normals of {first} and {second} are {angle:.1}° apart."));
        }
    }
    for (k, (rows, name, symbol)) in
        [(pos, "positive", MarkerSymbol::Circle), (neg, "negative", MarkerSymbol::DiamondOpen)].into_iter().enumerate()
    {
        let (x, y) = rows.iter().map(|p| (p[0], p[1])).unzip::<_, _, Vec<f64>, Vec<f64>>();
        let marker =
            Marker::new().color(colour(k)).symbol(symbol).size(9).line(Line::new().color(colour(k)).width(2.0));
        plot.add_trace(Scatter::new(x, y).name(name).mode(Mode::Markers).marker(marker));
    }
    let figure = Figure::new(&plot, sentences.join(" "));
    Ok(if view.one_scale { figure.with_layout(&["yaxis", "scaleanchor"], "x".into()) } else { figure })
}

fn counted(pos: usize, neg: usize) -> String {
    format!("{pos} positive and {neg} negative point{}", if neg == 1 { "" } else { "s" })
}

/// The part of the plane that is shown.
struct View {
    x: [f64; 2],
    y: [f64; 2],
    one_scale: bool,
}

impl View {
    fn around(pos: &[Vec<f64>], neg: &[Vec<f64>]) -> Result<Self> {
        let mut range = [[f64::INFINITY, f64::NEG_INFINITY]; 2];
        for point in pos.iter().chain(neg) {
            if point.len() != 2 {
                return Err(Error::Shape { op: OP, expected: "points of length 2".into(), got: vec![point.len()] });
            }
            for (range, v) in range.iter_mut().zip(point) {
                if !v.is_finite() {
                    return Err(Error::Value { op: OP, expected: "finite points".into(), got: v.to_string() });
                }
                *range = [range[0].min(*v), range[1].max(*v)];
            }
        }
        if pos.is_empty() && neg.is_empty() {
            return Err(Error::Value { op: OP, expected: "at least one point".into(), got: "none".into() });
        }
        let size = |r: [f64; 2]| r[1] - r[0];
        let (wide, high) = (size(range[0]), size(range[1]));
        // A flat set (all x₂ equal) says nothing about the scale of the other axis: one scale is right.
        let one_scale = wide == 0.0 || high == 0.0 || (1.0 / ROUGHLY_SQUARE..ROUGHLY_SQUARE).contains(&(high / wide));
        let widest = if wide.max(high) > 0.0 { wide.max(high) } else { 1.0 };
        let padded = |r: [f64; 2]| {
            let pad = if one_scale { (0.12 * size(r)).max(0.12 * widest) } else { 0.12 * size(r) };
            [r[0] - pad, r[1] + pad]
        };
        Ok(Self { x: padded(range[0]), y: padded(range[1]), one_scale })
    }

    /// The outline of |w·x + b| ≤ width within a frame four times as large as the view, since one scale for both axes
    /// widens one of them. Closed; for width 0 a segment.
    fn strip(&self, plane: &Hyperplane, width: f64) -> Vec<(f64, f64)> {
        let grow = |[low, high]: [f64; 2]| [low - 1.5 * (high - low), high + 1.5 * (high - low)];
        let ([left, right], [low, high]) = (grow(self.x), grow(self.y));
        let frame = vec![(left, low), (right, low), (right, high), (left, high)];
        let value = |(x, y): (f64, f64)| plane.w[0] * x + plane.w[1] * y + plane.b;
        if width == 0.0 {
            return crossings(&frame, value);
        }
        let upper = clip(&frame, |p| width - value(p));
        let mut outline = clip(&upper, |p| value(p) + width);
        outline.extend(outline.first().copied());
        outline
    }
}

/// The convex polygon where `inside` is not negative (Sutherland and Hodgman).
fn clip(polygon: &[(f64, f64)], inside: impl Fn((f64, f64)) -> f64) -> Vec<(f64, f64)> {
    let mut kept = Vec::new();
    for (i, &from) in polygon.iter().enumerate() {
        let to = polygon[(i + 1) % polygon.len()];
        let (a, b) = (inside(from), inside(to));
        if a >= 0.0 {
            kept.push(from);
        }
        if (a < 0.0) != (b < 0.0) {
            kept.push(between(from, to, a / (a - b)));
        }
    }
    kept
}

/// The two points of a convex polygon's outline where `value` is zero; none if the line passes by.
fn crossings(polygon: &[(f64, f64)], value: impl Fn((f64, f64)) -> f64) -> Vec<(f64, f64)> {
    let sides = polygon.iter().zip(polygon.iter().cycle().skip(1));
    let crossed = sides.filter_map(|(&from, &to)| {
        let (a, b) = (value(from), value(to));
        ((a < 0.0) != (b < 0.0)).then(|| between(from, to, a / (a - b)))
    });
    crossed.collect()
}

fn between(from: (f64, f64), to: (f64, f64), share: f64) -> (f64, f64) {
    (from.0 + share * (to.0 - from.0), from.1 + share * (to.1 - from.1))
}
