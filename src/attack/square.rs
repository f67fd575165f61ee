//! The Square attack: random search with square changes, by scores alone. What needs no gradient cannot be masked by one.
//!
//! Linf: starts from stripes of ±epsilon, then repeatedly sets one square of a channel's pixels to ±epsilon. L2: starts from
//! a tiling of bumps, then moves the size of the change from one square to another. A proposal is kept if the margin
//! grows. The squares shrink on a schedule. Inputs (n, c, h, w); other shapes count as one line of pixels.
//! Source: Andriushchenko, Croce, Flammarion and Hein, arXiv:1912.00049.

use super::inputs::Inputs;
use super::model::{Model, Rows};
use super::nearest::distance;
use super::objective::{decide, margin};
use super::{Adversarial, Norm};
use crate::error::{Error, Result};
use crate::progress::{Progress, interrupted};
use crate::rng;
use candle_core::Tensor;
use rand::Rng;
use rand_chacha::ChaCha8Rng;

const OP: &str = "square";
/// Where the share of changed pixels halves, for 10,000 queries (section 4 of the source).
const HALVINGS: [usize; 9] = [10, 50, 200, 500, 1000, 2000, 4000, 6000, 8000];

/// The Square attack in Linf or L2.
#[derive(Clone, Debug)]
pub struct Square {
    /// How changes are measured: Linf or L2.
    pub norm: Norm,
    /// The radius of the ball, in units of the input.
    pub epsilon: f64,
    /// The largest number of queries for a row; a row stops at its first adversarial input.
    pub queries: usize,
    /// The share of pixels that the first squares change.
    pub share: f64,
    /// The smallest and largest allowed input.
    pub bounds: [f64; 2],
    /// Rows attacked together.
    pub batch: usize,
    /// Draws the squares.
    pub seed: u64,
    /// Print no progress.
    pub silent: bool,
}

impl Default for Square {
    fn default() -> Self {
        Self {
            norm: Norm::Linf,
            epsilon: 0.1,
            queries: 1000,
            share: 0.8,
            bounds: [0.0, 1.0],
            batch: 128,
            seed: 0,
            silent: false,
        }
    }
}

impl Square {
    /// The inputs near `x` that random squares lead to.
    ///
    /// `x`: (n, ...) f32 inside `bounds`; `y`: (n,) u32. In the result `gradients` is 0 and `iterations` counts queries.
    /// Guarantees: inside `bounds`, each change at most `epsilon` (to 1e-6); same seed, same bytes. An interrupt returns
    /// what was found so far. Errors: as [`Pgd::run`](super::Pgd::run).
    pub fn run(&self, net: &dyn Model, x: &Tensor, y: &Tensor) -> Result<Adversarial> {
        self.check()?;
        let inputs = Inputs::read(OP, x, y, self.bounds, net.outputs())?;
        let rows = Rows { op: OP, net, shape: &inputs.shape };
        let found = Adversarial::start(&rows, &inputs, x, self.norm, vec![self.epsilon; inputs.len()], None)?;
        if self.epsilon == 0.0 || self.queries == 0 {
            return Ok(found);
        }
        let members: Vec<usize> = (0..inputs.len()).filter(|row| found.clean_correct[*row]).collect();
        let mut search = Search { attack: self, rows: &rows, inputs: &inputs, found, x: inputs.values.clone() };
        let total = members.len().div_ceil(self.batch) * self.queries;
        let mut progress = Progress::new(format!("Square {} {:.3}", self.norm, self.epsilon), total, self.silent);
        for (part, members) in members.chunks(self.batch).enumerate() {
            search.part(members, |query, left| {
                progress.update(part * self.queries + query, &format!("queries, {left} rows still right"));
            })?;
            if search.found.interrupted {
                break;
            }
        }
        progress.update(total, "");
        let Search { mut found, x, .. } = search;
        for row in 0..inputs.len() {
            found.norms[row] = distance(self.norm, &x[row * inputs.width..(row + 1) * inputs.width], inputs.row(row));
        }
        found.x = inputs.tensor(OP, x)?;
        found.best = found.x.clone();
        Ok(found)
    }

    fn check(&self) -> Result<()> {
        let refuse = |expected: &str, got: String| Err(Error::Value { op: OP, expected: expected.into(), got });
        if self.norm == Norm::L1 {
            return refuse("norm Linf or L2", "L1".into());
        }
        if !(self.epsilon >= 0.0 && self.epsilon.is_finite()) {
            return refuse("epsilon of 0 or more and finite", self.epsilon.to_string());
        }
        if !(self.share > 0.0 && self.share <= 1.0) {
            return refuse("share in (0, 1]", self.share.to_string());
        }
        if self.batch == 0 {
            return refuse("batch of at least 1", "0".into());
        }
        Ok(())
    }

    /// The share of pixels that query `query` changes.
    fn share_at(&self, query: usize) -> f64 {
        let scaled = query * 10_000 / self.queries;
        let halvings = HALVINGS.iter().filter(|at| scaled > **at).count();
        self.share / f64::from(1_u32 << halvings)
    }
}

struct Search<'a> {
    attack: &'a Square,
    rows: &'a Rows<'a>,
    inputs: &'a Inputs,
    found: Adversarial,
    x: Vec<f32>,
}

impl Search<'_> {
    fn part(&mut self, members: &[usize], mut report: impl FnMut(usize, usize)) -> Result<()> {
        let (width, outputs) = (self.inputs.width, self.rows.net.outputs());
        let mut standing: Vec<Standing> = members.iter().map(|row| Standing::new(self.attack.seed, *row)).collect();
        for query in 0..self.attack.queries {
            if interrupted() {
                self.found.interrupted = true;
                return Ok(());
            }
            if standing.is_empty() {
                return Ok(());
            }
            let mut proposals = Vec::with_capacity(standing.len() * width);
            for one in &mut standing {
                proposals.extend(self.propose(one, query));
            }
            let scores = self.rows.scores(&proposals)?;
            for (k, one) in standing.iter_mut().enumerate() {
                let scores = &scores[k * outputs..(k + 1) * outputs];
                self.found.iterations[one.row] += 1;
                let Some(class) = decide(scores) else {
                    self.found.not_finite[one.row] += 1;
                    continue;
                };
                let label = self.inputs.labels[one.row];
                let margin = margin(scores, label);
                if margin > one.margin {
                    one.margin = margin;
                    let own = one.row * width..(one.row + 1) * width;
                    self.x[own].copy_from_slice(&proposals[k * width..(k + 1) * width]);
                    self.found.predicted[one.row] = class;
                    one.done = class != label;
                    (self.found.success[one.row], self.found.any[one.row]) = (one.done, one.done);
                }
            }
            standing.retain(|one| !one.done);
            report(query + 1, standing.len());
        }
        Ok(())
    }

    fn propose(&self, one: &mut Standing, query: usize) -> Vec<f32> {
        let clean = self.inputs.row(one.row);
        let x = &self.x[one.row * clean.len()..(one.row + 1) * clean.len()];
        let mut change: Vec<f64> = x.iter().zip(clean).map(|(x, c)| f64::from(*x) - f64::from(*c)).collect();
        let grid = Grid::of(&self.inputs.shape);
        let epsilon = self.attack.epsilon;
        let side = grid.side(self.attack.share_at(query));
        match (self.attack.norm, query) {
            (Norm::Linf, 0) => grid.stripes(&mut change, epsilon, &mut one.rng),
            (Norm::Linf, _) => grid.square(&mut change, side, epsilon, &mut one.rng),
            (_, 0) => grid.bumps(&mut change, epsilon, &mut one.rng),
            _ => grid.trade(&mut change, side, epsilon, &mut one.rng),
        }
        let [low, high] = self.inputs.bounds.map(f64::from);
        // The ball, then the box: the clipped change is no longer.
        if self.attack.norm == Norm::L2 {
            let length = change.iter().map(|c| c * c).sum::<f64>().sqrt();
            if length > epsilon {
                change.iter_mut().for_each(|c| *c *= epsilon / length);
            }
        }
        change.iter().zip(clean).map(|(d, c)| (f64::from(*c) + d).clamp(low, high) as f32).collect()
    }
}

/// A row that is still right.
struct Standing {
    row: usize,
    margin: f64,
    done: bool,
    rng: ChaCha8Rng,
}

impl Standing {
    fn new(seed: u64, row: usize) -> Self {
        let rng = rng::stream(seed, &format!("square row {row}"));
        Self { row, margin: f64::NEG_INFINITY, done: false, rng }
    }
}

/// The pixels of one input: `channels` planes of `height` lines of `width`.
struct Grid {
    channels: usize,
    height: usize,
    width: usize,
}

impl Grid {
    fn of(shape: &[usize]) -> Self {
        match *shape {
            [channels, height, width] => Self { channels, height, width },
            _ => Self { channels: 1, height: 1, width: shape.iter().product() },
        }
    }

    fn at(&self, channel: usize, line: usize, column: usize) -> usize {
        (channel * self.height + line) * self.width + column
    }

    /// The height and width of a window with this share of the pixels.
    fn side(&self, share: f64) -> [usize; 2] {
        if self.height == 1 {
            return [1, ((share * self.width as f64).round() as usize).clamp(1, self.width)];
        }
        let side = (share * (self.height * self.width) as f64).sqrt().round() as usize;
        [side.clamp(1, self.height), side.clamp(1, self.width)]
    }

    fn place(&self, [height, width]: [usize; 2], rng: &mut ChaCha8Rng) -> [usize; 2] {
        [rng.random_range(0..=self.height - height), rng.random_range(0..=self.width - width)]
    }

    fn stripes(&self, change: &mut [f64], epsilon: f64, rng: &mut ChaCha8Rng) {
        for channel in 0..self.channels {
            for column in 0..self.width {
                let value = sign(rng) * epsilon;
                (0..self.height).for_each(|line| change[self.at(channel, line, column)] = value);
            }
        }
    }

    fn square(&self, change: &mut [f64], side: [usize; 2], epsilon: f64, rng: &mut ChaCha8Rng) {
        let [top, left] = self.place(side, rng);
        for channel in 0..self.channels {
            let value = sign(rng) * epsilon;
            for line in top..top + side[0] {
                (left..left + side[1]).for_each(|column| change[self.at(channel, line, column)] = value);
            }
        }
    }

    /// Bumps side by side over the whole input, together of length epsilon.
    fn bumps(&self, change: &mut [f64], epsilon: f64, rng: &mut ChaCha8Rng) {
        let side = [self.height.div_ceil(5), self.width.div_ceil(5)];
        change.fill(0.0);
        for top in (0..self.height).step_by(side[0]) {
            for left in (0..self.width).step_by(side[1]) {
                let own = [side[0].min(self.height - top), side[1].min(self.width - left)];
                let bump = bump(own, rng);
                for channel in 0..self.channels {
                    self.add(change, channel, [top, left], own, &bump, sign(rng));
                }
            }
        }
        let length = change.iter().map(|c| c * c).sum::<f64>().sqrt();
        change.iter_mut().for_each(|c| *c *= epsilon / length);
    }

    /// Takes the change out of one window and puts it, with what the ball leaves unused, as a bump into another.
    fn trade(&self, change: &mut [f64], side: [usize; 2], epsilon: f64, rng: &mut ChaCha8Rng) {
        let (to, from) = (self.place(side, rng), self.place(side, rng));
        let inside = |[top, left]: [usize; 2], line: usize, column: usize| {
            (top..top + side[0]).contains(&line) && (left..left + side[1]).contains(&column)
        };
        let total: f64 = change.iter().map(|c| c * c).sum();
        let unused = (epsilon * epsilon - total).max(0.0);
        let bump = bump(side, rng);
        for channel in 0..self.channels {
            let (mut freed, mut old) = (0.0, 0.0);
            for line in 0..self.height {
                for column in 0..self.width {
                    let value = change[self.at(channel, line, column)];
                    if inside(to, line, column) || inside(from, line, column) {
                        freed += value * value;
                    }
                    old += if inside(to, line, column) { value * value } else { 0.0 };
                }
            }
            let mut fresh: Vec<f64> = Vec::with_capacity(bump.len());
            let direction = sign(rng);
            for (k, bump) in bump.iter().enumerate() {
                let at = self.at(channel, to[0] + k / side[1], to[1] + k % side[1]);
                // What the window held, at length 1, gives the bump its direction.
                let kept = if old > 0.0 { change[at] / old.sqrt() } else { 0.0 };
                fresh.push(direction * bump + kept);
            }
            for line in from[0]..from[0] + side[0] {
                (from[1]..from[1] + side[1]).for_each(|column| change[self.at(channel, line, column)] = 0.0);
            }
            let length = fresh.iter().map(|v| v * v).sum::<f64>().sqrt();
            let wanted = (freed + unused / self.channels as f64).sqrt();
            for (k, value) in fresh.iter().enumerate() {
                let at = self.at(channel, to[0] + k / side[1], to[1] + k % side[1]);
                change[at] = if length > 0.0 { wanted * value / length } else { 0.0 };
            }
        }
    }

    fn add(&self, change: &mut [f64], channel: usize, at: [usize; 2], side: [usize; 2], bump: &[f64], factor: f64) {
        for (k, bump) in bump.iter().enumerate() {
            change[self.at(channel, at[0] + k / side[1], at[1] + k % side[1])] += factor * bump;
        }
    }
}

/// A window of length 1 whose halves are a hill and a valley, each highest in its middle.
fn bump([height, width]: [usize; 2], rng: &mut ChaCha8Rng) -> Vec<f64> {
    // The longer side is halved, either at random.
    let lines = if height == width { sign(rng) > 0.0 } else { height > width };
    let size = if lines { height } else { width };
    let mut values = Vec::with_capacity(height * width);
    for line in 0..height {
        for column in 0..width {
            let (along, across, other) = if lines { (line, column, width) } else { (column, line, height) };
            let half = size / 2;
            let (start, length) = if along < half { (0, half) } else { (half, size - half) };
            let hill = hill(along - start, length, across, other);
            values.push(if along < half { hill } else { -hill });
        }
    }
    let length = values.iter().map(|v| v * v).sum::<f64>().sqrt();
    values.iter().map(|v| v / length).collect()
}

/// Height of nested rectangles, of 1, 1/4, 1/9 ... each, that hold this place.
fn hill(along: usize, length: usize, across: usize, width: usize) -> f64 {
    let rings = length.div_ceil(2).max(width.div_ceil(2));
    let from_middle = |at: usize, size: usize| (2 * at + 1).abs_diff(size) / 2;
    let ring = from_middle(along, length).max(from_middle(across, width));
    (ring..rings.max(ring + 1)).map(|ring| 1.0 / ((ring + 1) as f64).powi(2)).sum()
}

fn sign(rng: &mut ChaCha8Rng) -> f64 {
    if rng.random::<bool>() { 1.0 } else { -1.0 }
}
