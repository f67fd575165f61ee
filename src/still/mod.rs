//! Stills: pictures of figures for readers that run no script, such as GitHub, nbconvert and printers.
//!
//! [`svg`] draws plotly's JSON by itself, with no browser and no Node: scatter, bar, histogram, box, heat map, image,
//! panels, legends, annotations and shapes. [`png()`] turns it into pixels (feature `png`). [`Renderer`] says which formats
//! a figure carries. A figure that it would draw otherwise than plotly does (other
//! traces, dates, stacked areas: `limits.rs`) has no still, rather than a wrong one.
//! Uses `display` and `error` only.

mod axis;
mod bars;
mod boxes;
mod colour;
mod figure;
mod frame;
mod grid;
mod histogram;
mod legend;
mod limits;
mod maps;
mod notes;
#[cfg(feature = "png")]
mod png;
mod renderer;
mod ruler;
mod scales;
mod scatter;
mod svg;
mod text;
mod trace;

pub use figure::svg;
#[cfg(feature = "png")]
pub use png::png;
pub use renderer::{PLOTLY, Renderer, VARIABLE};
