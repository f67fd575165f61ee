//! What plotly draws otherwise than a still would: a figure with it has no still, rather than a wrong one.

use super::trace::items;
use crate::error::{Error, Result};
use serde_json::Value;

/// Refuses settings of traces and layout that move data, and that a still does not follow.
///
/// Errors: `Value` with the setting.
pub fn check(data: &[&Value], layout: &Value) -> Result<()> {
    let refuse = |expected: &str, got: String| {
        let expected = format!("a figure without {expected}");
        Err(Error::Value { op: "still", expected, got })
    };
    for trace in data {
        let set = |key: &str| !trace[key].is_null() && trace[key] != false && trace[key] != "";
        for key in ["stackgroup", "error_x", "transpose", "q1", "groupnorm"] {
            if set(key) {
                return refuse(key, trace[key].to_string());
            }
        }
        if let Some(fill @ ("tozerox" | "tonextx" | "tonext")) = trace["fill"].as_str() {
            return refuse("areas beside a line", fill.to_owned());
        }
        if trace["type"] == "histogram"
            && (trace["cumulative"]["enabled"] == true || other(&trace["histfunc"], "count"))
        {
            return refuse("sums in a histogram", "a histogram that does not count".to_owned());
        }
        if other(&trace["quartilemethod"], "linear") {
            return refuse("other quartiles", trace["quartilemethod"].to_string());
        }
        for key in ["x", "y"] {
            let values = items(&trace[key]);
            let axis = trace[format!("{key}axis")].as_str().unwrap_or(key);
            let named = layout[format!("{key}axis{}", axis.get(1..).unwrap_or_default())]["type"] == "category";
            let known = || values.iter().filter(|v| !v.is_null());
            // A legend's own trace has no values at all.
            if let Some(first) = known().next().filter(|_| !named && known().all(is_date)) {
                return refuse("dates", first.to_string());
            }
        }
    }
    if other(&layout["barnorm"], "") {
        return refuse("barnorm", layout["barnorm"].to_string());
    }
    for (key, axis) in layout.as_object().into_iter().flatten().filter(|(key, _)| is_axis(key)) {
        if let Some(kind @ ("date" | "multicategory")) = axis["type"].as_str() {
            return refuse("dates and categories of categories", format!("{kind} on {key}"));
        }
        if !items(&axis["rangebreaks"]).is_empty() {
            return refuse("breaks", format!("rangebreaks on {key}"));
        }
    }
    Ok(())
}

fn other(value: &Value, than: &str) -> bool {
    value.as_str().is_some_and(|text| text != than)
}

fn is_axis(key: &str) -> bool {
    key.starts_with("xaxis") || key.starts_with("yaxis")
}

/// `2024-02` and longer.
fn is_date(value: &Value) -> bool {
    let Some(text) = value.as_str() else { return false };
    let mut parts = text.splitn(3, '-');
    let digits = |part: Option<&str>, count: usize| {
        part.is_some_and(|part| part.len() == count && part.bytes().all(|b| b.is_ascii_digit()))
    };
    digits(parts.next(), 4) && digits(parts.next(), 2)
}
