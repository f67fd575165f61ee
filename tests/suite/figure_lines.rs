//! Lines of a cell's own numbers.

use widemargin::figure::{Scale, lines};

#[test]
fn axes_curves_and_words_come_from_the_arguments() {
    let (up, down) = ([(1.0, 10.0), (100.0, 1000.0)], [(1.0, 4.0), (100.0, 2.0)]);
    let figure = lines("A title", Scale::Log("steps"), Scale::Log("error (pixels)"), &[("up", &up), ("down", &down)]);
    let figure = figure.expect("fine");
    assert_eq!(
        figure.alt(),
        "A title. up: error (pixels) from 10 at 1 to 1000 at 100. down: error (pixels) from 4 at 1 to 2 at 100."
    );
    let json = figure.json();
    assert_eq!((json["data"][0]["name"].as_str(), json["data"][1]["y"][1].as_f64()), (Some("up"), Some(2.0)));
    assert_eq!(
        (json["layout"]["xaxis"]["type"].as_str(), json["layout"]["yaxis"]["type"].as_str()),
        (Some("log"), Some("log"))
    );
}

#[test]
fn what_an_axis_cannot_show_is_refused_with_its_curve() {
    let refused = |y: f64, scale| lines("t", Scale::Linear("x"), scale, &[("c", &[(0.0, y)])]);
    assert!(refused(0.0, Scale::Linear("y")).is_ok());
    for (y, scale) in [(f64::NAN, Scale::Linear("y")), (f64::INFINITY, Scale::Linear("y")), (0.0, Scale::Log("y"))] {
        let error = refused(y, scale).expect_err("refused").to_string();
        assert!(error.contains("in c"), "{error}");
    }
}
