//! The course of an attack, and what it does to other models.

use super::Figure;
use super::style::{axis, brief, colour, dash, plain, plot, watched};
use crate::attack::{Adversarial, Slice, Transfer};
use plotly::common::{ColorScale, ColorScaleElement, Font, Line, Mode};
use plotly::layout::Annotation;
use plotly::{HeatMap, Scatter};

/// Share of rows that are wrong and share without a gradient, iteration by iteration of the first start.
///
/// What to watch for: a gradient that is zero from the start with no row wrong is an attack that never ran; a share of wrong
/// rows that still rises at the end asks for more iterations.
pub fn attack_course(attacks: &[(&str, &Adversarial)]) -> Figure {
    let y = axis("share of rows").range(vec![-0.03, 1.03]);
    let watch =
        "Watch: no gradient and no row wrong is an attack that never ran; a rise at the end asks for more steps.";
    let mut plot =
        plot(watched("The course of an attack", watch).x_axis(axis("iteration")).y_axis(y).show_legend(true));
    let mut sentences = Vec::new();
    for (k, (name, found)) in attacks.iter().enumerate() {
        let x: Vec<usize> = (0..found.trace.len()).collect();
        let share = |count: usize, rows: usize| count as f64 / rows.max(1) as f64;
        let wrong: Vec<f64> = found.trace.iter().map(|at| share(at.wrong, at.rows)).collect();
        let zero: Vec<f64> = found.trace.iter().map(|at| share(at.zero_gradient, at.rows)).collect();
        let ends = wrong.last().zip(zero.iter().copied().reduce(f64::max)).map(|(wrong, zero)| (*wrong, zero));
        for (at, (what, y)) in [("wrong", wrong), ("zero gradient", zero)].into_iter().enumerate() {
            let line = Line::new().color(colour(k)).dash(dash(at)).width(2.0);
            let trace = Scatter::new(x.clone(), y).name(plain(&format!("{name}, {what}")));
            plot.add_trace(trace.mode(Mode::Lines).line(line));
        }
        sentences.push(match ends {
            Some((wrong, zero)) => format!(
                "{name}: {} of the rows wrong at the last of {} iterations, at most {} without a gradient.",
                brief(wrong),
                found.trace.len(),
                brief(zero)
            ),
            None => format!("{name}: no iterations."),
        });
    }
    if sentences.is_empty() {
        sentences.push("No attack to show.".to_owned());
    }
    Figure::new(&plot, sentences.join(" "))
}

impl Transfer {
    /// The matrix as a heat map: made against the line, tried on the column.
    ///
    /// What to watch for: the diagonal has to be the largest of its column.
    pub fn matrix(&self) -> Figure {
        let scale = [(0.0, "#FFFFFF"), (1.0, "#D55E00")];
        let scale = scale.iter().map(|(at, colour)| ColorScaleElement(*at, (*colour).to_owned())).collect();
        let names: Vec<String> = self.names.iter().map(|name| plain(name)).collect();
        let map = HeatMap::new(names.clone(), names, self.success.clone()).zmin(0.0).zmax(1.0);
        let map = map.color_scale(ColorScale::Vector(scale));
        let note = |made: usize, tried: usize, share: f64| {
            // Categories stand at 0, 1, 2 ... of their axis.
            let note = Annotation::new().text(format!("{share:.3}")).x(tried as f64).y(made as f64);
            note.show_arrow(false).font(Font::new().size(13).color("#000000"))
        };
        let notes = self.success.iter().enumerate();
        let notes =
            notes.flat_map(|(made, line)| line.iter().enumerate().map(move |(tried, share)| note(made, tried, *share)));
        let title = format!("Share of {} rows wrong", self.rows);
        let watch =
            "Watch: the diagonal has to be the largest of its column; a model where it is not hides its gradient.";
        let layout = watched(&title, watch).x_axis(axis("tried on")).y_axis(axis("made against"));
        let mut plot = plot(layout.annotations(notes.collect()));
        plot.add_trace(map);
        let told = self.success.iter().enumerate().flat_map(|(made, line)| {
            let told = |(tried, share): (usize, &f64)| {
                format!("{} on {} {}", self.names[made], self.names[tried], brief(*share))
            };
            line.iter().enumerate().map(told).collect::<Vec<String>>()
        });
        let told: Vec<String> = told.collect();
        Figure::new(
            &plot,
            format!(
                "Share of {} rows wrong, made against one model and tried on another: {}.",
                self.rows,
                told.join(", ")
            ),
        )
    }
}

impl Slice {
    /// The classes as a map; the input stands in the middle and the attacked one at (1, 0).
    ///
    /// What to watch for: compare models on one scale; a thin sliver of another class along one axis only is what an attack
    /// finds and random changes do not.
    pub fn map(&self) -> Figure {
        let classes: std::collections::BTreeSet<u32> = self.classes.iter().flatten().flatten().copied().collect();
        let order: Vec<u32> = classes.into_iter().collect();
        let place =
            |class: &Option<u32>| class.and_then(|class| order.iter().position(|c| *c == class)).map(|k| k as f64);
        let cells: Vec<Vec<Option<f64>>> = self.classes.iter().map(|line| line.iter().map(place).collect()).collect();
        // Steps of equal width, so that no colour stands between two classes.
        let count = order.len().max(1);
        let stops = (0..count).flat_map(|k| [k, k + 1].map(|end| (end as f64 / count as f64, colour(k))));
        let scale = ColorScale::Vector(stops.map(|(at, colour)| ColorScaleElement(at, colour)).collect());
        let map = HeatMap::new(self.along.clone(), self.across.clone(), cells).zmin(-0.5).zmax(count as f64 - 0.5);
        let unit = brief(self.length);
        let x = format!("attack direction (1 = {unit} in L2)");
        let y = format!("random direction (1 = {unit} in L2)");
        let watch = "Watch for a sliver of another class along the attack alone: random changes of that size miss it.";
        let mut plot =
            plot(watched("Classes around one input", watch).x_axis(axis(&x)).y_axis(axis(&y)).show_legend(true));
        plot.add_trace(map.color_scale(scale).show_scale(false));
        for (k, class) in order.iter().enumerate() {
            // The legend of a map without a colour bar.
            let marker = plotly::common::Marker::new().color(colour(k)).size(10);
            let key = Scatter::new(vec![None::<f64>], vec![None::<f64>]).name(format!("class {class}"));
            plot.add_trace(key.mode(Mode::Markers).marker(marker));
        }
        let total = self.classes.iter().map(Vec::len).sum::<usize>().max(1);
        let own = self.classes.iter().flatten().filter(|class| **class == Some(self.label)).count();
        let alt = format!(
            "Classes in a plane through an input of class {}: {} of the plane has its class, up to 2 times {unit} away.",
            self.label,
            brief(own as f64 / total as f64)
        );
        Figure::new(&plot, alt)
    }
}
