//! Eight lanes as an array: safe code that the compiler turns into whatever vectors it was given.

use super::{LANES, Lanes, Pack, WHOLE};

/// `FUSED`: the processor has a fused multiply-add.
#[derive(Clone, Copy)]
pub(super) struct Array<const FUSED: bool>([f64; LANES]);

impl<const FUSED: bool> Array<FUSED> {
    #[inline(always)]
    fn zip(self, other: Self, f: impl Fn(f64, f64) -> f64) -> Self {
        let mut out = [0.0; LANES];
        for l in 0..LANES {
            out[l] = f(self.0[l], other.0[l]);
        }
        Self(out)
    }
}

impl<const FUSED: bool> Lanes for Array<FUSED> {
    const WIDE: bool = false;

    #[inline(always)]
    fn splat(value: f64) -> Self {
        Self([value; LANES])
    }

    #[inline(always)]
    fn load(from: &Pack) -> Self {
        Self(from.0)
    }

    #[inline(always)]
    fn store(self, to: &mut Pack) {
        to.0 = self.0;
    }

    #[inline(always)]
    fn add(self, other: Self) -> Self {
        self.zip(other, |a, b| a + b)
    }

    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        self.zip(other, |a, b| a - b)
    }

    #[inline(always)]
    fn mul(self, other: Self) -> Self {
        self.zip(other, |a, b| a * b)
    }

    #[inline(always)]
    fn div(self, other: Self) -> Self {
        self.zip(other, |a, b| a / b)
    }

    #[inline(always)]
    fn mul_add(self, b: Self, c: Self) -> Self {
        let mut out = [0.0; LANES];
        for l in 0..LANES {
            out[l] = if FUSED { self.0[l].mul_add(b.0[l], c.0[l]) } else { self.0[l] * b.0[l] + c.0[l] };
        }
        Self(out)
    }

    #[inline(always)]
    fn floor(self) -> Self {
        let mut out = self.0;
        for x in &mut out {
            // From 2^51 on the trick below has no room; scores that large are whole in units of a box.
            let whole = (*x + WHOLE) - WHOLE;
            let whole = if whole > *x { whole - 1.0 } else { whole };
            *x = if x.abs() < 2_251_799_813_685_248.0 { whole } else { x.floor() };
        }
        Self(out)
    }

    #[inline(always)]
    fn min(self, other: Self) -> Self {
        self.zip(other, |a, b| if a < b { a } else { b })
    }

    #[inline(always)]
    fn zero_below(self, limit: f64, value: Self) -> Self {
        self.zip(value, |x, value| if x < limit { 0.0 } else { value })
    }

    #[inline(always)]
    fn scale(self, k: Self) -> Self {
        // The low bits of k are the whole number; shifted to the exponent's place they are the exponent.
        self.zip(k, |x, k| x * f64::from_bits((k.to_bits() << 52).wrapping_add(1023 << 52)))
    }

    #[inline(always)]
    fn peel(self, exponent: Self) -> (Self, Self) {
        let (mut excess, mut out) = (self.0, exponent.0);
        for (excess, out) in excess.iter_mut().zip(&mut out) {
            let whole = (1.0 + *excess).to_bits();
            // The exponent's bits, read through the float 2^52 + integer: vectors have no other conversion.
            let power = f64::from_bits((whole >> 52) | 0x4330_0000_0000_0000) - (4_503_599_627_370_496.0 + 1023.0);
            let rest = f64::from_bits((whole & 0x000f_ffff_ffff_ffff) | 0x3ff0_0000_0000_0000) - 1.0;
            // 1 + excess has its full accuracy as a float there, so its exponent can be set aside.
            let large = *excess > 18_446_744_073_709_551_616.0;
            *out += if large { power } else { 0.0 };
            *excess = if large { rest } else { *excess };
        }
        (Self(excess), Self(out))
    }

    #[inline(always)]
    fn sums(from: &[Self; LANES]) -> Self {
        Self(from.map(|Self(p)| ((p[0] + p[1]) + (p[2] + p[3])) + ((p[4] + p[5]) + (p[6] + p[7]))))
    }

    #[inline(always)]
    fn products(u: f64, v: f64) -> Self {
        let w = u * v;
        Self([1.0, u, v, w, 1.0, u, v, w])
    }

    #[inline(always)]
    fn upper(w: f64) -> Self {
        Self([1.0, 1.0, 1.0, 1.0, w, w, w, w])
    }
}
