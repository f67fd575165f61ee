//! Singular values of features, and the share of energy in the first k directions, raw and centred.

use super::Figure;
use super::style::{axis, brief, colour, logarithmic, plain, plot, symbol, watched};
use crate::analysis::{Profile, Spectrum};
use plotly::Scatter;
use plotly::common::{DashType, Line, Marker, Mode};

/// Left: singular values over the largest, logarithmic. Right: the share of the sum of squares in the first k.
///
/// What to watch for: the raw matrix counts the mean as a direction, so a claim of low rank has to hold centred too.
/// Each set of features has a colour and a marker; raw is solid and centred dashed. Values of 0 leave a gap on the left.
pub fn spectra(sets: &[(&str, &Spectrum)]) -> Figure {
    let profiles = sets.iter().flat_map(|(_, spectrum)| [&spectrum.raw, &spectrum.centred]);
    let shown = profiles.flat_map(|profile| points(profile).0).filter_map(|(_, value)| value);
    let smallest = shown.fold(1.0, f64::min);
    let left = axis("direction k").domain(&[0.0, 0.44]).anchor("y");
    let right = logarithmic(axis("first k directions"), 1.0, 1.0).domain(&[0.56, 1.0]).anchor("y2");
    let values = logarithmic(axis("σ<sub>k</sub> / σ<sub>1</sub>"), smallest, 1.0).anchor("x");
    let share = axis("share of energy").range(vec![0.0, 1.04]).anchor("x2");
    let watch = "Watch: raw counts the mean as a direction and looks of low rank for that alone; centred does not.";
    let layout = watched("Spectrum of features: raw solid, centred dashed", watch).show_legend(true);
    let mut plot = plot(layout.x_axis(left).y_axis(values).x_axis2(right).y_axis2(share));
    let mut sentences = Vec::new();
    for (k, (name, spectrum)) in sets.iter().enumerate() {
        for (kind, profile) in [("raw", &spectrum.raw), ("centred", &spectrum.centred)] {
            let label = plain(&format!("{name}, {kind}"));
            let dash = if kind == "raw" { DashType::Solid } else { DashType::Dash };
            let (values, shares) = points(profile);
            let line = Line::new().color(colour(k)).dash(dash).width(2.0);
            let marker = Marker::new().color(colour(k)).symbol(symbol(k)).size(7).max_displayed(12);
            for (points, panel) in [(values, ""), (shares, "2")] {
                let (x, y) = points.into_iter().unzip::<_, _, Vec<usize>, Vec<Option<f64>>>();
                let trace = Scatter::new(x, y)
                    .name(label.clone())
                    .legend_group(label.clone())
                    .show_legend(panel.is_empty())
                    .mode(Mode::LinesMarkers)
                    .line(line.clone())
                    .marker(marker.clone())
                    .x_axis(format!("x{panel}"))
                    .y_axis(format!("y{panel}"));
                plot.add_trace(trace);
            }
        }
        sentences.push(format!(
            "{name}, {} rows of {} features: 99 % of the energy is in {} directions raw and {} centred; effective rank \
             {} raw and {} centred.",
            spectrum.rows,
            spectrum.columns,
            spectrum.raw.k99(),
            spectrum.centred.k99(),
            brief(spectrum.raw.effective_rank()),
            brief(spectrum.centred.effective_rank())
        ));
    }
    if sentences.is_empty() {
        sentences.push("No spectrum to show.".to_owned());
    }
    Figure::new(&plot, sentences.join(" "))
}

type Points = Vec<(usize, Option<f64>)>;

fn points(profile: &Profile) -> (Points, Points) {
    let largest = profile.singular_values.first().copied().unwrap_or(0.0);
    let values = profile.singular_values.iter().map(|v| (*v > 0.0).then(|| v / largest));
    let shares = (1..=profile.singular_values.len()).map(|k| (k, Some(profile.energy(k))));
    (values.enumerate().map(|(k, v)| (k + 1, v)).collect(), shares.collect())
}
