//! The types a score may have.

/// f32 or f64. Scores are read into f64, everything is computed in f64, and a gradient is rounded once when written.
pub trait Score:
    Copy + Send + Sync + PartialEq + std::fmt::Display + std::fmt::Debug + sealed::Sealed + 'static
{
    /// Zero.
    const ZERO: Self;
    /// The same number.
    fn to_f64(self) -> f64;
    /// The nearest number of this type.
    fn from_f64(value: f64) -> Self;
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for f32 {}
    impl Sealed for f64 {}
}

impl Score for f32 {
    const ZERO: f32 = 0.0;

    #[inline(always)]
    fn to_f64(self) -> f64 {
        f64::from(self)
    }

    #[inline(always)]
    fn from_f64(value: f64) -> f32 {
        value as f32
    }
}

impl Score for f64 {
    const ZERO: f64 = 0.0;

    #[inline(always)]
    fn to_f64(self) -> f64 {
        self
    }

    #[inline(always)]
    fn from_f64(value: f64) -> f64 {
        value
    }
}
