//! Accuracy against the radius of the attack.

use super::Figure;
use super::style::{axis, brief, colour, dash, named, plain, plot, symbol, watched};
use crate::attack::Robustness;
use plotly::Scatter;
use plotly::common::{Line, Marker, Mode};

/// Share of inputs that stay right, from the clean accuracy at 0 to the largest radius.
///
/// What to watch for: a curve can only fall and has to reach 0 within the box; compare whole curves, not one radius.
/// Curves of different norms share the axis but not its meaning: their legends name the norm.
pub fn robust_accuracy(models: &[(&str, &Robustness)]) -> Figure {
    let mut norms: Vec<String> = models.iter().map(|(_, r)| r.norm.to_string()).collect();
    norms.dedup();
    let one_norm = norms.len() <= 1;
    let x = if one_norm {
        format!("radius ε ({}, input units)", norms.concat())
    } else {
        "radius ε (input units)".into()
    };
    let y = axis("robust accuracy").range(vec![-0.03, 1.03]);
    let layout = watched(
        "Accuracy under attack",
        "Watch: a curve can only fall and has to reach 0 within the box; compare whole curves, not one radius.",
    );
    let mut plot = plot(named(layout, models.len()).x_axis(axis(&x)).y_axis(y).show_legend(true));
    let mut sentences = Vec::new();
    for (k, (name, robustness)) in models.iter().enumerate() {
        let label = if one_norm { (*name).to_owned() } else { format!("{name} ({})", robustness.norm) };
        let clean = [(0.0, robustness.clean_accuracy)].into_iter();
        let points = clean.chain(robustness.rows.iter().map(|row| (row.epsilon, row.accuracy)));
        let (x, y) = points.unzip::<_, _, Vec<f64>, Vec<f64>>();
        let trace = Scatter::new(x, y)
            .name(plain(&label))
            .mode(Mode::LinesMarkers)
            .line(Line::new().color(colour(k)).dash(dash(k)).width(2.0))
            .marker(Marker::new().color(colour(k)).symbol(symbol(k)).size(8));
        plot.add_trace(trace);
        sentences.push(sentence(&label, robustness));
    }
    if sentences.is_empty() {
        sentences.push("No attack to show.".to_owned());
    }
    Figure::new(&plot, sentences.join(" "))
}

impl Robustness {
    /// Share of inputs that stay right, against the radius.
    pub fn curve(&self) -> Figure {
        robust_accuracy(&[(&self.data, self)])
    }
}

fn sentence(name: &str, r: &Robustness) -> String {
    let mut text = format!("{name}: accuracy {} without an attack", brief(r.clean_accuracy));
    if let Some(last) = r.rows.last() {
        text += &format!(", {} at {} {}", brief(last.accuracy), r.norm, brief(last.epsilon));
    }
    let half = r.rows.iter().find(|row| row.accuracy < r.clean_accuracy / 2.0);
    match half {
        Some(row) => text += &format!("; more than half of it is lost by {}.", brief(row.epsilon)),
        None => text.push('.'),
    }
    if r.zero_gradient() > 0 {
        text += &format!(" Up to {} rows had zero gradient.", r.zero_gradient());
    }
    text
}
