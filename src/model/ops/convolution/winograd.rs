//! A 3×3 convolution of stride 1 by tiles of 2×2 results: 16 products a channel where the definition has 36.
//!
//! y = Aᵀ [(G g Gᵀ) ∘ (Bᵀ d B)] A, summed over the channels inside the brackets; d: 4×4 pixels, g: 3×3 weights, y: 2×2.
//! On a line: d becomes (d0 - d2, d1 + d2, d2 - d1, d1 - d3), g becomes (g0, (g0 + g1 + g2)/2, (g0 - g1 + g2)/2, g2), and
//! of their products m the results are m0 + m1 + m2 and m1 - m2 - m3. Source: Lavin and Gray, arXiv:1509.09308, section
//! 4.1. Pixels 1, 2, 3, 4 with weights 1, 1, 1: (-2, 5, 1, -2) and (1, 3/2, 1/2, 1) give 6 and 9.
//!
//! Each of the 16 places of the brackets is a product of matrices, filters × channels by channels × tiles, which
//! [`Correlate`] does: its taps are the channels. Some rows of tiles at a time, so that they stay in the second cache.

use super::super::simd::{Level, Number, Vectors, Work};
use super::correlate::{Correlate, Taps};
use super::geometry::Geometry;
use super::rows::Rows;

/// The widest vector.
const WIDEST: usize = 16;
/// Tiles that go through together, about: three vectors of them fill the registers of [`Correlate`].
const TOGETHER: usize = 48;
/// Channels and filters from which on fewer products outweigh the sums around them.
const ENOUGH: usize = 16;

/// A convolution's weights, transformed.
pub(super) struct Winograd<T> {
    level: Level,
    inputs: usize,
    outputs: usize,
    /// Rows and columns of the image, and the zeros around it.
    sides: [usize; 2],
    padding: usize,
    /// Rows of tiles that go through together.
    rows: usize,
    /// From one channel's tiles to the next.
    stride: usize,
    /// By place in the tile.
    weights: Vec<Taps<T>>,
}

/// Memory for some rows of tiles: one channel's pixels, all channels' and all results transformed.
#[derive(Default)]
pub(super) struct Tiles<T> {
    window: Vec<T>,
    lines: Vec<T>,
    pixels: Vec<T>,
    sums: Vec<T>,
}

/// Whether this way is the faster one, for numbers of `T`.
pub(super) fn pays<T: Number>(geometry: &Geometry) -> bool {
    let Geometry { channels, filters, groups, kernel, stride, padding, dilation, .. } = *geometry;
    // f64 is there to check f32, and does it by the definition.
    let single = size_of::<T>() == size_of::<f32>();
    single && kernel == [3, 3] && [stride, dilation, groups] == [1; 3] && padding <= 2 && channels.min(filters) >= ENOUGH
}

impl<T: Number> Winograd<T> {
    /// `sides`: of the image; `weight(output, input)`: nine weights, row after row.
    pub(super) fn new(
        level: Level,
        [inputs, outputs]: [usize; 2],
        sides: [usize; 2],
        padding: usize,
        weight: impl Fn(usize, usize) -> [T; 9],
    ) -> Self {
        let [down, across] = results(sides, padding).map(|side| side.div_ceil(2));
        let blocks = down.div_ceil((TOGETHER / across).max(1));
        let rows = down.div_ceil(blocks);
        let stride = (rows * across).next_multiple_of(WIDEST) + WIDEST;
        let transformed: Vec<[T; 16]> =
            (0..outputs * inputs).map(|at| transform(weight(at / inputs, at % inputs))).collect();
        let offsets: Vec<usize> = (0..inputs).map(|input| input * stride).collect();
        let taps = |place: usize| {
            Taps::new(level, offsets.clone(), outputs, |input, output| transformed[output * inputs + input][place])
        };
        Self { level, inputs, outputs, sides, padding, rows, stride, weights: (0..16).map(taps).collect() }
    }

    /// Writes the results of one image to `out`, each from `start` on and rectified if there is a slope.
    pub(super) fn run(&self, image: &[T], start: Option<&[T]>, slope: Option<T>, tiles: &mut Tiles<T>, out: &mut [T]) {
        let Self { level, inputs, outputs, sides, padding, stride, .. } = *self;
        let [height, width] = results(sides, padding);
        let [down, across] = [height.div_ceil(2), width.div_ceil(2)];
        // One line more than a power of two, lest the places lie in the same part of the cache.
        let [from, to] = [inputs, outputs].map(|planes| planes * stride + WIDEST);
        let (pixels, sums) = (aligned(&mut tiles.pixels, 16 * from), aligned(&mut tiles.sums, 16 * to));
        for first in (0..down).step_by(self.rows) {
            let rows = self.rows.min(down - first);
            let (window, lines) = (&mut tiles.window, &mut tiles.lines);
            let gather = Gather { image, sides, padding, inputs, first, rows, across, window, lines, to: pixels, stride, place: from };
            T::run(level, gather);
            for (place, taps) in self.weights.iter().enumerate() {
                // The product in the middle goes into each of the four results as it is.
                let start = start.filter(|_| place == 5);
                let (x, out) = (&pixels[place * from..], &mut sums[place * to..]);
                T::run(level, Correlate { taps, x, start, count: rows * across, out, stride });
            }
            let sides = [height.min(2 * (first + rows)) - 2 * first, width];
            let out = &mut out[2 * first * width..];
            let plane = height * width;
            T::run(level, Scatter { from: sums, stride, place: to, outputs, sides, lines: &mut tiles.lines, out, plane, slope });
        }
    }
}

/// Rows and columns of the result.
fn results(sides: [usize; 2], padding: usize) -> [usize; 2] {
    sides.map(|side| side + 2 * padding - 2)
}

/// `count` numbers from the start of a cache line on: vectors then lie in one line each.
fn aligned<T: Number>(memory: &mut Vec<T>, count: usize) -> &mut [T] {
    memory.resize((count + WIDEST).max(memory.len()), T::zero());
    let skip = memory.as_ptr().align_offset(WIDEST * size_of::<f32>()).min(WIDEST);
    &mut memory[skip..][..count]
}

/// G g Gᵀ, rounded once.
fn transform<T: Number>(g: [T; 9]) -> [T; 16] {
    let line = |g: [f64; 3]| [g[0], (g[0] + g[1] + g[2]) / 2.0, (g[0] - g[1] + g[2]) / 2.0, g[2]];
    let g = g.map(|g| g.to_f64());
    let rows = [0, 3, 6].map(|row| line([g[row], g[row + 1], g[row + 2]]));
    let columns: [[f64; 4]; 4] = std::array::from_fn(|b| line([rows[0][b], rows[1][b], rows[2][b]]));
    std::array::from_fn(|place| T::from_f64(columns[place % 4][place / 4]))
}

/// to[4a + b][input][tile] = (Bᵀ d B)[a][b], tile after tile and row of tiles after row of tiles.
struct Gather<'a, T> {
    image: &'a [T],
    sides: [usize; 2],
    padding: usize,
    inputs: usize,
    /// The rows of tiles, from `first` on.
    first: usize,
    rows: usize,
    across: usize,
    window: &'a mut Vec<T>,
    lines: &'a mut Vec<T>,
    to: &'a mut [T],
    /// From one channel's tiles, and from one place's channels, to the next.
    stride: usize,
    place: usize,
}

impl<T: Number> Work<T> for Gather<'_, T> {
    type Out = ();

    #[inline(always)]
    fn run<V: Vectors<Number = T>>(self, vectors: V) {
        let Self { image, sides: [height, width], padding, inputs, first, rows, across, window, lines, .. } = self;
        let Self { to, stride, place, .. } = self;
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
                self::copy(vectors, &image[step * height * width..], [height, width], padding, 2 * first, to, pitch);
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

/// Rows of a padded image from `first` on, without the padding.
#[inline(always)]
fn copy<T: Number, V: Vectors<Number = T>>(
    vectors: V,
    image: &[T],
    [height, width]: [usize; 2],
    padding: usize,
    first: usize,
    to: &mut [T],
    pitch: usize,
) {
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
    [
        vectors.subtract(d[0], d[2]),
        vectors.add(d[1], d[2]),
        vectors.subtract(d[2], d[1]),
        vectors.subtract(d[1], d[3]),
    ]
}

/// Aᵀ m.
#[inline(always)]
fn sums<V: Vectors>(vectors: V, m: [V::Lanes; 4]) -> [V::Lanes; 2] {
    let first = vectors.add(vectors.add(m[0], m[1]), m[2]);
    [first, vectors.subtract(vectors.subtract(m[1], m[2]), m[3])]
}

/// The results Aᵀ m A of each tile in their places, rectified if there is a slope.
struct Scatter<'a, T> {
    from: &'a [T],
    stride: usize,
    place: usize,
    outputs: usize,
    /// Rows and columns of the results.
    sides: [usize; 2],
    lines: &'a mut Vec<T>,
    out: &'a mut [T],
    plane: usize,
    slope: Option<T>,
}

impl<T: Number> Work<T> for Scatter<'_, T> {
    type Out = ();

    #[inline(always)]
    fn run<V: Vectors<Number = T>>(self, vectors: V) {
        let Self { from, stride, place, outputs, sides: [height, width], lines, out, plane, slope } = self;
        let (across, zero) = (width.div_ceil(2), vectors.splat(T::zero()));
        let tiles = height.div_ceil(2) * across;
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
                let to = &mut out[output * plane..][..height * width];
                let copy = Rows {
                    planes: 1,
                    // Of an odd number of rows the last has none below it.
                    rows: (height + 1 - y) / 2,
                    width,
                    from: &lines[y * flat..],
                    from_steps: [0, 2 * across],
                    to: &mut to[y.min(height - 1) * width..],
                    to_steps: [0, 2 * width],
                    slope,
                };
                copy.run(vectors);
            }
        }
    }
}
