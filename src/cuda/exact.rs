//! All pairs: the launches of `kernels/pair_exact.cu`.

use super::machine::{Argument, Machine, doubles, launch};
use super::pairs::{Pairs, Precision, Side, Sides};
use crate::error::Result;
use crate::loss::cross_entropy::softplus;
use crate::loss::differential::{Algo, Value};
use Argument::{Address, F64, U32};
use std::f64::consts::LN_2;

/// Threads of a block of rows.
const THREADS: u32 = 128;
/// Blocks of columns in one tile of shared memory.
const TILE: u32 = 64;
/// Blocks of threads wanted at least: enough for the largest card, and the same for all.
const WANTED: u32 = 1024;
/// Logarithms of products that stay inside f32, and inside f64 times 2^65.
const ROOM: [f64; 2] = [80.0, 640.0];

/// A size of blocks of columns.
#[derive(Clone, Copy)]
struct Plan {
    name: &'static str,
    k: u32,
    /// Rows of a thread, bytes of a coefficient.
    rows: u32,
    bytes: usize,
    flush: u32,
    peel: u32,
}

impl Plan {
    /// `None` if no block fits scores this far apart.
    fn new(sides: &Sides, precision: Precision) -> Option<Plan> {
        let spread = sides.spread();
        // The largest loss of a pair.
        let a_pair = softplus(sides.t.high - sides.s.low);
        let single = |(name, k, reach): (&'static str, u32, f64)| {
            let of_block = f64::from(k) * a_pair;
            // A factor has up to half the spread's exponent, and no product that counts may be denormal.
            let fits = precision == Precision::Single && of_block <= ROOM[0] && spread <= reach;
            let flush = if 2.0 * of_block <= ROOM[0] { 2 } else { 1 };
            let peel = (ROOM[1] / (4.0 * of_block)).clamp(1.0, 1e6) as u32;
            fits.then_some(Plan { name, k, rows: 8, bytes: 4, flush, peel })
        };
        let double = |(name, k): (&'static str, u32)| {
            let fits = f64::from(k) * (spread + LN_2) <= ROOM[1];
            let peel = (ROOM[1] / (f64::from(k) * a_pair)).clamp(1.0, 1e6) as u32;
            fits.then_some(Plan { name, k, rows: 4, bytes: 8, flush: 1, peel })
        };
        [("f32_k4", 4, 40.0), ("f32_k2", 2, 66.0)]
            .into_iter()
            .find_map(single)
            .or_else(|| [("f64_k16", 16), ("f64_k8", 8), ("f64_k4", 4), ("f64_k2", 2)].into_iter().find_map(double))
    }

    /// Grid of rows by splits, and the blocks of columns of a split.
    fn grid(&self, rows: u32, columns: u32) -> ([u32; 2], u32) {
        let of_rows = rows.div_ceil(THREADS * self.rows);
        let blocks = columns.div_ceil(self.k);
        let splits = (WANTED / of_rows).clamp(1, blocks.div_ceil(TILE));
        let share = blocks.div_ceil(splits).next_multiple_of(TILE);
        ([of_rows, blocks.div_ceil(share)], share)
    }

    /// A bound on the relative error, to first order: see the comments in the source for what rounds.
    fn rounding(&self, shares: [u32; 2], splits: [u32; 2], logs: f64) -> f64 {
        let chain = 2.0 * f64::from(shares[0].max(shares[1]) + splits[0].max(splits[1])) + logs / 65_536.0 + 64.0;
        let in_f64 = (4.0 * f64::from(self.k) + chain) * f64::EPSILON / 2.0;
        if self.bytes == 4 {
            // Coefficients 2, Horner 2 K + 1, the quotient 3, four blocks 4, the product 7 a block.
            let steps = 2 * self.k + 10 + 7 * self.flush;
            in_f64 + f64::from(steps) * f64::from(f32::EPSILON) / 2.0
        } else {
            in_f64
        }
    }
}

/// Fills both gradients.
pub(super) fn evaluate<M: Machine>(on: &Pairs<M>, sides: &Sides, precision: Precision) -> Result<Value> {
    match Plan::new(sides, precision) {
        Some(plan) => by_blocks(on, sides, &plan),
        None => by_definition(on, sides),
    }
}

fn by_blocks<M: Machine>(on: &Pairs<M>, sides: &Sides, plan: &Plan) -> Result<Value> {
    let machine = &on.machine;
    let centre = sides.low() / 2.0 + sides.high() / 2.0;
    let prepare = |side: &Side, sign: f64| -> Result<(M::Memory, M::Memory)> {
        let blocks = side.count.div_ceil(plan.k);
        let factors = factors(machine, side, sides.score, blocks * plan.k, centre, sign)?;
        let elementary = machine.memory(plan.bytes * (blocks * plan.k) as usize)?;
        let arguments = [Address(machine.address(&factors)), U32(blocks), Address(machine.address(&elementary))];
        launch(machine, &format!("elementary_{}", plan.name), [blocks.div_ceil(128), 1], &arguments)?;
        Ok((factors, elementary))
    };
    let (b, of_b) = prepare(&sides.s, -1.0)?;
    let (a, of_a) = prepare(&sides.t, 1.0)?;
    let (grid, share) = plan.grid(sides.s.count, sides.t.count);
    let (turned, turned_share) = plan.grid(sides.t.count, sides.s.count);
    let count = u64::from(grid[1]) * u64::from(sides.s.count);
    let logs = doubles(machine, count as usize)?;
    // Of one side's rows against the other's blocks; with `logs` also the losses.
    let rows = |own: &Side, factors: &M::Memory, elementary: &M::Memory, columns: u32, share, grid: [u32; 2], logs| {
        let logs: Option<&M::Memory> = logs;
        let slopes = doubles(machine, grid[1] as usize * own.count as usize)?;
        let mut arguments = vec![
            Address(machine.address(factors)),
            U32(own.count),
            Address(machine.address(elementary)),
            U32(columns.div_ceil(plan.k)),
            U32(share),
        ];
        let (name, sign) = if let Some(logs) = logs {
            arguments.extend([U32(plan.flush), U32(plan.peel)]);
            arguments.extend([&slopes, logs].map(|memory| Address(machine.address(memory))));
            ("rows_loss_", -1.0)
        } else {
            arguments.push(Address(machine.address(&slopes)));
            ("rows_", 1.0)
        };
        launch(machine, &format!("{name}{}", plan.name), grid, &arguments)?;
        finish(machine, own, sides, &slopes, grid[1], sign / sides.pairs())
    };
    rows(&sides.s, &b, &of_a, sides.t.count, share, grid, Some(&logs))?;
    rows(&sides.t, &a, &of_b, sides.s.count, turned_share, turned, None)?;
    let mean = on.total(&logs, count, 1.0 / sides.pairs())?;
    let certified = plan.rounding([share, turned_share], [grid[1], turned[1]], count as f64);
    Ok(unscaled(mean, certified, Algo::Blocks))
}

fn by_definition<M: Machine>(on: &Pairs<M>, sides: &Sides) -> Result<Value> {
    let machine = &on.machine;
    let mut mean = 0.0;
    let mut longest = 0;
    for (own, other, sign) in [(&sides.s, &sides.t, 1.0), (&sides.t, &sides.s, -1.0)] {
        let of_rows = own.count.div_ceil(THREADS);
        let splits = (WANTED / of_rows).clamp(1, other.count.div_ceil(256));
        let share = other.count.div_ceil(splits);
        let splits = other.count.div_ceil(share);
        longest = longest.max(share + splits);
        let count = u64::from(splits) * u64::from(own.count);
        let (slopes, losses) = (doubles(machine, count as usize)?, doubles(machine, count as usize)?);
        let arguments = [
            Address(own.scores),
            U32(own.count),
            Address(other.scores),
            U32(other.count),
            U32(share),
            F64(sign),
            Address(machine.address(&slopes)),
            Address(machine.address(&losses)),
        ];
        launch(machine, &format!("definition_{}", sides.score), [of_rows, splits], &arguments)?;
        finish(machine, own, sides, &slopes, splits, -sign / sides.pairs())?;
        if sign > 0.0 {
            mean = on.total(&losses, count, 1.0 / sides.pairs())?;
        }
    }
    // A rounded difference moves exp by as much; from 746 on exp is 0 or its rounding no longer counts.
    let steps = f64::from(longest) + sides.pairs().sqrt() + sides.spread().min(746.0) + 64.0;
    Ok(unscaled(mean, steps * f64::EPSILON / 2.0, Algo::Rows))
}

/// exp(sign · (score - centre)) of a side, padded with zeros.
pub(super) fn factors<M: Machine>(
    machine: &M,
    side: &Side,
    score: &str,
    padded: u32,
    centre: f64,
    sign: f64,
) -> Result<M::Memory> {
    let factors = doubles(machine, padded as usize)?;
    let to = Address(machine.address(&factors));
    let arguments = [Address(side.scores), U32(side.count), U32(padded), F64(centre), F64(sign), to];
    launch(machine, &format!("factors_{score}"), [padded.div_ceil(256), 1], &arguments)?;
    Ok(factors)
}

fn finish<M: Machine>(
    machine: &M,
    side: &Side,
    sides: &Sides,
    parts: &M::Memory,
    splits: u32,
    factor: f64,
) -> Result<()> {
    let arguments =
        [Address(machine.address(parts)), U32(splits), U32(side.count), F64(factor), Address(side.gradient)];
    launch(machine, &format!("finish_{}", sides.score), [side.count.div_ceil(256), 1], &arguments)
}

pub(super) fn unscaled(mean: f64, certified_rel: f64, algo: Algo) -> Value {
    Value { mean, log_mean: mean.ln(), grad_log_scale: 0.0, certified_rel, algo }
}
