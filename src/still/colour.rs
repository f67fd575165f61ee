//! Colours as plotly writes them, and the scales that turn numbers into colours.

use super::scales::{FIRST, SCALES};
use serde_json::Value;

/// The colours of traces that name none: plotly's own cycle.
pub const CYCLE: [&str; 10] =
    ["#1f77b4", "#ff7f0e", "#2ca02c", "#d62728", "#9467bd", "#8c564b", "#e377c2", "#7f7f7f", "#bcbd22", "#17becf"];

type Rgb = [f64; 3];

/// `#rgb`, `#rrggbb` or `rgb(r, g, b)` in bytes; names and see-through colours are left to the SVG.
fn parse(text: &str) -> Option<Rgb> {
    let hex = |digits: &str| u8::from_str_radix(digits, 16).ok().map(f64::from);
    if let Some(digits) = text.strip_prefix('#') {
        return match digits.len() {
            6 => Some([hex(digits.get(0..2)?)?, hex(digits.get(2..4)?)?, hex(digits.get(4..6)?)?]),
            3 => {
                let double = |at: usize| hex(&digits.get(at..=at)?.repeat(2));
                Some([double(0)?, double(1)?, double(2)?])
            }
            _ => None,
        };
    }
    let inner = text.strip_prefix("rgb(")?.strip_suffix(')')?;
    let mut parts = inner.split(',').map(|part| part.trim().parse::<f64>().ok());
    Some([parts.next()??, parts.next()??, parts.next()??])
}

/// `colour` with an opacity, for fills that plotly makes half see-through.
pub fn faded(colour: &str, opacity: f64) -> String {
    match parse(colour) {
        Some([r, g, b]) => format!("rgba({r}, {g}, {b}, {opacity})"),
        None => colour.to_owned(),
    }
}

/// Whether white words are read better on `colour` than dark ones, by its luma (ITU-R BT.601).
pub fn is_dark(colour: &str) -> bool {
    parse(colour).is_some_and(|[r, g, b]| 0.299 * r + 0.587 * g + 0.114 * b < 140.0)
}

/// Colours at places from 0 to 1.
pub struct Scale {
    stops: Vec<(f64, Rgb)>,
}

impl Scale {
    /// The scale that `colorscale` means: a name, or pairs of place and colour; plotly's default if it is neither.
    pub fn of(value: &Value, reversed: bool) -> Self {
        let pair = |pair: &Value| Some((pair[0].as_f64()?, parse(pair[1].as_str()?)?));
        let mut stops: Vec<(f64, Rgb)> = match value {
            Value::Array(pairs) => pairs.iter().filter_map(pair).collect(),
            Value::String(name) => named(name),
            _ => Vec::new(),
        };
        if stops.is_empty() {
            stops = named(FIRST);
        }
        if reversed {
            stops = stops.into_iter().rev().map(|(place, colour)| (1.0 - place, colour)).collect();
        }
        Self { stops }
    }

    /// The colour at `place`, as SVG writes it.
    pub fn at(&self, place: f64) -> String {
        let place = place.clamp(0.0, 1.0);
        let next = self.stops.iter().position(|(at, _)| *at >= place).unwrap_or(self.stops.len() - 1);
        let ((from, a), (to, b)) = (self.stops[next.saturating_sub(1)], self.stops[next]);
        let share = if to > from { (place - from) / (to - from) } else { 1.0 };
        let [r, g, b] = [0, 1, 2].map(|k| (a[k] + share * (b[k] - a[k])).round() as u8);
        format!("#{r:02x}{g:02x}{b:02x}")
    }
}

fn named(name: &str) -> Vec<(f64, Rgb)> {
    let Some((_, places, colours)) = SCALES.iter().find(|(known, ..)| *known == name) else { return Vec::new() };
    let last = (colours.len() - 1) as f64;
    let place = |k: usize| places.get(k).copied().unwrap_or(k as f64 / last);
    colours.iter().enumerate().filter_map(|(k, colour)| Some((place(k), parse(colour)?))).collect()
}
