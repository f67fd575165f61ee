//! What each kind of figure draws and says.

use crate::figure_samples::{
    adversarial, features, history, line, moved, noise, samples, slice, table, three_margins, transfer,
};
use serde_json::Value;
use widemargin::analysis::{Directions, Profile, Spectrum};
use widemargin::figure::{
    Figure, angles, attack_course, boundary, curves, displacement, distances, margins, robust_accuracy, sandwich,
    spectra, triptych, triptych_beside_noise,
};
use widemargin::margin::{Hyperplane, cross_entropy_limit, hard_margin};

fn list(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|v| v.as_f64().unwrap_or(f64::NAN)).collect()
}

fn trace<'a>(figure: &'a Figure, name: &str) -> &'a Value {
    let traces = figure.json()["data"].as_array().unwrap();
    traces.iter().find(|t| t["name"].as_str().is_some_and(|n| n.starts_with(name))).unwrap()
}

#[test]
fn loss_is_told_from_first_to_last_epoch_on_a_logarithmic_axis() {
    let run = history("cross-entropy", &[0.625, 0.2, 0.01234]);
    let figure = run.curves();
    assert_eq!(figure.alt(), "cross-entropy: loss falls from 0.625 to 0.0123 over 3 epochs.");
    assert_eq!(figure.json()["layout"]["yaxis"]["type"], "log");
    assert_eq!(list(&figure.json()["data"][0]["y"]), [0.625, 0.2, 0.01234]);
    assert_eq!(list(&figure.json()["data"][0]["x"]), [1.0, 2.0, 3.0]);
}

#[test]
fn a_run_that_rises_stops_or_never_started_is_told_so() {
    let rising = history("a", &[0.1, 0.2]);
    let mut stopped = history("b", &[0.5]);
    stopped.interrupted = true;
    let text = curves(&[("up", &rising), ("one", &stopped), ("none", &history("c", &[]))]);
    let wanted = "up: loss rises from 0.1 to 0.2 over 2 epochs. one: loss 0.5 after 1 epoch, then it was interrupted. \
                  none: no epoch was completed.";
    assert_eq!(text.alt(), wanted);
    assert_eq!(curves(&[]).alt(), "No training run to show.");
}

#[test]
fn a_loss_of_zero_leaves_a_gap_and_no_logarithm_of_zero() {
    let figure = history("a", &[0.1, 0.0, f64::NAN]).curves();
    assert!(figure.json()["data"][0]["y"][1].is_null() && figure.json()["data"][0]["y"][2].is_null());
    let zeros = history("a", &[0.0, 0.0]).curves();
    assert_ne!(zeros.json()["layout"]["yaxis"]["type"], "log");
}

#[test]
fn a_boundary_lies_where_the_score_is_zero_and_its_band_ends_at_the_margin() {
    let (pos, neg) = (vec![vec![1.0, 0.0], vec![2.0, 1.0]], vec![vec![-1.0, -3.0]]);
    let plane = hard_margin(&pos, &neg).unwrap();
    let figure = boundary(&pos, &neg, &[("SVM", &plane)]).unwrap();
    let on = |trace: &Value| -> Vec<f64> {
        let (x, y) = (list(&trace["x"]), list(&trace["y"]));
        x.iter().zip(&y).map(|(x, y)| plane.value(&[*x, *y]) / plane.w[0].hypot(plane.w[1])).collect()
    };
    let line = on(trace(&figure, "SVM"));
    // Six digits of coordinates up to 10.
    assert_eq!(line.len(), 2);
    assert!(line.iter().all(|v| v.abs() < 1e-4), "{line:?}");
    let margin = plane.margin(&pos, &neg);
    let band = on(&figure.json()["data"][0]);
    assert!(band.iter().all(|v| v.abs() < margin + 1e-4), "{band:?}");
    assert!(band.iter().filter(|v| (v.abs() - margin).abs() < 1e-4).count() >= 4, "{band:?} {margin}");
}

#[test]
fn a_margin_is_drawn_as_a_distance_unless_the_data_are_far_from_square() {
    let plane = Hyperplane { w: vec![1.0, 0.0], b: -11.0 };
    let flat = boundary(&[vec![12.0, 1.0]], &[vec![10.0, 1.0]], &[("SVM", &plane)]).unwrap();
    assert_eq!(flat.json()["layout"]["yaxis"]["scaleanchor"], "x");
    let (pos, neg) = line();
    let plane = hard_margin(&pos, &neg).unwrap();
    let figure = boundary(&pos, &neg, &[("SVM", &plane)]).unwrap();
    assert!(figure.json()["layout"]["yaxis"]["scaleanchor"].is_null());
    assert!(figure.json()["layout"]["title"]["text"].as_str().unwrap().contains("angles look distorted"));
    let range = list(&figure.json()["layout"]["xaxis"]["range"]);
    assert!(range[0] > 0.8 && range[1] < 4.4, "{range:?}");
}

#[test]
fn boundaries_are_told_with_margins_and_the_angle_between_the_first_two() {
    let (pos, neg) = line();
    let hard = hard_margin(&pos, &neg).unwrap();
    let limit = cross_entropy_limit(&pos, &neg, 1.0).unwrap();
    let figure = boundary(&pos, &neg, &[("SVM", &hard), ("limit", &limit)]).unwrap();
    let wanted = "20 positive and 20 negative points in the plane. SVM separates them with margin 12. limit separates \
                  them with margin 0.484. The normals of SVM and limit are 87.7° apart.";
    assert_eq!(figure.alt(), wanted);
}

#[test]
fn planes_that_do_not_separate_or_do_not_exist_have_no_band() {
    let (pos, neg) = (vec![vec![1.0, 0.0]], vec![vec![-1.0, 0.0]]);
    let wrong = Hyperplane { w: vec![2.0, 0.0], b: 4.0 };
    let none = Hyperplane { w: vec![0.0, 0.0], b: 1.0 };
    let figure = boundary(&pos, &neg, &[("wrong", &wrong), ("none", &none)]).unwrap();
    assert!(
        figure.alt().contains("wrong does not separate them; the worst point is 1 on the wrong side."),
        "{}",
        figure.alt()
    );
    assert!(figure.alt().contains("none has no boundary."), "{}", figure.alt());
    // Two planes and two sides; a band would be a fifth trace.
    assert_eq!(figure.json()["data"].as_array().unwrap().len(), 4);
    assert!(list(&trace(&figure, "none")["x"]).is_empty());
}

#[test]
fn points_outside_of_the_plane_are_refused() {
    let message = |pos: &[Vec<f64>]| boundary(pos, &[], &[]).unwrap_err().to_string();
    assert_eq!(message(&[vec![1.0]]), "boundary: expected points of length 2, got [1]");
    assert_eq!(message(&[]), "boundary: expected at least one point, got none");
    assert!(message(&[vec![f64::NAN, 0.0]]).contains("finite points"));
    let plane = Hyperplane { w: vec![1.0; 3], b: 0.0 };
    let message = boundary(&[vec![0.0, 0.0]], &[], &[("SVM", &plane)]).unwrap_err().to_string();
    assert_eq!(message, "boundary: expected normals of length 2, got [3]");
    assert!(boundary(&[vec![5.0, 5.0]], &[], &[]).is_ok());
}

#[test]
fn spectra_show_raw_and_centred_and_the_energy_they_hold() {
    let profile = |values: &[f64]| Profile { singular_values: values.to_vec() };
    let spectrum = Spectrum { rows: 9, columns: 3, raw: profile(&[8.0, 4.0, 2.0]), centred: profile(&[2.0, 1.0, 0.0]) };
    let figure = spectra(&[("CE", &spectrum)]);
    let data = figure.json()["data"].as_array().unwrap();
    assert_eq!(data.len(), 4);
    assert_eq!(list(&data[0]["y"]), [1.0, 0.5, 0.25]);
    // 64/84, 80/84, 1.
    assert_eq!(list(&data[1]["y"]), [0.761905, 0.952381, 1.0]);
    // A value of zero has no logarithm.
    assert!(data[2]["y"][2].is_null());
    assert!(figure.alt().contains("99 % of the energy is in 3 directions raw and 2 centred"), "{}", figure.alt());
    assert_eq!(spectra(&[]).alt(), "No spectrum to show.");
}

#[test]
fn robust_accuracy_starts_at_the_clean_one() {
    let figure = table(0.97, &[(0.05, 0.8), (0.1, 0.3)]).curve();
    assert_eq!(list(&figure.json()["data"][0]["x"]), [0.0, 0.05, 0.1]);
    assert_eq!(list(&figure.json()["data"][0]["y"]), [0.97, 0.8, 0.3]);
    let wanted = "digits: accuracy 0.97 without an attack, 0.3 at Linf 0.1; more than half of it is lost by 0.1.";
    assert_eq!(figure.alt(), wanted);
    assert!(figure.json()["layout"]["xaxis"]["title"]["text"].as_str().unwrap().contains("Linf"));
    assert_eq!(robust_accuracy(&[]).alt(), "No attack to show.");
}

#[test]
fn a_triptych_shows_the_change_on_a_symmetric_scale_and_states_its_factor() {
    let figure = triptych(&adversarial(1), 0).unwrap();
    let change = &figure.json()["data"][1];
    assert_eq!((change["zmin"].as_f64(), change["zmax"].as_f64()), (Some(-0.25), Some(0.25)));
    assert_eq!(list(&change["z"][0]), [-0.25, 0.0]);
    // 0.5 / 0.25: the largest change has the strongest colour.
    assert_eq!(figure.json()["layout"]["annotations"][1]["text"], "change × 2<br>Linf 0.25");
    assert_eq!(
        figure.alt(),
        "Image 0 of 2 by 2 pixels of class 3, classified as 3; a change of Linf 0.25 moves it to 8."
    );
    // The first row of pixels is on top.
    assert_eq!(list(&figure.json()["layout"]["yaxis"]["range"]), [1.5, -0.5]);
}

#[test]
fn a_colour_image_is_drawn_in_its_colours() {
    let figure = triptych(&adversarial(3), 0).unwrap();
    assert_eq!(figure.json()["data"][0]["type"], "image");
    assert_eq!(list(&figure.json()["data"][0]["z"][0][0]), [128.0, 128.0, 128.0]);
    // Grey is no change; red went down by the largest change, so to 0.
    assert_eq!(list(&figure.json()["data"][1]["z"][0][0]), [0.0, 128.0, 128.0]);
    assert_eq!(list(&figure.json()["data"][2]["z"][0][0]), [64.0, 128.0, 128.0]);
}

#[test]
fn a_random_change_stands_beside_the_attack_on_the_same_scale() {
    let figure = triptych_beside_noise(&adversarial(1), &noise(1), 0).unwrap();
    let data = figure.json()["data"].as_array().unwrap();
    assert_eq!(data.len(), 5);
    assert_eq!(list(&data[3]["z"][0]), [0.0, 0.0625]);
    assert_eq!((&data[3]["zmin"], &data[3]["zmax"]), (&data[1]["zmin"], &data[1]["zmax"]));
    assert_eq!((data[4]["xaxis"].as_str(), data[4]["yaxis"].as_str()), (Some("x5"), Some("y5")));
    assert_eq!(figure.json()["layout"]["annotations"][3]["text"], "random × 2<br>Linf 0.0625");
    let wanted = "Image 0 of 2 by 2 pixels of class 3, classified as 3; a change of Linf 0.25 moves it to 8, a random one \
                  of Linf 0.0625 leaves it at 3.";
    assert_eq!(figure.alt(), wanted);
    let message = triptych_beside_noise(&adversarial(1), &noise(3), 0).unwrap_err().to_string();
    assert_eq!(message, "triptych: expected noise of shape [2, 1, 2, 2], got [2, 3, 2, 2]");
}

#[test]
fn angles_fall_from_90_degrees_as_directions_are_added() {
    let directions = Directions::raw(&features()).unwrap();
    let figure = angles(&[("CE", &directions, &[1.0, 1.0])]).unwrap();
    // Energies 18 and 2: the first direction alone holds 90 %.
    assert_eq!(list(&figure.json()["data"][0]["y"]), [90.0, 45.0, 0.0]);
    let wanted = "CE (raw): w is 0 degrees from the 2 directions that hold 99 % of the energy, 0 degrees from all 2.";
    assert_eq!(figure.alt(), wanted);
    assert!(angles(&[("CE", &directions, &[1.0])]).is_err());
    assert_eq!(angles(&[]).unwrap().alt(), "No weights to show.");
}

#[test]
fn a_displacement_sets_the_attack_beside_random_changes() {
    let figure = displacement("CE", &moved());
    assert_eq!(list(&trace(&figure, "attack")["y"]), [0.0, 0.0, 1.0]);
    assert_eq!(list(&trace(&figure, "random")["y"]), [0.0, 1.0, 1.0]);
    let wanted = "CE: 0 of the attack's change and 1 of a random one lie in the 1 directions that hold 90 % of the \
                  features' energy; the attack moves them 2 times as far.";
    assert_eq!(figure.alt(), wanted);
}

#[test]
fn margins_at_the_head_stand_against_margins_at_the_input() {
    let figure = margins(&[("CE", &three_margins())]);
    assert_eq!(list(&figure.json()["data"][0]["x"]), [0.5, 0.25]);
    assert_eq!(list(&figure.json()["data"][0]["y"]), [2.0, 1.0]);
    let wanted = "CE: 2 rows, median input margin 0.375, median feature margin 1.5, rank correlation 1.";
    assert_eq!(figure.alt(), wanted);
    assert_eq!(margins(&[]).alt(), "No margins to show.");
}

#[test]
fn figures_of_attacks_say_what_to_watch_for() {
    let others = ["boundary", "curves", "one curve"];
    for (name, figure) in samples() {
        let title = figure.json()["layout"]["title"]["text"].as_str().unwrap();
        let watch = title.split("<br><sub>Watch").nth(1);
        assert_eq!(watch.is_none(), others.contains(&name), "{name}: {title}");
        // Of 11 pixels, so that it fits 700.
        assert!(watch.is_none_or(|text| text.chars().count() <= 110), "{name}: {title}");
    }
}

#[test]
fn an_unchanged_image_and_a_wrong_row_are_no_trouble() {
    let figure = triptych(&adversarial(1), 1).unwrap();
    assert!(figure.alt().ends_with("a change of Linf 0 leaves it at 3."), "{}", figure.alt());
    let message = triptych(&adversarial(1), 2).unwrap_err().to_string();
    assert_eq!(message, "triptych: expected a row below 2, got 2");
    let message = triptych(&adversarial(2), 0).unwrap_err().to_string();
    assert_eq!(message, "triptych: expected images (n, 1, h, w) or (n, 3, h, w), got [2, 2, 2, 2]");
}

#[test]
fn distances_start_at_wrong_inputs_and_end_below_one_if_some_are_censored() {
    let figure = distances(&[("CE", &[0.5, 0.0, f64::INFINITY, 0.25])]).unwrap();
    let trace = &figure.json()["data"][0];
    assert_eq!(list(&trace["x"]), [0.0, 0.0, 0.0, 0.25, 0.25, 0.5, 0.5]);
    assert_eq!(list(&trace["y"]), [0.0, 0.0, 0.25, 0.25, 0.5, 0.5, 0.75]);
    assert_eq!(trace["name"], "CE (1 of 4 censored)");
    let wanted = "CE: 4 inputs, 1 wrong without an attack, 1 censored; half of them lie within 0.25.";
    assert_eq!(figure.alt(), wanted);
    let hidden = distances(&[("fake", &[f64::INFINITY, f64::INFINITY, 0.1])]).unwrap();
    assert!(hidden.alt().ends_with("2 censored; more than half are censored."), "{}", hidden.alt());
    let message = distances(&[("CE", &[0.1, f64::NAN])]).unwrap_err().to_string();
    assert_eq!(message, "distances: expected distances of 0 or more, got NaN in row 1");
    assert_eq!(distances(&[]).unwrap().alt(), "No distances to show.");
}

#[test]
fn a_sandwich_sorts_by_the_attack_and_counts_contradictions() {
    let figure = sandwich(&[0.1, 0.4, 0.0], Some(&[0.25, 0.5, 0.0]), &[0.3, 0.2, f64::INFINITY]).unwrap();
    assert_eq!(list(&trace(&figure, "attack")["y"])[..2], [0.2, 0.3]);
    assert!(trace(&figure, "attack")["y"][2].is_null());
    assert_eq!(list(&trace(&figure, "certificate")["y"]), [0.4, 0.1, 0.0]);
    assert_eq!(list(&trace(&figure, "exact")["y"]), [0.5, 0.25, 0.0]);
    assert!(figure.alt().starts_with("3 inputs; 1 certificates lie above what an attack found"), "{}", figure.alt());
    let message = sandwich(&[0.1], None, &[0.1, 0.2]).unwrap_err().to_string();
    assert_eq!(message, "sandwich: expected as many radii as distances, 2, got [1]");
}

#[test]
fn the_course_of_an_attack_tells_wrong_rows_and_missing_gradients() {
    let figure = attack_course(&[("PGD", &adversarial(1))]);
    assert_eq!(list(&trace(&figure, "PGD, wrong")["y"]), [0.0, 0.5]);
    assert_eq!(list(&trace(&figure, "PGD, zero gradient")["y"]), [0.5, 0.0]);
    let wanted = "PGD: 0.5 of the rows wrong at the last of 2 iterations, at most 0.5 without a gradient.";
    assert_eq!(figure.alt(), wanted);
    assert_eq!(attack_course(&[]).alt(), "No attack to show.");
}

#[test]
fn a_transfer_matrix_has_the_attacked_model_on_the_line() {
    let figure = transfer().matrix();
    assert_eq!(list(&figure.json()["data"][0]["z"][1]), [0.125, 0.75]);
    let note = &figure.json()["layout"]["annotations"][1];
    assert_eq!((note["text"].as_str(), note["x"].as_f64(), note["y"].as_f64()), (Some("0.250"), Some(1.0), Some(0.0)));
    let wanted = "Share of 20 rows wrong, made against one model and tried on another: CE on CE 0.5, CE on pairs 0.25, \
                  pairs on CE 0.125, pairs on pairs 0.75.";
    assert_eq!(figure.alt(), wanted);
}

#[test]
fn a_slice_shows_each_class_in_a_colour_of_its_own() {
    let figure = slice().map();
    let map = &figure.json()["data"][0];
    assert_eq!(list(&map["z"][0]), [0.0, 0.0, 1.0]);
    assert!(map["z"][2][1].is_null());
    assert_eq!((map["zmin"].as_f64(), map["zmax"].as_f64()), (Some(-0.5), Some(1.5)));
    assert!(trace(&figure, "class 8")["marker"]["color"].is_string());
    let wanted =
        "Classes in a plane through an input of class 3: 0.667 of the plane has its class, up to 2 times 0.5 away.";
    assert_eq!(figure.alt(), wanted);
}
