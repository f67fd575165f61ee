//! The layers before the first fully connected one, image by image on all cores.

use super::super::ops::convolution::{Forward, Geometry, InputGradient, WeightGradient};
use super::super::ops::pool::Pool;
use super::super::ops::simd::Level;
use super::super::ops::{Statistics, pieces};
use super::super::plan::{self, EPSILON, Plan, Step};
use super::Wanted;
use super::node::{self, Backward, Convolution, Kind, Memory, Node, Pooled, Sums};
use candle_core::{Device, Result, Tensor};
use rayon::prelude::*;
use std::ops::Range;

pub(super) struct Images {
    nodes: Vec<Node>,
    wanted: Wanted,
    /// Numbers of an image, and of what the layers make of it.
    pixels: usize,
    features: Range<usize>,
    /// Length of an image's tape, and of its places of maxima.
    values: usize,
    places: usize,
    convolutions: usize,
}

/// Memory of a classifier that its passes reuse, so that a step of training does not ask the system for pages.
#[derive(Default)]
pub(in super::super) struct Workspace {
    values: Vec<f32>,
    places: Vec<u32>,
    pieces: Vec<Piece>,
}

/// Memory for the images of one piece.
#[derive(Default)]
struct Piece {
    memory: Memory,
    gradients: Vec<f32>,
    sums: Vec<Sums>,
}

/// Lays out the nodes one after the other on the tape.
struct Layout<'a, 'b> {
    parameters: &'a mut std::slice::Iter<'b, Tensor>,
    running: std::slice::Iter<'a, Statistics>,
    wanted: Wanted,
    values: usize,
    places: usize,
    convolutions: usize,
}

impl Images {
    /// Takes the parameters of `steps` from `parameters`.
    pub(super) fn new(
        plan: &Plan,
        steps: &[Step],
        parameters: &mut std::slice::Iter<Tensor>,
        running: &[Statistics],
        wanted: Wanted,
    ) -> Result<Self> {
        let pixels = plan.input.iter().product();
        let running = running.iter();
        let mut layout = Layout { parameters, running, wanted, values: pixels, places: 0, convolutions: 0 };
        let mut dims = [1, 1, pixels];
        if let [c, h, w] = plan.input[..] {
            dims = [c, h, w];
        }
        let (nodes, features) = layout.nodes(steps, 0..pixels, &mut dims)?;
        let Layout { values, places, convolutions, .. } = layout;
        Ok(Self { nodes, wanted, pixels, features, values, places, convolutions })
    }

    pub(super) fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// The features (n, d) of the images `x`; keeps the tapes if a gradient is wanted.
    pub(super) fn forward(&self, x: &Tensor, workspace: &mut Workspace) -> Result<Tensor> {
        let count = x.dims()[0];
        if self.is_empty() {
            return x.reshape((count, self.pixels));
        }
        let x = x.flatten_all()?.to_vec1::<f32>()?;
        let width = self.features.len();
        let mut features = vec![0.0; count * width];
        let images = pieces(count);
        // Without a gradient every image of a piece uses the same tape.
        let keep = self.wanted != Wanted::Nothing;
        let tapes: Vec<_> = if keep { images.clone() } else { (0..images.len()).map(|at| at..at + 1).collect() };
        let Workspace { values, places, pieces } = workspace;
        let length = tapes.last().map_or(0, |last| last.end);
        values.resize(values.len().max(length * self.values), 0.0);
        places.resize(places.len().max(length * self.places), 0);
        pieces.resize_with(images.len(), Piece::default);
        let values = parts(&tapes, values, self.values);
        let places = parts(&tapes, places, self.places);
        let rows = parts(&images, &mut features, width);
        let own: Vec<_> = pieces.iter_mut().zip(values).zip(places).zip(rows).zip(images).collect();
        own.into_par_iter().for_each(|((((piece, values), places), features), images)| {
            for (at, image) in images.clone().enumerate() {
                let at = if keep { at } else { 0 };
                let values = &mut values[at * self.values..][..self.values];
                let places = &mut places[at * self.places..][..self.places];
                values[..self.pixels].copy_from_slice(&x[image * self.pixels..][..self.pixels]);
                node::forward(&self.nodes, values, places, &mut piece.memory);
                let features = &mut features[(image - images.start) * width..][..width];
                features.copy_from_slice(&values[self.features.clone()]);
            }
        });
        Tensor::from_vec(features, (count, width), &Device::Cpu)
    }

    /// The gradient in the images (n, pixels), from that of their features.
    pub(super) fn input_gradient(&self, features: Tensor, count: usize, workspace: &mut Workspace) -> Result<Tensor> {
        if self.is_empty() {
            return Ok(features);
        }
        let mut out = vec![0.0; count * self.pixels];
        self.backward(&features, count, workspace, Some(&mut out))?;
        Tensor::from_vec(out, (count, self.pixels), &Device::Cpu)
    }

    /// The gradient in each weight and bias, from that of the features.
    pub(super) fn parameter_gradients(
        &self,
        features: Tensor,
        count: usize,
        workspace: &mut Workspace,
    ) -> Result<Vec<Tensor>> {
        self.backward(&features, count, workspace, None)?;
        let mut all = Vec::new();
        for own in convolutions(&self.nodes) {
            let (mut weight, mut bias) = (vec![0.0; own.geometry.weights()], vec![0.0; own.geometry.filters]);
            for piece in &workspace.pieces {
                let sums = &piece.sums[own.number];
                own.in_weight.as_ref().expect("it was asked for").finish(&sums.weight, &mut weight);
                bias.iter_mut().zip(&sums.bias).for_each(|(bias, sum)| *bias += sum);
            }
            let Geometry { filters, channels, kernel: [kh, kw], .. } = own.geometry;
            all.push(Tensor::from_vec(weight, (filters, channels, kh, kw), &Device::Cpu)?);
            if own.bias {
                all.push(Tensor::from_vec(bias, filters, &Device::Cpu)?);
            }
        }
        Ok(all)
    }

    fn backward(
        &self,
        features: &Tensor,
        count: usize,
        workspace: &mut Workspace,
        out: Option<&mut Vec<f32>>,
    ) -> Result<()> {
        let features = features.flatten_all()?.to_vec1::<f32>()?;
        let width = self.features.len();
        let pieces = pieces(count);
        let mut rows: Vec<Option<&mut [f32]>> = match out {
            Some(out) => parts(&pieces, out, self.pixels).into_iter().map(Some).collect(),
            None => pieces.iter().map(|_| None).collect(),
        };
        let (values, places) = (&workspace.values, &workspace.places);
        let own = workspace.pieces.iter_mut().zip(&pieces).zip(&mut rows).collect::<Vec<_>>();
        own.into_par_iter().for_each(|((piece, images), out)| {
            piece.gradients.resize(self.values, 0.0);
            if self.wanted == Wanted::Parameters {
                piece.sums.resize_with(self.convolutions, Sums::default);
                piece.sums.iter_mut().for_each(|sums| {
                    sums.weight.clear();
                    sums.bias.clear();
                });
            } else {
                piece.sums.clear();
            }
            for image in images.clone() {
                piece.gradients[self.features.clone()].copy_from_slice(&features[image * width..][..width]);
                let mut backward = Backward {
                    values: &values[image * self.values..][..self.values],
                    places: &places[image * self.places..][..self.places],
                    gradients: &mut piece.gradients,
                    memory: &mut piece.memory,
                    sums: &mut piece.sums,
                };
                backward.run(&self.nodes);
                if let Some(out) = out {
                    let out = &mut out[(image - images.start) * self.pixels..][..self.pixels];
                    out.copy_from_slice(&piece.gradients[..self.pixels]);
                }
            }
        });
        Ok(())
    }
}

impl Layout<'_, '_> {
    /// The nodes of `steps`, and where their result lies; `dims` goes from their input's to their result's.
    fn nodes(
        &mut self,
        steps: &[Step],
        input: Range<usize>,
        dims: &mut [usize; 3],
    ) -> Result<(Vec<Node>, Range<usize>)> {
        let (mut nodes, mut at) = (Vec::new(), input);
        let mut steps = steps.iter().peekable();
        while let Some(step) = steps.next() {
            let kind = match step {
                Step::Convolution(convolution) => {
                    let normalised = steps.next_if(|next| matches!(next, Step::BatchNorm { .. })).is_some();
                    let slope = match steps.next_if(|next| matches!(next, Step::Rectifier { .. })) {
                        Some(Step::Rectifier { slope }) => Some(*slope as f32),
                        _ => None,
                    };
                    let pool = match steps.next_if(|next| matches!(next, Step::MaxPool { .. })) {
                        Some(Step::MaxPool { size }) => Some(*size),
                        _ => None,
                    };
                    let first = at.start == 0;
                    self.convolution(convolution, normalised, slope, pool, first, dims)?
                }
                Step::Rectifier { slope } => Kind::Rectifier { slope: *slope as f32 },
                Step::MaxPool { size } => Kind::MaxPool { pooled: self.pooled(*size, dims) },
                Step::AveragePool { size } => {
                    let (pool, [c, h, w]) = (Pool { size: *size, stride: *size }, *dims);
                    *dims = [c, pool.side(h), pool.side(w)];
                    Kind::AveragePool { pool, sides: [h, w] }
                }
                Step::Residual { main, shortcut } => {
                    let (mut own, mut other) = (*dims, *dims);
                    let (main, _) = self.nodes(main, at.clone(), &mut own)?;
                    let (shortcut, _) = self.nodes(shortcut, at.clone(), &mut other)?;
                    *dims = own;
                    Kind::Residual { main, shortcut }
                }
                // The numbers of an image lie in a row as they are.
                Step::Flatten => continue,
                Step::BatchNorm { .. } | Step::Dense { .. } => {
                    unreachable!("{step:?} without a convolution before it: no plan makes one")
                }
            };
            let output = self.values..self.values + dims.iter().product::<usize>();
            self.values = output.end;
            nodes.push(Node { kind, input: std::mem::replace(&mut at, output.clone()), output });
        }
        Ok((nodes, at))
    }

    fn convolution(
        &mut self,
        convolution: &plan::Convolution,
        normalised: bool,
        slope: Option<f32>,
        pool: Option<usize>,
        first: bool,
        dims: &mut [usize; 3],
    ) -> Result<Kind> {
        let (level, filters) = (Level::best(), convolution.outputs);
        let mut next = || self.parameters.next().expect("the classifier holds every parameter of its plan");
        let kernel = next();
        let mut weight = kernel.flatten_all()?.to_vec1::<f32>()?;
        let mut bias = if convolution.bias { next().to_vec1::<f32>()? } else { vec![0.0; filters] };
        if normalised {
            let (scale, shift) = (next().to_vec1::<f32>()?, next().to_vec1::<f32>()?);
            let running = self.running.next().expect("the classifier holds every running value of its plan");
            let taps = weight.len() / filters;
            for (filter, weight) in weight.chunks_exact_mut(taps).enumerate() {
                // f64, so that the folding adds a single rounding to each weight.
                let scale = f64::from(scale[filter]) / (running.variance[filter] + EPSILON).sqrt();
                weight.iter_mut().for_each(|weight| *weight = (f64::from(*weight) * scale) as f32);
                let moved = (f64::from(bias[filter]) - running.mean[filter]) * scale;
                bias[filter] = (moved + f64::from(shift[filter])) as f32;
            }
        }
        let size = convolution.size;
        let geometry = Geometry::new(&convolution.settings(), *dims, [filters, convolution.inputs, size, size]);
        let geometry = geometry.expect("the plan's layers fit each other");
        *dims = [filters, geometry.out_height, geometry.out_width];
        let pooled = pool.map(|size| self.pooled(size, dims));
        let wanted = |input: bool| match self.wanted {
            Wanted::Nothing => false,
            Wanted::Input => input,
            Wanted::Parameters => !input || !first,
        };
        self.convolutions += 1;
        Ok(Kind::Convolution(Box::new(Convolution {
            forward: Forward::new(level, geometry, &weight, Some(&bias)),
            in_input: wanted(true).then(|| InputGradient::new(level, geometry, &weight)),
            in_weight: wanted(false).then(|| WeightGradient::new(level, geometry)),
            geometry,
            slope,
            pooled,
            number: self.convolutions - 1,
            bias: convolution.bias,
        })))
    }

    fn pooled(&mut self, size: usize, dims: &mut [usize; 3]) -> Pooled {
        let (pool, [c, h, w]) = (Pool { size, stride: size }, *dims);
        *dims = [c, pool.side(h), pool.side(w)];
        let places = self.places..self.places + dims.iter().product::<usize>();
        self.places = places.end;
        Pooled { pool, sides: [h, w], places }
    }
}

/// `all`, rows of `width`, cut where the pieces end.
fn parts<'a, T>(pieces: &[Range<usize>], mut all: &'a mut [T], width: usize) -> Vec<&'a mut [T]> {
    let mut parts = Vec::new();
    for piece in pieces {
        let (own, rest) = all.split_at_mut(piece.len() * width);
        parts.push(own);
        all = rest;
    }
    parts
}

/// The convolutions in the order of their parameters.
fn convolutions(nodes: &[Node]) -> Vec<&Convolution> {
    let mut all = Vec::new();
    for node in nodes {
        match &node.kind {
            Kind::Convolution(own) => all.push(&**own),
            Kind::Residual { main, shortcut } => {
                all.extend(convolutions(main));
                all.extend(convolutions(shortcut));
            }
            _ => {}
        }
    }
    all
}
