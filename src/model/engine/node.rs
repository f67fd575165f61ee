//! The layers that see one image at a time, forward and backward.
//!
//! All values of an image lie on one tape: its pixels first, then the result of each node. Gradients lie on another tape
//! of the same layout. A convolution takes its normalisation, rectifier and max-pool with it: the first is part of its
//! weights, and of the second and third only the pooled result is kept, with the place of each maximum.

use super::super::ops::add_channels;
use super::super::ops::convolution::{Forward, Geometry, InputGradient, Scratch, WeightGradient, WeightSums};
use super::super::ops::pool::Pool;
use super::super::ops::rectifier;
use std::ops::Range;

pub(super) struct Node {
    pub kind: Kind,
    /// Where on the tape it reads and writes.
    pub input: Range<usize>,
    pub output: Range<usize>,
}

pub(super) enum Kind {
    Convolution(Box<Convolution>),
    Rectifier { slope: f32 },
    MaxPool { pooled: Pooled },
    AveragePool { pool: Pool, sides: [usize; 2] },
    Residual { main: Vec<Node>, shortcut: Vec<Node> },
}

pub(super) struct Convolution {
    pub geometry: Geometry,
    pub forward: Forward<f32>,
    pub in_input: Option<InputGradient<f32>>,
    pub in_weight: Option<WeightGradient>,
    pub slope: Option<f32>,
    pub pooled: Option<Pooled>,
    /// Whether the bias is a parameter.
    pub bias: bool,
    /// Which of the convolutions it is.
    pub number: usize,
}

/// A max-pool of planes with these sides; where the maxima lay is noted at `places`.
pub(super) struct Pooled {
    pub pool: Pool,
    pub sides: [usize; 2],
    pub places: Range<usize>,
}

impl Pooled {
    fn forward(&self, x: &[f32], out: &mut [f32], places: &mut [u32]) {
        let [h, w] = self.sides;
        let windows = self.pool.side(h) * self.pool.side(w);
        let places = places[self.places.clone()].chunks_exact_mut(windows);
        for ((x, out), places) in x.chunks_exact(h * w).zip(out.chunks_exact_mut(windows)).zip(places) {
            self.pool.maximum(x, self.sides, out, places);
        }
    }

    fn backward(&self, gradient: &[f32], places: &[u32], out: &mut [f32]) {
        let [h, w] = self.sides;
        let windows = self.pool.side(h) * self.pool.side(w);
        out.fill(0.0);
        let places = places[self.places.clone()].chunks_exact(windows);
        for ((g, out), places) in gradient.chunks_exact(windows).zip(out.chunks_exact_mut(h * w)).zip(places) {
            Pool::maximum_gradient(g, places, out);
        }
    }
}

/// Memory that is used for one image and then for the next.
#[derive(Default)]
pub(super) struct Memory {
    scratch: Scratch<f32>,
    /// A convolution's result before its pool, or the gradient of it.
    unpooled: Vec<f32>,
    branch: Vec<f32>,
}

/// The sums of one convolution's gradients over some images.
#[derive(Default)]
pub(super) struct Sums {
    pub weight: WeightSums<f32>,
    pub bias: Vec<f32>,
}

/// Fills the tape from its first values, the image's pixels.
pub(super) fn forward(nodes: &[Node], values: &mut [f32], places: &mut [u32], memory: &mut Memory) {
    for node in nodes {
        if let Kind::Residual { main, shortcut } = &node.kind {
            forward(main, values, places, memory);
            forward(shortcut, values, places, memory);
            let (before, out) = values.split_at_mut(node.output.start);
            let end = |branch: &[Node]| branch.last().map_or(node.input.clone(), |last| last.output.clone());
            let (main, shortcut) = (&before[end(main)], &before[end(shortcut)]);
            out.iter_mut().zip(main.iter().zip(shortcut)).for_each(|(out, (a, b))| *out = a + b);
            continue;
        }
        let (before, after) = values.split_at_mut(node.output.start);
        let (x, out) = (&before[node.input.clone()], &mut after[..node.output.len()]);
        match &node.kind {
            Kind::Convolution(own) => match &own.pooled {
                None => own.forward.run(x, own.slope, &mut memory.scratch, out),
                Some(pooled) => {
                    memory.unpooled.resize(own.geometry.output(), 0.0);
                    own.forward.run(x, own.slope, &mut memory.scratch, &mut memory.unpooled);
                    pooled.forward(&memory.unpooled, out, places);
                }
            },
            Kind::Rectifier { slope } => {
                out.copy_from_slice(x);
                rectifier::rectify(out, *slope);
            }
            Kind::MaxPool { pooled } => pooled.forward(x, out, places),
            Kind::AveragePool { pool, sides: [h, w] } => {
                let windows = pool.side(*h) * pool.side(*w);
                for (x, out) in x.chunks_exact(h * w).zip(out.chunks_exact_mut(windows)) {
                    pool.average(x, [*h, *w], out);
                }
            }
            Kind::Residual { .. } => {}
        }
    }
}

/// One image's way back.
pub(super) struct Backward<'a> {
    pub values: &'a [f32],
    pub places: &'a [u32],
    /// The last node's gradient is given; those of the others are made.
    pub gradients: &'a mut [f32],
    pub memory: &'a mut Memory,
    /// Where the convolutions add up; empty if the parameters are held fixed.
    pub sums: &'a mut [Sums],
}

impl Backward<'_> {
    pub(super) fn run(&mut self, nodes: &[Node]) {
        for node in nodes.iter().rev() {
            if let Kind::Residual { main, shortcut } = &node.kind {
                self.residual(node, main, shortcut);
                continue;
            }
            let (before, after) = self.gradients.split_at_mut(node.output.start);
            let (x, out) = (&self.values[node.input.clone()], &self.values[node.output.clone()]);
            let (in_x, gradient) = (&mut before[node.input.clone()], &mut after[..node.output.len()]);
            match &node.kind {
                Kind::Convolution(own) => {
                    // A maximum is above 0 where its rectifier's argument was, so the pooled result tells.
                    if let Some(slope) = own.slope {
                        rectifier::rectify_gradient(out, slope, gradient);
                    }
                    let gradient = match &own.pooled {
                        None => &*gradient,
                        Some(pooled) => {
                            self.memory.unpooled.resize(own.geometry.output(), 0.0);
                            pooled.backward(gradient, self.places, &mut self.memory.unpooled);
                            &self.memory.unpooled
                        }
                    };
                    if let (Some(in_weight), Some(sums)) = (&own.in_weight, self.sums.get_mut(own.number)) {
                        in_weight.add(x, gradient, &mut sums.weight);
                        sums.bias.resize(own.geometry.groups * own.geometry.filters, 0.0);
                        add_channels(gradient, &mut sums.bias);
                    }
                    if let Some(in_input) = &own.in_input {
                        in_input.run(gradient, &mut self.memory.scratch, in_x);
                    }
                }
                Kind::Rectifier { slope } => {
                    rectifier::rectify_gradient(out, *slope, gradient);
                    in_x.copy_from_slice(gradient);
                }
                Kind::MaxPool { pooled } => pooled.backward(gradient, self.places, in_x),
                Kind::AveragePool { pool, sides: [h, w] } => {
                    let windows = pool.side(*h) * pool.side(*w);
                    in_x.fill(0.0);
                    for (g, in_x) in gradient.chunks_exact(windows).zip(in_x.chunks_exact_mut(h * w)) {
                        pool.average_gradient(g, [*h, *w], in_x);
                    }
                }
                Kind::Residual { .. } => {}
            }
        }
    }

    /// The gradient in the input is the sum of the two branches'.
    fn residual(&mut self, node: &Node, main: &[Node], shortcut: &[Node]) {
        let branch = |this: &mut Self, nodes: &[Node]| {
            let end = nodes.last().map_or(node.input.clone(), |last| last.output.clone());
            this.gradients.copy_within(node.output.clone(), end.start);
            this.run(nodes);
        };
        branch(self, main);
        let mut kept = std::mem::take(&mut self.memory.branch);
        kept.clear();
        kept.extend_from_slice(&self.gradients[node.input.clone()]);
        branch(self, shortcut);
        let in_x = &mut self.gradients[node.input.clone()];
        in_x.iter_mut().zip(&kept).for_each(|(in_x, kept)| *in_x += kept);
        self.memory.branch = kept;
    }
}
