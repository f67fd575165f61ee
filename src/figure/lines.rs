//! Any quantity against another, one line per series.

use super::Figure;
use super::style::{axis, brief, colour, dash, layout, plain, plot, symbol};
use plotly::Scatter;
use plotly::common::{Line, Marker, Mode};

/// A named line through points (x, y), in their order.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    /// What the legend calls it.
    pub name: String,
    /// The points; those that are not finite leave a gap.
    pub points: Vec<(f64, f64)>,
}

/// The series in one plane, with a title and the names of both axes.
pub fn lines(title: &str, x: &str, y: &str, series: &[Series]) -> Figure {
    let mut plot = plot(layout(title).x_axis(axis(x)).y_axis(axis(y)).show_legend(true));
    let mut sentences = Vec::new();
    for (k, one) in series.iter().enumerate() {
        let (xs, ys) =
            one.points.iter().map(|(x, y)| (*x, y.is_finite().then_some(*y))).unzip::<_, _, Vec<_>, Vec<_>>();
        let trace = Scatter::new(xs, ys)
            .name(plain(&one.name))
            .mode(Mode::LinesMarkers)
            .line(Line::new().color(colour(k)).dash(dash(k)).width(2.0))
            .marker(Marker::new().color(colour(k)).symbol(symbol(k)).size(8).max_displayed(12));
        plot.add_trace(trace);
        sentences.push(match (one.points.first(), one.points.last()) {
            (Some(first), Some(last)) => format!(
                "{}: {y} {} at {x} {}, {} at {}.",
                one.name,
                brief(first.1),
                brief(first.0),
                brief(last.1),
                brief(last.0)
            ),
            _ => format!("{}: no points.", one.name),
        });
    }
    if sentences.is_empty() {
        sentences.push(format!("{title}: nothing to show."));
    }
    Figure::new(&plot, sentences.join(" "))
}
