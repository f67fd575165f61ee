//! A small picture as a PNG file. W3C PNG specification, third edition.

use super::{Bundle, Show, base64, escape_html};
use flate2::write::ZlibEncoder;
use flate2::{Compression, Crc};
use std::io::Write;

/// A picture of 8-bit grey or red, green, blue pixels, with words for those who do not see it.
///
/// ```
/// use widemargin::display::Png;
/// let picture = Png { width: 2, height: 1, channels: 1, pixels: vec![0, 255], alt: "Black, then white.".into() };
/// assert!(picture.file().starts_with(b"\x89PNG\r\n\x1a\n"));
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Png {
    /// Pixels in a line.
    pub width: usize,
    /// Lines.
    pub height: usize,
    /// 1 for grey, 3 for red, green, blue.
    pub channels: usize,
    /// `height * width * channels` bytes, line by line; missing ones are black, surplus ones left out.
    pub pixels: Vec<u8>,
    /// What the picture shows.
    pub alt: String,
}

impl Png {
    /// The file's bytes.
    pub fn file(&self) -> Vec<u8> {
        let line = self.width * self.channels;
        let mut pixels = self.pixels.clone();
        pixels.resize(line * self.height, 0);
        let mut packed = ZlibEncoder::new(Vec::new(), Compression::best());
        for start in (0..pixels.len()).step_by(line.max(1)) {
            // Filter 1: each byte as its difference from the same channel of the pixel to its left.
            let row = &pixels[start..start + line];
            let filtered = row.iter().enumerate().map(|(k, v)| match k.checked_sub(self.channels) {
                Some(left) => v.wrapping_sub(row[left]),
                None => *v,
            });
            let bytes: Vec<u8> = std::iter::once(1).chain(filtered).collect();
            packed.write_all(&bytes).expect("a vector takes every byte");
        }
        let packed = packed.finish().expect("a vector takes every byte");
        let size = |v: usize| (v as u32).to_be_bytes();
        let colour_type = if self.channels == 3 { 2 } else { 0 };
        let header = [&size(self.width)[..], &size(self.height), &[8, colour_type, 0, 0, 0]].concat();
        let mut out = b"\x89PNG\r\n\x1a\n".to_vec();
        for (name, data) in [(b"IHDR", &header), (b"IDAT", &packed), (b"IEND", &Vec::new())] {
            let mut check = Crc::new();
            check.update(name);
            check.update(data);
            out.extend_from_slice(&size(data.len()));
            out.extend_from_slice(name);
            out.extend_from_slice(data);
            out.extend_from_slice(&check.sum().to_be_bytes());
        }
        out
    }

    /// The same picture with `by` times `by` pixels in place of each.
    pub fn enlarged(&self, by: usize) -> Self {
        let line = self.width * self.channels;
        let mut whole = self.pixels.clone();
        whole.resize(line * self.height, 0);
        let mut pixels = Vec::with_capacity(whole.len() * by * by);
        for row in whole.chunks_exact(line.max(1)) {
            let wide: Vec<u8> = row.chunks_exact(self.channels).flat_map(|pixel| pixel.repeat(by)).collect();
            pixels.extend(wide.repeat(by));
        }
        Self { width: self.width * by, height: self.height * by, pixels, ..self.clone() }
    }

    /// An HTML `<img>` that holds the whole file, each pixel drawn as `scale` by `scale`.
    pub fn html(&self, scale: usize) -> String {
        format!(
            "<img alt=\"{}\" width=\"{}\" height=\"{}\" style=\"image-rendering: pixelated\" src=\"data:image/png;base64,{}\">",
            escape_html(&self.alt),
            self.width * scale,
            self.height * scale,
            base64(&self.file())
        )
    }
}

/// Small pictures are shown enlarged, up to this width.
const SHOWN: usize = 640;

impl Show for Png {
    fn bundle(&self) -> Bundle {
        let shown = self.enlarged((SHOWN / self.width.max(1)).clamp(1, 8));
        Bundle::text(self.alt.clone()).with("image/png", base64(&shown.file()))
    }
}
