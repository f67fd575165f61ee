//! How exact an answer has to be.

/// A bound on the relative error of the loss and of every component of the gradient, before rounding.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tol {
    /// 4e-13, linear time; 2.2e-12 for second derivatives.
    #[default]
    Fine,
    /// 1.6e-10, linear time; 8e-10 for second derivatives.
    Mid,
    /// 1e-7, linear time; 5e-7 for second derivatives.
    Coarse,
    /// No approximation, only rounding: time grows with the number of pairs.
    Exact,
}

impl Tol {
    /// The width of a box, a power of two.
    pub(crate) fn width(self) -> f64 {
        match self {
            Tol::Fine | Tol::Exact => 0.25,
            Tol::Mid => 0.5,
            Tol::Coarse => 1.0,
        }
    }

    /// The bounds on the approximation, of loss and gradient and of second derivatives; see [`super::Boxes`] and
    /// `tests/reference/boxes.json`.
    pub(crate) fn approximation(self) -> (f64, f64) {
        match self {
            Tol::Fine => (4e-13, 2.2e-12),
            Tol::Mid => (1.6e-10, 8e-10),
            Tol::Coarse => (1e-7, 5e-7),
            Tol::Exact => (0.0, 0.0),
        }
    }
}
