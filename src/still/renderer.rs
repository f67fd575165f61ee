//! Which formats a figure carries to its readers.

use super::svg;
use crate::display::{Bundle, escape_html};
use crate::error::{Error, Result};

/// plotly's own format, as frontends know it.
pub const PLOTLY: &str = "application/vnd.plotly.v1+json";
/// The environment variable that chooses the formats.
pub const VARIABLE: &str = "WIDEMARGIN_RENDERER";

/// What is added to a figure: its words always, plotly's JSON and stills as chosen.
///
/// By default `plotly+png`: interactive where a frontend draws plotly, a picture where not. `html` holds a still and
/// nothing else, for viewers that show HTML only; `json` is plotly's JSON alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Renderer {
    plotly: bool,
    png: bool,
    svg: bool,
    html: bool,
}

impl Default for Renderer {
    fn default() -> Self {
        Self { plotly: true, png: cfg!(feature = "png"), svg: false, html: false }
    }
}

impl Renderer {
    /// The renderer that names joined by `+` mean: `plotly`, `png`, `svg`, `html`, `json`.
    ///
    /// Errors: `Unknown` for another name; `Value` for `png` in a program that was built without it.
    pub fn parse(names: &str) -> Result<Self> {
        let mut out = Self { plotly: false, png: false, svg: false, html: false };
        for name in names.split('+').map(str::trim) {
            match name {
                "plotly" | "json" => out.plotly = true,
                "png" if cfg!(feature = "png") => out.png = true,
                "png" => {
                    let (expected, got) = ("a program built with the feature png".into(), "one without".into());
                    return Err(Error::Value { op: VARIABLE, expected, got });
                }
                "svg" => out.svg = true,
                "html" => out.html = true,
                _ => {
                    let known = ["plotly", "png", "svg", "html", "json"].map(str::to_owned).to_vec();
                    return Err(Error::Unknown { what: "renderer", got: name.to_owned(), known });
                }
            }
        }
        Ok(out)
    }

    /// The renderer that the environment asks for, or the default one. Errors as [`Renderer::parse`].
    pub fn from_environment() -> Result<Self> {
        match std::env::var(VARIABLE) {
            Ok(names) if !names.is_empty() => Self::parse(&names),
            _ => Ok(Self::default()),
        }
    }

    /// Gives a figure its formats. Other values, and formats that the cell gave itself, stay as they are.
    pub fn dress(&self, bundle: &mut Bundle) {
        if !bundle.data.contains_key(PLOTLY) {
            return;
        }
        if (self.png || self.svg || self.html)
            && let Ok(picture) = svg(&bundle.data[PLOTLY])
        {
            self.add_stills(bundle, picture);
        }
        // Whatever cannot be drawn keeps the one format it came with.
        let still = ["image/png", "image/svg+xml", "text/html"].iter().any(|mime| bundle.data.contains_key(*mime));
        if !self.plotly && still {
            bundle.data.remove(PLOTLY);
        }
    }

    fn add_stills(&self, bundle: &mut Bundle, picture: String) {
        let mut add = |mime: &str, content: String| {
            bundle.data.entry(mime).or_insert_with(|| content.into());
        };
        #[cfg(feature = "png")]
        if self.png
            && let Ok(file) = super::png(&picture)
        {
            add("image/png", crate::display::base64(&file));
        }
        if self.html {
            let packed = crate::display::base64(picture.as_bytes());
            let alt =
                picture.split("<title>").nth(1).and_then(|rest| rest.split("</title>").next()).unwrap_or_default();
            let alt = if alt.is_empty() { escape_html("figure") } else { alt.to_owned() };
            add("text/html", format!("<img alt=\"{alt}\" src=\"data:image/svg+xml;base64,{packed}\">"));
        }
        if self.svg {
            add("image/svg+xml", picture);
        }
    }
}
