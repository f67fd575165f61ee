//! Sizes of a convolution, and how an image is laid out so that it becomes a correlation of flattened planes.
//!
//! The padded image is split into `phases` × `phases` images, one for each remainder of row and column by the stride:
//! between two of their pixels lies one step of the window, so every stride is a stride of 1 here. Stride 2 on a padded
//! 5×7 image: four phases of 3×4.

use super::Conv2d;

/// One group's view of a convolution; sizes of the whole image are in [`Geometry::groups`] times as many channels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Geometry {
    /// Channels in and out of one group.
    pub channels: usize,
    pub filters: usize,
    pub groups: usize,
    pub height: usize,
    pub width: usize,
    pub kernel: [usize; 2],
    pub stride: usize,
    pub padding: usize,
    pub dilation: usize,
    pub out_height: usize,
    pub out_width: usize,
}

impl Geometry {
    /// The sizes, or `None` if the window does not fit or they do not fit together.
    ///
    /// `image`: (c, h, w), `weight`: (filters, c / groups, kh, kw).
    pub(crate) fn new(settings: &Conv2d, image: [usize; 3], weight: [usize; 4]) -> Option<Self> {
        let Conv2d { stride, padding, dilation, groups } = *settings;
        let ([c, height, width], [filters, channels, kh, kw]) = (image, weight);
        let positive = [stride, dilation, groups, filters, channels, kh, kw].iter().all(|&size| size > 0);
        if !positive || channels.checked_mul(groups) != Some(c) || filters % groups != 0 {
            return None;
        }
        let side = |pixels: usize, kernel: usize| {
            let padded = padding.checked_mul(2)?.checked_add(pixels)?;
            let reach = (kernel - 1).checked_mul(dilation)?.checked_add(1)?;
            Some(padded.checked_sub(reach)? / stride + 1)
        };
        Some(Self {
            channels,
            filters: filters / groups,
            groups,
            height,
            width,
            kernel: [kh, kw],
            stride,
            padding,
            dilation,
            out_height: side(height, kh)?,
            out_width: side(width, kw)?,
        })
    }

    /// Numbers of an image.
    pub(crate) fn input(&self) -> usize {
        self.groups * self.channels * self.height * self.width
    }

    /// Numbers of a result.
    pub(crate) fn output(&self) -> usize {
        self.groups * self.filters * self.out_height * self.out_width
    }

    /// Numbers of the weight.
    pub(crate) fn weights(&self) -> usize {
        self.groups * self.filters * self.taps()
    }

    /// Weights of one filter.
    pub(super) fn taps(&self) -> usize {
        self.channels * self.kernel[0] * self.kernel[1]
    }

    /// Remainders that the window's rows and columns have.
    fn phases(&self) -> [usize; 2] {
        self.kernel.map(|size| self.stride.min((size - 1) * self.dilation + 1))
    }

    /// Rows and columns of a phase.
    pub(super) fn phase(&self) -> [usize; 2] {
        [self.height, self.width].map(|pixels| (pixels + 2 * self.padding).div_ceil(self.stride))
    }

    /// Numbers of the phases of all channels.
    pub(super) fn padded(&self) -> usize {
        self.groups * self.group()
    }

    /// Numbers of the phases of one group's channels.
    pub(super) fn group(&self) -> usize {
        self.channels * self.phases().iter().chain(&self.phase()).product::<usize>()
    }

    /// Where each tap reads in a group's phases, in the order of the weight: channel, row, column.
    pub(super) fn offsets(&self) -> Vec<usize> {
        let ([a, b], [rows, pitch]) = (self.phases(), self.phase());
        let mut offsets = Vec::with_capacity(self.taps());
        for channel in 0..self.channels {
            for ky in 0..self.kernel[0] {
                for kx in 0..self.kernel[1] {
                    let (y, x) = (ky * self.dilation, kx * self.dilation);
                    let plane = (channel * a + y % self.stride) * b + x % self.stride;
                    offsets.push(plane * rows * pitch + y / self.stride * pitch + x / self.stride);
                }
            }
        }
        offsets
    }

    /// From the first to the last wanted position of a flattened plane.
    pub(super) fn positions(&self) -> usize {
        if self.out_height == 0 { 0 } else { (self.out_height - 1) * self.phase()[1] + self.out_width }
    }

    /// Calls `copy(start in the image, start in the phases, pixels)` for every run of pixels that lies in a row of a
    /// phase; the pixels of the image are `stride` apart, those of the phase adjacent.
    pub(super) fn rows(&self, mut copy: impl FnMut(usize, usize, usize)) {
        let ([a, b], [rows, pitch]) = (self.phases(), self.phase());
        for channel in 0..self.groups * self.channels {
            for y in 0..self.height {
                let padded = y + self.padding;
                let (row, phase_y) = (padded / self.stride, padded % self.stride);
                for phase_x in 0..if phase_y < a { b } else { 0 } {
                    // The first column of the image with this remainder.
                    let first = (phase_x + self.stride - self.padding % self.stride) % self.stride;
                    if first >= self.width {
                        continue;
                    }
                    let plane = (channel * a + phase_y) * b + phase_x;
                    let to = (plane * rows + row) * pitch + (first + self.padding) / self.stride;
                    let count = (self.width - first).div_ceil(self.stride);
                    copy((channel * self.height + y) * self.width + first, to, count);
                }
            }
        }
    }
}
