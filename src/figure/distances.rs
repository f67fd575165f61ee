//! Distances to another class: their distribution over inputs, and certificates below what attacks found.

use super::Figure;
use super::style::{axis, brief, colour, dash, named, plain, plot, symbol, watched};
use crate::error::{Error, Result};
use plotly::Scatter;
use plotly::common::{Line, Marker, Mode};

/// The share of inputs within each distance of another class.
///
/// Each set of distances is one line per input: 0 for inputs that are wrong without an attack, infinite for those without
/// an adversarial input. The latter are censored: their line ends below 1 and the legend counts them.
/// What to watch for: where a curve starts (wrong inputs), that it reaches 1 (else the attack gave up), and the whole
/// curve rather than its mean.
/// Errors: `Value` for a distance that is NaN or negative.
pub fn distances(sets: &[(&str, &[f64])]) -> Result<Figure> {
    let y = axis("share of inputs within this distance").range(vec![-0.03, 1.03]);
    let title = "Distance to another class (upper bounds, found by attack)";
    let watch =
        "Watch where a curve starts (inputs that are wrong) and whether it reaches 1 (if not, the attack gave up).";
    let layout = named(watched(title, watch), sets.len());
    let mut plot = plot(layout.x_axis(axis("distance (L2, input units)")).y_axis(y).show_legend(true));
    let mut sentences = Vec::new();
    for (k, (name, all)) in sets.iter().enumerate() {
        if let Some(row) = all.iter().position(|d| !(*d >= 0.0)) {
            let got = format!("{} in row {row}", all[row]);
            return Err(Error::Value { op: "distances", expected: "distances of 0 or more".into(), got });
        }
        let mut found: Vec<f64> = all.iter().copied().filter(|d| d.is_finite()).collect();
        found.sort_by(f64::total_cmp);
        let (n, censored) = (all.len(), all.len() - found.len());
        // Steps: up at each distance, level between them.
        let (mut x, mut y) = (vec![0.0], vec![0.0]);
        for (rank, distance) in found.iter().enumerate() {
            x.extend([*distance; 2]);
            y.extend([rank, rank + 1].map(|count| count as f64 / n as f64));
        }
        let label = format!("{name} ({censored} of {n} censored)");
        let trace = Scatter::new(x, y).name(plain(&label)).mode(Mode::Lines);
        plot.add_trace(trace.line(Line::new().color(colour(k)).dash(dash(k)).width(2.0)));
        let wrong = found.iter().filter(|d| **d == 0.0).count();
        let median = match found.get(n.div_ceil(2).saturating_sub(1)) {
            Some(median) => format!("half of them lie within {}", brief(*median)),
            None => "more than half are censored".into(),
        };
        sentences.push(format!("{name}: {n} inputs, {wrong} wrong without an attack, {censored} censored; {median}."));
    }
    if sentences.is_empty() {
        sentences.push("No distances to show.".to_owned());
    }
    Ok(Figure::new(&plot, sentences.join(" ")))
}

/// For each input the certified radius, the exact distance where it is known, and what the attack found.
///
/// Inputs are sorted by what the attack found; infinite values leave a gap. What to watch for: no certificate may lie
/// above an attack, and the gap between them is what nobody knows.
/// Errors: `Shape` if the lists differ in length; `Value` for NaN.
pub fn sandwich(certified: &[f64], exact: Option<&[f64]>, attacked: &[f64]) -> Result<Figure> {
    const OP: &str = "sandwich";
    let n = attacked.len();
    for list in [Some(certified), exact].into_iter().flatten() {
        if list.len() != n {
            let expected = format!("as many radii as distances, {n}");
            return Err(Error::Shape { op: OP, expected, got: vec![list.len()] });
        }
    }
    let mut order: Vec<usize> = (0..n).collect();
    order.sort_by(|a, b| attacked[*a].total_cmp(&attacked[*b]));
    let watch = "Watch: no certificate may lie above an attack; the gap between them is what nobody knows.";
    let mut plot = plot(
        watched("Certificate ≤ exact ≤ attack", watch)
            .x_axis(axis("input, sorted by the attack's distance"))
            .y_axis(axis("distance to another class (L2, input units)"))
            .show_legend(true),
    );
    let lists =
        [("attack (upper bound)", Some(attacked)), ("exact", exact), ("certificate (lower bound)", Some(certified))];
    for (k, (name, list)) in lists.into_iter().enumerate() {
        let Some(list) = list else { continue };
        if let Some(row) = list.iter().position(|v| v.is_nan()) {
            return Err(Error::Value { op: OP, expected: "distances".into(), got: format!("NaN in row {row}") });
        }
        let x: Vec<usize> = (0..n).collect();
        let y: Vec<Option<f64>> = order.iter().map(|row| Some(list[*row]).filter(|v| v.is_finite())).collect();
        let marker = Marker::new().color(colour(k)).symbol(symbol(k)).size(7);
        plot.add_trace(Scatter::new(x, y).name(name).mode(Mode::Markers).marker(marker));
    }
    let above = certified.iter().zip(attacked).filter(|(c, a)| c > a).count();
    let mut shares: Vec<f64> = certified.iter().zip(attacked).filter(|(_, a)| **a > 0.0).map(|(c, a)| c / a).collect();
    shares.sort_by(f64::total_cmp);
    let mut alt = format!("{n} inputs; {above} certificates lie above what an attack found");
    if let Some(median) = shares.get(shares.len() / 2) {
        alt += &format!(
            ", which would be an error; the median certificate is {} of the attack's distance",
            brief(*median)
        );
    }
    Ok(Figure::new(&plot, alt + "."))
}
