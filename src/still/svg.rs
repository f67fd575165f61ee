//! The SVG text itself: elements with numbers of two decimals.

use crate::display::escape_html;
use std::fmt::Write;

/// A growing SVG document.
pub struct Svg {
    body: String,
    clips: usize,
}

/// How an outline or an area is painted.
#[derive(Clone, Default)]
pub struct Paint {
    pub fill: Option<String>,
    pub stroke: Option<String>,
    pub width: f64,
    pub dash: String,
    pub opacity: Option<f64>,
}

impl Paint {
    /// An area without an outline.
    pub fn area(colour: impl Into<String>) -> Self {
        Self { fill: Some(colour.into()), ..Self::default() }
    }

    /// An outline without an area.
    pub fn line(colour: impl Into<String>, width: f64) -> Self {
        Self { stroke: Some(colour.into()), width, ..Self::default() }
    }

    fn attributes(&self) -> String {
        let mut out = format!(" fill=\"{}\"", escape_html(self.fill.as_deref().unwrap_or("none")));
        if let Some(stroke) = self.stroke.as_deref().filter(|_| self.width > 0.0) {
            let _ = write!(out, " stroke=\"{}\" stroke-width=\"{}\"", escape_html(stroke), number(self.width));
            if !self.dash.is_empty() {
                let _ = write!(out, " stroke-dasharray=\"{}\"", self.dash);
            }
        }
        if let Some(opacity) = self.opacity.filter(|opacity| *opacity < 1.0) {
            let _ = write!(out, " opacity=\"{}\"", number(opacity));
        }
        out
    }
}

/// A coordinate with two decimals at most.
pub fn number(value: f64) -> String {
    // A value far outside of the picture would only confuse a renderer.
    let rounded = (value.clamp(-1e6, 1e6) * 100.0).round() / 100.0;
    format!("{}", if rounded == 0.0 { 0.0 } else { rounded })
}

impl Svg {
    pub fn new() -> Self {
        Self { body: String::new(), clips: 0 }
    }

    pub fn raw(&mut self, element: &str) {
        self.body.push_str(element);
        self.body.push('\n');
    }

    pub fn rect(&mut self, [x0, y0, x1, y1]: [f64; 4], paint: &Paint, crisp: bool) {
        let crisp = if crisp { " shape-rendering=\"crispEdges\"" } else { "" };
        self.raw(&format!(
            "<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\"{}{crisp}/>",
            number(x0.min(x1)),
            number(y0.min(y1)),
            number((x1 - x0).abs()),
            number((y1 - y0).abs()),
            paint.attributes()
        ));
    }

    pub fn line(&mut self, [x0, y0, x1, y1]: [f64; 4], paint: &Paint) {
        self.path(&format!("M{} {}L{} {}", number(x0), number(y0), number(x1), number(y1)), paint);
    }

    pub fn circle(&mut self, x: f64, y: f64, radius: f64, paint: &Paint) {
        let (x, y) = (number(x), number(y));
        self.raw(&format!("<circle cx=\"{x}\" cy=\"{y}\" r=\"{}\"{}/>", number(radius), paint.attributes()));
    }

    pub fn path(&mut self, path: &str, paint: &Paint) {
        self.raw(&format!("<path d=\"{path}\"{} stroke-linejoin=\"round\"/>", paint.attributes()));
    }

    /// Opens a group of which only what lies in the rectangle is seen; [`Svg::end`] closes it.
    pub fn clip(&mut self, [x0, y0, x1, y1]: [f64; 4]) {
        self.clips += 1;
        let id = format!("clip{}", self.clips);
        let (width, height) = (number((x1 - x0).abs()), number((y1 - y0).abs()));
        let (x, y) = (number(x0.min(x1)), number(y0.min(y1)));
        self.raw(&format!(
            "<clipPath id=\"{id}\"><rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\"/></clipPath>\n\
             <g clip-path=\"url(#{id})\">"
        ));
    }

    pub fn end(&mut self) {
        self.raw("</g>");
    }

    /// The whole document.
    pub fn finish(self, width: f64, height: f64, title: &str) -> String {
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{w}\" height=\"{h}\" viewBox=\"0 0 {w} {h}\" role=\"img\" \
             font-family=\"DejaVu Sans, Verdana, sans-serif\">\n<title>{}</title>\n{}</svg>\n",
            escape_html(title),
            self.body,
            w = number(width),
            h = number(height),
        )
    }
}
