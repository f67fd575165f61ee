//! A finished figure: plotly's JSON, and the same in words.

use crate::display::{Bundle, Show, show};
use plotly::Plot;
use serde_json::{Map, Number, Value, json};

/// A figure, shown by plotly where the reader has it and as a sentence where not.
#[derive(Clone, PartialEq)]
pub struct Figure {
    json: Value,
    alt: String,
}

impl Figure {
    /// Serialises `plot`, keeping what a renderer reads; `alt` says what the figure shows, from its data.
    pub fn new(plot: &Plot, alt: String) -> Self {
        let mut all: Value = serde_json::from_str(&plot.to_json()).unwrap_or_default();
        let mut part = |key: &str, empty: Value| match all.get_mut(key).map(Value::take) {
            Some(Value::Null) | None => empty,
            Some(value) => value,
        };
        let data = part("data", json!([]));
        let mut layout = part("layout", json!({}));
        // plotly's default template repeats its defaults: 6 kB a figure.
        if let Some(layout) = layout.as_object_mut() {
            layout.remove("template");
            for (_, axis) in layout.iter_mut().filter(|(key, _)| key.starts_with("xaxis") || key.starts_with("yaxis")) {
                // Close to its numbers; plotly's Rust types have no name for the distance.
                if let Some(title) = axis.get_mut("title").and_then(Value::as_object_mut) {
                    title.insert("standoff".into(), json!(8));
                }
            }
        }
        let config = part("config", json!({}));
        let mut json = json!({"data": data, "layout": layout, "config": config});
        round(&mut json);
        Self { json, alt: String::new() }.with_alt(&alt)
    }

    /// What the figure shows, in words.
    pub fn alt(&self) -> &str {
        &self.alt
    }

    /// The same figure with another description, kept in `layout.meta.alt` too.
    pub fn with_alt(mut self, alt: &str) -> Self {
        self.alt = alt.to_owned();
        if let Some(layout) = self.json["layout"].as_object_mut() {
            let meta = layout.entry("meta").or_insert_with(|| Value::Object(Map::new()));
            meta["alt"] = Value::String(alt.to_owned());
        }
        self
    }

    /// plotly's `{"data": [...], "layout": {...}, "config": {...}}`.
    pub fn json(&self) -> &Value {
        &self.json
    }

    /// Shows the figure now, in the middle of a cell.
    pub fn show(&self) {
        show(self);
    }

    /// Adds to the layout what plotly's Rust types have no name for.
    pub(super) fn with_layout(mut self, path: &[&str], value: Value) -> Self {
        let mut at = &mut self.json["layout"];
        for key in path {
            at = &mut at[*key];
        }
        *at = value;
        round(&mut self.json["layout"]);
        self
    }
}

/// The words: the numbers of a figure inside a tuple or a list would fill a page.
impl std::fmt::Debug for Figure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Figure").field(&self.alt).finish()
    }
}

impl Show for Figure {
    fn bundle(&self) -> Bundle {
        Bundle::text(self.alt.clone()).with("application/vnd.plotly.v1+json", self.json.clone())
    }
}

/// A cell's own figure: its title stands for a description. [`Figure::new`] takes a better one.
impl Show for Plot {
    fn bundle(&self) -> Bundle {
        let figure = Figure::new(self, String::new());
        let title = figure.json["layout"]["title"]["text"].as_str().filter(|title| !title.is_empty());
        let alt = title.map_or_else(|| "A figure without a title.".to_owned(), str::to_owned);
        figure.with_alt(&alt).bundle()
    }
}

/// Six significant digits: finer than any screen, and half of the bytes.
fn round(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(round),
        Value::Object(entries) => entries.values_mut().for_each(round),
        Value::Number(number) if number.is_f64() => {
            let rounded = number.as_f64().and_then(|v| format!("{v:.5e}").parse::<f64>().ok());
            let whole = rounded.filter(|v| v.fract() == 0.0 && v.abs() < 1e15).map(|v| Number::from(v as i64));
            if let Some(number) = whole.or_else(|| rounded.and_then(Number::from_f64)) {
                *value = Value::Number(number);
            }
        }
        _ => {}
    }
}
