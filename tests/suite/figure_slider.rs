//! Lines under a slider.

use serde_json::{Value, json};
use widemargin::figure::{Scale, slider};

const X: Scale<'_> = Scale::Linear("score");
const Y: Scale<'_> = Scale::Log("error");

#[test]
fn a_position_shows_its_own_lines_and_hides_all_others() {
    let (low, high) = ([(0.0, 1e-4), (1.0, 1e-3)], [(0.0, 1e-2), (1.0, 1.0)]);
    let bound = [(0.0, 10.0), (1.0, 10.0)];
    let positions = [
        ("fine", &[("error", &low[..]), ("bound", &bound[..])][..]),
        ("coarse", &[("error", &high[..]), ("bound", &bound[..])][..]),
    ];
    let figure = slider("Errors", X, Y, "tol", &positions).expect("fine");
    let json = figure.json();
    let all: Vec<&Value> = json["data"].as_array().expect("traces").iter().map(|t| &t["visible"]).collect();
    assert_eq!(all, [&json!(true), &json!(true), &json!(false), &json!(false)]);
    let steps = &json["layout"]["sliders"][0]["steps"];
    assert_eq!(steps[1]["method"], "restyle");
    assert_eq!(steps[1]["args"], json!([{ "visible": [false, false, true, true] }]));
    assert_eq!((steps[0]["label"].as_str(), steps[1]["label"].as_str()), (Some("fine"), Some("coarse")));
    // The axis holds every position: log10 of 1e-4 and of 10, and a twentieth of the five decades on both sides.
    assert_eq!(json["layout"]["yaxis"]["range"], json!([-4.25, 1.25]));
    assert!(figure.alt().contains("tol coarse: error: error from 0.01 at 0 to 1 at 1."), "{}", figure.alt());
    assert_eq!(json["data"][2]["name"], "error, tol coarse");
}

#[test]
fn positions_with_other_lines_or_none_are_refused() {
    let line = [(0.0, 1.0)];
    let odd = [("a", &[("one", &line[..])][..]), ("b", &[("two", &line[..])][..])];
    let error = slider("t", X, Y, "tol", &odd).expect_err("other names").to_string();
    assert!(error.contains("at b"), "{error}");
    let none = slider("t", X, Y, "tol", &[]).expect_err("no position").to_string();
    assert!(none.contains("expected a position"), "{none}");
    let zero = [(0.0, 0.0)];
    let error = slider("t", X, Y, "tol", &[("a", &[("one", &zero[..])][..])]).expect_err("zero").to_string();
    assert!(error.contains("in one"), "{error}");
}
