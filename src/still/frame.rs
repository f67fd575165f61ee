//! The frame of the panels: what margins, labels, legend and the bar of colours leave of the picture.

use super::axis::Axis;
use super::legend::{ColourBar, Legend};
use super::ruler::{anchor, far, outside, reach};
use super::text::Font;
use serde_json::Value;

/// The frame inside the margins, in pixels.
#[derive(Clone, Copy)]
pub struct Frame {
    pub left: f64,
    pub top: f64,
    pub right: f64,
    pub bottom: f64,
}

impl Frame {
    /// The pixel of a place in shares of the frame, from its lower left corner.
    pub fn paper(&self, x: f64, y: f64) -> (f64, f64) {
        (self.left + x * (self.right - self.left), self.bottom - y * (self.bottom - self.top))
    }

    /// Sets the pixels of all axes, leaving room for what stands around them.
    pub fn around(
        layout: &Value,
        axes: &mut [Axis],
        legend: &Legend,
        bar: Option<&ColourBar>,
        font: &Font,
        [width, height]: [f64; 2],
    ) -> Self {
        let margin = |side: &str, otherwise: f64| layout["margin"][side].as_f64().unwrap_or(otherwise);
        let mut frame = Self {
            left: margin("l", 80.0),
            top: margin("t", 100.0),
            right: width - margin("r", 80.0),
            bottom: height - margin("b", 80.0),
        };
        // Each further round knows the ticks of the one before.
        for _ in 0..3 {
            (frame.left, frame.right) = apart(frame.left, frame.right, width);
            (frame.top, frame.bottom) = apart(frame.top, frame.bottom, height);
            place(axes, &frame);
            frame.left = frame.left.max(room(axes, Edge::Left, font));
            let below = room(axes, Edge::Bottom, font);
            let legend_height = legend.height_below(frame.right - frame.left);
            let wanted = if legend_height > 0.0 { below + legend_height + 12.0 } else { below };
            // Long labels are cut before they take more than half of the picture.
            frame.bottom = frame.bottom.min(height - wanted.min(height / 2.0));
            let beside = legend.width_beside() + bar.map_or(0.0, |bar| bar.width(font));
            frame.right = frame.right.min(width - room(axes, Edge::Right, font) - beside.max(12.0));
            let over = axes.iter().map(|axis| reach(axis, font) - width + 4.0).fold(0.0, f64::max);
            frame.right -= over.min(width / 4.0);
        }
        (frame.left, frame.right) = apart(frame.left, frame.right, width);
        (frame.top, frame.bottom) = apart(frame.top, frame.bottom, height);
        place(axes, &frame);
        frame
    }
}

/// An edge of the frame.
#[derive(Clone, Copy, PartialEq)]
pub enum Edge {
    Left,
    Bottom,
    Right,
}

/// The room that the axes at this edge need beyond it.
pub fn room(axes: &[Axis], edge: Edge, font: &Font) -> f64 {
    let here = |axis: &&Axis| {
        let end = anchor(axis, axes).map_or([0.0, 1.0], |other| other.domain);
        axis.visible()
            && axis.horizontal == (edge == Edge::Bottom)
            && far(axis) == (edge == Edge::Right)
            && if edge == Edge::Right { end[1] > 0.99 } else { end[0] < 0.01 }
    };
    axes.iter().filter(here).map(|axis| outside(axis, font)).fold(0.0, f64::max)
}

/// Both ends inside of `length`, at least a tenth of it apart: whatever the margins are, the data have a place.
fn apart(from: f64, to: f64, length: f64) -> (f64, f64) {
    let from = from.clamp(0.0, 0.9 * length);
    (from, to.clamp(from + 0.1 * length, length))
}

fn place(axes: &mut [Axis], frame: &Frame) {
    for axis in axes.iter_mut() {
        let [from, to] = axis.domain;
        axis.pixels = if axis.horizontal {
            [frame.paper(from, 0.0).0, frame.paper(to, 0.0).0]
        } else {
            [frame.paper(0.0, from).1, frame.paper(0.0, to).1]
        };
        axis.range = axis.wanted_range;
    }
    one_scale(axes);
}

/// Axes with `scaleanchor` get as many pixels for a unit as the axis they name.
fn one_scale(axes: &mut [Axis]) {
    for index in 0..axes.len() {
        let Some(other) = axes[index].layout["scaleanchor"].as_str() else { continue };
        let Some(other) = axes.iter().position(|axis| axis.name == other) else { continue };
        let ratio = axes[index].layout["scaleratio"].as_f64().filter(|ratio| *ratio > 0.0).unwrap_or(1.0);
        let per_unit = |axis: &Axis| (axis.pixels[1] - axis.pixels[0]).abs() / (axis.range[1] - axis.range[0]).abs();
        let (mine, its) = (per_unit(&axes[index]) / ratio, per_unit(&axes[other]));
        let scale = mine.min(its);
        // A length that is not finite, or a factor that would leave no digits, is no scale.
        if !(scale > 0.0 && mine.max(its) / scale < 1e6) {
            continue;
        }
        for (index, factor) in [(index, mine / scale), (other, its / scale)] {
            let axis = &mut axes[index];
            // The axis with too many pixels for a unit gives up pixels, or shows more units.
            let domain = axis.layout["constrain"] == "domain";
            let [a, b] = if domain { axis.pixels } else { axis.range };
            let by = if domain { 1.0 / factor } else { factor };
            let (middle, half) = ((a + b) / 2.0, (b - a) / 2.0 * by);
            *(if domain { &mut axis.pixels } else { &mut axis.range }) = [middle - half, middle + half];
        }
    }
}
