//! Two controls that tell what a loss did: the features or the head, the geometry or the scale.

use crate::data::Dataset;
use crate::error::{Error, Result};
use crate::margin::{Hyperplane, hard_margin};
use crate::model::Classifier;
use candle_core::Tensor;

/// Replaces the head by the plane of largest margin between the features of the two classes, which stay as they are.
///
/// Returns the plane. If robustness changes, the head was to blame; if not, the features are.
/// Errors: `Value` for a net with more than two outputs or without a bias, a class without inputs, or features that no
/// plane separates.
pub fn refit_head(net: &mut Classifier, data: &Dataset) -> Result<Hyperplane> {
    const OP: &str = "refit_head";
    let outputs = net.outputs();
    if outputs > 2 || net.head_bias().is_none() {
        let got = format!("{net:?}");
        return Err(Error::Value { op: OP, expected: "one or two outputs and a bias".into(), got });
    }
    let features = net.features(&data.x)?.detach().to_vec2::<f32>()?;
    let mut sides: [Vec<Vec<f64>>; 2] = [Vec::new(), Vec::new()];
    for (row, label) in features.iter().zip(data.labels()?) {
        if label > 1 {
            return Err(Error::Value { op: OP, expected: "labels 0 and 1".into(), got: label.to_string() });
        }
        sides[label as usize].push(row.iter().map(|v| f64::from(*v)).collect());
    }
    let [neg, pos] = &sides;
    let plane = hard_margin(pos, neg)?;
    // Two scores share the plane: half to the right one, half from the wrong one.
    let (weight, bias): (Vec<f32>, Vec<f32>) = match outputs {
        1 => (plane.w.iter().map(|w| *w as f32).collect(), vec![plane.b as f32]),
        _ => {
            let half = |sign: f64| plane.w.iter().map(move |w| (sign * w / 2.0) as f32);
            let b = (plane.b / 2.0) as f32;
            (half(-1.0).chain(half(1.0)).collect(), vec![-b, b])
        }
    };
    let vars = net.vars();
    let var = &vars[vars.len() - 2];
    var.set(&Tensor::from_vec(weight, var.dims(), var.device())?).map_err(Error::candle(OP))?;
    net.set_head_bias(&bias)?;
    Ok(plane)
}

/// Multiplies all scores by `by`: no decision changes, so no honest measure of robustness may.
///
/// Errors: `Value` unless `by` is above 0 and finite.
pub fn scale_scores(net: &mut Classifier, by: f64) -> Result<()> {
    const OP: &str = "scale_scores";
    if !(by > 0.0 && by.is_finite()) {
        return Err(Error::Value { op: OP, expected: "a finite factor above 0".into(), got: by.to_string() });
    }
    let vars = net.vars();
    let own = if net.head_bias().is_some() { 2 } else { 1 };
    for var in &vars[vars.len() - own..] {
        let scaled = (var.as_detached_tensor() * by).map_err(Error::candle(OP))?;
        var.set(&scaled).map_err(Error::candle(OP))?;
    }
    Ok(())
}
