//! The result of a convolution, image by image.

use super::super::simd::{Level, Number};
use super::correlate::{Correlate, SLACK, Taps};
use super::geometry::Geometry;
use super::rows::Rows;

/// A convolution with its weights in the order the kernel reads them.
pub(crate) struct Forward<T> {
    geometry: Geometry,
    level: Level,
    groups: Vec<Taps<T>>,
    bias: Option<Vec<T>>,
}

/// Memory for one image, reused for the next.
#[derive(Default)]
pub(crate) struct Scratch<T> {
    pub(super) padded: Vec<T>,
    pub(super) wide: Vec<T>,
}

impl<T: Number> Forward<T> {
    /// `weight`: [`Geometry::weights`] numbers, `bias`: one number a filter.
    pub(crate) fn new(level: Level, geometry: Geometry, weight: &[T], bias: Option<&[T]>) -> Self {
        let taps = geometry.taps();
        let group = |group: usize| {
            let weight = &weight[group * geometry.filters * taps..];
            Taps::new(level, geometry.offsets(), geometry.filters, |k, m| weight[m * taps + k])
        };
        let groups = (0..geometry.groups).map(group).collect();
        Self { geometry, level, groups, bias: bias.map(<[T]>::to_vec) }
    }

    /// Writes the result of one image to `out`; with a `slope`, what the rectifier makes of it.
    pub(crate) fn run(&self, image: &[T], slope: Option<T>, scratch: &mut Scratch<T>, out: &mut [T]) {
        let geometry = &self.geometry;
        pad(self.level, geometry, image, &mut scratch.padded);
        let (count, filters) = (geometry.positions(), geometry.filters);
        let stride = count + SLACK;
        scratch.wide.resize(filters * stride, T::zero());
        for (group, taps) in self.groups.iter().enumerate() {
            let x = &scratch.padded[group * geometry.group()..];
            let start = self.bias.as_deref().map(|bias| &bias[group * filters..]);
            T::run(self.level, Correlate { taps, x, start, count, out: &mut scratch.wide, stride });
            let plane = geometry.out_height * geometry.out_width;
            T::run(
                self.level,
                Rows {
                    planes: filters,
                    rows: geometry.out_height,
                    width: geometry.out_width,
                    from: &scratch.wide,
                    from_steps: [stride, geometry.phase()[1]],
                    to: &mut out[group * filters * plane..],
                    to_steps: [plane, geometry.out_width],
                    slope,
                },
            );
        }
    }
}

/// The image's phases in their zero padding, and [`SLACK`] zeros.
pub(super) fn pad<T: Number>(level: Level, geometry: &Geometry, image: &[T], padded: &mut Vec<T>) {
    padded.clear();
    padded.resize(geometry.padded() + SLACK, T::zero());
    let Geometry { groups, channels, height, width, stride, padding, .. } = *geometry;
    if stride == 1 {
        let [rows, pitch] = geometry.phase();
        return T::run(
            level,
            Rows {
                planes: groups * channels,
                rows: height,
                width,
                from: image,
                from_steps: [height * width, width],
                to: &mut padded[padding * pitch + padding..],
                to_steps: [rows * pitch, pitch],
                slope: None,
            },
        );
    }
    geometry.rows(|from, to, count| {
        let pixels = image[from..].iter().step_by(stride);
        padded[to..to + count].iter_mut().zip(pixels).for_each(|(to, from)| *to = *from);
    });
}
