//! What names the traces, and what explains the colours of a heat map.

use super::axis::Axis;
use super::frame::Frame;
use super::svg::{Paint, Svg};
use super::text::{self, Font, Side, Text};
use super::trace::{Kind, Trace};
use super::{bars, maps, scatter};
use serde_json::Value;

/// A sample, the gap behind it, and the gap to the next entry.
const SAMPLE: f64 = 30.0;
const BEHIND: f64 = 6.0;
const BETWEEN: f64 = 18.0;

/// The entries and how they run: side by side below the frame, or one below the other beside it.
pub struct Legend {
    /// Index of the trace, its name, and the name's width.
    entries: Vec<(usize, String, f64)>,
    flat: bool,
    size: f64,
    colour: String,
}

impl Legend {
    pub fn of(traces: &[Trace], layout: &Value, font: &Font) -> Self {
        let settings = &layout["legend"];
        let size = settings["font"]["size"].as_f64().unwrap_or(font.size);
        let named = |(k, trace): (usize, &Trace)| {
            let name = trace.listed()?;
            Some((k, name.to_owned(), text::size(name, size).0))
        };
        let mut entries: Vec<_> = traces.iter().enumerate().filter_map(named).collect();
        // plotly shows a legend for two traces and more, unless told.
        let wanted = layout["showlegend"].as_bool().unwrap_or(entries.len() > 1);
        if !wanted {
            entries.clear();
        }
        Self { entries, flat: settings["orientation"] == "h", size, colour: font.colour.clone() }
    }

    fn step(&self) -> f64 {
        self.size * 1.3 + 6.0
    }

    fn entry(width: f64) -> f64 {
        SAMPLE + BEHIND + width + BETWEEN
    }

    /// The entries of each line when they run side by side within `room`.
    fn lines(&self, room: f64) -> Vec<Vec<usize>> {
        let mut out: Vec<Vec<usize>> = Vec::new();
        let mut used = f64::INFINITY;
        for (k, (_, _, width)) in self.entries.iter().enumerate() {
            let width = Self::entry(*width);
            if used + width - BETWEEN > room {
                out.push(Vec::new());
                used = 0.0;
            }
            used += width;
            out.last_mut().expect("the first entry opens a line").push(k);
        }
        out
    }

    pub fn height_below(&self, room: f64) -> f64 {
        if self.flat { self.lines(room).len() as f64 * self.step() } else { 0.0 }
    }

    pub fn width_beside(&self) -> f64 {
        let widest = self.entries.iter().map(|(_, _, width)| Self::entry(*width)).fold(0.0, f64::max);
        if self.flat || self.entries.is_empty() { 0.0 } else { widest + 12.0 }
    }

    /// `below` and `beside`: what stands between the frame and the legend.
    pub fn draw(&self, traces: &[Trace], frame: &Frame, [below, beside]: [f64; 2], out: &mut Svg) {
        let lines = if self.flat {
            self.lines(frame.right - frame.left)
        } else {
            (0..self.entries.len()).map(|k| vec![k]).collect()
        };
        let (start, top) =
            if self.flat { (frame.left, frame.bottom + below + 6.0) } else { (frame.right + beside + 16.0, frame.top) };
        for (number, line) in lines.iter().enumerate() {
            let y = top + (number as f64 + 0.5) * self.step();
            let mut x = start;
            for (trace, name, width) in line.iter().map(|k| &self.entries[*k]) {
                sample(&traces[*trace], x, y, out);
                let text = Text { markup: name, size: self.size, colour: &self.colour, side: Side::Start, turn: 0.0 };
                text::write(out, &text, x + SAMPLE + BEHIND, y);
                x += Self::entry(*width);
            }
        }
    }
}

fn sample(trace: &Trace, x: f64, y: f64, out: &mut Svg) {
    match trace.kind {
        Kind::Scatter => scatter::sample(trace, x, y, out),
        _ => out.rect([x + 9.0, y - 6.0, x + 21.0, y + 6.0], &bars::paint(trace, 0), false),
    }
}

/// The bar of colours of the first heat map that has one.
pub struct ColourBar {
    trace: usize,
    title: String,
    limits: [f64; 2],
}

const BAR: f64 = 16.0;
const STEPS: usize = 64;

impl ColourBar {
    pub fn of(traces: &[Trace]) -> Option<Self> {
        let trace = traces.iter().position(maps::explained)?;
        let settings = &traces[trace].json["colorbar"]["title"];
        let title = settings["text"].as_str().or_else(|| settings.as_str()).unwrap_or_default().to_owned();
        Some(Self { trace, title, limits: maps::limits(&traces[trace]) })
    }

    fn axis(&self, pixels: [f64; 2]) -> Axis {
        let mut axis = Axis::new("y", &Value::Null);
        let [low, high] = self.limits;
        // One value alone has one colour, and a bar around it.
        axis.range = if high > low { self.limits } else { [low - 1.0, high + 1.0] };
        axis.pixels = pixels;
        axis
    }

    pub fn width(&self, font: &Font) -> f64 {
        let ticks = self.axis([300.0, 0.0]).ticks();
        let labels = ticks.iter().map(|tick| text::size(&tick.label, font.size).0).fold(0.0, f64::max);
        let title = text::size(&self.title, font.size).0;
        10.0 + (BAR + 8.0 + labels).max(title) + 8.0
    }

    /// `beside`: what the axes take between the frame and the bar.
    pub fn draw(&self, traces: &[Trace], axes: &[Axis], beside: f64, font: &Font, out: &mut Svg) {
        let trace = &traces[self.trace];
        let [bottom, top] = axes[trace.y].pixels;
        let left =
            axes.iter().filter(|axis| axis.horizontal).map(|axis| axis.pixels[1]).fold(0.0, f64::max) + beside + 10.0;
        let axis = self.axis([bottom, top]);
        let scale = maps::scale(trace);
        for k in 0..STEPS {
            let at = |k: usize| bottom + (top - bottom) * k as f64 / STEPS as f64;
            let colour = scale.at((k as f64 + 0.5) / STEPS as f64);
            out.rect([left, at(k), left + BAR, at(k + 1)], &Paint::area(colour), true);
        }
        let text = |markup: &str, side, x: f64, y: f64, out: &mut Svg| {
            text::write(out, &Text { markup, size: font.size, colour: &font.colour, side, turn: 0.0 }, x, y);
        };
        for tick in axis.ticks() {
            let y = axis.pixel(tick.at);
            out.line([left + BAR, y, left + BAR + 4.0, y], &Paint::line(&*font.colour, 1.0));
            text(&tick.label, Side::Start, left + BAR + 7.0, y, out);
        }
        text(&self.title, Side::Start, left, top - 0.9 * font.size, out);
    }
}
