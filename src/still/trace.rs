//! What the kinds of traces have in common: values on axes, and how far they reach.

use super::axis::Axis;
use super::bars::Bars;
use super::boxes::Place;
use super::colour::CYCLE;
use super::svg::Svg;
use super::{bars, boxes, maps, scatter};
use crate::error::{Error, Result};
use serde_json::Value;

/// One trace with the numbers of its axes in the figure's list.
pub struct Trace<'a> {
    pub json: &'a Value,
    pub x: usize,
    pub y: usize,
    /// The colour of the cycle, for what names none.
    pub colour: String,
    /// Its own name, or `trace 0`.
    pub name: String,
    pub kind: Kind,
}

/// The kinds that a still can draw.
pub enum Kind {
    Scatter,
    Bars(Bars),
    Boxes(Place),
    HeatMap,
    Image,
}

/// How far data reach on an axis, and how much room they want beyond, as a share of the range.
#[derive(Clone, Copy)]
pub struct Extent {
    pub range: [f64; 2],
    pub pad: [f64; 2],
}

/// Room beside points, so that no marker is cut at the frame.
pub const POINT_PAD: f64 = 0.06;

impl Extent {
    /// Around all `values`; `None` without any.
    pub fn around(values: impl Iterator<Item = f64>, pad: [f64; 2]) -> Option<Self> {
        let range =
            values.filter(|v| v.is_finite()).fold([f64::INFINITY, f64::NEG_INFINITY], |[a, b], v| [a.min(v), b.max(v)]);
        (range[0] <= range[1]).then_some(Self { range, pad })
    }

    /// Around all `values` and 0; room is wanted only at the ends that are not 0.
    pub fn from_zero(values: Vec<f64>, pad: f64) -> Option<Self> {
        let low = if values.iter().any(|v| *v < 0.0) { pad } else { 0.0 };
        let high = if values.iter().any(|v| *v > 0.0) { pad } else { 0.0 };
        Self::around(values.into_iter().chain([0.0]), [low, high])
    }

    /// Around both.
    pub fn join(a: Option<Self>, b: Option<Self>) -> Option<Self> {
        let (Some(a), Some(b)) = (a, b) else { return a.or(b) };
        let range = [a.range[0].min(b.range[0]), a.range[1].max(b.range[1])];
        // The side that reaches farther decides about the room beyond it.
        let pad = |side: usize| match a.range[side].total_cmp(&b.range[side]) {
            std::cmp::Ordering::Equal => a.pad[side].max(b.pad[side]),
            order if (order == std::cmp::Ordering::Less) == (side == 0) => a.pad[side],
            _ => b.pad[side],
        };
        Some(Self { range, pad: [pad(0), pad(1)] })
    }
}

/// The items of a list; none if it is no list.
pub fn items(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

impl<'a> Trace<'a> {
    /// Reads the kind; what cannot be drawn is an error, since half of a figure would mislead.
    pub fn of(json: &'a Value, index: usize, axes: &[Axis], layout: &Value) -> Result<Self> {
        let kind = match json["type"].as_str().unwrap_or("scatter") {
            "scatter" | "scattergl" => Kind::Scatter,
            "bar" | "histogram" => Kind::Bars(Bars::default()),
            "box" => Kind::Boxes(Place::default()),
            "heatmap" => Kind::HeatMap,
            "image" => Kind::Image,
            other => {
                let expected = "a trace of type scatter, bar, histogram, box, heatmap or image".into();
                return Err(Error::Value { op: "still", expected, got: format!("type {other}") });
            }
        };
        let axis = |key: &str, first: &str| {
            let name = json[key].as_str().filter(|name| !name.is_empty()).unwrap_or(first);
            axes.iter().position(|axis| axis.name == name).unwrap_or(usize::from(first == "y"))
        };
        let cycle: Vec<&str> = items(&layout["colorway"]).iter().filter_map(Value::as_str).collect();
        let cycle = if cycle.is_empty() { &CYCLE[..] } else { &cycle };
        let colour = cycle[index % cycle.len()].to_owned();
        let name = json["name"].as_str().map_or_else(|| format!("trace {index}"), str::to_owned);
        Ok(Self { json, x: axis("xaxis", "x"), y: axis("yaxis", "y"), colour, name, kind })
    }

    /// Places on both axes, one pair for each point; `None` is a gap.
    pub fn points(&self, axes: &[Axis]) -> Vec<Option<(f64, f64)>> {
        let (x, y) = (items(&self.json["x"]), items(&self.json["y"]));
        let count = if x.is_empty() {
            y.len()
        } else if y.is_empty() {
            x.len()
        } else {
            x.len().min(y.len())
        };
        let place = |values: &[Value], key: &str, step: &str, axis: &Axis, k: usize| match values.get(k) {
            Some(value) => axis.value(value),
            None if values.is_empty() => {
                let start = self.json[key].as_f64().unwrap_or(0.0);
                Some(start + k as f64 * self.json[step].as_f64().unwrap_or(1.0))
            }
            None => None,
        };
        let point = |k| Some((place(x, "x0", "dx", &axes[self.x], k)?, place(y, "y0", "dy", &axes[self.y], k)?));
        (0..count).map(point).collect()
    }

    /// How far the trace reaches on its two axes.
    pub fn extents(&self, axes: &[Axis]) -> [Option<Extent>; 2] {
        match &self.kind {
            Kind::Scatter => scatter::extents(self, axes),
            Kind::Bars(bars) => bars::extents(self.json, bars),
            Kind::Boxes(_) => boxes::extents(self, axes),
            Kind::HeatMap | Kind::Image => maps::extents(self, axes),
        }
    }

    /// Draws what is clipped to the panel. `before`: the traces below it.
    pub fn draw(&self, before: &[Trace], axes: &[Axis], svg: &mut Svg) {
        match &self.kind {
            Kind::Scatter => scatter::draw(self, before, axes, svg),
            Kind::Bars(bars) => bars::draw(self, bars, axes, svg),
            Kind::Boxes(place) => boxes::draw(self, *place, axes, svg),
            Kind::HeatMap => maps::draw(self, axes, svg),
            Kind::Image => maps::draw_image(self, axes, svg),
        }
    }

    /// The trace's name in the legend, if it is listed there.
    pub fn listed(&self) -> Option<&str> {
        let listable = !matches!(self.kind, Kind::HeatMap | Kind::Image);
        let wanted = listable && self.json["showlegend"] != false;
        wanted.then_some(self.name.as_str())
    }
}

/// A setting that is one value for all or a list with one for each point.
pub fn nth(setting: &Value, k: usize) -> &Value {
    setting.as_array().map_or(setting, |list| list.get(k).unwrap_or(&Value::Null))
}
