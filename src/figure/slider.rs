//! Lines that change with a slider below them.

use super::Figure;
use super::lines::{Ends, Scale, check, line, told};
use super::style::{layout, plain, plot};
use crate::error::{Error, Result};
use plotly::common::{Pad, Visible};
use plotly::layout::{Axis, Margin, Slider, SliderCurrentValue, SliderCurrentValueXAnchor, SliderStep};
use serde_json::json;

/// The lines of one position: a name and points (x, y) for each.
type Curves<'a> = &'a [(&'a str, &'a [(f64, f64)])];

/// One set of lines for each of `positions` of a slider that chooses `over`; the axes stay, so that positions compare.
///
/// All positions name the same lines in the same order. The first is shown where nothing moves.
///
/// ```
/// use widemargin::figure::{Scale, slider};
/// let (one, two) = ([(0.0, 1.0), (1.0, 2.0)], [(0.0, 2.0), (1.0, 4.0)]);
/// let positions = [("1", &[("line", &one[..])][..]), ("2", &[("line", &two[..])][..])];
/// let figure = slider("Lines", Scale::Linear("x"), Scale::Linear("y"), "slope", &positions)?;
/// assert!(figure.alt().starts_with("Lines. slope 1: line: y from 1 at 0 to 2 at 1. slope 2:"));
/// # Ok::<(), widemargin::Error>(())
/// ```
///
/// Errors: `Value` for no position, for lines that differ in name, or for coordinates that [`super::lines`] refuses.
pub fn slider(title: &str, x: Scale<'_>, y: Scale<'_>, over: &str, positions: &[(&str, Curves<'_>)]) -> Result<Figure> {
    let names = |curves: Curves<'_>| curves.iter().map(|(name, _)| (*name).to_owned()).collect::<Vec<_>>();
    let Some(first) = positions.first().map(|(_, curves)| names(curves)) else {
        return Err(Error::Value { op: "slider", expected: "a position".into(), got: "none".into() });
    };
    for (position, curves) in positions {
        check("slider", x, y, curves)?;
        if names(curves) != first {
            let (expected, got) = (format!("lines {first:?}"), format!("{:?} at {position}", names(curves)));
            return Err(Error::Value { op: "slider", expected, got });
        }
    }
    let points = || positions.iter().flat_map(|(_, curves)| curves.iter()).flat_map(|(_, points)| points.iter());
    let (across, up) = (Ends::of(points().map(|p| p.0)), Ends::of(points().map(|p| p.1)));
    let frame = layout(title)
        .x_axis(fixed(x, across))
        .y_axis(fixed(y, up))
        .height(500)
        .margin(Margin::new().top(56).right(24).bottom(150).left(64))
        .sliders(vec![control(over, positions, first.len())]);
    let mut plot = plot(frame);
    let mut alt = format!("{title}.");
    for (at, (position, curves)) in positions.iter().enumerate() {
        alt += &format!(" {over} {position}:");
        for (k, (name, points)) in curves.iter().enumerate() {
            // The position stands in the legend too: a still shows the first only.
            let named = format!("{}, {} {}", plain(name), plain(over), plain(position));
            let shown = if at == 0 { Visible::True } else { Visible::False };
            plot.add_trace(line(k, &named, points).visible(shown));
            alt += &told(name, y, points);
        }
    }
    Ok(Figure::new(&plot, alt))
}

/// The axis with all positions in it, and a twentieth more on each side.
fn fixed(scale: Scale<'_>, Ends { low, high }: Ends) -> Axis {
    let place = |v: f64| if matches!(scale, Scale::Log(_)) { v.log10() } else { v };
    let (from, to) = (place(low), place(high));
    // One value only: any room around it does.
    let room = if to > from { (to - from) / 20.0 } else { 0.5 };
    scale.axis(Ends { low, high }).range(vec![from - room, to + room])
}

fn control(over: &str, positions: &[(&str, Curves<'_>)], lines: usize) -> Slider {
    let steps = (0..positions.len()).map(|at| {
        let visible: Vec<bool> = (0..positions.len() * lines).map(|k| k / lines.max(1) == at).collect();
        let step = SliderStep::new().label(plain(positions[at].0)).args(json!([{ "visible": visible }]));
        step.method(plotly::layout::SliderMethod::Restyle)
    });
    Slider::new()
        .active(0)
        .steps(steps.collect())
        // On the left stands the legend.
        .current_value(
            SliderCurrentValue::new().prefix(format!("{}: ", plain(over))).x_anchor(SliderCurrentValueXAnchor::Right),
        )
        .pad(Pad::new(64, 0, 0))
}
