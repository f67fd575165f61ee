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
fn a_trace_that_only_names_a_colour_in_the_legend_is_no_date() {
    let drawn = panel(json!([{"x": [0, 1], "y": [1, 2]}, {"x": [null], "y": [null], "name": "class 0"}]), json!({}));
    assert!(texts(&drawn).contains(&"class 0".to_owned()));
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
    // As plotly labels 600 pixels: no more than one for 80.
    assert_eq!(labels(json!([0, 1])), ["0", "0.2", "0.4", "0.6", "0.8", "1"]);
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
fn a_heat_map_without_a_scale_has_the_colours_that_plotly_gives_it() {
    let data = json!([{"type": "heatmap", "z": [[0, 1]], "showscale": false}]);
    let picture = panel(data, json!({}));
    let clipped = picture.split("<g clip-path").nth(1).expect("the panel").to_owned();
    // The ends of plotly.js' RdBu: rgb(5,10,172) and rgb(178,10,28).
    assert_eq!([0, 1].map(|k| attribute(&clipped, "rect", k, "fill")), ["#050aac", "#b20a1c"]);
}

#[test]
fn whole_numbers_are_counted_around_themselves() {
    let data = json!([{"type": "histogram", "x": [0, 0, 1, 2, 2, 2]}]);
    let picture = panel(data, json!({"yaxis": {"range": [0, 3]}}));
    let clipped = picture.split("<g clip-path").nth(1).expect("the panel").to_owned();
    let heights: Vec<String> = (0..3).map(|k| attribute(&clipped, "rect", k, "height")).collect();
    assert_eq!(heights, ["200", "100", "300"]);
    // Bins from -0.5 to 2.5 fill 600 pixels, so each number stands in the middle of its bar.
    assert_eq!([0, 1, 2].map(|k| attribute(&clipped, "rect", k, "x")), ["100", "300", "500"]);
}

#[test]
fn an_area_between_two_lines_ends_at_both() {
    let line = |y: Value, fill: &str| json!({"x": [0, 1], "y": y, "mode": "lines", "line": {"width": 0}, "fill": fill});
    let data = json!([line(json!([0, 1]), "none"), line(json!([2, 3]), "tonexty")]);
    let picture = panel(data, json!({"xaxis": {"range": [0, 1]}, "yaxis": {"range": [0, 3]}, "showlegend": false}));
    assert!(picture.contains("M100 150L700 50L700 250L100 350Z"), "{picture}");
}

#[test]
fn panels_of_a_grid_stand_in_rows_from_the_top() {
    let line = |axis: &str| json!({"x": [0, 1], "y": [0, 1], "mode": "lines", "xaxis": format!("x{axis}"), "yaxis": format!("y{axis}")});
    let data = json!([line(""), line("2"), line("3"), line("4")]);
    let grid = json!({"rows": 2, "columns": 2, "pattern": "independent", "xgap": 0.5, "ygap": 0.5});
    let picture = panel(data, json!({"grid": grid, "showlegend": false}));
    // 600 pixels for 2 columns and a gap of half of one: (2 - 0.5) cells of 400, each less the gap 200 wide.
    let clip = |k: usize| {
        let part = picture.split("<clipPath").nth(k + 1).expect("a panel");
        ["x", "y", "width", "height"].map(|name| attribute(part, "rect", 0, name))
    };
    assert_eq!(clip(0), ["100", "50", "200", "100"]);
    assert_eq!(clip(1), ["500", "50", "200", "100"]);
    assert_eq!(clip(2), ["100", "250", "200", "100"]);
    assert_eq!(clip(3), ["500", "250", "200", "100"]);
}

#[test]
fn grouped_boxes_stand_side_by_side() {
    let group = |y: Value| json!({"type": "box", "x": ["a", "a", "a"], "y": y});
    let data = json!([group(json!([1, 2, 3])), group(json!([2, 3, 4]))]);
    let picture = panel(data, json!({"boxmode": "group", "showlegend": false}));
    let clipped = picture.split("<g clip-path").nth(1).expect("the panel").to_owned();
    let place = |k| ["x", "width"].map(|name| attribute(&clipped, "rect", k, name).parse::<f64>().unwrap());
    // One place of 600 pixels: 420 without boxgap 0.3, half of it for each, of which boxgroupgap takes 0.3 again.
    assert_eq!((place(0), place(1)), ([221.5, 147.0], [431.5, 147.0]));
}

#[test]
fn axes_that_match_show_one_range() {
    let data = json!([{"x": [0, 1], "y": [0, 1]}, {"x": [0, 9], "y": [0, 1], "xaxis": "x2"}]);
    let layout = json!({"xaxis": {"domain": [0, 0.5], "showticklabels": false}, "yaxis": {"visible": false},
        "xaxis2": {"domain": [0.5, 1], "matches": "x"}, "showlegend": false});
    let picture = panel(data, layout);
    // Both panels show from 0 to 9: the end of the second line is nine times as far as that of the first.
    let path = |k: usize| {
        picture.split("<g clip-path").nth(k + 1).and_then(|p| p.split("<circle").nth(2)).expect("two").to_owned()
    };
    let x = |k: usize| attribute(&format!("<circle{}", path(k)), "circle", 0, "cx").parse::<f64>().unwrap();
    let (near, far) = (x(0), x(1));
    assert!(near < 150.0 && far > 650.0, "{near} {far}");
}

#[test]
fn a_loss_that_hardly_falls_has_labels_on_a_logarithmic_axis() {
    let data = json!([{"x": [1, 2, 3], "y": [0.69, 0.66, 0.63]}]);
    let picture = panel(data, json!({"xaxis": {"visible": false}, "yaxis": {"type": "log"}}));
    let labels = texts(&picture);
    assert!(labels.contains(&"0.65".to_owned()) && labels.len() >= 4, "{labels:?}");
}

#[test]
fn what_plotly_would_draw_otherwise_has_no_still() {
    let refused = |trace: Value, layout: Value| {
        svg(&json!({"data": [trace], "layout": layout})).expect_err("refused").to_string()
    };
    let stacked = refused(json!({"y": [1, 2], "stackgroup": "one"}), json!({}));
    assert_eq!(stacked, "still: expected a figure without stackgroup, got \"one\"");
    let dates = refused(json!({"x": ["2024-01-01", "2024-03-01"], "y": [1, 2]}), json!({}));
    assert_eq!(dates, "still: expected a figure without dates, got \"2024-01-01\"");
    let kind = refused(json!({"y": [1]}), json!({"xaxis2": {"type": "date"}}));
    assert_eq!(kind, "still: expected a figure without dates and categories of categories, got date on xaxis2");
    assert!(svg(&json!("{}")).is_err() && svg(&json!({"layout": {}})).is_err());
}

#[test]
fn traces_without_names_are_numbered_in_the_legend() {
    let picture = panel(json!([{"y": [1, 2]}, {"y": [2, 3]}]), json!({}));
    let labels = texts(&picture);
    assert_eq!(labels[labels.len() - 2..], ["trace 0", "trace 1"]);
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
