//! The inner loop of a convolution and of its input gradient: a correlation of flattened planes.
//!
//! out[m][q] = start[m] + sum_k weight[k][m] · x[offset[k] + q] for q in 0..count.
//! `x` holds zero-padded planes, so a shift in the image is an offset in memory and nothing is gathered: columns that
//! wrap around a row's end give numbers that the caller leaves out. A register tile of up to eight outputs and several
//! vectors of positions runs through all k; the sum over k is in order, fused where the processor can.

use super::super::simd::{Level, Number, Vectors, Work};

/// The widest tile in numbers; buffers have so many more than they need, because a tile does not stop inside a vector.
pub(super) const SLACK: usize = 128;

/// Weights in the order the tiles read them: blocks of outputs, in each block tap after tap.
pub(super) struct Taps<T> {
    /// Where each tap reads, relative to the position of the output.
    offsets: Vec<usize>,
    blocks: Vec<Block>,
    weights: Vec<T>,
}

struct Block {
    /// Outputs of the tile, the last of which may be padding.
    width: usize,
    /// Outputs that exist.
    used: usize,
}

impl<T: Number> Taps<T> {
    /// `weight(k, m)` is the weight of tap k for output m.
    pub(super) fn new(level: Level, offsets: Vec<usize>, outputs: usize, weight: impl Fn(usize, usize) -> T) -> Self {
        let widest = T::run(level, Widest);
        let (mut blocks, mut weights, mut first) = (Vec::new(), Vec::new(), 0);
        while first < outputs {
            let left = outputs - first;
            let width = if left >= widest { widest } else { [1, 2, 4, 4, 6, 6, 8][left - 1].min(widest) };
            let used = width.min(left);
            for k in 0..offsets.len() {
                weights.extend((0..width).map(|m| if m < used { weight(k, first + m) } else { T::zero() }));
            }
            blocks.push(Block { width, used });
            first += used;
        }
        Self { offsets, blocks, weights }
    }
}

/// The outputs of the widest tile: eight need 32 registers.
struct Widest;

impl<T: Number> Work<T> for Widest {
    type Out = usize;
    fn run<V: Vectors<Number = T>>(self, _: V) -> usize {
        if V::REGISTERS >= 32 { 8 } else { 4 }
    }
}

/// One image's correlation.
pub(super) struct Correlate<'a, T> {
    pub taps: &'a Taps<T>,
    /// The padded planes and [`SLACK`] numbers more; offsets count from its start.
    pub x: &'a [T],
    /// What each output starts from, or zero.
    pub start: Option<&'a [T]>,
    /// How many positions are wanted.
    pub count: usize,
    /// One plane an output, `stride` apart, [`SLACK`] numbers longer than the positions wanted.
    pub out: &'a mut [T],
    pub stride: usize,
}

impl<T: Number> Work<T> for Correlate<'_, T> {
    type Out = ();

    #[inline(always)]
    fn run<V: Vectors<Number = T>>(self, vectors: V) {
        let Self { taps, x, start, count, out, stride } = self;
        let total = count.div_ceil(V::COUNT);
        let mut at = 0;
        // Positions outside, outputs inside: the part of the image that a tile reads stays in the first cache.
        while at < total {
            let left = total - at;
            // Four vectors in two halves: a single one alone waits for its weights.
            let width = if left == 4 { 2 } else { left.min(3) };
            let (mut first, mut weights) = (0, taps.weights.as_slice());
            for block in &taps.blocks {
                let (own, rest) = weights.split_at(block.width * taps.offsets.len());
                weights = rest;
                let tile = Tile { offsets: &taps.offsets, weights: own, x: &x[at * V::COUNT..] };
                let start = start.map(|start| &start[first..first + block.used]);
                let out = &mut out[first * stride + at * V::COUNT..];
                match (block.width, width) {
                    (8, 3) => tile.run::<V, 8, 3>(vectors, start, block.used, out, stride),
                    (8, 2) => tile.run::<V, 8, 2>(vectors, start, block.used, out, stride),
                    (8, _) => tile.run::<V, 8, 1>(vectors, start, block.used, out, stride),
                    (6, 3) => tile.run::<V, 6, 3>(vectors, start, block.used, out, stride),
                    (6, 2) => tile.run::<V, 6, 2>(vectors, start, block.used, out, stride),
                    (6, _) => tile.run::<V, 6, 1>(vectors, start, block.used, out, stride),
                    (4, 3) => tile.run::<V, 4, 3>(vectors, start, block.used, out, stride),
                    (4, 2) => tile.run::<V, 4, 2>(vectors, start, block.used, out, stride),
                    (4, _) => tile.run::<V, 4, 1>(vectors, start, block.used, out, stride),
                    (2, 3) => tile.run::<V, 2, 3>(vectors, start, block.used, out, stride),
                    (2, 2) => tile.run::<V, 2, 2>(vectors, start, block.used, out, stride),
                    (2, _) => tile.run::<V, 2, 1>(vectors, start, block.used, out, stride),
                    (_, 3) => tile.run::<V, 1, 3>(vectors, start, block.used, out, stride),
                    (_, 2) => tile.run::<V, 1, 2>(vectors, start, block.used, out, stride),
                    (_, _) => tile.run::<V, 1, 1>(vectors, start, block.used, out, stride),
                }
                first += block.used;
            }
            at += width;
        }
    }
}

struct Tile<'a, T> {
    offsets: &'a [usize],
    weights: &'a [T],
    x: &'a [T],
}

impl<T: Number> Tile<'_, T> {
    /// `M` outputs at `N` vectors of positions.
    #[inline(always)]
    fn run<V: Vectors<Number = T>, const M: usize, const N: usize>(
        &self,
        vectors: V,
        start: Option<&[T]>,
        used: usize,
        out: &mut [T],
        stride: usize,
    ) {
        let mut sums = [[vectors.splat(T::zero()); N]; M];
        if let Some(start) = start {
            for (sums, start) in sums.iter_mut().zip(start) {
                *sums = [vectors.splat(*start); N];
            }
        }
        for (weights, offset) in self.weights.as_chunks::<M>().0.iter().zip(self.offsets) {
            let x = &self.x[*offset..][..N * V::COUNT];
            let mut lanes = [vectors.splat(T::zero()); N];
            for n in 0..N {
                lanes[n] = vectors.load(&x[n * V::COUNT..]);
            }
            for m in 0..M {
                let weight = vectors.splat(weights[m]);
                for n in 0..N {
                    sums[m][n] = vectors.multiply_add(weight, lanes[n], sums[m][n]);
                }
            }
        }
        for m in 0..used.min(M) {
            let out = &mut out[m * stride..][..N * V::COUNT];
            for n in 0..N {
                vectors.store(sums[m][n], &mut out[n * V::COUNT..]);
            }
        }
    }
}
