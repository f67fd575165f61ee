//! The inner loop of the weight gradient: a sum of outer products of filters and taps over the positions.
//!
//! sum[k][m] += gradient[m][q] · x[offset[k] + q], a vector of filters m at a time. The gradient is transposed once an
//! image, so that its filters are adjacent; the sums of a few taps stay in registers for the whole image and no vector
//! is ever summed across.

use super::super::simd::{Number, Vectors, Work};
use super::geometry::Geometry;

/// One group of one image.
pub(super) struct Outer<'a, T> {
    pub geometry: &'a Geometry,
    pub offsets: &'a [usize],
    pub group: usize,
    pub x: &'a [T],
    pub gradient: &'a [T],
    pub transposed: &'a mut Vec<T>,
    pub sums: &'a mut Vec<T>,
}

/// The filters of a block.
pub(super) struct Count;

impl<T: Number> Work<T> for Count {
    type Out = usize;
    fn run<V: Vectors<Number = T>>(self, _: V) -> usize {
        V::COUNT
    }
}

impl<T: Number> Work<T> for Outer<'_, T> {
    type Out = ();

    #[inline(always)]
    fn run<V: Vectors<Number = T>>(self, vectors: V) {
        let Self { geometry, offsets, group, x, gradient, transposed, sums } = self;
        let taps = offsets.len();
        let blocks = geometry.filters.div_ceil(V::COUNT);
        sums.resize(geometry.groups * blocks * taps * V::COUNT, T::zero());
        let plane = geometry.out_height * geometry.out_width;
        let rows = Rows { pitch: geometry.phase()[1], width: geometry.out_width, x };
        let mut block = 0;
        while block < blocks {
            let first = block * V::COUNT;
            let sums = &mut sums[(group * blocks + block) * taps * V::COUNT..];
            let planes = &gradient[first * plane..];
            // Two vectors of filters share what is read of the image.
            if block + 1 < blocks {
                rows.all::<V, 2>(vectors, geometry, offsets, planes, transposed, sums);
                block += 2;
            } else {
                rows.all::<V, 1>(vectors, geometry, offsets, planes, transposed, sums);
                block += 1;
            }
        }
    }
}

/// `to[q][m] = from[m][q]` for one vector of filters; those that do not exist are zero.
#[inline(always)]
fn transpose<T: Number, V: Vectors<Number = T>>(vectors: V, from: &[T], plane: usize, to: &mut [T]) {
    let filters = V::COUNT.min(from.len() / plane.max(1));
    if filters < V::COUNT {
        to.fill(T::zero());
    }
    let whole = if filters == V::COUNT { plane / V::COUNT * V::COUNT } else { 0 };
    for q in (0..whole).step_by(V::COUNT) {
        vectors.transpose(&from[q..], plane, &mut to[q * V::COUNT..]);
    }
    for (m, from) in from.chunks_exact(plane.max(1)).take(filters).enumerate() {
        for q in whole..plane {
            to[q * V::COUNT + m] = from[q];
        }
    }
}

struct Rows<'a, T> {
    pitch: usize,
    width: usize,
    x: &'a [T],
}

impl<T: Number> Rows<'_, T> {
    /// Adds all taps for `B` vectors of filters, whose sums are `offsets.len()` vectors apart.
    #[inline(always)]
    fn all<V: Vectors<Number = T>, const B: usize>(
        &self,
        vectors: V,
        geometry: &Geometry,
        offsets: &[usize],
        planes: &[T],
        transposed: &mut Vec<T>,
        sums: &mut [T],
    ) {
        let plane = geometry.out_height * geometry.out_width;
        let size = plane * V::COUNT;
        transposed.resize(B * size, T::zero());
        for (b, to) in transposed.chunks_exact_mut(size.max(1)).enumerate() {
            transpose(vectors, &planes[b * V::COUNT * plane..], plane, to);
        }
        let gradient: [&[T]; B] = std::array::from_fn(|b| &transposed[b * size..(b + 1) * size]);
        let stride = offsets.len() * V::COUNT;
        // Columns of the weight that are adjacent in the image are read from one place.
        let adjacent = geometry.stride == 1 && geometry.dilation == 1;
        let mut at = 0;
        while at < offsets.len() {
            let (offsets, sums) = (&offsets[at..], &mut sums[at * V::COUNT..]);
            // As many sums as the registers hold beside what is read.
            let few = B == 2 && V::REGISTERS < 32;
            at += match (adjacent, geometry.kernel[1], offsets.len()) {
                (true, 3, 6..) if few => self.some::<V, B, 2, 3>(vectors, offsets, gradient, sums, stride),
                (true, 3, 9..) if !few => self.some::<V, B, 3, 3>(vectors, offsets, gradient, sums, stride),
                (true, 3, _) => self.some::<V, B, 1, 3>(vectors, offsets, gradient, sums, stride),
                (true, 5, 10..) if !few => self.some::<V, B, 2, 5>(vectors, offsets, gradient, sums, stride),
                (true, 5, _) => self.some::<V, B, 1, 5>(vectors, offsets, gradient, sums, stride),
                (_, _, 8..) if !few => self.some::<V, B, 8, 1>(vectors, offsets, gradient, sums, stride),
                (_, _, 4..) => self.some::<V, B, 4, 1>(vectors, offsets, gradient, sums, stride),
                _ => self.some::<V, B, 1, 1>(vectors, offsets, gradient, sums, stride),
            };
        }
    }

    /// Adds `R` · `K` taps, of which each `K` are adjacent; returns how many.
    #[inline(always)]
    fn some<V: Vectors<Number = T>, const B: usize, const R: usize, const K: usize>(
        &self,
        vectors: V,
        offsets: &[usize],
        gradient: [&[T]; B],
        sums: &mut [T],
        stride: usize,
    ) -> usize {
        let starts: [usize; R] = std::array::from_fn(|r| offsets[r * K]);
        let mut own = [[[vectors.splat(T::zero()); K]; R]; B];
        let length = self.width * V::COUNT;
        for y in 0..gradient[0].len() / length.max(1) {
            // No `map` here or below: a closure is its own function, compiled without the vectors.
            let mut rows = gradient;
            for b in 0..B {
                rows[b] = &gradient[b][y * length..][..length];
            }
            let mut x: [&[T]; R] = [&[]; R];
            for r in 0..R {
                x[r] = &self.x[starts[r] + y * self.pitch..][..self.width + K - 1];
            }
            for q in 0..self.width {
                let mut lanes = [vectors.splat(T::zero()); B];
                for b in 0..B {
                    lanes[b] = vectors.load(&rows[b][q * V::COUNT..]);
                }
                for r in 0..R {
                    let x = &x[r][q..q + K];
                    for k in 0..K {
                        let x = vectors.splat(x[k]);
                        for b in 0..B {
                            own[b][r][k] = vectors.multiply_add(lanes[b], x, own[b][r][k]);
                        }
                    }
                }
            }
        }
        let one = vectors.splat(T::one());
        for (b, own) in own.iter().enumerate() {
            let sums = &mut sums[b * stride..];
            for (own, sums) in own.as_flattened().iter().zip(sums.chunks_exact_mut(V::COUNT)) {
                vectors.store(vectors.multiply_add(*own, one, vectors.load(sums)), sums);
            }
        }
        R * K
    }
}
