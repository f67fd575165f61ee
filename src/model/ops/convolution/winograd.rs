//! A 3×3 convolution of stride 1 by tiles of 2×2 results: 16 products a channel where the definition has 36.
//!
//! y = Aᵀ [(G g Gᵀ) ∘ (Bᵀ d B)] A, summed over the channels inside the brackets; d: 4×4 pixels, g: 3×3 weights, y: 2×2.
//! On a line: d becomes (d0 - d2, d1 + d2, d2 - d1, d1 - d3), g becomes (g0, (g0 + g1 + g2)/2, (g0 - g1 + g2)/2, g2), and
//! of their products m the results are m0 + m1 + m2 and m1 - m2 - m3. Source: Lavin and Gray, arXiv:1509.09308, section
//! 4.1. Pixels 1, 2, 3, 4 with weights 1, 1, 1: (-2, 5, 1, -2) and (1, 3/2, 1/2, 1) give 6 and 9.
//!
//! Each of the 16 places of the brackets is a product of matrices, filters × channels by channels × tiles, which
//! [`Correlate`] does: its taps are the channels. A value that is not finite spoils the whole of its tiles.

use super::super::simd::{Level, Number};
use super::correlate::{Correlate, Taps};
use super::geometry::Geometry;
use super::tiles::{Gather, Grid, Scatter, Tiles};

/// Channels and filters from which on fewer products outweigh the sums around them: 16 to 16 take 0.84 of the direct time
/// with AVX-512 and 0.57 with AVX2, 8 to 8 take 1.3 and 0.9.
const ENOUGH: usize = 16;

/// A convolution's weights, transformed.
pub(super) struct Winograd<T> {
    level: Level,
    inputs: usize,
    outputs: usize,
    grid: Grid,
    /// By place in the tile.
    weights: Vec<Taps<T>>,
}

/// Whether this way is the faster one, for numbers of `T`.
pub(super) fn pays<T: Number>(geometry: &Geometry) -> bool {
    let Geometry { channels, filters, groups, kernel, stride, padding, dilation, .. } = *geometry;
    // f64 is there to check f32, and does it by the definition.
    let single = size_of::<T>() == size_of::<f32>();
    let simple = kernel == [3, 3] && [stride, dilation, groups] == [1; 3] && padding <= 2;
    single && simple && channels.min(filters) >= ENOUGH
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
        let grid = Grid::new(sides, padding);
        let transformed: Vec<[T; 16]> =
            (0..outputs * inputs).map(|at| transform(weight(at / inputs, at % inputs))).collect();
        let offsets: Vec<usize> = (0..inputs).map(|input| input * grid.stride).collect();
        let taps = |place: usize| {
            Taps::new(level, offsets.clone(), outputs, |input, output| transformed[output * inputs + input][place])
        };
        Self { level, inputs, outputs, grid, weights: (0..16).map(taps).collect() }
    }

    /// Writes the results of one image to `out`, each from `start` on and rectified if there is a slope.
    pub(super) fn run(&self, image: &[T], start: Option<&[T]>, slope: Option<T>, tiles: &mut Tiles<T>, out: &mut [T]) {
        let Self { level, inputs, outputs, ref grid, .. } = *self;
        let (lines, mut own) = tiles.parts(grid, [inputs, outputs]);
        let [pixels, sums] = &mut own;
        for (first, rows) in grid.blocks() {
            T::run(level, Gather { grid, image, inputs, first, rows, window: lines.0, lines: lines.1, to: pixels });
            for (place, taps) in self.weights.iter().enumerate() {
                // The product in the middle goes into each of the four results as it is.
                let start = start.filter(|_| place == 5);
                let (x, out) = (&pixels[place * grid.place(inputs)..], &mut sums[place * grid.place(outputs)..]);
                T::run(level, Correlate { taps, x, start, count: rows * grid.across, out, stride: grid.stride });
            }
            T::run(level, Scatter { grid, from: sums, outputs, first, rows, lines: lines.1, out, slope });
        }
    }
}

/// G g Gᵀ, rounded once.
fn transform<T: Number>(g: [T; 9]) -> [T; 16] {
    let line = |g: [f64; 3]| [g[0], (g[0] + g[1] + g[2]) / 2.0, (g[0] - g[1] + g[2]) / 2.0, g[2]];
    let g = g.map(|g| g.to_f64());
    let rows = [0, 3, 6].map(|row| line([g[row], g[row + 1], g[row + 2]]));
    let columns: [[f64; 4]; 4] = std::array::from_fn(|b| line([rows[0][b], rows[1][b], rows[2][b]]));
    std::array::from_fn(|place| T::from_f64(columns[place % 4][place / 4]))
}
