//! What a value looks like in a notebook: a bundle of MIME types, and the line that carries it.
//!
//! A type of your own shows itself by [`Show`]; everything else shows its `Debug`, and `()` nothing:
//!
//! ```
//! use widemargin::display::{Bundle, Show, show};
//! struct Celsius(f64);
//! impl Show for Celsius {
//!     fn bundle(&self) -> Bundle {
//!         // Plain text for every reader; each frontend takes the richest format it knows.
//!         Bundle::text(format!("{} °C", self.0)).with("text/html", format!("<b>{}</b> °C", self.0))
//!     }
//! }
//! show(&Celsius(21.5)); // in mid-cell; a cell's last value is shown without a call
//! assert_eq!(Celsius(21.5).bundle().data["text/plain"], "21.5 °C");
//! ```
//!
//! [`Slot`] is an output whose content is replaced later, [`clear_output`] empties the cell's output, [`Table`] is a table
//! as HTML and text, [`Png`] a picture. Outside a notebook only the plain text is printed.
//! Uses nothing of ours but `error`; anything may use it.

mod base64;
mod number;
mod png;
mod record;
mod slot;
mod table;
mod tensor;

pub use base64::base64;
pub use number::number;
pub use png::Png;
pub use record::{MARK, Record, enter_notebook, in_notebook};
pub use slot::{Slot, clear_output};
pub use table::Table;

use serde_json::{Map, Value};

/// One value in several formats, richest first by the reader's choice.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Bundle {
    /// MIME type to content; JSON types hold objects, all others strings, pictures base64.
    pub data: Map<String, Value>,
}

impl Bundle {
    /// A bundle with the plain text every reader can show.
    pub fn text(text: impl Into<String>) -> Self {
        Self::default().with("text/plain", text.into())
    }

    /// About how many bytes it takes.
    pub fn size(&self) -> usize {
        self.data.values().map(|content| content.as_str().map_or_else(|| content.to_string().len(), str::len)).sum()
    }

    /// The same bundle with one more format.
    pub fn with(mut self, mime: &str, content: impl Into<Value>) -> Self {
        self.data.insert(mime.into(), content.into());
        self
    }

    /// The plain text, if there is one.
    pub fn plain(&self) -> Option<&str> {
        self.data.get("text/plain")?.as_str()
    }
}

/// A type that chooses how a notebook shows it. Implement it for your own types; everything else shows its `Debug`.
pub trait Show {
    /// The value in every format it has; an empty bundle shows nothing.
    fn bundle(&self) -> Bundle;
}

impl Show for () {
    fn bundle(&self) -> Bundle {
        Bundle::default()
    }
}

impl Show for Bundle {
    fn bundle(&self) -> Bundle {
        self.clone()
    }
}

impl<T: Show + ?Sized> Show for &T {
    fn bundle(&self) -> Bundle {
        (**self).bundle()
    }
}

impl<T: Show> Show for Option<T> {
    fn bundle(&self) -> Bundle {
        self.as_ref().map_or_else(|| Bundle::text("None"), Show::bundle)
    }
}

impl<T: Show, E: std::fmt::Debug> Show for Result<T, E> {
    fn bundle(&self) -> Bundle {
        self.as_ref().map_or_else(|error| Bundle::text(format!("Err({error:?})")), Show::bundle)
    }
}

/// Shows a value now, in the middle of a cell.
pub fn show(value: &(impl Show + ?Sized)) {
    let bundle = value.bundle();
    if !bundle.data.is_empty() {
        Record::Display(bundle).emit();
    }
}

/// `text` with the five characters that HTML reserves replaced.
pub fn escape_html(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}
