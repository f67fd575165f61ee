//! Sums over everything but the channel: the gradient of a bias.
//!
//! (n, c, h, w) or (n, c) to (c,): [[1, 2], [3, 4]] gives [4, 6]. Added in eight lanes a plane, then plane after plane.

use super::simd::Number;
#[cfg(feature = "candle-cuda")]
use super::tensors;
use super::{by_type, contiguous};
#[cfg(feature = "candle-cuda")]
use crate::cuda::layers;
#[cfg(feature = "candle-cuda")]
use candle_core::CudaStorage;
use candle_core::{CpuStorage, CustomOp1, Layout, Shape};

/// Adds each channel of one example to its sum; `values` holds `sums.len()` channels of equal size.
pub(crate) fn add_channels<T: Number>(values: &[T], sums: &mut [T]) {
    let plane = values.len() / sums.len().max(1);
    if plane == 1 {
        sums.iter_mut().zip(values).for_each(|(sum, value)| *sum += *value);
        return;
    }
    for (sum, plane) in sums.iter_mut().zip(values.chunks_exact(plane.max(1))) {
        let mut lanes = [T::zero(); 16];
        let (whole, rest) = plane.as_chunks::<16>();
        for chunk in whole {
            lanes.iter_mut().zip(chunk).for_each(|(lane, value)| *lane += *value);
        }
        let tail = rest.iter().fold(T::zero(), |sum, value| sum + *value);
        *sum += lanes.iter().fold(tail, |sum, lane| sum + *lane);
    }
}

/// Takes a gradient whose second side is the channel.
pub(super) struct ChannelSums;

impl CustomOp1 for ChannelSums {
    fn name(&self) -> &'static str {
        "channel_sums"
    }

    fn cpu_fwd(&self, values: &CpuStorage, layout: &Layout) -> candle_core::Result<(CpuStorage, Shape)> {
        let [examples, channels] = [layout.dims()[0], layout.dims()[1]];
        let out = by_type!(self.name(), values, T => {
            let values = contiguous::<T>(self.name(), values, layout)?;
            let mut sums: Vec<T> = vec![0.0; channels];
            values.chunks_exact((values.len() / examples.max(1)).max(1)).for_each(|own| add_channels(own, &mut sums));
            sums
        });
        Ok((out, Shape::from(channels)))
    }

    #[cfg(feature = "candle-cuda")]
    fn cuda_fwd(&self, values: &CudaStorage, layout: &Layout) -> candle_core::Result<(CudaStorage, Shape)> {
        let [examples, channels] = [layout.dims()[0], layout.dims()[1]];
        let sizes = [examples, channels, layout.dims()[2..].iter().product()];
        tensors::run(self.name(), [(values, layout)], Shape::from(channels), |card, number, [values], out| {
            layers::channel_sums(card, number, values, sizes, out)
        })
    }
}
