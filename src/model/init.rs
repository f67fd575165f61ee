//! Starting values, drawn from the seed's stream `"init"` in the order of the parameters.
//!
//! PyTorch's default for `Linear` and `Conv2d` (Kaiming uniform with a = √5, He et al. 2015): weights and biases from
//! U(-k, k), k = 1/√fan_in, fan_in = inputs of one output. For 64 inputs k = 0.125. The distribution is PyTorch's, the
//! numbers are not: its generator is another one.

use super::plan::{Kind, Parameter};
use rand::RngCore;

/// The values of one parameter; the next parameter continues the stream.
pub(super) fn values(parameter: &Parameter, rng: &mut impl RngCore) -> Vec<f32> {
    let bound = 1.0 / (parameter.fan_in as f64).sqrt();
    let count = parameter.shape.iter().product();
    match parameter.kind {
        Kind::Uniform => {}
        Kind::Scale | Kind::Variance => return vec![1.0; count],
        Kind::Shift | Kind::Mean | Kind::Batches => return vec![0.0; count],
    }
    // 24 bits make a multiple of 2^-24 in [0, 1), exact in f32, so the bytes are the same on every machine.
    (0..count).map(|_| (bound * (f64::from(rng.next_u32() >> 8) / f64::from(1 << 23) - 1.0)) as f32).collect()
}
