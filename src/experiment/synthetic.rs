//! The linear cases of the paper, solved exactly: where cross-entropy, the pair loss and the largest margin put the plane.

use super::{number, numbers};
use crate::data::{Dataset, synthetic};
use crate::error::Result;
use crate::margin::{cross_entropy_limit, hard_margin, pair_loss_limit};
use serde_json::{Value, json};

pub(super) fn run(draws: u64) -> Result<Value> {
    let (two, figure_1) = (case(&synthetic::two_points()?)?, case(&synthetic::line(20)?)?);
    let mut ratios = Vec::new();
    for seed in 0..draws {
        let (pos, neg) = synthetic::two_gaussians(seed)?.points()?;
        // Clouds that happen to overlap have no margin.
        if let (Ok(best), Ok(limit)) = (hard_margin(&pos, &neg), cross_entropy_limit(&pos, &neg, 1.0)) {
            ratios.push(limit.margin(&pos, &neg) / best.margin(&pos, &neg));
        }
    }
    ratios.sort_by(f64::total_cmp);
    Ok(json!({"two_points": two, "figure_1": figure_1, "figure_2": {"draws": draws, "ratios": numbers(ratios)}}))
}

fn case(data: &Dataset) -> Result<Value> {
    let (pos, neg) = data.points()?;
    let best = hard_margin(&pos, &neg)?;
    let margin = best.margin(&pos, &neg);
    let limit = cross_entropy_limit(&pos, &neg, 1.0)?;
    let pairs = pair_loss_limit(&pos, &neg)?.plane;
    Ok(json!({
        "margin": number(margin),
        "cross_entropy_ratio": number(limit.margin(&pos, &neg) / margin),
        "cross_entropy_angle_degrees": number(limit.angle_degrees(&best)),
        "pair_loss_ratio": number(pairs.margin(&pos, &neg) / margin),
    }))
}
