//! The pair loss on a machine: checks, and the choice between the ways to sum.
//!
//! s: (m,), t: (n,) scores in the machine's memory; both gradients are written there. What comes back to the host are the
//! extremes of the scores, which the choice needs, and the loss.

use super::machine::{Argument, Machine, doubles, launch, read_doubles};
use super::{boxes, exact, separated};
use crate::error::{Error, Result};
use crate::loss::differential::{Score, Tol, Value};

const OP: &str = "differential loss";

/// The arithmetic of [`Method::Blocks`] within blocks; sums of blocks are f64 in any case.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Precision {
    /// f32 where every component then stays within 2e-6, relative; else f64.
    Single,
    /// f64.
    #[default]
    Double,
}

/// How pairs are summed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// The fastest one within the bound of [`Tol`].
    Within(Tol),
    /// All pairs by symmetric polynomials; scores more than 319 apart by the definition.
    Blocks(Precision),
    /// Linear time; scores that are too far apart for a dense grid by blocks.
    Boxes(Tol),
}

impl Default for Method {
    fn default() -> Self {
        Method::Within(Tol::default())
    }
}

/// From this margin on the log domain answers.
pub(super) const MARGIN: f64 = 8.0;
// Fewer pairs than this take less time by blocks in f64 than the launches of the boxes: by count, not measured.
const FEW: f64 = 1e8;

/// The pair loss on one machine.
#[derive(Debug)]
pub struct Pairs<M: Machine> {
    pub(super) machine: M,
    method: Method,
    /// The tables of the boxes, once they were used.
    pub(super) tables: Option<(Tol, M::Memory)>,
}

/// One side in the machine's memory.
#[derive(Clone, Copy, Debug)]
pub(super) struct Side {
    pub scores: u64,
    /// Where its gradient goes.
    pub gradient: u64,
    pub count: u32,
    pub low: f64,
    pub high: f64,
}

/// Both sides, and the C name of their scores' type.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sides {
    pub s: Side,
    pub t: Side,
    pub score: &'static str,
}

impl Sides {
    pub(super) fn pairs(&self) -> f64 {
        f64::from(self.s.count) * f64::from(self.t.count)
    }

    pub(super) fn low(&self) -> f64 {
        self.s.low.min(self.t.low)
    }

    pub(super) fn high(&self) -> f64 {
        self.s.high.max(self.t.high)
    }

    pub(super) fn spread(&self) -> f64 {
        self.high() - self.low()
    }
}

impl<M: Machine> Pairs<M> {
    /// On this machine.
    pub fn new(machine: M, method: Method) -> Self {
        Self { machine, method, tables: None }
    }

    /// What it runs on.
    pub fn machine(&self) -> &M {
        &self.machine
    }

    /// [`PairLoss::evaluate`](crate::loss::differential::PairLoss::evaluate) through the machine and back.
    ///
    /// Guarantees: as there, but for a gradient by boxes, whose bytes may differ from the CPU's within the bound.
    /// Errors: as there; `Device` if the machine fails.
    pub fn evaluate<S: Score>(&mut self, s: &[S], t: &[S], in_s: &mut [S], in_t: &mut [S]) -> Result<Value> {
        for (name, scores, gradient) in [("positive", s.len(), in_s.len()), ("negative", t.len(), in_t.len())] {
            if scores != gradient {
                let expected = format!("a gradient of {scores} for the {name}s");
                return Err(Error::Value { op: OP, expected, got: gradient.to_string() });
            }
        }
        let bytes = size_of::<S>();
        let machine = &self.machine;
        let memory = |count: usize| machine.memory(bytes * count.max(1));
        let (mut of_s, mut of_t, out_s, out_t) =
            (memory(s.len())?, memory(t.len())?, memory(s.len())?, memory(t.len())?);
        machine.write(&mut of_s, &as_bytes(s))?;
        machine.write(&mut of_t, &as_bytes(t))?;
        let [s_at, t_at, in_s_at, in_t_at] = [&of_s, &of_t, &out_s, &out_t].map(|memory| machine.address(memory));
        let double = bytes == 8;
        let value = self.evaluate_at((s_at, s.len()), (t_at, t.len()), in_s_at, in_t_at, double)?;
        for (memory, out) in [(&out_s, in_s), (&out_t, in_t)] {
            let mut raw = vec![0; size_of_val(&*out)];
            self.machine.read(memory, &mut raw)?;
            out.iter_mut().zip(raw.chunks(bytes)).for_each(|(out, raw)| *out = from_bytes(raw));
        }
        Ok(value)
    }

    /// The loss of scores that lie in the machine's memory: (address, count) of each side, f64 or f32, and where the
    /// gradients go.
    ///
    /// Errors: `Value` if a side is empty, or naming side and index of a score that is not finite; `Device`.
    pub fn evaluate_at(
        &mut self,
        s: (u64, usize),
        t: (u64, usize),
        in_s: u64,
        in_t: u64,
        double: bool,
    ) -> Result<Value> {
        let score = if double { "f64" } else { "f32" };
        let s = self.side("positive", s, in_s, score)?;
        let t = self.side("negative", t, in_t, score)?;
        let sides = Sides { s, t, score };
        let half = (t.high / 2.0 - s.low / 2.0).max(s.high / 2.0 - t.low / 2.0);
        if half > f64::MAX / 4.0 / sides.pairs() {
            let got = format!("scores {:e} apart in {} pairs", 2.0 * half, sides.pairs());
            return Err(Error::Value { op: OP, expected: "score differences whose sum is finite".into(), got });
        }
        match self.method {
            Method::Within(_) if s.low - t.high >= MARGIN => separated::evaluate(self, &sides),
            Method::Within(tol) if tol != Tol::Exact && sides.pairs() > FEW && boxes::fit(&sides, tol) => {
                boxes::evaluate(self, &sides, tol)
            }
            Method::Boxes(tol) if boxes::fit(&sides, tol) => boxes::evaluate(self, &sides, tol),
            Method::Blocks(precision) => exact::evaluate(self, &sides, precision),
            Method::Within(_) | Method::Boxes(_) => exact::evaluate(self, &sides, Precision::Double),
        }
    }

    fn side(&self, name: &str, (scores, count): (u64, usize), gradient: u64, score: &'static str) -> Result<Side> {
        let refuse = |expected: &str, got: String| Err(Error::Value { op: OP, expected: expected.into(), got });
        if count == 0 {
            return refuse("at least one positive and one negative", format!("no {name}"));
        }
        let Some(count) = u32::try_from(count).ok().filter(|count| *count < 1 << 31) else {
            return refuse("fewer than 2^31 scores a side on a card", format!("{count} {name}s"));
        };
        let share = count.div_ceil(256).max(2048);
        let blocks = count.div_ceil(share);
        let machine = &self.machine;
        let out = doubles(machine, 3 * blocks as usize)?;
        let arguments = [
            Argument::Address(scores),
            Argument::U32(count),
            Argument::U32(share),
            Argument::Address(machine.address(&out)),
        ];
        launch(machine, &format!("extremes_{score}"), [blocks, 1], &arguments)?;
        let (mut low, mut high, mut bad) = (f64::INFINITY, f64::NEG_INFINITY, f64::from(count));
        for of_block in read_doubles(machine, &out, 3 * blocks as usize)?.as_chunks::<3>().0 {
            low = low.min(of_block[0]);
            high = high.max(of_block[1]);
            bad = bad.min(of_block[2]);
        }
        if bad < f64::from(count) {
            return refuse("finite scores", format!("one that is not at {name} {bad}"));
        }
        Ok(Side { scores, gradient, count, low, high })
    }

    /// The sum of `count` values times `factor`, in a fixed order.
    pub(super) fn total(&self, values: &M::Memory, count: u64, factor: f64) -> Result<f64> {
        let machine = &self.machine;
        let share = count.div_ceil(256).max(2048);
        let blocks = count.div_ceil(share) as u32;
        let parts = doubles(machine, blocks as usize + 1)?;
        let at = machine.address(&parts);
        for (from, count, share, factor, to, blocks) in [
            (machine.address(values), count, share, 1.0, at + 8, blocks),
            (at + 8, u64::from(blocks), u64::from(blocks), factor, at, 1),
        ] {
            let arguments = [
                Argument::Address(from),
                Argument::U64(count),
                Argument::U64(share),
                Argument::F64(factor),
                Argument::Address(to),
            ];
            launch(machine, "total", [blocks, 1], &arguments)?;
        }
        Ok(read_doubles(machine, &parts, 1)?[0])
    }
}

fn as_bytes<S: Score>(values: &[S]) -> Vec<u8> {
    let single = size_of::<S>() == 4;
    let bytes = |value: &S| -> Vec<u8> {
        let value = value.to_f64();
        if single { (value as f32).to_ne_bytes().to_vec() } else { value.to_ne_bytes().to_vec() }
    };
    values.iter().flat_map(bytes).collect()
}

fn from_bytes<S: Score>(bytes: &[u8]) -> S {
    match bytes.try_into() {
        Ok(four) => S::from_f64(f64::from(f32::from_ne_bytes(four))),
        Err(_) => S::from_f64(f64::from_ne_bytes(bytes.try_into().expect("a score has 4 bytes or 8"))),
    }
}
