//! Projected gradient ascent on a machine: inputs, their best iterates and what became of each row stay in its memory.
//!
//! The launches of `kernels/attack_course.cu` and `attack_step.cu`. Scores and gradients come from the caller, as
//! addresses; nothing is read back before [`Course::read`].

use super::machine::{Argument, Machine, doubles, launch, read_doubles, written};
use super::number::count;
use super::step::{AttackStep, StepNorm};
use crate::error::Result;
use Argument::{Address, U32};

const OP: &str = "an attack on a card";

/// The rows of an attack and its settings.
#[derive(Clone, Debug)]
pub struct CourseOf<'a> {
    /// Values of the clean rows, one after the other.
    pub clean: &'a [f32],
    /// Where the rows start.
    pub start: &'a [f32],
    /// The class to leave, or with `targeted` to reach.
    pub labels: &'a [u32],
    /// Whether `labels` are to be reached.
    pub targeted: bool,
    /// Whether the objective is the cross-entropy, else the margin.
    pub entropy: bool,
    /// Scores of a row.
    pub outputs: usize,
    /// The balls' radii.
    pub epsilons: &'a [f64],
    /// Lengths of the steps.
    pub steps: &'a [f32],
    /// The smallest and largest input.
    pub bounds: [f32; 2],
    /// The norm of balls and steps.
    pub norm: StepNorm,
    /// How many steps there will be.
    pub count: usize,
    /// Whether each row is adversarial before the first step.
    pub hits: &'a [bool],
    /// The largest margin of each row so far.
    pub margins: &'a [f64],
}

/// An attack under way.
#[derive(Debug)]
pub struct Course<'m, M: Machine> {
    machine: &'m M,
    rows: u32,
    width: u32,
    outputs: u32,
    targeted: bool,
    entropy: bool,
    bounds: [f32; 2],
    norm: StepNorm,
    x: M::Memory,
    clean: M::Memory,
    best: M::Memory,
    labels: M::Memory,
    epsilons: M::Memory,
    steps: M::Memory,
    hits: M::Memory,
    margins: M::Memory,
    /// One for each iterate and row.
    classes: M::Memory,
    seen: M::Memory,
    /// One for each step and row.
    status: M::Memory,
    noted: usize,
    stepped: usize,
}

/// What a course found.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    /// The last iterates.
    pub x: Vec<f32>,
    /// The best iterates.
    pub best: Vec<f32>,
    /// Whether the best iterate of each row is adversarial, and its margin.
    pub hits: Vec<bool>,
    /// See `hits`.
    pub margins: Vec<f64>,
    /// Class and margin of each row, iterate after iterate; no class where the scores were not finite.
    pub seen: Vec<(Option<u32>, f64)>,
    /// What each row's gradient allowed, step after step: 0 a direction, 1 it was zero, 2 not finite.
    pub status: Vec<u32>,
}

impl<'m, M: Machine> Course<'m, M> {
    /// Brings the rows into the machine's memory.
    pub fn new(machine: &'m M, of: &CourseOf) -> Result<Self> {
        let rows = of.labels.len();
        let width = of.clean.len() / rows.max(1);
        let words = |values: &mut dyn Iterator<Item = u32>| -> Result<M::Memory> {
            let bytes: Vec<u8> = values.flat_map(u32::to_ne_bytes).collect();
            let mut memory = machine.memory(bytes.len().max(4))?;
            machine.write(&mut memory, &bytes)?;
            Ok(memory)
        };
        let floats = |values: &[f32]| words(&mut values.iter().map(|value| value.to_bits()));
        // A step down the objective of a class is what brings a row nearer to it.
        let sign = if of.targeted { -1.0 } else { 1.0 };
        Ok(Self {
            machine,
            rows: count(OP, &[rows])?,
            width: count(OP, &[width])?,
            outputs: count(OP, &[of.outputs])?,
            targeted: of.targeted,
            entropy: of.entropy,
            bounds: of.bounds,
            norm: of.norm,
            x: floats(of.start)?,
            clean: floats(of.clean)?,
            best: floats(of.clean)?,
            labels: words(&mut of.labels.iter().copied())?,
            epsilons: written(machine, of.epsilons)?,
            steps: floats(&of.steps.iter().map(|step| sign * step).collect::<Vec<_>>())?,
            hits: words(&mut of.hits.iter().map(|hit| u32::from(*hit)))?,
            margins: written(machine, of.margins)?,
            classes: machine.memory(4 * rows * (of.count + 1))?,
            seen: doubles(machine, rows * (of.count + 1))?,
            status: machine.memory(4 * rows * of.count.max(1))?,
            noted: 0,
            stepped: 0,
        })
    }

    /// Where the rows lie now: (rows, width) f32.
    pub fn x(&self) -> u64 {
        self.machine.address(&self.x)
    }

    /// Writes the objective's slope in each of the scores (rows, outputs) to `slopes`.
    pub fn slopes(&self, scores: u64, slopes: u64) -> Result<()> {
        let arguments = [
            Address(scores),
            Address(self.machine.address(&self.labels)),
            U32(self.rows),
            U32(self.outputs),
            U32(u32::from(self.entropy)),
            Address(slopes),
        ];
        launch(self.machine, "attack_slopes", [self.rows.div_ceil(256), 1], &arguments)
    }

    /// Takes note of the present iterate by its scores.
    pub fn note(&mut self, scores: u64) -> Result<()> {
        let at = |memory: &M::Memory| Address(self.machine.address(memory));
        let row = self.noted as u64 * u64::from(self.rows);
        let arguments = [
            at(&self.x),
            Address(scores),
            at(&self.labels),
            U32(self.width),
            U32(self.outputs),
            U32(u32::from(self.targeted)),
            at(&self.hits),
            at(&self.margins),
            at(&self.best),
            Address(self.machine.address(&self.classes) + 4 * row),
            Address(self.machine.address(&self.seen) + 8 * row),
        ];
        launch(self.machine, "attack_note", [self.rows, 1], &arguments)?;
        self.noted += 1;
        Ok(())
    }

    /// Moves every row one step along its gradient (rows, width).
    pub fn step(&mut self, gradient: u64) -> Result<()> {
        let address = |memory: &M::Memory| self.machine.address(memory);
        let step = AttackStep {
            x: address(&self.x),
            clean: address(&self.clean),
            gradient,
            epsilons: address(&self.epsilons),
            steps: address(&self.steps),
            status: address(&self.status) + 4 * self.stepped as u64 * u64::from(self.rows),
            rows: self.rows,
            width: self.width,
            bounds: self.bounds,
        };
        step.run(self.machine, self.norm)?;
        self.stepped += 1;
        Ok(())
    }

    /// Waits, and brings back what was found.
    pub fn read(&self) -> Result<Found> {
        let (rows, width) = (self.rows as usize, self.width as usize);
        let words = |memory: &M::Memory, count: usize| -> Result<Vec<u32>> {
            let mut bytes = vec![0; 4 * count];
            self.machine.read(memory, &mut bytes)?;
            Ok(bytes.as_chunks::<4>().0.iter().map(|word| u32::from_ne_bytes(*word)).collect())
        };
        let floats = |memory: &M::Memory| -> Result<Vec<f32>> {
            Ok(words(memory, rows * width)?.into_iter().map(f32::from_bits).collect())
        };
        let classes = words(&self.classes, rows * self.noted)?;
        let margins = read_doubles(self.machine, &self.seen, rows * self.noted)?;
        let class = |class: u32| (class != u32::MAX).then_some(class);
        Ok(Found {
            x: floats(&self.x)?,
            best: floats(&self.best)?,
            hits: words(&self.hits, rows)?.into_iter().map(|hit| hit != 0).collect(),
            margins: read_doubles(self.machine, &self.margins, rows)?,
            seen: classes.into_iter().map(class).zip(margins).collect(),
            status: words(&self.status, rows * self.stepped)?,
        })
    }
}
