//! Interval bound propagation: how far every pixel may move before an interval of the scores touches another class.
//!
//! Each layer maps a box of values to a box that holds its image: W·centre + b and |W|·radius for linear layers, both ends
//! for the monotone ones. The head is taken together with the comparison of two classes. The radius is found by bisection.
//! Sound for every network and tight for none but the smallest. Source: Gowal et al., arXiv:1810.12715.

use super::{ALLOWANCE, read};
use crate::error::{Error, Result};
use crate::model::ops::{Conv2d, average_pool, conv2d, dense, leaky_relu, max_pool};
use crate::model::{Classifier, Layer, Layers};
use crate::progress::interrupted;
use candle_core::{DType, Device, Tensor};

const OP: &str = "interval_radii";
const BISECTIONS: usize = 40;
/// Rows bounded together.
const ROWS: usize = 64;

/// For each row a radius in Linf, and so in L2, without an adversarial input inside `bounds`; 0 for rows that are wrong.
///
/// `x`: (n, ...) f32 inside `bounds`, `y`: (n,) u32. A row that no change inside the box can be shown to break has the
/// width of the box as its radius. Errors: `Shape`, `Value` for labels, bounds or inputs that make no sense; `Interrupted`.
pub fn interval_radii(net: &Classifier, x: &Tensor, y: &Tensor, bounds: [f64; 2]) -> Result<Vec<f64>> {
    let [low, high] = bounds;
    if !(low < high && low.is_finite() && high.is_finite()) {
        let got = format!("[{low}, {high}]");
        return Err(Error::Value { op: OP, expected: "finite bounds [low, high] with low < high".into(), got });
    }
    let (rows, labels) = read(OP, net, x, y)?;
    let layers = net.layers()?;
    let width: usize = layers.input.iter().product();
    for (row, values) in rows.iter().enumerate() {
        if values.len() != width {
            return Err(Error::Shape { op: OP, expected: format!("inputs of {width} numbers"), got: x.dims().into() });
        }
        if let Some(bad) = values.iter().find(|v| !(**v >= low && **v <= high)) {
            let got = format!("{bad} in row {row}");
            return Err(Error::Value { op: OP, expected: format!("inputs in [{low}, {high}]"), got });
        }
    }
    let mut radii = Vec::new();
    for (rows, labels) in rows.chunks(ROWS).zip(labels.chunks(ROWS)) {
        let proven = |epsilons: &[f64]| prove(&layers, rows, labels, epsilons, bounds);
        let right = proven(&vec![0.0; rows.len()])?;
        let whole = proven(&vec![high - low; rows.len()])?;
        let mut inside = vec![0.0; rows.len()];
        let mut outside = vec![high - low; rows.len()];
        for _ in 0..BISECTIONS {
            if interrupted() {
                return Err(Error::Interrupted { op: OP, done: format!("{} rows", radii.len()) });
            }
            let middle: Vec<f64> = inside.iter().zip(&outside).map(|(a, b)| (a + b) / 2.0).collect();
            for (k, proven) in proven(&middle)?.into_iter().enumerate() {
                if proven { inside[k] = middle[k] } else { outside[k] = middle[k] }
            }
        }
        let radius = |k: usize| match (right[k], whole[k]) {
            (false, _) => 0.0,
            (true, true) => high - low,
            (true, false) => inside[k],
        };
        radii.extend((0..rows.len()).map(radius));
    }
    Ok(radii)
}

/// Which rows keep their label in the whole box of their radius.
fn prove(
    layers: &Layers,
    rows: &[Vec<f64>],
    labels: &[u32],
    epsilons: &[f64],
    [low, high]: [f64; 2],
) -> Result<Vec<bool>> {
    let shape = [&[rows.len()], layers.input.as_slice()].concat();
    let end = |sign: f64| -> Result<Tensor> {
        let moved = rows.iter().zip(epsilons);
        let moved = moved.flat_map(|(row, e)| row.iter().map(move |x| (x + sign * e).clamp(low, high)));
        Tensor::from_vec(moved.collect::<Vec<f64>>(), shape.as_slice(), &Device::Cpu).map_err(Error::candle(OP))
    };
    let features = through(&layers.features, Interval { low: end(-1.0)?, high: end(1.0)? })?;
    let (low, high) = (features.low.to_vec2::<f64>()?, features.high.to_vec2::<f64>()?);
    let weight = layers.head_weight.to_vec2::<f64>()?;
    let bias = match &layers.head_bias {
        Some(bias) => bias.to_vec1::<f64>()?,
        None => vec![0.0; weight.len()],
    };
    // The least value of w·features + b, less an allowance for rounding.
    let least = |w: &[f64], b: f64, row: usize| {
        let (mut sum, mut size) = (b, b.abs());
        for ((w, low), high) in w.iter().zip(&low[row]).zip(&high[row]) {
            let term = if *w > 0.0 { w * low } else { w * high };
            sum += term;
            size += term.abs();
        }
        sum - ALLOWANCE * size
    };
    let holds = |row: usize| {
        let label = labels[row] as usize;
        if let [w] = weight.as_slice() {
            let sign = if label == 1 { 1.0 } else { -1.0 };
            let w: Vec<f64> = w.iter().map(|w| sign * w).collect();
            return least(&w, sign * bias[0], row) > 0.0;
        }
        (0..weight.len()).filter(|k| *k != label).all(|k| {
            let w: Vec<f64> = weight[label].iter().zip(&weight[k]).map(|(a, b)| a - b).collect();
            least(&w, bias[label] - bias[k], row) > 0.0
        })
    };
    Ok((0..rows.len()).map(holds).collect())
}

/// Boxes of values, (n, ...) f64 each.
struct Interval {
    low: Tensor,
    high: Tensor,
}

impl Interval {
    /// Through a linear map given by what it does to the centre and, with absolute weights, to the half-width.
    fn linear(
        &self,
        centre: impl Fn(&Tensor) -> Result<Tensor>,
        half: impl Fn(&Tensor) -> Result<Tensor>,
    ) -> Result<Interval> {
        let middle = ((&self.low + &self.high)? * 0.5)?;
        let wide = ((&self.high - &self.low)? * 0.5)?;
        let (middle, wide) = (centre(&middle)?, half(&wide)?);
        Ok(Interval { low: (&middle - &wide)?, high: (middle + wide)? })
    }

    /// Through a map that keeps the order.
    fn monotone(&self, map: impl Fn(&Tensor) -> Result<Tensor>) -> Result<Interval> {
        Ok(Interval { low: map(&self.low)?, high: map(&self.high)? })
    }
}

fn through(layers: &[Layer], input: Interval) -> Result<Interval> {
    let mut now = input;
    for layer in layers {
        now = match layer {
            Layer::Dense { weight, bias } => {
                let sizes = weight.abs()?;
                now.linear(|x| dense(x, weight, bias.as_ref()), |x| dense(x, &sizes, None))?
            }
            Layer::Convolution { weight, bias, stride, padding } => {
                let settings = Conv2d { stride: *stride, padding: *padding, ..Conv2d::default() };
                let sizes = weight.abs()?;
                now.linear(|x| conv2d(x, weight, bias.as_ref(), &settings), |x| conv2d(x, &sizes, None, &settings))?
            }
            Layer::Affine { scale, shift } => {
                let shape = (1, scale.dims()[0], 1, 1);
                let (scale, shift) = (scale.reshape(shape)?, shift.reshape(shape)?);
                let sizes = scale.abs()?;
                let centre = |x: &Tensor| Ok(x.broadcast_mul(&scale)?.broadcast_add(&shift)?);
                now.linear(centre, |x| Ok(x.broadcast_mul(&sizes)?))?
            }
            Layer::Rectifier { slope } => now.monotone(|x| leaky_relu(x, *slope))?,
            Layer::MaxPool { size } => now.monotone(|x| max_pool(x, *size, *size))?,
            Layer::AveragePool { size } => now.monotone(|x| average_pool(x, *size, *size))?,
            Layer::Flatten => now.monotone(|x| Ok(x.flatten_from(1)?))?,
            Layer::Residual { main, shortcut } => {
                let copy = Interval { low: now.low.clone(), high: now.high.clone() };
                let (main, shortcut) = (through(main, copy)?, through(shortcut, now)?);
                Interval { low: (main.low + shortcut.low)?, high: (main.high + shortcut.high)? }
            }
        };
    }
    debug_assert_eq!(now.low.dtype(), DType::F64);
    Ok(now)
}
