//! Figures for a notebook, as plotly JSON with a description in words.
//!
//! Takes result structs and never a model; the only module that names plotly. Colours are Okabe and Ito's, and each curve
//! also has its own dash and marker. Numbers are rounded to six digits, which halves the notebook's size.
//!
//! ```
//! use widemargin::{figure, margin::Hyperplane};
//! let plane = Hyperplane { w: vec![1.0, 0.0], b: -11.0 };
//! let figure = figure::boundary(&[vec![12.0, 1.0]], &[vec![10.0, 1.0]], &[("SVM", &plane)])?;
//! assert_eq!(figure.alt(), "1 positive and 1 negative point in the plane. SVM separates them with margin 1.");
//! # Ok::<(), widemargin::Error>(())
//! ```

mod bitmap;
mod boundary;
mod course;
mod curves;
mod distances;
mod features;
mod json;
mod lines;
mod robust;
mod script;
mod slider;
mod spectra;
mod style;
mod triptych;

pub use boundary::boundary;
pub use course::attack_course;
pub use curves::curves;
pub use distances::{distances, sandwich};
pub use features::{angles, displacement, margins};
pub use json::Figure;
pub use lines::{Scale, lines};
/// For figures of a cell's own: the one copy that cells link.
pub use plotly;
pub use robust::robust_accuracy;
pub use script::plotly_js;
pub use slider::slider;
pub use spectra::spectra;
pub use triptych::{triptych, triptych_beside_noise};
