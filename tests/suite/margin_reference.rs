//! The problems and answers of tests/reference/margin.json.

use serde_json::Value;
use std::sync::LazyLock;
use widemargin::margin::Hyperplane;

static FILE: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_str(include_str!("../reference/margin.json")).expect("margin.py wrote JSON"));

/// One separable problem with the answers of the quadratic programs.
pub struct Case {
    pub name: String,
    pub pos: Vec<Vec<f64>>,
    pub neg: Vec<Vec<f64>>,
    pub hard: Hyperplane,
    pub hard_margin: f64,
    pub limit: Hyperplane,
    pub limit_margin: f64,
    pub limit_scale_10_margin: f64,
    pub angle_degrees: f64,
}

pub fn file() -> &'static Value {
    &FILE
}

pub fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect()
}

pub fn matrix(value: &Value) -> Vec<Vec<f64>> {
    value.as_array().unwrap().iter().map(numbers).collect()
}

pub fn points(rows: &[[f64; 2]]) -> Vec<Vec<f64>> {
    rows.iter().map(|r| r.to_vec()).collect()
}

pub fn cases() -> Vec<Case> {
    let plane = |v: &Value| Hyperplane { w: numbers(&v["w"]), b: v["b"].as_f64().unwrap() };
    let list = FILE["cases"].as_array().unwrap();
    list.iter()
        .map(|c| Case {
            name: c["name"].as_str().unwrap().to_owned(),
            pos: matrix(&c["pos"]),
            neg: matrix(&c["neg"]),
            hard: plane(&c["hard"]),
            hard_margin: c["hard_margin"].as_f64().unwrap(),
            limit: plane(&c["limit"]),
            limit_margin: c["limit_margin"].as_f64().unwrap(),
            limit_scale_10_margin: c["limit_scale_10_margin"].as_f64().unwrap(),
            angle_degrees: c["angle_degrees"].as_f64().unwrap(),
        })
        .collect()
}
