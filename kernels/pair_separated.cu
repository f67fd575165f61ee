// The pair loss where every positive outranks every negative by far: the log domain, linear time.
//
// With Δ = min s - max t > 0 and λ = exp(-Δ), the series of log(1 + x) splits into sums over one side each:
//   L = 1/(m n) · sum_k (-1)^(k-1) λ^k / k · A_k B_k,  A_k = sum_j a_j^k, a = exp(t - max t), B_k likewise of exp(min s - s).
// Five terms leave e^-40 at Δ >= 8. The gradient of log L has components of order 1 also where L is 0 in f64.
// The factors come from `factors_*` in pair_exact.cu. Compile with --fmad=false.

typedef unsigned int u32;

extern __shared__ double shared[];

// ---- power_sums: the sums of powers 1 to 5 of each share of the values.
// values: (count,) f64; out: (gridDim.x, 5) f64.  Launch: ceil(count / share) blocks of 256, 320 bytes of shared.
// Order: each thread every 256th value, lanes of a warp as a tree, warps ascending.
extern "C" __global__ void power_sums(const double* values, u32 count, u32 share, double* out) {
    double sums[5] = {0.0, 0.0, 0.0, 0.0, 0.0};
    u32 end = min(count, (blockIdx.x + 1) * share);
    for (u32 at = blockIdx.x * share + threadIdx.x; at < end; at += blockDim.x) {
        double value = values[at], power = value;
#pragma unroll
        for (int k = 0; k < 5; k++) {
            sums[k] += power;
            power *= value;
        }
    }
#pragma unroll
    for (int k = 0; k < 5; k++) {
        for (u32 step = 16; step > 0; step /= 2) sums[k] += __shfl_down_sync(0xffffffffu, sums[k], step);
        if (threadIdx.x % 32 == 0) shared[threadIdx.x / 32 * 5 + k] = sums[k];
    }
    __syncthreads();
    if (threadIdx.x < 5) {
        double sum = 0.0;
        for (u32 warp = 0; warp < blockDim.x / 32; warp++) sum += shared[warp * 5 + threadIdx.x];
        out[blockIdx.x * 5 + threadIdx.x] = sum;
    }
}

// ---- separated_slopes_f32, separated_slopes_f64: of each value x the sum over k of c_k x^k, k = 1 to 5.
// values: (count,) f64; out: (count,).  Launch: ceil(count / 256) blocks of 256.
template <typename S>
static __device__ void slopes(const double* values, u32 count, double c1, double c2, double c3, double c4, double c5, S* out) {
    u32 at = blockIdx.x * blockDim.x + threadIdx.x;
    if (at >= count) return;
    double x = values[at];
    out[at] = (S)(x * fma(fma(fma(fma(c5, x, c4), x, c3), x, c2), x, c1));
}

extern "C" __global__ void separated_slopes_f32(const double* values, u32 count, double c1, double c2, double c3,
                                                double c4, double c5, float* out) {
    slopes(values, count, c1, c2, c3, c4, c5, out);
}

extern "C" __global__ void separated_slopes_f64(const double* values, u32 count, double c1, double c2, double c3,
                                                double c4, double c5, double* out) {
    slopes(values, count, c1, c2, c3, c4, c5, out);
}
