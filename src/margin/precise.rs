//! Sums carried in two f64, so that a bound can be stated beyond the rounding of one.
//!
//! Source: Ogita, Rump and Oishi, Accurate sum and dot product, SIAM J. Sci. Comput. 26 (2005). A dot product of length d
//! is right to 2^-53 of itself and d² · 2^-106 of Σ|a_k b_k|. (2^27 + 1)² - 2^54 - 2^28 = 1, where plain f64 says 0.

/// A number as an unevaluated sum, `high + low`, with `low` below the rounding of `high`.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Twofold {
    pub high: f64,
    pub low: f64,
}

/// a + b and its rounding error.
fn two_sum(a: f64, b: f64) -> (f64, f64) {
    let sum = a + b;
    let part = sum - a;
    (sum, (a - (sum - part)) + (b - part))
}

impl Twofold {
    pub fn add(self, value: f64) -> Self {
        let (high, error) = two_sum(self.high, value);
        Self { high, low: self.low + error }
    }

    /// `self + a * b`.
    pub fn add_product(self, a: f64, b: f64) -> Self {
        let product = a * b;
        let error = a.mul_add(b, -product);
        let sum = self.add(product);
        Self { low: sum.low + error, ..sum }
    }

    pub fn value(self) -> f64 {
        self.high + self.low
    }

    pub fn minus(self, other: Self) -> f64 {
        let (high, error) = two_sum(self.high, -other.high);
        high + (error + (self.low - other.low))
    }
}

/// The inner product.
pub(super) fn precise_dot(a: &[f64], b: &[f64]) -> Twofold {
    a.iter().zip(b).fold(Twofold::default(), |sum, (a, b)| sum.add_product(*a, *b))
}
