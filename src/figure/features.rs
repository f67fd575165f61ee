//! Features and the head: the angle of weights to the directions in use, where an attack moves, margins at both ends.

use super::Figure;
use super::style::{axis, brief, colour, dash, plain, plot, symbol, watched};
use crate::analysis::{Directions, Displacement, Margins, median};
use crate::error::Result;
use plotly::Scatter;
use plotly::common::{Line, Marker, Mode};

/// The angle between a weight vector and the first k directions of features, against k.
///
/// Each set is the directions and the weights of one model. What to watch for: an angle that stays large far beyond the
/// directions that hold the energy says that the weights lean on directions in which the data hardly vary.
/// Errors: as [`Directions::angle_degrees`].
pub fn angles(sets: &[(&str, &Directions, &[f64])]) -> Result<Figure> {
    let watch = "Watch: an angle still large where 99 % of the energy is in says that w leans on weak directions.";
    let y = axis("angle of w to their span (degrees)").range(vec![-3.0, 93.0]);
    let layout = watched("Weights against the directions of the features", watch);
    let mut plot = plot(layout.x_axis(axis("first k directions")).y_axis(y).show_legend(true));
    let mut sentences = Vec::new();
    for (k, (name, directions, w)) in sets.iter().enumerate() {
        let x: Vec<usize> = (0..=directions.rank()).collect();
        let y = x.iter().map(|k| directions.angle_degrees(w, *k)).collect::<Result<Vec<f64>>>()?;
        let label = format!("{name} ({})", if directions.centred { "centred" } else { "raw" });
        let line = Line::new().color(colour(k)).dash(dash(k)).width(2.0);
        let marker = Marker::new().color(colour(k)).symbol(symbol(k)).size(7).max_displayed(12);
        let k99 = directions.holding(0.99);
        sentences.push(format!(
            "{label}: w is {} degrees from the {k99} directions that hold 99 % of the energy, {} degrees from all {}.",
            brief(y[k99]),
            brief(y[y.len() - 1]),
            directions.rank()
        ));
        plot.add_trace(Scatter::new(x, y).name(plain(&label)).mode(Mode::LinesMarkers).line(line).marker(marker));
    }
    if sentences.is_empty() {
        sentences.push("No weights to show.".to_owned());
    }
    Ok(Figure::new(&plot, sentences.join(" ")))
}

/// The share of the change of the features within the first k of their directions, by attack and by random changes.
///
/// What to watch for: the two curves. Where the attack's lies below the random one it leaves the directions in which the
/// data vary; where they agree the attack uses none in particular.
pub fn displacement(name: &str, moved: &Displacement) -> Figure {
    let watch =
        "Watch where the attack departs from random changes of equal size: those are the directions that it uses.";
    let title = format!("Where the features move: {}", plain(name));
    let y = axis("share of the change within them").range(vec![-0.03, 1.03]);
    let mut plot = plot(watched(&title, watch).x_axis(axis("first k directions")).y_axis(y).show_legend(true));
    for (k, (name, one)) in [("attack", &moved.attack), ("random, equal size", &moved.noise)].into_iter().enumerate() {
        let x: Vec<usize> = (0..=one.shares.len()).collect();
        let y: Vec<f64> = x.iter().map(|k| one.within(*k)).collect();
        let line = Line::new().color(colour(k)).dash(dash(k)).width(2.0);
        let marker = Marker::new().color(colour(k)).symbol(symbol(k)).size(7).max_displayed(12);
        plot.add_trace(Scatter::new(x, y).name(name).mode(Mode::LinesMarkers).line(line).marker(marker));
    }
    let within = |one: &crate::analysis::Moved| brief(one.within(moved.k90));
    let alt = format!(
        "{name}: {} of the attack's change and {} of a random one lie in the {} directions that hold 90 % of the features' \
         energy; the attack moves them {} times as far.",
        within(&moved.attack),
        within(&moved.noise),
        moved.k90,
        brief(moved.amplification())
    );
    Figure::new(&plot, alt)
}

/// Feature margin against input margin, one point for each row that is right and not censored.
///
/// What to watch for: a cloud that only moves up from one model to another has gained scale at the head and nothing at the
/// input.
pub fn margins(sets: &[(&str, &Margins)]) -> Figure {
    let watch = "Watch: points that only move up from one model to the next have gained scale and no robustness.";
    let (x, y) = (axis("input margin (L2, input units, found by attack)"), axis("feature margin (feature units)"));
    let layout = watched("Margin at the head against margin at the input", watch);
    let mut plot = plot(layout.x_axis(x).y_axis(y).show_legend(true));
    let mut sentences = Vec::new();
    for (k, (name, margins)) in sets.iter().enumerate() {
        let rows = margins.rows();
        let pick = |list: &[f64]| rows.iter().map(|row| list[*row]).collect::<Vec<f64>>();
        let marker = Marker::new().color(colour(k)).symbol(symbol(k)).size(7);
        let trace = Scatter::new(pick(&margins.input), pick(&margins.feature)).name(plain(name));
        plot.add_trace(trace.mode(Mode::Markers).marker(marker));
        sentences.push(format!(
            "{name}: {} rows, median input margin {}, median feature margin {}, rank correlation {}.",
            rows.len(),
            brief(median(&pick(&margins.input))),
            brief(median(&pick(&margins.feature))),
            brief(margins.rank_correlation())
        ));
    }
    if sentences.is_empty() {
        sentences.push("No margins to show.".to_owned());
    }
    Figure::new(&plot, sentences.join(" "))
}
