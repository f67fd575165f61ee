//! What every figure must hold, whatever it shows.

use crate::figure_samples::samples;
use serde_json::Value;
use widemargin::display::Show;
use widemargin::figure::plotly_js;

fn numbers(value: &Value, out: &mut Vec<f64>) {
    match value {
        Value::Array(items) => items.iter().for_each(|v| numbers(v, out)),
        Value::Object(entries) => entries.values().for_each(|v| numbers(v, out)),
        Value::Number(n) => out.push(n.as_f64().unwrap()),
        _ => {}
    }
}

#[test]
fn every_figure_has_a_title_a_description_and_fits_the_page() {
    for (name, figure) in samples() {
        let json = figure.json();
        let layout = &json["layout"];
        assert!(layout["title"]["text"].as_str().is_some_and(|t| !t.is_empty()), "{name}");
        assert_eq!(layout["meta"]["alt"].as_str(), Some(figure.alt()), "{name}");
        assert!(figure.alt().len() > 20 && figure.alt().ends_with('.'), "{name}: {}", figure.alt());
        assert!(layout.get("width").is_none() && layout.get("template").is_none(), "{name}");
        assert!((360..=480).contains(&layout["height"].as_u64().unwrap()), "{name}");
        assert_eq!(json["config"]["displaylogo"], false, "{name}");
        assert_eq!(json["config"]["responsive"], true, "{name}");
        assert!(!json["data"].as_array().unwrap().is_empty(), "{name}");
    }
}

#[test]
fn every_visible_axis_is_titled_and_makes_room_for_its_labels() {
    for (name, figure) in samples() {
        for (key, axis) in figure.json()["layout"].as_object().unwrap() {
            if (key.starts_with("xaxis") || key.starts_with("yaxis")) && axis["visible"] != false {
                assert!(axis["title"]["text"].as_str().is_some_and(|t| !t.is_empty()), "{name} {key}");
                assert_eq!(axis["automargin"], true, "{name} {key}");
            }
        }
    }
}

#[test]
fn curves_differ_by_more_than_colour_and_none_is_yellow() {
    for (name, figure) in samples() {
        assert!(!figure.json().to_string().to_uppercase().contains("F0E442"), "{name}");
        let mut seen = std::collections::HashSet::new();
        for trace in figure.json()["data"].as_array().unwrap() {
            let drawn = trace["mode"].as_str().is_some_and(|m| m.contains("lines")) && trace["showlegend"] != false;
            if drawn {
                let look = format!("{} {}", trace["line"]["dash"], trace["marker"]["symbol"]);
                assert!(seen.insert(look.clone()), "{name}: two curves with {look}");
            }
        }
    }
}

#[test]
fn numbers_have_six_digits_at_most() {
    for (name, figure) in samples() {
        let mut all = Vec::new();
        numbers(figure.json(), &mut all);
        for number in all {
            let rounded: f64 = format!("{number:.5e}").parse().unwrap();
            assert_eq!(number, rounded, "{name}");
        }
    }
}

#[test]
fn a_notebook_gets_plotly_json_and_the_description() {
    for (name, figure) in samples() {
        let bundle = figure.bundle();
        assert_eq!(bundle.data["text/plain"].as_str(), Some(figure.alt()), "{name}");
        assert_eq!(&bundle.data["application/vnd.plotly.v1+json"], figure.json(), "{name}");
        let other = figure.with_alt("Other words.");
        assert_eq!(
            (other.alt(), &other.json()["layout"]["meta"]["alt"]),
            ("Other words.", &Value::from("Other words."))
        );
    }
}

#[test]
fn names_cannot_smuggle_markup_into_a_figure() {
    let plane = widemargin::margin::Hyperplane { w: vec![1.0, 0.0], b: 0.0 };
    let points = [vec![1.0, 0.0]];
    let figure = widemargin::figure::boundary(&points, &[], &[("<b>x</b>", &plane)]).unwrap();
    assert!(!figure.json()["data"].to_string().contains("<b>"), "{}", figure.json());
}

#[test]
fn the_drawing_library_is_plotly_alone_and_can_stand_inside_a_script_element() {
    let script = plotly_js();
    assert!(script.len() > 4_000_000 && script.len() < 5_000_000, "{}", script.len());
    assert!(script[..200].contains("plotly.js v3"), "{}", &script[..200]);
    assert!(!script.contains("</script"));
}
