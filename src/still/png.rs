//! An SVG still as pixels, by resvg and the DejaVu Sans that the `dejavu` crate carries (free licence of Bitstream Vera).

use crate::error::{Error, Result};
use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg::{self, Tree};
use std::sync::{Arc, LazyLock};

/// Pixels for a pixel: sharp on most screens, and half of the bytes of two.
const SCALE: f32 = 1.5;

static FONTS: LazyLock<Arc<usvg::fontdb::Database>> = LazyLock::new(|| {
    let mut fonts = usvg::fontdb::Database::new();
    fonts.load_font_data(dejavu::sans::regular().to_vec());
    fonts.load_font_data(dejavu::sans::bold().to_vec());
    fonts.set_sans_serif_family("DejaVu Sans");
    Arc::new(fonts)
});

/// The picture of `svg` as a PNG file.
///
/// Errors: `Value` if it is no SVG, or has more than 40 million pixels.
pub fn png(svg: &str) -> Result<Vec<u8>> {
    let refused =
        |reason: String| Error::Value { op: "still", expected: "an SVG that can be drawn".into(), got: reason };
    let options =
        usvg::Options { font_family: "DejaVu Sans".into(), fontdb: Arc::clone(&FONTS), ..usvg::Options::default() };
    let tree = Tree::from_str(svg, &options).map_err(|e| refused(e.to_string()))?;
    let size = tree.size().to_int_size().scale_by(SCALE).ok_or_else(|| refused("a picture without a size".into()))?;
    if u64::from(size.width()) * u64::from(size.height()) > 40_000_000 {
        return Err(refused(format!("{} by {} pixels", size.width(), size.height())));
    }
    let mut pixels =
        Pixmap::new(size.width(), size.height()).ok_or_else(|| refused("a picture without a size".into()))?;
    resvg::render(&tree, Transform::from_scale(SCALE, SCALE), &mut pixels.as_mut());
    pixels.encode_png().map_err(|e| refused(e.to_string()))
}
