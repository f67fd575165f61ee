//! How exact an answer has to be.

/// A bound on the relative error of the loss and of every component of the gradient, before rounding.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tol {
    /// 3e-12, linear time. Seen: 2e-13.
    #[default]
    Fine,
    /// 1e-9, linear time.
    Mid,
    /// 1e-6, linear time.
    Coarse,
    /// No approximation, only rounding: time grows with the number of pairs.
    Exact,
}

impl Tol {
    /// The width of a box, a power of two.
    pub(super) fn width(self) -> f64 {
        match self {
            Tol::Fine | Tol::Exact => 0.25,
            Tol::Mid => 0.5,
            Tol::Coarse => 1.0,
        }
    }

    /// The bounds on the approximation, of loss and gradient and of second derivatives; see [`super::Boxes`].
    pub(super) fn approximation(self) -> (f64, f64) {
        match self {
            Tol::Fine => (2e-12, 2e-12),
            Tol::Mid => (1e-9, 1e-9),
            Tol::Coarse => (1e-6, 1e-6),
            Tol::Exact => (0.0, 0.0),
        }
    }
}
