//! Any quantity against another, as lines: for a cell whose numbers have no figure of their own.

use super::Figure;
use super::style::{axis, brief, colour, dash, layout, logarithmic, plain, plot, symbol};
use crate::error::{Error, Result};
use plotly::Scatter;
use plotly::common::{Line, Marker, Mode};

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
    for (name, points) in curves {
        let fits = |scale: Scale<'_>, v: f64| v.is_finite() && (v > 0.0 || matches!(scale, Scale::Linear(_)));
        if let Some(point) = points.iter().find(|(a, b)| !(fits(x, *a) && fits(y, *b))) {
            let expected = "finite coordinates, above 0 on a logarithmic axis".into();
            return Err(Error::Value { op: "lines", expected, got: format!("{point:?} in {name}") });
        }
    }
    let all = || curves.iter().flat_map(|(_, points)| points.iter());
    let scaled = |scale: Scale<'_>, value: fn(&(f64, f64)) -> f64| match scale {
        Scale::Linear(title) => axis(title),
        Scale::Log(title) => {
            let ends = |pick: fn(f64, f64) -> f64, start| all().map(value).fold(start, pick);
            logarithmic(axis(title), ends(f64::min, f64::INFINITY), ends(f64::max, 0.0))
        }
    };
    let frame = layout(title).x_axis(scaled(x, |p| p.0)).y_axis(scaled(y, |p| p.1)).show_legend(curves.len() > 1);
    let mut plot = plot(frame);
    let (Scale::Linear(unit) | Scale::Log(unit)) = y;
    let mut alt = format!("{title}.");
    for (k, (name, points)) in curves.iter().enumerate() {
        let (at, value): (Vec<f64>, Vec<f64>) = points.iter().copied().unzip();
        // Marks would hide a fine curve.
        let mode = if points.len() > 40 { Mode::Lines } else { Mode::LinesMarkers };
        let trace = Scatter::new(at, value)
            .name(plain(name))
            .mode(mode)
            .line(Line::new().color(colour(k)).dash(dash(k)).width(2.0))
            .marker(Marker::new().color(colour(k)).symbol(symbol(k)).size(7));
        plot.add_trace(trace);
        if let (Some(first), Some(last)) = (points.first(), points.last()) {
            let [a, b, c, d] = [first.1, first.0, last.1, last.0].map(brief);
            alt += &format!(" {name}: {unit} from {a} at {b} to {c} at {d}.");
        }
    }
    Ok(Figure::new(&plot, alt))
}
