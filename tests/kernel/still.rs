//! Stills of figures: what stands where in the SVG, and which formats a figure carries.

use serde_json::{Value, json};
use widemargin::display::Bundle;
use widemargin::still::{PLOTLY, Renderer, png, svg};

/// A figure of one panel whose frame is known: x pixels 100 to 700, y pixels 350 (bottom) to 50.
fn panel(data: Value, mut layout: Value) -> String {
    layout["width"] = 800.into();
    layout["height"] = 400.into();
    layout["margin"] = json!({"l": 100, "r": 100, "t": 50, "b": 50});
    svg(&json!({"data": data, "layout": layout})).expect("drawn")
}

/// The texts in order, without markup.
fn texts(svg: &str) -> Vec<String> {
    let inner = |element: &str| {
        let body = element.split_once('>').map_or("", |(_, body)| body);
        body.split('<').map(|part| part.rsplit('>').next().unwrap_or_default()).collect::<String>()
    };
    svg.split("<text").skip(1).map(|element| inner(element.split("</text>").next().unwrap_or_default())).collect()
}

/// The value of an attribute of the `k`th element with this name.
fn attribute(svg: &str, element: &str, k: usize, name: &str) -> String {
    let part = svg.split(&format!("<{element} ")).nth(k + 1).unwrap_or_else(|| panic!("{element} {k} in {svg}"));
    let value = part.split(&format!("{name}=\"")).nth(1).unwrap_or_default();
    value.split('"').next().unwrap_or_default().to_owned()
}

#[test]
fn points_stand_where_their_numbers_say() {
    let axes = json!({"xaxis": {"range": [0, 6]}, "yaxis": {"range": [-1, 2]}});
    let data = json!([{"x": [0, 3, 6], "y": [-1, 0.5, 2], "mode": "markers"}]);
    let picture = panel(data, axes);
    let place = |k| (attribute(&picture, "circle", k, "cx"), attribute(&picture, "circle", k, "cy"));
    let wanted = [("100", "350"), ("400", "200"), ("700", "50")].map(|(x, y)| (x.to_owned(), y.to_owned()));
    assert_eq!([place(0), place(1), place(2)], wanted);
}

#[test]
fn a_gap_in_the_data_is_a_gap_in_the_line() {
    let data = json!([{"x": [0, 1, 2, 3], "y": [0, 1, null, 1], "mode": "lines"}]);
    let picture = panel(data, json!({"xaxis": {"range": [0, 3]}, "yaxis": {"range": [0, 1]}}));
    assert!(picture.contains("M100 350L300 50M700 50"), "{picture}");
}

#[test]
fn a_logarithmic_axis_names_powers_of_ten_and_drops_what_has_no_logarithm() {
    let axis = json!({"type": "log", "exponentformat": "power", "dtick": 1, "range": [-3, 0]});
    let data = json!([{"x": [0, 1, 2], "y": [0.001, 0, 1], "mode": "markers"}]);
    let picture = panel(data, json!({"yaxis": axis, "xaxis": {"range": [0, 2]}}));
    let labels = texts(&picture);
    assert_eq!(labels[labels.len() - 4..], ["10−3", "10−2", "10−1", "1"]);
    assert_eq!(picture.matches("<circle").count(), 2);
    assert_eq!(attribute(&picture, "circle", 0, "cy"), "350");
}

#[test]
fn ticks_are_round_numbers_and_labels_have_no_needless_digits() {
    let labels =
        |range: Value| texts(&panel(json!([]), json!({"xaxis": {"range": range}, "yaxis": {"visible": false}})));
    assert_eq!(labels(json!([0, 1])), ["0", "0.1", "0.2", "0.3", "0.4", "0.5", "0.6", "0.7", "0.8", "0.9", "1"]);
    assert_eq!(labels(json!([-30, 35])), ["−30", "−20", "−10", "0", "10", "20", "30"]);
    assert_eq!(labels(json!([0, 40000])), ["0", "5k", "10k", "15k", "20k", "25k", "30k", "35k", "40k"]);
}

#[test]
fn bars_stand_beside_or_upon_one_another() {
    let bar = |name: &str, y: Value| json!({"type": "bar", "name": name, "x": ["a", "b"], "y": y});
    let data = json!([bar("one", json!([1, 2])), bar("two", json!([3, 4]))]);
    let heights = |layout: Value| {
        let picture = panel(data.clone(), layout);
        let clipped = picture.split("<g clip-path").nth(1).expect("the panel").to_owned();
        (0..4).map(|k| attribute(&clipped, "rect", k, "height").parse::<f64>().unwrap()).collect::<Vec<_>>()
    };
    // 300 pixels for 4 and for 6.
    assert_eq!(heights(json!({"yaxis": {"range": [0, 4]}})), [75.0, 150.0, 225.0, 300.0]);
    assert_eq!(heights(json!({"barmode": "stack", "yaxis": {"range": [0, 6]}})), [50.0, 100.0, 150.0, 200.0]);
}

#[test]
fn a_histogram_counts_every_value_once() {
    let data = json!([{"type": "histogram", "x": [0.1, 0.2, 1.0, 1.9, 2.0], "xbins": {"start": 0, "size": 1}}]);
    let picture = panel(data, json!({"yaxis": {"range": [0, 3]}}));
    let clipped = picture.split("<g clip-path").nth(1).expect("the panel").to_owned();
    // [0, 1) holds two, [1, 2) two, and 2.0 opens the third bin; 100 pixels for each.
    let heights: Vec<String> = (0..3).map(|k| attribute(&clipped, "rect", k, "height")).collect();
    assert_eq!(heights, ["200", "200", "100"]);
}

#[test]
fn a_box_stands_on_its_quartiles() {
    // Median 5, quartiles 2.5 and 7.5 by the rule n p - 1/2 of 0..=10 (plotly's "linear" method); no outliers.
    let data = json!([{"type": "box", "name": "b", "y": (0..=10).collect::<Vec<_>>()}]);
    let picture = panel(data, json!({"yaxis": {"range": [0, 10]}}));
    let clipped = picture.split("<g clip-path").nth(1).expect("the panel").to_owned();
    let (top, height) = (attribute(&clipped, "rect", 0, "y"), attribute(&clipped, "rect", 0, "height"));
    // p = 1/4: place 2.25; p = 3/4: place 7.75. 30 pixels for 1 from 350 up.
    assert_eq!((top.as_str(), height.as_str()), ("117.5", "165"));
    assert!(!clipped.contains("<circle"));
}

#[test]
fn a_heat_map_has_the_colours_of_its_numbers() {
    let scale = json!([[0, "#000000"], [1, "#ffffff"]]);
    let data = json!([{"type": "heatmap", "z": [[0, 1], [null, 0.5]], "colorscale": scale, "showscale": false}]);
    let picture = panel(data, json!({}));
    let clipped = picture.split("<g clip-path").nth(1).expect("the panel").to_owned();
    let colours: Vec<String> = (0..3).map(|k| attribute(&clipped, "rect", k, "fill")).collect();
    assert_eq!(colours, ["#000000", "#ffffff", "#808080"]);
    assert_eq!(clipped.split("</g>").next().unwrap().matches("<rect").count(), 3);
}

#[test]
fn words_from_data_cannot_become_markup() {
    let data = json!([{"x": [1], "y": [1], "name": "<script>alert(1)</script>&lt;b>"}]);
    let layout = json!({"title": {"text": "a <b>bold</b> \"x\" & y<sub>2</sub>"}, "showlegend": true, "font": {"color": "\"/><script>"}});
    let picture = panel(data, layout);
    assert!(!picture.contains("<script"), "{picture}");
    assert!(texts(&picture).contains(&"a bold &quot;x&quot; &amp; y2".to_owned()), "{:?}", texts(&picture));
}

#[test]
fn a_trace_that_cannot_be_drawn_is_an_error_and_leaves_the_figure_as_it_is() {
    let figure = json!({"data": [{"type": "scatter3d"}], "layout": {}});
    let message = svg(&figure).expect_err("refused").to_string();
    let wanted = "still: expected a trace of type scatter, bar, histogram, box, heatmap or image, got type scatter3d";
    assert_eq!(message, wanted);
    let bundle = Bundle::text("words").with(PLOTLY, figure);
    for names in ["plotly+png", "svg", "html"] {
        let mut dressed = bundle.clone();
        Renderer::parse(names).expect("known").dress(&mut dressed);
        assert_eq!(dressed, bundle, "{names}");
    }
}

#[test]
fn nothing_in_a_figure_makes_the_writer_panic() {
    let odd = [json!(null), json!(-1), json!(1e300), json!("x"), json!([]), json!([null, "a", 1]), json!({})];
    for a in &odd {
        for b in &odd {
            for kind in ["scatter", "bar", "histogram", "box", "heatmap", "image"] {
                let trace = json!({"type": kind, "x": a, "y": b, "z": [a, b], "name": a, "marker": {"size": b, "color": a},
                    "line": a, "text": b, "width": a, "error_y": {"array": b}, "mode": "lines+markers+text"});
                let layout = json!({"xaxis": {"range": a, "type": "log", "dtick": b}, "yaxis": {"scaleanchor": "x", "domain": a},
                    "annotations": [{"text": "t", "x": a, "y": b}], "shapes": [{"type": "rect", "x0": a, "y1": b}], "height": 100, "margin": a});
                let picture = svg(&json!({"data": [trace], "layout": layout})).expect("a known type");
                assert!(!picture.contains("NaN") && !picture.contains("inf"), "{kind} {a} {b}: {picture}");
                png(&picture).expect("pixels");
            }
        }
    }
}

#[test]
fn a_renderer_is_names_joined_by_plus_and_an_unknown_one_is_told_the_choices() {
    let figure = json!({"data": [{"x": [1, 2], "y": [1, 2]}], "layout": {"meta": {"alt": "A <line>."}}});
    let formats = |names: &str| {
        let mut bundle = Bundle::text("A line.").with(PLOTLY, figure.clone());
        Renderer::parse(names).expect("known").dress(&mut bundle);
        bundle.data.keys().cloned().collect::<Vec<_>>().join(" ")
    };
    assert_eq!(formats("plotly+png"), "application/vnd.plotly.v1+json image/png text/plain");
    assert_eq!(formats("png"), "image/png text/plain");
    assert_eq!(formats("svg + json"), "application/vnd.plotly.v1+json image/svg+xml text/plain");
    assert_eq!(formats("json"), "application/vnd.plotly.v1+json text/plain");
    assert_eq!(formats("html"), "text/html text/plain");
    let message = Renderer::parse("plotly+gif").expect_err("unknown").to_string();
    assert_eq!(message, "unknown renderer `gif`; known: plotly, png, svg, html, json");
    let mut other = Bundle::text("words");
    Renderer::default().dress(&mut other);
    assert_eq!(other, Bundle::text("words"));
}

#[test]
fn a_png_has_the_figures_size_and_letters_in_it() {
    let file = |title: &str| {
        let picture = panel(
            json!([]),
            json!({"title": {"text": title}, "xaxis": {"visible": false}, "yaxis": {"visible": false}}),
        );
        png(&picture).expect("pixels")
    };
    let words = file("σ₁ ≥ 0");
    assert_eq!(words[..8], *b"\x89PNG\r\n\x1a\n");
    let size = |at: usize| u32::from_be_bytes(words[at..at + 4].try_into().expect("four bytes"));
    assert_eq!((size(16), size(20)), (1200, 600));
    // Without a font both pictures would be equally empty.
    assert!(words.len() > file("").len() + 500, "{} {}", words.len(), file("").len());
}
