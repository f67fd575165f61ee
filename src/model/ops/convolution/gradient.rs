//! The gradients of a convolution in its input and in its weight, image by image and each on its own.

use super::super::simd::{Level, Number};
use super::correlate::{Correlate, SLACK, Taps};
use super::forward::{Scratch, pad};
use super::geometry::Geometry;
use super::outer::Outer;
use super::rows::Rows;
use super::winograd::{self, Winograd};

/// The gradient in the input: each phase of it is a correlation of the padded gradient with some of the weights.
pub(crate) struct InputGradient<T> {
    geometry: Geometry,
    level: Level,
    way: Way<T>,
}

enum Way<T> {
    Direct(Vec<Phase<T>>),
    /// With the weights turned by half a turn.
    Winograd(Winograd<T>),
}

/// The pixels (row · stride + top, column · stride + left) of the image.
struct Phase<T> {
    /// Rows and columns of the phase image that lie inside the image, half open.
    rows: [usize; 2],
    columns: [usize; 2],
    /// Row and column remainder of the padded image.
    remainder: [usize; 2],
    /// One for each group; no taps means no gradient.
    groups: Vec<Taps<T>>,
}

impl<T: Number> InputGradient<T> {
    /// `weight`: [`Geometry::weights`] numbers.
    pub(crate) fn new(level: Level, geometry: Geometry, weight: &[T]) -> Self {
        let Geometry { stride, dilation, filters, channels, kernel: [kh, kw], .. } = geometry;
        if winograd::pays::<T>(&geometry) {
            let turned = |channel: usize, filter: usize| {
                let mut own: [T; 9] = weight.as_chunks().0[filter * channels + channel];
                own.reverse();
                own
            };
            let sides = [geometry.out_height, geometry.out_width];
            let way = Winograd::new(level, [filters, channels], sides, 2 - geometry.padding, turned);
            return Self { geometry, level, way: Way::Winograd(way) };
        }
        let [reach_y, reach_x] = reach(&geometry);
        let [rows, pitch] = padded(&geometry);
        let mut phases = Vec::new();
        for remainder in (0..stride * stride).map(|at| [at / stride, at % stride]) {
            // Which rows and columns of the weight meet these pixels.
            let own = |size: usize, remainder: usize| {
                (0..size).filter(move |k| k * dilation % stride == remainder).collect::<Vec<_>>()
            };
            let (own_y, own_x) = (own(kh, remainder[0]), own(kw, remainder[1]));
            let (mut offsets, mut places) = (Vec::new(), Vec::new());
            for filter in 0..filters {
                for &ky in &own_y {
                    for &kx in &own_x {
                        let (y, x) = (reach_y - ky * dilation / stride, reach_x - kx * dilation / stride);
                        offsets.push((filter * rows + y) * pitch + x);
                        places.push((filter * channels * kh + ky) * kw + kx);
                    }
                }
            }
            let inside = |pixels: usize, remainder: usize| {
                let first = geometry.padding.saturating_sub(remainder).div_ceil(stride);
                let end = (pixels + geometry.padding).saturating_sub(remainder).div_ceil(stride);
                [first, end.max(first)]
            };
            let group = |group: usize| {
                let weight = &weight[group * filters * geometry.taps()..];
                Taps::new(level, offsets.clone(), channels, |k, m| weight[places[k] + m * kh * kw])
            };
            phases.push(Phase {
                rows: inside(geometry.height, remainder[0]),
                columns: inside(geometry.width, remainder[1]),
                remainder,
                groups: (0..geometry.groups).map(group).collect(),
            });
        }
        Self { geometry, level, way: Way::Direct(phases) }
    }

    /// Writes the gradient in one image to `out`, given that in its result.
    pub(crate) fn run(&self, gradient: &[T], scratch: &mut Scratch<T>, out: &mut [T]) {
        let phases = match &self.way {
            Way::Direct(phases) => phases,
            Way::Winograd(own) => return own.run(gradient, None, None, &mut scratch.tiles, out),
        };
        let geometry = &self.geometry;
        let Geometry { stride, padding, filters, channels, height, width, .. } = *geometry;
        let ([reach_y, reach_x], [rows, pitch]) = (reach(geometry), padded(geometry));
        let Scratch { padded, wide, .. } = scratch;
        padded.clear();
        padded.resize(geometry.groups * filters * rows * pitch + SLACK, T::zero());
        T::run(
            self.level,
            Rows {
                planes: geometry.groups * filters,
                rows: geometry.out_height,
                width: geometry.out_width,
                from: gradient,
                from_steps: [geometry.out_height * geometry.out_width, geometry.out_width],
                to: &mut padded[reach_y * pitch + reach_x..],
                to_steps: [rows * pitch, pitch],
                slope: None,
            },
        );
        for phase in phases {
            let ([top, bottom], [left, right]) = (phase.rows, phase.columns);
            if top == bottom || left == right {
                continue;
            }
            let count = (bottom - top - 1) * pitch + right - left;
            let plane = count + SLACK;
            wide.resize((channels * plane).max(wide.len()), T::zero());
            for (group, taps) in phase.groups.iter().enumerate() {
                let x = &padded[group * filters * rows * pitch + top * pitch + left..];
                T::run(self.level, Correlate { taps, x, start: None, count, out: wide, stride: plane });
                // The first pixel of this phase in the image.
                let y = top * stride + phase.remainder[0] - padding;
                let x = left * stride + phase.remainder[1] - padding;
                let out = &mut out[group * channels * height * width + y * width + x..];
                if stride == 1 {
                    T::run(
                        self.level,
                        Rows {
                            planes: channels,
                            rows: bottom - top,
                            width: right - left,
                            from: wide,
                            from_steps: [plane, pitch],
                            to: out,
                            to_steps: [height * width, width],
                            slope: None,
                        },
                    );
                    continue;
                }
                for (channel, row) in (0..channels).flat_map(|channel| (top..bottom).map(move |row| (channel, row))) {
                    let wide = &wide[channel * plane + (row - top) * pitch..][..right - left];
                    let out = &mut out[channel * height * width + (row - top) * stride * width..];
                    out.iter_mut().step_by(stride).zip(wide).for_each(|(out, wide)| *out = *wide);
                }
            }
        }
    }
}

/// By how many rows and columns of a phase the window reaches beyond its first.
fn reach(geometry: &Geometry) -> [usize; 2] {
    geometry.kernel.map(|size| (size - 1) * geometry.dilation / geometry.stride)
}

/// Rows and columns of a padded plane of the result's gradient.
fn padded(geometry: &Geometry) -> [usize; 2] {
    let ([reach_y, reach_x], [rows, columns]) = (reach(geometry), geometry.phase());
    [rows + reach_y, columns.max(geometry.out_width + reach_x)]
}

/// The gradient in the weight: for each tap and filter, the sum over positions of gradient times pixel.
pub(crate) struct WeightGradient {
    geometry: Geometry,
    level: Level,
    offsets: Vec<usize>,
}

/// Memory for one image, and the sums over the images so far.
#[derive(Default)]
pub(crate) struct WeightSums<T> {
    padded: Vec<T>,
    transposed: Vec<T>,
    /// By group, block of filters, tap; then the filters of the block.
    sums: Vec<T>,
}

impl<T: Number> WeightSums<T> {
    /// Forgets the images so far.
    pub(crate) fn clear(&mut self) {
        self.sums.clear();
    }
}

impl WeightGradient {
    pub(crate) fn new(level: Level, geometry: Geometry) -> Self {
        Self { geometry, level, offsets: geometry.offsets() }
    }

    /// Adds one image.
    pub(crate) fn add<T: Number>(&self, image: &[T], gradient: &[T], sums: &mut WeightSums<T>) {
        let geometry = &self.geometry;
        pad(self.level, geometry, image, &mut sums.padded);
        let plane = geometry.out_height * geometry.out_width;
        for group in 0..geometry.groups {
            T::run(
                self.level,
                Outer {
                    geometry,
                    offsets: &self.offsets,
                    group,
                    x: &sums.padded[group * geometry.group()..],
                    gradient: &gradient[group * geometry.filters * plane..][..geometry.filters * plane],
                    transposed: &mut sums.transposed,
                    sums: &mut sums.sums,
                },
            );
        }
    }

    /// Adds the sums of all images to `out`, in the order of the weight.
    pub(crate) fn finish<T: Number>(&self, sums: &WeightSums<T>, out: &mut [T]) {
        if sums.sums.is_empty() {
            return;
        }
        let (taps, filters) = (self.offsets.len(), self.geometry.filters);
        let lanes = T::run(self.level, super::outer::Count);
        let blocks = filters.div_ceil(lanes);
        for (at, own) in sums.sums.chunks_exact(lanes).enumerate() {
            let (group, block, tap) = (at / (blocks * taps), at / taps % blocks, at % taps);
            for (lane, sum) in own.iter().enumerate().take(filters - block * lanes) {
                out[(group * filters + block * lanes + lane) * taps + tap] += *sum;
            }
        }
    }
}
