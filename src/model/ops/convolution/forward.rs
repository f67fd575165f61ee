//! The result of a convolution, image by image.

use super::super::simd::{Level, Number};
use super::correlate::{Correlate, SLACK, Taps};
use super::geometry::Geometry;
use super::rows::Rows;
use super::tiles::Tiles;
use super::winograd::{self, Winograd};

/// A convolution with its weights in the order the kernel reads them.
pub(crate) struct Forward<T> {
    geometry: Geometry,
    level: Level,
    way: Way<T>,
    bias: Option<Vec<T>>,
}

enum Way<T> {
    /// The weights of each group.
    Direct(Vec<Taps<T>>),
    Winograd(Winograd<T>),
}

/// Memory for one image, reused for the next.
#[derive(Default)]
pub(crate) struct Scratch<T> {
    pub(super) padded: Vec<T>,
    pub(super) wide: Vec<T>,
    pub(super) tiles: Tiles<T>,
}

impl<T: Number> Forward<T> {
    /// `weight`: [`Geometry::weights`] numbers, `bias`: one number a filter.
    pub(crate) fn new(level: Level, geometry: Geometry, weight: &[T], bias: Option<&[T]>) -> Self {
        let taps = geometry.taps();
        let group = |group: usize| {
            let weight = &weight[group * geometry.filters * taps..];
            Taps::new(level, geometry.offsets(), geometry.filters, |k, m| weight[m * taps + k])
        };
        let way = if winograd::pays::<T>(&geometry) {
            let Geometry { channels, filters, height, width, padding, .. } = geometry;
            let own = |filter: usize, channel: usize| weight.as_chunks().0[filter * channels + channel];
            Way::Winograd(Winograd::new(level, [channels, filters], [height, width], padding, own))
        } else {
            Way::Direct((0..geometry.groups).map(group).collect())
        };
        Self { geometry, level, way, bias: bias.map(<[T]>::to_vec) }
    }

    /// Writes the result of one image to `out`; with a `slope`, what the rectifier makes of it.
    pub(crate) fn run(&self, image: &[T], slope: Option<T>, scratch: &mut Scratch<T>, out: &mut [T]) {
        let geometry = &self.geometry;
        let groups = match &self.way {
            Way::Direct(groups) => groups,
            Way::Winograd(own) => return own.run(image, self.bias.as_deref(), slope, &mut scratch.tiles, out),
        };
        pad(self.level, geometry, image, &mut scratch.padded);
        let (count, filters) = (geometry.positions(), geometry.filters);
        let stride = count + SLACK;
        scratch.wide.resize(filters * stride, T::zero());
        for (group, taps) in groups.iter().enumerate() {
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
