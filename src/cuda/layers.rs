//! The small operations of a network: the launches of `kernels/layers.cu`.

use super::machine::{Argument, Machine, launch};
use super::number::{Number, count};
use super::product::{Multiply, Product};
use crate::error::Result;
use Argument::{Address, F32, F64, U32};

const OP: &str = "a layer on a card";

/// y = x where x is above 0, else slope · x; x, y: `numbers` long.
pub fn rectify<M: Machine>(on: &M, number: Number, x: u64, numbers: usize, slope: f64, y: u64) -> Result<()> {
    let numbers = count(OP, &[numbers])?;
    each(on, "rectify", number, numbers, &[Address(x), U32(numbers), F64(slope), Address(y)])
}

/// The rectifier's gradient in x from that of y.
pub fn rectify_gradient<M: Machine>(
    on: &M,
    number: Number,
    [gradient, x, out]: [u64; 3],
    numbers: usize,
    slope: f64,
) -> Result<()> {
    let numbers = count(OP, &[numbers])?;
    let arguments = [Address(gradient), Address(x), U32(numbers), F64(slope), Address(out)];
    each(on, "rectify_gradient", number, numbers, &arguments)
}

/// Of values (examples, channels, pixels) the sum of each channel.
pub fn channel_sums<M: Machine>(on: &M, number: Number, values: u64, sizes: [usize; 3], out: u64) -> Result<()> {
    let [examples, channels, pixels] = sizes;
    // A channel's own values are counted in 32 bits.
    count(OP, &[examples, pixels])?;
    let arguments = [Address(values), U32(count(OP, &[examples])?), U32(count(OP, &[pixels])?), Address(out)];
    launch(on, &format!("channel_sums_{}", number.suffix()), [count(OP, &[channels])?, 1], &arguments)
}

/// y = x · weightᵀ + bias; x: (n, i), weight: (o, i), bias: (o,), sizes: n, i, o.
pub fn dense<M: Multiply>(on: &M, number: Number, [x, weight, bias, y]: [u64; 4], sizes: [usize; 3]) -> Result<()> {
    let [n, i, o] = sizes;
    let [rows, inner, columns] = [count(OP, &[n])?, count(OP, &[i])?, count(OP, &[o])?];
    let turned = [false, true];
    on.multiply(&Product { a: x, b: weight, c: y, turned, rows, inner, columns, add: false, number })?;
    let numbers = count(OP, &[n, o])?;
    each(on, "add_bias", number, numbers, &[Address(y), Address(bias), U32(numbers), U32(columns)])
}

/// The gradient of [`dense`] in x.
pub fn dense_input_gradient<M: Multiply>(
    on: &M,
    number: Number,
    [gradient, weight, out]: [u64; 3],
    [n, i, o]: [usize; 3],
) -> Result<()> {
    let [rows, inner, columns] = [count(OP, &[n])?, count(OP, &[o])?, count(OP, &[i])?];
    let turned = [false, false];
    on.multiply(&Product { a: gradient, b: weight, c: out, turned, rows, inner, columns, add: false, number })
}

/// The gradient of [`dense`] in the weight.
pub fn dense_weight_gradient<M: Multiply>(
    on: &M,
    number: Number,
    [gradient, x, out]: [u64; 3],
    [n, i, o]: [usize; 3],
) -> Result<()> {
    let [rows, inner, columns] = [count(OP, &[o])?, count(OP, &[n])?, count(OP, &[i])?];
    let turned = [true, false];
    on.multiply(&Product { a: gradient, b: x, c: out, turned, rows, inner, columns, add: false, number })
}

/// v = momentum · v + (g + decay · p), in f32, of [v, p, g].
pub fn velocity<M: Machine>(on: &M, [v, p, g]: [u64; 3], numbers: usize, momentum: f32, decay: f32) -> Result<()> {
    let numbers = count(OP, &[numbers])?;
    let arguments = [Address(v), Address(p), Address(g), U32(numbers), F32(momentum), F32(decay)];
    each(on, "velocity", Number::F32, numbers, &arguments)
}

/// p = p - rate · v, in f32.
pub fn descend<M: Machine>(on: &M, [p, v]: [u64; 2], numbers: usize, rate: f32) -> Result<()> {
    let numbers = count(OP, &[numbers])?;
    each(on, "descend", Number::F32, numbers, &[Address(p), Address(v), U32(numbers), F32(rate)])
}

/// A thread for each number.
fn each<M: Machine>(on: &M, name: &str, number: Number, numbers: u32, arguments: &[Argument]) -> Result<()> {
    let name = format!("{name}_{}", number.suffix());
    if numbers == 0 { Ok(()) } else { launch(on, &name, [numbers.div_ceil(256), 1], arguments) }
}
