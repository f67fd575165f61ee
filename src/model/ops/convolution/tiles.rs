//! Tiles of 2×2 results: their pixels out of an image and transformed, their results transformed back and into an image.
//!
//! Tiles lie one after the other, row of tiles after row of tiles, [`Grid::stride`] numbers for a channel and
//! [`Grid::place`] for each of the 16 places of a tile. The formulas are at the top of [`super::winograd`].

use super::super::simd::{Number, Vectors, Work};
use super::rows::Rows;

/// The widest vector, and a line of the cache, in numbers.
const WIDEST: usize = 16;
/// Tiles that go through together, about: of 64 channels they fill a quarter of a megabyte.
const TOGETHER: usize = 64;

/// How an image and its result are cut.
#[derive(Clone, Copy)]
pub(super) struct Grid {
    /// Rows and columns of the image, and the zeros around it.
    sides: [usize; 2],
    padding: usize,
    /// Rows and columns of the result.
    results: [usize; 2],
    /// Tiles in a row.
    pub across: usize,
    /// Rows of tiles that go through together.
    rows: usize,
    /// From one channel's tiles to the next.
    pub stride: usize,
}

impl Grid {
    pub(super) fn new(sides: [usize; 2], padding: usize) -> Self {
        let results = sides.map(|side| side + 2 * padding - 2);
        let [down, across] = results.map(|side| side.div_ceil(2));
        let blocks = down.div_ceil((TOGETHER / across.max(1)).max(1)).max(1);
        let rows = down.div_ceil(blocks).max(1);
        let stride = (rows * across).next_multiple_of(WIDEST) + WIDEST;
        Self { sides, padding, results, across, rows, stride }
    }

    /// From one place's channels to the next: a line more than they need, lest all places compete for one part of the cache.
    pub(super) fn place(&self, channels: usize) -> usize {
        channels * self.stride + WIDEST
    }

    /// The rows of tiles that go through together: the first, and how many.
    pub(super) fn blocks(&self) -> impl Iterator<Item = (usize, usize)> {
        let (down, rows) = (self.results[0].div_ceil(2), self.rows);
        (0..down).step_by(rows).map(move |first| (first, rows.min(down - first)))
    }

    /// Copies rows of the padded image, from `first` on and without the padding.
    #[inline(always)]
    fn copy<T: Number, V: Vectors<Number = T>>(
        &self,
        vectors: V,
        image: &[T],
        first: usize,
        to: &mut [T],
        pitch: usize,
    ) {
        let Self { sides: [height, width], padding, .. } = *self;
        let top = padding.max(first);
        let bottom = (height + padding).min(first + to.len() / pitch);
        if top < bottom {
            let copy = Rows {
                planes: 1,
                rows: bottom - top,
                width,
                from: &image[(top - padding) * width..],
                from_steps: [0, width],
                to: &mut to[(top - first) * pitch + padding..],
                to_steps: [0, pitch],
                slope: None,
            };
            copy.run(vectors);
        }
    }
}

/// Memory for the tiles that go through together.
#[derive(Default)]
pub(super) struct Tiles<T> {
    window: Vec<T>,
    lines: Vec<T>,
    pixels: Vec<T>,
    sums: Vec<T>,
}

impl<T: Number> Tiles<T> {
    /// What [`Gather`] and [`Scatter`] work in, and the tiles of the image and of the result.
    pub(super) fn parts(&mut self, grid: &Grid, channels: [usize; 2]) -> ((&mut Vec<T>, &mut Vec<T>), [&mut [T]; 2]) {
        let Self { window, lines, pixels, sums } = self;
        let [from, to] = channels.map(|channels| 16 * grid.place(channels));
        ((window, lines), [aligned(pixels, from), aligned(sums, to)])
    }
}

/// to[4a + b][input][tile] = (Bᵀ d B)[a][b], tile after tile and row of tiles after row of tiles.
pub(super) struct Gather<'a, T> {
    pub grid: &'a Grid,
    pub image: &'a [T],
    pub inputs: usize,
    /// The rows of tiles, from `first` on.
    pub first: usize,
    pub rows: usize,
    pub window: &'a mut Vec<T>,
    pub lines: &'a mut Vec<T>,
    pub to: &'a mut [T],
}

impl<T: Number> Work<T> for Gather<'_, T> {
    type Out = ();

    #[inline(always)]
    fn run<V: Vectors<Number = T>>(self, vectors: V) {
        let Self { grid, image, inputs, first, rows, window, lines, to } = self;
        let Grid { sides: [height, width], across, stride, .. } = *grid;
        let place = grid.place(inputs);
        // The rows of a channel in their padding, to which no channel writes. Two of them in turns: what was written
        // just before cannot be read at another offset without waiting for all that is on its way to memory.
        let pitch = 2 * across.next_multiple_of(V::COUNT) + WIDEST;
        let size = (2 * rows + 2) * pitch;
        let window = aligned(window, 2 * size);
        window.fill(T::zero());
        // Its rows transformed along them: by place in the tile, those of even and those of odd number.
        let flat = ((rows + 1) * across).next_multiple_of(WIDEST) + 2 * WIDEST;
        let lines = aligned(lines, 8 * flat);
        for step in 0..inputs + 1 {
            if step < inputs {
                let to = &mut window[step % 2 * size..][..size];
                grid.copy(vectors, &image[step * height * width..], 2 * first, to, pitch);
            }
            let Some(input) = step.checked_sub(1) else { continue };
            let window = &window[input % 2 * size..][..size];
            for (row, x) in window.chunks_exact(pitch).enumerate() {
                let lines = &mut lines[row % 2 * flat + row / 2 * across..];
                // What runs beyond a row is overwritten by the next row of its kind.
                for column in (0..across).step_by(V::COUNT) {
                    vectors.store_apart(line(vectors, &x[2 * column..]), &mut lines[column..], 2 * flat);
                }
            }
            for tile in (0..rows * across).step_by(V::COUNT) {
                let to = &mut to[input * stride + tile..];
                for b in 0..4 {
                    let lines = &lines[2 * b * flat + tile..];
                    let [d0, d1] = vectors.load_apart(lines, flat);
                    let [d2, d3] = vectors.load_apart(&lines[across..], flat);
                    let d = differences(vectors, [d0, d1, d2, d3]);
                    vectors.store_apart(d, &mut to[b * place..], 4 * place);
                }
            }
        }
    }
}

/// A row of pixels, in pairs two apart, transformed along it.
#[inline(always)]
fn line<T: Number, V: Vectors<Number = T>>(vectors: V, x: &[T]) -> [V::Lanes; 4] {
    let x = &x[..2 * V::COUNT + 2];
    let [d0, d1] = vectors.split(vectors.load(x), vectors.load(&x[V::COUNT..]));
    let [d2, d3] = vectors.split(vectors.load(&x[2..]), vectors.load(&x[V::COUNT + 2..]));
    differences(vectors, [d0, d1, d2, d3])
}

/// Bᵀ d.
#[inline(always)]
fn differences<V: Vectors>(vectors: V, d: [V::Lanes; 4]) -> [V::Lanes; 4] {
    [vectors.subtract(d[0], d[2]), vectors.add(d[1], d[2]), vectors.subtract(d[2], d[1]), vectors.subtract(d[1], d[3])]
}

/// Aᵀ m.
#[inline(always)]
fn sums<V: Vectors>(vectors: V, m: [V::Lanes; 4]) -> [V::Lanes; 2] {
    let first = vectors.add(vectors.add(m[0], m[1]), m[2]);
    [first, vectors.subtract(vectors.subtract(m[1], m[2]), m[3])]
}

/// The results Aᵀ m A of each tile in their places, rectified if there is a slope.
pub(super) struct Scatter<'a, T> {
    pub grid: &'a Grid,
    pub from: &'a [T],
    pub outputs: usize,
    /// The rows of tiles, from `first` on.
    pub first: usize,
    pub rows: usize,
    pub lines: &'a mut Vec<T>,
    pub out: &'a mut [T],
    pub slope: Option<T>,
}

impl<T: Number> Work<T> for Scatter<'_, T> {
    type Out = ();

    #[inline(always)]
    fn run<V: Vectors<Number = T>>(self, vectors: V) {
        let Self { grid, from, outputs, first, rows, lines, out, slope } = self;
        let Grid { results: [height, width], across, stride, .. } = *grid;
        let (place, zero, tiles) = (grid.place(outputs), vectors.splat(T::zero()), rows * across);
        // The even rows of one filter, row after row, and the odd ones.
        let flat = 2 * tiles.next_multiple_of(WIDEST);
        let lines = aligned(lines, 2 * flat);
        for output in 0..outputs {
            for tile in (0..tiles).step_by(V::COUNT) {
                let from = &from[output * stride + tile..];
                let mut columns = [[zero; 2]; 4];
                for b in 0..4 {
                    columns[b] = sums(vectors, vectors.load_apart(&from[b * place..], 4 * place));
                }
                for y in 0..2 {
                    let [even, odd] = sums(vectors, [columns[0][y], columns[1][y], columns[2][y], columns[3][y]]);
                    vectors.store_apart(vectors.merge(even, odd), &mut lines[y * flat + 2 * tile..], V::COUNT);
                }
            }
            for y in 0..2 {
                // Of an odd number of rows the last has none below it.
                let top = 2 * first + y;
                let rows = rows.min((height - 2 * first + 1 - y) / 2);
                if rows > 0 {
                    let copy = Rows {
                        planes: 1,
                        rows,
                        width,
                        from: &lines[y * flat..],
                        from_steps: [0, 2 * across],
                        to: &mut out[(output * height + top) * width..],
                        to_steps: [0, 2 * width],
                        slope,
                    };
                    copy.run(vectors);
                }
            }
        }
    }
}

/// `count` numbers from the start of a line of the cache on: every vector then lies in one line.
fn aligned<T: Number>(memory: &mut Vec<T>, count: usize) -> &mut [T] {
    memory.resize((count + WIDEST).max(memory.len()), T::zero());
    let skip = memory.as_ptr().align_offset(WIDEST * size_of::<f32>()).min(WIDEST);
    &mut memory[skip..][..count]
}
