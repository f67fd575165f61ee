//! The result of a convolution, image by image.

use super::super::simd::{Level, Number};
use super::correlate::{Correlate, SLACK, Taps};
use super::geometry::Geometry;

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
        pad(geometry, image, &mut scratch.padded);
        let (count, filters) = (geometry.positions(), geometry.filters);
        let stride = count + SLACK;
        scratch.wide.resize(filters * stride, T::zero());
        for (group, taps) in self.groups.iter().enumerate() {
            let x = &scratch.padded[group * geometry.group()..];
            let start = self.bias.as_deref().map(|bias| &bias[group * filters..]);
            T::run(self.level, Correlate { taps, x, start, count, out: &mut scratch.wide, stride });
            let (width, pitch) = (geometry.out_width, geometry.phase()[1]);
            let plane = geometry.out_height * width;
            for filter in 0..filters {
                let wide = &scratch.wide[filter * stride..];
                let out = &mut out[(group * filters + filter) * plane..][..plane];
                for (out, wide) in out.chunks_exact_mut(width.max(1)).zip(wide.chunks(pitch)) {
                    match slope {
                        None => out.copy_from_slice(&wide[..width]),
                        Some(slope) => rectify(&wide[..width], slope, out),
                    }
                }
            }
        }
    }
}

/// The image's phases in their zero padding, and [`SLACK`] zeros.
pub(super) fn pad<T: Number>(geometry: &Geometry, image: &[T], padded: &mut Vec<T>) {
    padded.clear();
    padded.resize(geometry.padded() + SLACK, T::zero());
    let stride = geometry.stride;
    geometry.rows(|from, to, count| {
        let to = &mut padded[to..to + count];
        if stride == 1 {
            to.copy_from_slice(&image[from..from + count]);
        } else {
            to.iter_mut().zip(image[from..].iter().step_by(stride)).for_each(|(to, from)| *to = *from);
        }
    });
}

/// x above 0, else slope · x; 0 for a slope of 0, which must not meet -inf. NaN stays NaN.
#[inline]
fn rectify<T: Number>(x: &[T], slope: T, out: &mut [T]) {
    if slope == T::zero() {
        out.iter_mut().zip(x).for_each(|(out, x)| *out = if *x <= T::zero() { T::zero() } else { *x });
    } else {
        out.iter_mut().zip(x).for_each(|(out, x)| *out = if *x <= T::zero() { *x * slope } else { *x });
    }
}
