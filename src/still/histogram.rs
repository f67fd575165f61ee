//! Histograms: counted into bars, with plotly's bins.

use super::axis::nice;
use super::trace::items;
use serde_json::{Value, json};

/// The same trace; a histogram as bars of its counts.
pub fn counted(trace: &Value, layout: &Value) -> Value {
    if trace["type"] != "histogram" {
        return trace.clone();
    }
    let lies = trace["orientation"] == "h" || trace["x"].is_null();
    let (key, other) = if lies { ("y", "x") } else { ("x", "y") };
    let mut bar = trace.clone();
    bar["orientation"] = if lies { "h" } else { "v" }.into();
    let given = items(&trace[key]);
    let axis = trace[format!("{key}axis")].as_str().unwrap_or(key);
    let log = layout[format!("{key}axis{}", axis.get(1..).unwrap_or_default())]["type"] == "log";
    let words = given.iter().any(|value| value.as_str().is_some_and(|text| text.parse::<f64>().is_err()));
    if words {
        let mut counts: Vec<(Value, usize)> = Vec::new();
        for value in given.iter().filter(|value| !value.is_null()) {
            match counts.iter_mut().find(|(name, _)| name == value) {
                Some((_, count)) => *count += 1,
                None => counts.push((value.clone(), 1)),
            }
        }
        let total = counts.iter().map(|(_, count)| *count).sum::<usize>() as f64;
        bar[other] = counts.iter().map(|(_, count)| json!(*count as f64 * scale(trace, total, 1.0))).collect();
        bar[key] = counts.into_iter().map(|(name, _)| name).collect();
        return bar;
    }
    let number = |value: &Value| value.as_f64().or_else(|| value.as_str()?.parse().ok());
    let logarithm = |value: f64| if log { value.log10() } else { value };
    let mut values: Vec<f64> = given.iter().filter_map(number).map(logarithm).filter(|v| v.is_finite()).collect();
    values.sort_by(f64::total_cmp);
    if values.is_empty() {
        (bar[key], bar[other]) = (json!([]), json!([]));
        return bar;
    }
    let bins = Bins::of(trace, lies, &values);
    let mut counts = vec![0.0; bins.count];
    for value in &values {
        let at = ((value - bins.start) / bins.size + 1e-9).floor();
        if at >= 0.0 && (at as usize) < bins.count {
            counts[at as usize] += 1.0;
        }
    }
    let scale = scale(trace, values.len() as f64, bins.size);
    let middle = |k: usize| bins.start + (k as f64 + 0.5) * bins.size;
    bar[key] = (0..bins.count).map(|k| json!(if log { 10_f64.powf(middle(k)) } else { middle(k) })).collect();
    bar[other] = counts.into_iter().map(|count| json!(count * scale)).collect();
    bar["width"] = bins.size.into();
    bar
}

/// What a count of one stands for, with so many values in all.
fn scale(trace: &Value, total: f64, size: f64) -> f64 {
    match trace["histnorm"].as_str() {
        Some("probability") => 1.0 / total,
        Some("percent") => 100.0 / total,
        Some("density") => 1.0 / size,
        Some("probability density") => 1.0 / (total * size),
        _ => 1.0,
    }
}

/// `count` bins of one size; a value at the border of two is in the upper one.
struct Bins {
    start: f64,
    size: f64,
    count: usize,
}

impl Bins {
    /// What the trace asks for, and plotly's choice of the rest. `values`: not empty, in order.
    fn of(trace: &Value, lies: bool, values: &[f64]) -> Self {
        let set = &trace[if lies { "ybins" } else { "xbins" }];
        let wanted = trace[if lies { "nbinsy" } else { "nbinsx" }].as_f64().filter(|wanted| *wanted >= 1.0);
        let (low, high) = (values[0], values[values.len() - 1]);
        let size = set["size"].as_f64().filter(|size| *size > 0.0).unwrap_or_else(|| Self::size(values, wanted));
        let start = set["start"].as_f64().unwrap_or_else(|| Self::start(values, size));
        // A given end closes the last bin; without one the last bin holds the highest value.
        let count = match set["end"].as_f64() {
            Some(end) => ((end - start) / size - 1e-9).ceil(),
            None => ((high.max(low) - start) / size + 1e-9).floor() + 1.0,
        };
        Self { start, size, count: count.clamp(1.0, 10_000.0) as usize }
    }

    /// Round sizes that shrink with the 0.4th power of the count, and never below the least distance of two values.
    fn size(values: &[f64], wanted: Option<f64>) -> f64 {
        let (low, high) = (values[0], values[values.len() - 1]);
        if high <= low {
            return 1.0;
        }
        let count = values.len() as f64;
        let mean = values.iter().map(|v| v / count).sum::<f64>();
        let deviation = (values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / count).sqrt();
        let steps = values.windows(2).map(|pair| pair[1] - pair[0]).filter(|step| *step > 0.0);
        let least = steps.fold(f64::INFINITY, f64::min);
        let rough = wanted.map_or((2.0 * deviation / count.powf(0.4)).max(least), |wanted| (high - low) / wanted);
        // A size that is a power of ten stays one.
        let power = 10_f64.powf(rough.log10().round());
        let size = if (rough / power - 1.0).abs() < 1e-6 { power } else { nice(rough) };
        if size.is_finite() { size } else { high - low }
    }

    /// A multiple of the size, moved by half of a bin where the values would lie on borders: whole numbers do.
    fn start(values: &[f64], size: f64) -> f64 {
        let low = values[0];
        let start = (low / size + 1e-9).floor() * size;
        if values.iter().all(|v| v.fract() == 0.0) {
            return if size < 1.0 {
                low - size / 2.0
            } else if start - 0.5 + size < low {
                start - 0.5 + size
            } else {
                start - 0.5
            };
        }
        let place = |v: &&f64| ((**v - start) / size).rem_euclid(1.0);
        let middles = values.iter().filter(|v| (place(v) - 0.5).abs() < 0.01).count() as f64;
        let edges = values.iter().filter(|v| place(v) < 0.01 || place(v) > 0.99).count() as f64;
        let count = values.len() as f64;
        if middles < 0.1 * count && edges > 0.3 * count { start - size / 2.0 } else { start }
    }
}
