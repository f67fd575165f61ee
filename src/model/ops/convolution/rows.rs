//! Moves rows of pixels between planes of different pitch, into and out of a zero padding.
//!
//! Rows are 16 or 32 pixels long and there are some thousand to an image: a call of memmove for each costs more than the
//! copy, about a tenth of a step of training.

use super::super::simd::{Number, Vectors, Work};

/// to[plane, row, ..width] = from[plane, row, ..width], rectified if there is a slope.
pub(super) struct Rows<'a, T> {
    pub planes: usize,
    pub rows: usize,
    pub width: usize,
    pub from: &'a [T],
    /// Numbers from one plane to the next, and from one row to the next.
    pub from_steps: [usize; 2],
    pub to: &'a mut [T],
    pub to_steps: [usize; 2],
    pub slope: Option<T>,
}

impl<T: Number> Work<T> for Rows<'_, T> {
    type Out = ();

    #[inline(always)]
    fn run<V: Vectors<Number = T>>(self, vectors: V) {
        let Self { planes, rows, width, from, from_steps, to, to_steps, slope } = self;
        for plane in 0..planes {
            for row in 0..rows {
                let from = &from[plane * from_steps[0] + row * from_steps[1]..][..width];
                let to = &mut to[plane * to_steps[0] + row * to_steps[1]..][..width];
                match slope {
                    None => copy(vectors, from, to),
                    Some(slope) if slope == T::zero() => {
                        to.iter_mut().zip(from).for_each(|(to, x)| *to = if *x <= T::zero() { T::zero() } else { *x });
                    }
                    Some(slope) => {
                        to.iter_mut().zip(from).for_each(|(to, x)| *to = if *x <= T::zero() { *x * slope } else { *x });
                    }
                }
            }
        }
    }
}

/// Two vectors at a time, which the compiler does not take for a memmove.
#[inline(always)]
fn copy<T: Number, V: Vectors<Number = T>>(vectors: V, from: &[T], to: &mut [T]) {
    let (width, mut at) = (from.len(), 0);
    while at + 2 * V::COUNT <= width {
        let (from, to) = (&from[at..][..2 * V::COUNT], &mut to[at..][..2 * V::COUNT]);
        let (first, second) = (vectors.load(from), vectors.load(&from[V::COUNT..]));
        vectors.store(first, to);
        vectors.store(second, &mut to[V::COUNT..]);
        at += 2 * V::COUNT;
    }
    if at + V::COUNT <= width {
        vectors.store(vectors.load(&from[at..]), &mut to[at..]);
        at += V::COUNT;
    }
    if at < width && width >= V::COUNT {
        // The last vector overlaps the one before it.
        let last = width - V::COUNT;
        vectors.store(vectors.load(&from[last..]), &mut to[last..]);
    } else {
        to[at..].iter_mut().zip(&from[at..]).for_each(|(to, from)| *to = *from);
    }
}
