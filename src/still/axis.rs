//! An axis: which numbers stand at which pixels, and its ticks.

use super::grid;
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
    /// The range before axes of one scale share their pixels.
    pub wanted_range: [f64; 2],
    /// The part of the figure that the axis takes, as shares from left or from below.
    pub domain: [f64; 2],
    /// The axis across it that it stands at unless it says otherwise.
    pub counterpart: String,
    /// Whether it has no grid and no line at zero, because bars, boxes or maps stand along it.
    pub bare: bool,
    /// Whether a heat map or an image lies between its ticks.
    pub under_map: bool,
    /// The pixels of the range's ends.
    pub pixels: [f64; 2],
    /// plotly's settings.
    pub layout: Value,
}

/// A place on an axis with its label.
pub struct Tick {
    pub at: f64,
    pub label: String,
    /// The label's size as a share of the axis' font.
    pub share: f64,
}

impl Axis {
    /// The axis that traces call `name`.
    pub fn new(name: &str, layout: &Value) -> Self {
        let horizontal = name.starts_with('x');
        let key = format!("{}axis{}", &name[..1], &name[1..]);
        let settings = layout.get(&key).cloned().unwrap_or_default();
        let set = (settings["domain"][0].as_f64(), settings["domain"][1].as_f64());
        let domain = match set {
            (Some(from), Some(to)) => [from, to],
            _ => grid::cell(layout, horizontal, name[1..].parse().unwrap_or(1)).unwrap_or([0.0, 1.0]),
        };
        let unit = [0.0, 1.0];
        Self {
            name: name.to_owned(),
            horizontal,
            log: settings["type"] == "log",
            categories: Vec::new(),
            range: unit,
            wanted_range: unit,
            domain,
            counterpart: String::new(),
            bare: false,
            under_map: false,
            pixels: unit,
            layout: settings,
        }
    }

    pub fn visible(&self) -> bool {
        self.layout["visible"] != false
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
        // Halves: a range from -1e308 to 1e308 is longer than any f64.
        let [a, b] = self.range.map(|end| end / 2.0);
        self.pixels[0] + (at / 2.0 - a) / (b - a) * (self.pixels[1] - self.pixels[0])
    }

    /// Whether a place is within the range.
    pub fn shows(&self, at: f64) -> bool {
        let [a, b] = self.range;
        let slack = 1e-9 * (b - a).abs();
        at >= a.min(b) - slack && at <= a.max(b) + slack
    }

    /// Takes the range that the layout sets, else one around the data: `extent`, widened by `pad` of its length.
    pub fn set_range(&mut self, set: &Value, extent: Option<[f64; 2]>, pad: [f64; 2]) {
        if let (Some(a), Some(b)) = (set[0].as_f64(), set[1].as_f64())
            && a != b
        {
            (self.range, self.wanted_range) = ([a, b], [a, b]);
            return;
        }
        let [low, high] = extent.unwrap_or([0.0, 1.0]);
        // As plotly: one value alone stands in the middle of two units; of more, where its digits are coarser than a unit.
        let length = (high - low).min(f64::MAX);
        let room = if high > low { pad.map(|pad| pad * length) } else { [1.0_f64.max(1e-9 * high.abs()); 2] };
        self.range = [(low - room[0]).max(f64::MIN), (high + room[1]).min(f64::MAX)];
        if self.layout["rangemode"] == "tozero" && !self.log {
            self.range = [self.range[0].min(0.0), self.range[1].max(0.0)];
        }
        if self.layout["autorange"] == "reversed" {
            self.range.reverse();
        }
        self.wanted_range = self.range;
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
                Some(Tick::new(self.value(place)?, given.or_else(|| label_of(place))?))
            };
            return within(places.iter().enumerate().filter_map(tick).collect());
        }
        if !self.categories.is_empty() {
            let tick = |(at, label): (usize, &String)| Tick::new(at as f64, label.clone());
            return within(self.categories.iter().enumerate().map(tick).collect());
        }
        let mut ticks = within(if self.log { self.log_ticks() } else { self.linear_ticks() });
        let words = |key: &str| self.layout[key].as_str().unwrap_or_default();
        for tick in ticks.iter_mut().filter(|tick| !tick.label.is_empty()) {
            tick.label = format!("{}{}{}", words("tickprefix"), tick.label, words("ticksuffix"));
        }
        ticks
    }

    fn ends(&self) -> (f64, f64) {
        (self.range[0].min(self.range[1]), self.range[0].max(self.range[1]))
    }

    fn wanted(&self) -> f64 {
        if let Some(count) = self.layout["nticks"].as_f64().filter(|count| *count >= 1.0) {
            return count;
        }
        let length = (self.pixels[1] - self.pixels[0]).abs();
        (length / APART[usize::from(!self.horizontal)]).clamp(4.0, 9.0) + 1.0
    }

    fn linear_ticks(&self) -> Vec<Tick> {
        let (low, high) = self.ends();
        let step = self.layout["dtick"].as_f64().filter(|step| *step > 0.0);
        let step = step.unwrap_or_else(|| nice((high - low) / self.wanted()));
        let zero = self.layout["tick0"].as_f64().unwrap_or(0.0);
        multiples(low, high, step, zero).map(|at| Tick::new(at, self.label(at, step, high))).collect()
    }

    fn log_ticks(&self) -> Vec<Tick> {
        let (low, high) = self.ends();
        let decades = high - low;
        let rough = decades / self.wanted();
        let step = self.layout["dtick"].as_f64().filter(|step| *step >= 1.0).map(f64::round);
        let step = step.or_else(|| (rough > 0.7).then(|| rough.ceil()));
        if let Some(step) = step {
            let power = |at: f64| Tick::new(at, self.power(at as i64));
            return multiples(low, high, step, 0.0).map(power).collect();
        }
        if decades < 1.0 {
            // Within a decade ticks are as on a linear axis.
            let [from, to] = [low, high].map(|end| 10_f64.powf(end));
            let step = nice((to - from) / (1.5 * self.wanted()));
            let tick = |at: f64| Tick::new(at.log10(), self.label(at, step, to));
            return multiples(from, to, step, 0.0).filter(|at| *at > 0.0).map(tick).collect();
        }
        let parts: &[f64] = if rough > 0.3 { &[1.0, 2.0, 5.0] } else { &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0] };
        let tick = |power: f64, part: f64| {
            // Between powers a small digit says enough, as in plotly; where all nine have a line, 2 and 5 have one.
            let (label, share) = match part {
                1.0 => (self.power(power as i64), 1.0),
                2.0 | 5.0 => (format!("{part}"), 0.75),
                _ => (String::new(), 0.75),
            };
            Tick { at: power + part.log10(), label, share }
        };
        let powers = multiples(low.floor(), high, 1.0, 0.0);
        powers.flat_map(|power| parts.iter().map(move |part| tick(power, *part))).collect()
    }

    /// A number on a linear axis, by the axis' own format if that is one of decimals or of percent.
    fn label(&self, at: f64, step: f64, high: f64) -> String {
        let format = self.layout["tickformat"].as_str().unwrap_or_default();
        let decimals = |kind: char| format.strip_prefix('.')?.strip_suffix(kind)?.parse::<usize>().ok();
        match (decimals('f').filter(|d| *d < 20), decimals('%').filter(|d| *d < 20)) {
            (Some(decimals), _) => signed(format!("{at:.decimals$}"), ""),
            (_, Some(decimals)) => signed(format!("{:.decimals$}", 100.0 * at), "%"),
            _ => linear_label(at, step, high),
        }
    }

    /// The label of 10 to this power.
    fn power(&self, k: i64) -> String {
        match k {
            0 => "1".into(),
            1 => "10".into(),
            -3..5 if self.layout["exponentformat"] != "power" => plain_label(10_f64.powi(k as i32)),
            _ => format!("10<sup>{}</sup>", signed(k.to_string(), "")),
        }
    }
}

impl Tick {
    fn new(at: f64, label: String) -> Self {
        Self { at, label, share: 1.0 }
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

/// The least of 2, 5, 10 times a power of ten that is not below `rough`: plotly's steps.
pub fn nice(rough: f64) -> f64 {
    let power = 10_f64.powf(rough.log10().floor());
    let part = rough / power;
    let factor = [2.0, 5.0].into_iter().find(|factor| part <= factor * (1.0 + 1e-9)).unwrap_or(10.0);
    factor * power
}

/// The multiples of `step`, counted from `zero`, between two ends; none if they are too many to be seen apart.
fn multiples(low: f64, high: f64, step: f64, zero: f64) -> impl Iterator<Item = f64> {
    let first = ((low - zero) / step - 1e-6).ceil();
    let count = ((high - zero) / step + 1e-6).floor() - first;
    let last = if step > 0.0 && (0.0..1000.0).contains(&count) { count as i32 } else { -1 };
    (0..=last).map(move |k| zero + (first + f64::from(k)) * step)
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
