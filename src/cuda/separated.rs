//! The log domain: the launches of `kernels/pair_separated.cu`. The series is summed on the host, from ten numbers.

use super::exact::factors;
use super::machine::{Argument, Machine, doubles, launch, read_doubles};
use super::pairs::{Pairs, Sides};
use crate::error::Result;
use crate::loss::differential::{Algo, Value};
use Argument::{Address, F64, U32};

const TERMS: usize = 5;

/// Fills both gradients of log L; the margin is at least 8.
pub(super) fn evaluate<M: Machine>(on: &Pairs<M>, sides: &Sides) -> Result<Value> {
    let machine = &on.machine;
    let (s, t) = (&sides.s, &sides.t);
    let b = factors(machine, s, sides.score, s.count, s.low, -1.0)?;
    let a = factors(machine, t, sides.score, t.count, t.high, 1.0)?;
    let (of_b, of_a) = (power_sums(machine, &b, s.count)?, power_sums(machine, &a, t.count)?);

    let (margin, rest) = difference(s.low, t.high);
    let e = (-margin).exp();
    let lambda = e - e * rest;
    let (mut series, mut weights, mut weight) = (0.0, [0.0; TERMS], 1.0);
    for k in 0..TERMS {
        weights[k] = weight;
        series += weight * of_a[k] * of_b[k] / (k + 1) as f64;
        weight *= -lambda;
    }
    for (side, values, others, sign) in [(s, &b, of_a, -1.0), (t, &a, of_b, 1.0)] {
        let mut arguments = vec![Address(machine.address(values)), U32(side.count)];
        arguments.extend((0..TERMS).map(|k| F64(sign * weights[k] * others[k] / series)));
        arguments.push(Address(side.gradient));
        launch(machine, &format!("separated_slopes_{}", sides.score), [side.count.div_ceil(256), 1], &arguments)?;
    }
    let log_mean = (series / sides.pairs()).ln() - rest - margin;
    let certified_rel = (f64::from(s.count.max(t.count)) / 256.0 + log_mean.abs() + 96.0) * f64::EPSILON / 2.0;
    let mean = lambda * series / sides.pairs();
    Ok(Value { mean, log_mean, grad_log_scale: log_mean, certified_rel, algo: Algo::Separated })
}

fn power_sums<M: Machine>(machine: &M, values: &M::Memory, count: u32) -> Result<[f64; TERMS]> {
    let share = count.div_ceil(128).max(2048);
    let blocks = count.div_ceil(share);
    let out = doubles(machine, TERMS * blocks as usize)?;
    let arguments = [Address(machine.address(values)), U32(count), U32(share), Address(machine.address(&out))];
    launch(machine, "power_sums", [blocks, 1], &arguments)?;
    let mut sums = [0.0; TERMS];
    for of_block in read_doubles(machine, &out, TERMS * blocks as usize)?.as_chunks::<TERMS>().0 {
        sums.iter_mut().zip(of_block).for_each(|(sum, of_block)| *sum += of_block);
    }
    Ok(sums)
}

/// a - b and what rounding took from it; their sum is the difference itself.
fn difference(a: f64, b: f64) -> (f64, f64) {
    let d = a - b;
    let back = d - a;
    (d, (a - (d - back)) - (b + back))
}
