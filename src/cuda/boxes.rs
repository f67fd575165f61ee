//! Linear time: the launches of `kernels/pair_boxes.cu`. The bound is that of the CPU's boxes.

use super::exact::unscaled;
use super::machine::{Argument, Machine, doubles, launch, written};
use super::pairs::{Pairs, Side, Sides};
use crate::error::Result;
use crate::loss::differential::{Algo, Tol, Value, box_tables};
use Argument::{Address, F64, U32};

/// Cells that one block gathers.
const WINDOW: u32 = 88;
/// The largest grid.
const MOST_CELLS: f64 = 131_072.0;
/// Cells times parts of points: 64 MB of partial sums.
const ROOM: u32 = 1 << 20;
/// Scores up to here have exact box numbers.
const LARGEST: f64 = (1u64 << 40) as f64;

/// Whether both sides share a dense grid.
pub(super) fn fit(sides: &Sides, tol: Tol) -> bool {
    let h = tol.width();
    sides.high().max(-sides.low()) <= LARGEST && (sides.high() / h).floor() - (sides.low() / h).floor() < MOST_CELLS
}

struct Grid {
    h: f64,
    near: u32,
    lowest: f64,
    cells: u32,
}

/// What box_nodes and box_prefix wrote of one side.
struct Filled<M: Machine> {
    nodes: M::Memory,
    terms: M::Memory,
    sums: M::Memory,
    below: M::Memory,
    /// The longest chain of additions.
    chain: u32,
}

/// Fills both gradients; the sides [`fit`].
pub(super) fn evaluate<M: Machine>(on: &mut Pairs<M>, sides: &Sides, tol: Tol) -> Result<Value> {
    if on.tables.as_ref().is_none_or(|(of, _)| *of != tol) {
        on.tables = Some((tol, written(&on.machine, &box_tables(tol))?));
    }
    let on = &*on;
    let machine = &on.machine;
    let tables = on.tables.as_ref().map(|(_, tables)| machine.address(tables)).expect("made above");
    let h = tol.width();
    let lowest = (sides.low() / h).floor();
    let cells = ((sides.high() / h).floor() - lowest) as u32 + 1;
    let grid = Grid { h, near: (2.0 / h) as u32, lowest, cells };
    let of_s = fill(machine, &sides.s, sides.score, &grid, tables)?;
    let of_t = fill(machine, &sides.t, sides.score, &grid, tables)?;

    let losses = doubles(machine, cells as usize)?;
    for (side, own, other, sign) in [(&sides.s, &of_s, &of_t, -1.0), (&sides.t, &of_t, &of_s, 1.0)] {
        let coefficients = doubles(machine, 8 * cells as usize)?;
        let reach = ((746.0 / h) as u32 + 1).min(cells);
        let address = |memory: &M::Memory| Address(machine.address(memory));
        let mut arguments = vec![
            U32(cells),
            U32(grid.near),
            U32(reach),
            F64(h),
            address(&other.nodes),
            address(&other.terms),
            address(&other.below),
            address(&own.nodes),
            address(&own.sums),
            Address(tables),
            F64(sign / sides.pairs()),
            address(&coefficients),
        ];
        let positives = sign < 0.0;
        if positives {
            arguments.push(address(&losses));
        }
        launch(machine, if positives { "box_field_loss" } else { "box_field" }, [cells, 1], &arguments)?;
        let arguments = [
            Address(side.scores),
            U32(side.count),
            F64(1.0 / h),
            F64(lowest),
            address(&coefficients),
            Address(side.gradient),
        ];
        launch(machine, &format!("box_evaluate_{}", sides.score), [side.count.div_ceil(256), 1], &arguments)?;
    }
    let mean = on.total(&losses, u64::from(cells), 1.0 / sides.pairs())?;
    let certified = tol.approximation().0 + rounding(sides, &grid, of_s.chain.max(of_t.chain));
    Ok(unscaled(mean, certified, Algo::Boxes))
}

fn fill<M: Machine>(machine: &M, side: &Side, score: &str, grid: &Grid, tables: u64) -> Result<Filled<M>> {
    let cells = grid.cells;
    let number = |score: f64| ((score / grid.h).floor() - grid.lowest) as u32;
    let (first, end) = (number(side.low), number(side.high) + 1);
    let parts = side.count.div_ceil(512).clamp(1, 512).min((ROOM / cells).max(1));
    let share = side.count.div_ceil(parts);
    let parts = side.count.div_ceil(share);
    let sums_of_parts = doubles(machine, 8 * parts as usize * cells as usize)?;
    let address = |memory: &M::Memory| Address(machine.address(memory));
    let arguments = [
        Address(side.scores),
        U32(side.count),
        U32(share),
        F64(1.0 / grid.h),
        F64(grid.lowest),
        U32(cells),
        U32(first),
        U32(end),
        address(&sums_of_parts),
    ];
    launch(machine, &format!("box_gather_{score}"), [parts, (end - first).div_ceil(WINDOW)], &arguments)?;
    let memory = |numbers: usize| doubles(machine, numbers * cells as usize);
    let (nodes, terms, sums, below) =
        (memory(8)?, memory(32)?, memory(2)?, doubles(machine, 3 * (cells as usize + 1))?);
    let arguments = [
        address(&sums_of_parts),
        U32(parts),
        U32(cells),
        U32(first),
        U32(end),
        Address(tables),
        U32(grid.near),
        address(&nodes),
        address(&terms),
        address(&sums),
    ];
    launch(machine, "box_nodes", [cells, 1], &arguments)?;
    launch(machine, "box_prefix", [1, 1], &[address(&sums), U32(cells), address(&below)])?;
    // A group's points, the eight groups, every eighth part, the eight slices.
    Ok(Filled { nodes, terms, sums, below, chain: share.div_ceil(8) + 8 + parts.div_ceil(8) + 8 })
}

/// A bound on the relative effect of rounding, to first order, as for the CPU's boxes.
fn rounding(sides: &Sides, grid: &Grid, chain: u32) -> f64 {
    const AMPLIFIED: f64 = 24.0;
    const LEBESGUE: f64 = 2.287;
    let near = f64::from(2 * grid.near + 1) + 40.0;
    let decay = 2.0 * sides.spread().min(746.0) / grid.h + 2.0 * f64::from(grid.near);
    let steps = LEBESGUE * grid.h.exp() * (AMPLIFIED * (f64::from(chain) + 24.0) + LEBESGUE * near) + decay;
    (steps + 64.0) * f64::EPSILON / 2.0
}
