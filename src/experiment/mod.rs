//! The paper's experiment, declared in one table, run piece by piece, and judged by what came out.
//!
//! [`table()`] lists the runs with all of their settings; [`Store::run`] executes those whose result is not there yet, each
//! written whole as one JSON file when it ends; [`Results`] reads them back and makes the figures, the answers to the
//! paper's five questions ([`Results::answers`]) and the results page. No verdict is written by hand.
//!
//! A result holds no times, so a run that is killed and resumed gives the same bytes; seconds lie in a file beside it.
//! Uses everything of the cell side; only `cli` uses it.

mod attacked;
mod comparison;
mod figures;
mod network;
mod page;
mod results;
mod store;
mod synthetic;
mod table;
mod transferred;
mod verdict;

pub use results::Results;
pub use store::{Provenance, Shard, Store};
pub use table::{Kind, Method, Network, Run, SMALLEST_EFFECT, Scale, methods, table};
pub use verdict::{Answer, Conclusion};

use serde_json::{Number, Value};

/// A number as results keep it: six significant digits, text where JSON has no number for it.
fn number(value: f64) -> Value {
    if !value.is_finite() {
        return Value::String(value.to_string());
    }
    let rounded: f64 = format!("{value:.5e}").parse().unwrap_or(value);
    Number::from_f64(rounded).map_or(Value::Null, Value::Number)
}

fn numbers(values: impl IntoIterator<Item = f64>) -> Value {
    Value::Array(values.into_iter().map(number).collect())
}

/// What [`number`] wrote.
fn read(value: &Value) -> Option<f64> {
    value.as_f64().or_else(|| value.as_str()?.parse().ok())
}
