//! An axis: which numbers stand at which pixels, and its ticks.

use super::text;
use serde_json::Value;

/// The least distance of tick labels, in pixels.
const APART: [f64; 2] = [80.0, 40.0];

/// A horizontal or vertical axis of a panel.
pub struct Axis {
    /// `x`, `y2`, ...
    pub name: String,
    pub horizontal: bool,
    pub log: bool,
    /// Names of the whole numbers from 0; empty for an axis of numbers.
    pub categories: Vec<String>,
    /// First and last value; their logarithms to base 10 on a logarithmic axis.
    pub range: [f64; 2],
    /// The pixels of the range's ends.
    pub pixels: [f64; 2],
    /// plotly's settings.
    pub layout: Value,
}

/// A place on an axis with its label.
pub struct Tick {
    pub at: f64,
    pub label: String,
}

impl Axis {
    /// The axis that traces call `name`.
    pub fn new(name: &str, layout: &Value) -> Self {
        let horizontal = name.starts_with('x');
        let key = format!("{}axis{}", &name[..1], &name[1..]);
        let layout = layout.get(&key).cloned().unwrap_or_default();
        let log = layout["type"] == "log";
        let (name, categories) = (name.to_owned(), Vec::new());
        Self { name, horizontal, log, categories, range: [0.0, 1.0], pixels: [0.0, 1.0], layout }
    }

    pub fn visible(&self) -> bool {
        self.layout["visible"] != false
    }

    /// The part of the figure that the axis takes, as shares from left or from below.
    pub fn domain(&self) -> [f64; 2] {
        let domain = &self.layout["domain"];
        [domain[0].as_f64().unwrap_or(0.0), domain[1].as_f64().unwrap_or(1.0)]
    }

    /// Where a value of the data stands on the axis; `None` for a gap and for the logarithm of what has none.
    pub fn value(&self, value: &Value) -> Option<f64> {
        if !self.categories.is_empty() {
            let name = label_of(value)?;
            return self.categories.iter().position(|other| *other == name).map(|at| at as f64);
        }
        let number = value.as_f64().or_else(|| value.as_str()?.parse().ok())?;
        let number = if self.log { number.log10() } else { number };
        number.is_finite().then_some(number)
    }

    /// The pixel of a place on the axis.
    pub fn pixel(&self, at: f64) -> f64 {
        let share = (at - self.range[0]) / (self.range[1] - self.range[0]);
        self.pixels[0] + share * (self.pixels[1] - self.pixels[0])
    }

    /// Whether a place is within the range.
    pub fn shows(&self, at: f64) -> bool {
        let [a, b] = self.range;
        let slack = 1e-9 * (b - a).abs();
        at >= a.min(b) - slack && at <= a.max(b) + slack
    }

    /// Takes the range that the layout sets, else one around the data: `extent`, widened by `pad` of its length.
    pub fn set_range(&mut self, extent: Option<[f64; 2]>, pad: [f64; 2]) {
        let set = &self.layout["range"];
        if let (Some(a), Some(b)) = (set[0].as_f64(), set[1].as_f64()) {
            self.range = [a, b];
            return;
        }
        let [low, high] = extent.unwrap_or([0.0, 1.0]);
        let length = if high > low { high - low } else { 1.0 };
        let half = if high > low { 0.0 } else { 0.5 };
        self.range = [low - half - pad[0] * length, high + half + pad[1] * length];
        if self.layout["rangemode"] == "tozero" && !self.log {
            self.range = [self.range[0].min(0.0), self.range[1].max(0.0)];
        }
        if self.layout["autorange"] == "reversed" {
            self.range.reverse();
        }
    }

    /// The labelled places, in the order of the axis.
    pub fn ticks(&self) -> Vec<Tick> {
        if self.layout["showticklabels"] == false && self.layout["ticks"].is_null() {
            return Vec::new();
        }
        let within = |ticks: Vec<Tick>| ticks.into_iter().filter(|tick| self.shows(tick.at)).collect::<Vec<_>>();
        if let Some(places) = self.layout["tickvals"].as_array() {
            let tick = |(k, place): (usize, &Value)| {
                let given = label_of(&self.layout["ticktext"][k]);
                Some(Tick { at: self.value(place)?, label: given.or_else(|| label_of(place))? })
            };
            return within(places.iter().enumerate().filter_map(tick).collect());
        }
        if !self.categories.is_empty() {
            let tick = |(at, label): (usize, &String)| Tick { at: at as f64, label: label.clone() };
            return within(self.categories.iter().enumerate().map(tick).collect());
        }
        within(if self.log { self.log_ticks() } else { self.linear_ticks() })
    }

    fn ends(&self) -> (f64, f64) {
        (self.range[0].min(self.range[1]), self.range[0].max(self.range[1]))
    }

    fn wanted(&self) -> f64 {
        let length = (self.pixels[1] - self.pixels[0]).abs();
        (length / APART[usize::from(!self.horizontal)]).clamp(3.0, 9.0) + 1.0
    }

    fn linear_ticks(&self) -> Vec<Tick> {
        let (low, high) = self.ends();
        let step = self.layout["dtick"].as_f64().filter(|step| *step > 0.0);
        let step = step.unwrap_or_else(|| nice((high - low) / self.wanted()));
        // A range with an end that is not finite has no ticks.
        if !(step > 0.0 && step.is_finite()) || (high - low) / step > 1000.0 {
            return Vec::new();
        }
        let zero = self.layout["tick0"].as_f64().unwrap_or(0.0);
        let first = ((low - zero) / step - 1e-6).ceil() as i64;
        let last = ((high - zero) / step + 1e-6).floor() as i64;
        (first..=last)
            .map(|k| zero + k as f64 * step)
            .map(|at| Tick { at, label: linear_label(at, step, high) })
            .collect()
    }

    fn log_ticks(&self) -> Vec<Tick> {
        let (low, high) = self.ends();
        let wanted = self.wanted();
        let decades = high - low;
        if !(decades.is_finite() && decades > 0.0) {
            return Vec::new();
        }
        let (first, last) = (low.floor() as i64, high.ceil() as i64);
        let whole = self.layout["dtick"] == 1 || decades >= 0.6 * wanted;
        if whole {
            let step = nice(decades / wanted).ceil().max(1.0) as i64;
            let decade = |k: i64| Tick { at: k as f64, label: self.power(k) };
            return (first..=last).filter(|k| k.rem_euclid(step) == 0).map(decade).collect();
        }
        let parts: &[f64] =
            if decades > 0.3 * wanted { &[1.0, 2.0, 5.0] } else { &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0] };
        let tick = |k: i64, part: f64| {
            let value = part * 10_f64.powi(k as i32);
            let label = if part == 1.0 { self.power(k) } else { plain_label(value) };
            Tick { at: value.log10(), label }
        };
        (first..=last).flat_map(|k| parts.iter().map(move |part| (k, *part))).map(|(k, part)| tick(k, part)).collect()
    }

    fn power(&self, k: i64) -> String {
        match (k, self.layout["exponentformat"].as_str()) {
            (0, _) => "1".into(),
            (1, _) => "10".into(),
            (k, Some("power")) if k < 0 => format!("10<sup>−{}</sup>", -k),
            (k, Some("power")) => format!("10<sup>{k}</sup>"),
            (k, _) => plain_label(10_f64.powi(k as i32)),
        }
    }

    /// The width of the widest tick label, or the height of the highest, in pixels.
    pub fn label_room(&self, font: f64) -> f64 {
        let room = |tick: &Tick| {
            let (width, height) = text::size(&tick.label, font);
            if self.horizontal { height } else { width }
        };
        self.ticks().iter().map(room).fold(0.0, f64::max)
    }
}

/// A name or a number as a category.
pub fn label_of(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        _ => None,
    }
}

/// The least of 1, 2, 5 times a power of ten that is not below `rough`.
pub fn nice(rough: f64) -> f64 {
    let power = 10_f64.powf(rough.log10().floor());
    let part = rough / power;
    let factor = [1.0, 2.0, 5.0].into_iter().find(|factor| part <= factor * (1.0 + 1e-9)).unwrap_or(10.0);
    factor * power
}

/// A number on a linear axis: the decimals that its step needs; thousands and millions by letter, tiny ones by powers.
fn linear_label(at: f64, step: f64, high: f64) -> String {
    if at.abs() < 1e-9 * step {
        return "0".into();
    }
    let largest = high.abs().max(at.abs());
    if largest >= 10_000.0 {
        let (unit, letter) = match at.abs() {
            v if v >= 1e9 => (1e9, "B"),
            v if v >= 1e6 => (1e6, "M"),
            v if v >= 1e3 => (1e3, "k"),
            _ => (1.0, ""),
        };
        return signed(trimmed(at / unit), letter);
    }
    if largest < 1e-3 {
        return plain_label(at);
    }
    // A tick is a multiple of its step but for rounding.
    let decimals = (3.0 - step.log10()).ceil().clamp(0.0, 12.0) as usize;
    signed(without_zeros(&format!("{at:.decimals$}")), "")
}

/// A number by itself.
fn plain_label(value: f64) -> String {
    let magnitude = value.abs().log10().floor();
    if (-3.0..5.0).contains(&magnitude) {
        return signed(trimmed(value), "");
    }
    let mantissa = trimmed(value / 10_f64.powf(magnitude));
    let power = format!("10<sup>{}</sup>", signed(format!("{magnitude}"), ""));
    if mantissa == "1" { power } else { signed(mantissa, &format!("×{power}")) }
}

fn trimmed(value: f64) -> String {
    without_zeros(&format!("{value:.6}"))
}

fn without_zeros(text: &str) -> String {
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text.to_owned() }
}

/// With the minus sign of typography.
fn signed(number: String, unit: &str) -> String {
    format!("{}{unit}", number.replace('-', "−"))
}
