//! The nearest point on the other side of a plane, inside a box: exact, in f64.
//!
//! min ‖z - x‖ subject to w·z + b = 0 and low ≤ z ≤ high. Every coordinate moves toward the plane at its own rate until it
//! meets the box, so what is gained is piecewise linear in one number, and sorting the corners solves it. Linf and L2 move
//! all coordinates at once, at the rates 1 and |w|; L1 uses them up one by one, the steepest first.
//! x = (0.5, 0.5), w = (3, 4), w·x + b = 2.5: without a box 0.5 (L2), 2.5/7 (Linf), 0.625 (L1).

use super::Norm;

/// A point on the plane and how far it is.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Crossing {
    pub distance: f64,
    pub point: Vec<f64>,
}

/// The point of the box nearest to `x` with w·z + b = 0, where `value` = w·x + b; `None` if the box has no such point.
///
/// `x` lies in the box, which may be infinite. A value of 0 is on the plane already.
pub(crate) fn nearest_across(norm: Norm, x: &[f64], w: &[f64], value: f64, [low, high]: [f64; 2]) -> Option<Crossing> {
    let need = value.abs();
    // How far a coordinate can go, and which way: down the value if it is positive.
    let upward = |w: f64| (w > 0.0) == (value < 0.0);
    let room = |k: usize| if upward(w[k]) { high - x[k] } else { x[k] - low };
    let rate = |k: usize| if norm == Norm::L2 { w[k].abs() } else { 1.0 };
    let mut order: Vec<usize> = (0..x.len()).filter(|k| w[*k] != 0.0 && room(*k) > 0.0).collect();
    let mut moved = vec![0.0; x.len()];
    if norm == Norm::L1 {
        order.sort_by(|a, b| w[*b].abs().total_cmp(&w[*a].abs()));
        let mut left = need;
        for k in order {
            moved[k] = room(k).min(left / w[k].abs());
            left -= moved[k] * w[k].abs();
            if left <= 0.0 {
                break;
            }
        }
        if left > need * 1e-15 {
            return None;
        }
    } else if need > 0.0 {
        // At time t coordinate k has moved rate · t, at most its room.
        order.sort_by(|a, b| (room(*a) / rate(*a)).total_cmp(&(room(*b) / rate(*b))));
        // Speeds from each corner on, summed from the far end: subtracting would leave the rounding of the largest.
        let mut speeds = vec![0.0; order.len()];
        let mut speed = 0.0;
        for (at, k) in order.iter().enumerate().rev() {
            speed += w[*k].abs() * rate(*k);
            speeds[at] = speed;
        }
        let (mut gained, mut time, mut reached) = (0.0, 0.0, false);
        for (k, speed) in order.iter().zip(speeds) {
            let corner = room(*k) / rate(*k);
            if gained + speed * (corner - time) >= need {
                time += (need - gained) / speed;
                reached = true;
                break;
            }
            gained += speed * (corner - time);
            time = corner;
        }
        if !reached {
            return None;
        }
        order.iter().for_each(|k| moved[*k] = (rate(*k) * time).min(room(*k)));
    }
    let distance = match norm {
        Norm::Linf => moved.iter().copied().fold(0.0, f64::max),
        Norm::L2 => moved.iter().map(|m| m * m).sum::<f64>().sqrt(),
        Norm::L1 => moved.iter().sum(),
    };
    let step = |k: usize| if upward(w[k]) { moved[k] } else { -moved[k] };
    Some(Crossing { distance, point: (0..x.len()).map(|k| x[k] + step(k)).collect() })
}
