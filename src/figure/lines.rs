//! Any quantity against another, as lines: for a cell whose numbers have no figure of their own.

use super::Figure;
use super::style::{axis, brief, colour, dash, layout, logarithmic, named, plain, plot, symbol};
use crate::error::{Error, Result};
use plotly::Scatter;
use plotly::common::{Line, Marker, Mode};
use plotly::layout::Axis;

/// An axis: its title with units, and whether it is logarithmic.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Scale<'a> {
    /// Equal steps.
    Linear(&'a str),
    /// Equal factors; every value has to be above 0.
    Log(&'a str),
}

/// One line for each of `curves`, which are a name and points (x, y).
///
/// ```
/// use widemargin::figure::{Scale, lines};
/// let curve = [(1.0, 0.5), (10.0, 0.25)];
/// let figure = lines("Loss", Scale::Log("steps"), Scale::Linear("loss"), &[("plain", &curve)])?;
/// assert_eq!(figure.alt(), "Loss. plain: loss from 0.5 at 1 to 0.25 at 10.");
/// # Ok::<(), widemargin::Error>(())
/// ```
///
/// Errors: `Value` naming the curve for a coordinate that is not finite, or not above 0 on a logarithmic axis.
pub fn lines(title: &str, x: Scale<'_>, y: Scale<'_>, curves: &[(&str, &[(f64, f64)])]) -> Result<Figure> {
    check("lines", x, y, curves)?;
    let points = || curves.iter().flat_map(|(_, points)| points.iter());
    let across = x.axis(Ends::of(points().map(|p| p.0)));
    let up = y.axis(Ends::of(points().map(|p| p.1)));
    let mut plot = plot(named(layout(title), curves.len()).x_axis(across).y_axis(up).show_legend(curves.len() > 1));
    let mut alt = format!("{title}.");
    for (k, (name, points)) in curves.iter().enumerate() {
        plot.add_trace(line(k, name, points));
        alt += &told(name, y, points);
    }
    Ok(Figure::new(&plot, alt))
}

/// The least and the largest of some numbers.
#[derive(Clone, Copy)]
pub(super) struct Ends {
    pub low: f64,
    pub high: f64,
}

impl Ends {
    pub fn of(values: impl Iterator<Item = f64>) -> Self {
        let none = Self { low: f64::INFINITY, high: f64::NEG_INFINITY };
        values.fold(none, |e, v| Self { low: e.low.min(v), high: e.high.max(v) })
    }
}

impl Scale<'_> {
    /// The axis for values between `ends`.
    pub(super) fn axis(self, ends: Ends) -> Axis {
        match self {
            Self::Linear(title) => axis(title),
            Self::Log(title) => logarithmic(axis(title), ends.low, ends.high),
        }
    }

    fn title(self) -> String {
        let (Self::Linear(title) | Self::Log(title)) = self;
        title.to_owned()
    }
}

/// Refuses, with the curve's name, what the axes cannot show.
pub(super) fn check(op: &'static str, x: Scale<'_>, y: Scale<'_>, curves: &[(&str, &[(f64, f64)])]) -> Result<()> {
    let fits = |scale: Scale<'_>, v: f64| v.is_finite() && (v > 0.0 || matches!(scale, Scale::Linear(_)));
    for (name, points) in curves {
        if let Some(point) = points.iter().find(|(a, b)| !(fits(x, *a) && fits(y, *b))) {
            let expected = "finite coordinates, above 0 on a logarithmic axis".into();
            return Err(Error::Value { op, expected, got: format!("{point:?} in {name}") });
        }
    }
    Ok(())
}

/// Curve `k` of a figure.
pub(super) fn line(k: usize, name: &str, points: &[(f64, f64)]) -> Box<Scatter<f64, f64>> {
    let (at, value): (Vec<f64>, Vec<f64>) = points.iter().copied().unzip();
    // Marks would hide a fine curve.
    let mode = if points.len() > 40 { Mode::Lines } else { Mode::LinesMarkers };
    Scatter::new(at, value)
        .name(plain(name))
        .mode(mode)
        .line(Line::new().color(colour(k)).dash(dash(k)).width(2.0))
        .marker(Marker::new().color(colour(k)).symbol(symbol(k)).size(7))
}

/// A curve in words, from its first point to its last.
pub(super) fn told(name: &str, y: Scale<'_>, points: &[(f64, f64)]) -> String {
    let (Some(first), Some(last)) = (points.first(), points.last()) else { return String::new() };
    let [a, b, c, d] = [first.1, first.0, last.1, last.0].map(brief);
    format!(" {name}: {} from {a} at {b} to {c} at {d}.", y.title())
}
