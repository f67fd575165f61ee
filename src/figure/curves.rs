//! Loss against epoch, one curve per training run.

use super::Figure;
use super::style::{axis, brief, colour, dash, layout, plain, plot, symbol};
use crate::train::History;
use plotly::Scatter;
use plotly::common::{Line, Marker, Mode};
use plotly::layout::AxisType;

/// The mean loss of each epoch, on a logarithmic axis.
///
/// Different losses share the axis but not the scale: compare shapes, not heights. A loss of 0 or below leaves a gap.
pub fn curves(runs: &[(&str, &History)]) -> Figure {
    let losses = |run: &History| run.epochs.iter().map(|e| e.loss).collect::<Vec<f64>>();
    let logarithmic = runs.iter().any(|(_, run)| losses(run).iter().any(|loss| *loss > 0.0));
    let y = axis("mean training loss (nats)");
    let y = if logarithmic { y.type_(AxisType::Log).exponent_format(plotly::common::ExponentFormat::Power) } else { y };
    let positive = || runs.iter().flat_map(|(_, run)| losses(run)).filter(|loss| *loss > 0.0);
    // Over two decades or more, labels between the powers of ten would crowd.
    let spread = positive().fold(0.0, f64::max) / positive().fold(f64::INFINITY, f64::min);
    let y = if spread >= 100.0 { y.dtick(1.0) } else { y };
    let mut plot = plot(layout("Training loss").x_axis(axis("epoch")).y_axis(y).show_legend(true));
    let mut sentences = Vec::new();
    for (k, (name, run)) in runs.iter().enumerate() {
        let visible = |loss: f64| (loss.is_finite() && (loss > 0.0 || !logarithmic)).then_some(loss);
        let epochs: Vec<usize> = run.epochs.iter().map(|e| e.epoch).collect();
        let trace = Scatter::new(epochs, losses(run).into_iter().map(visible).collect::<Vec<_>>())
            .name(plain(name))
            .mode(Mode::LinesMarkers)
            .line(Line::new().color(colour(k)).dash(dash(k)).width(2.0))
            // A marker on every epoch would hide the dashes.
            .marker(Marker::new().color(colour(k)).symbol(symbol(k)).size(8).max_displayed(12));
        plot.add_trace(trace);
        sentences.push(sentence(name, run));
    }
    if sentences.is_empty() {
        sentences.push("No training run to show.".to_owned());
    }
    Figure::new(&plot, sentences.join(" "))
}

impl History {
    /// The loss of each epoch, on a logarithmic axis.
    pub fn curves(&self) -> Figure {
        curves(&[(&self.loss_name, self)])
    }
}

fn sentence(name: &str, run: &History) -> String {
    let (Some(first), Some(last)) = (run.epochs.first(), run.epochs.last()) else {
        return format!("{name}: no epoch was completed.");
    };
    let stop = if run.interrupted { ", then it was interrupted" } else { "" };
    let count = run.epochs.len();
    if count == 1 {
        return format!("{name}: loss {} after 1 epoch{stop}.", brief(last.loss));
    }
    let verb = if last.loss < first.loss {
        "falls"
    } else if last.loss > first.loss {
        "rises"
    } else {
        "goes"
    };
    format!("{name}: loss {verb} from {} to {} over {count} epochs{stop}.", brief(first.loss), brief(last.loss))
}
