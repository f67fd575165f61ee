//! One piece of arithmetic, compiled for the processor's vectors: AVX2 with FMA on x86-64, else the target's baseline.
//!
//! The code is written once, over arrays, for the compiler to vectorise. A fused multiply-add rounds once and a product
//! and a sum twice, so two kinds of processor may differ in the last bits; one processor always gives the same bytes.

/// Work that [`run`] compiles more than once. `run` and all it calls in a loop must be `#[inline(always)]`.
pub(super) trait Arithmetic {
    type Out;
    /// `FUSED`: the processor has a fused multiply-add.
    fn run<const FUSED: bool>(self) -> Self::Out;
}

/// a · b + c.
#[inline(always)]
pub(super) fn multiply_add<const FUSED: bool>(a: f64, b: f64, c: f64) -> f64 {
    // Without the instruction `mul_add` is a library call, some hundred times slower.
    if FUSED { a.mul_add(b, c) } else { a * b + c }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn with_avx2<A: Arithmetic>(work: A) -> A::Out {
    work.run::<true>()
}

/// Runs `work` on the widest vectors there are.
pub(super) fn run<A: Arithmetic>(work: A) -> A::Out {
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
        // SAFETY: the processor has both features that `with_avx2` is compiled for; the lines above asked it.
        return unsafe { with_avx2(work) };
    }
    portable(work)
}

fn portable<A: Arithmetic>(work: A) -> A::Out {
    if cfg!(target_arch = "aarch64") { work.run::<true>() } else { work.run::<false>() }
}

#[cfg(test)]
mod tests {
    use super::super::blocks::{Pass, elementary};
    use super::{portable, run};

    #[test]
    fn the_portable_code_agrees_with_the_vector_code() {
        let factors: Vec<f64> = (0..64).map(|i| (f64::from(i * 37 % 64) / 8.0 - 4.0).exp()).collect();
        let coefficients = elementary::<8>(&factors);
        let mut slopes = [vec![0.0; 64], vec![0.0; 64]];
        let [first, second] = &mut slopes;
        let here = run(Pass { factors: &factors, coefficients: &coefficients, slopes: first }).ln();
        let there = portable(Pass { factors: &factors, coefficients: &coefficients, slopes: second }).ln();
        // 8 positive terms a block, 8 blocks: far below 64 roundings.
        assert!((here / there - 1.0).abs() < 64.0 * f64::EPSILON, "{here} {there}");
        for (a, b) in first.iter().zip(second) {
            assert!((*a / *b - 1.0).abs() < 64.0 * f64::EPSILON, "{a} {b}");
        }
    }
}
