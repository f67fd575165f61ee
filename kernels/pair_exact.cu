// The pair loss over all pairs, without exp or log in the inner loop. See README.md for why.
//
//   L = 1/(m n) · sum_ij softplus(t_j - s_i),  with p_ij = exp(t_j - s_i) = a_j b_i, a = exp(t - c), b = exp(c - s).
//   A block of K factors a:  P(b) = prod_j (1 + a_j b) = 1 + D(b),  D(b) = e_1 b + ... + e_K b^K.
//   Its losses sum to log P(b), its slopes to b D'(b) / P(b). All terms are positive: nothing cancels.
//
// Order of launches: extremes of both sides; factors; elementary of one side; rows of the other; finish; total.
// Columns are rows with the sides exchanged. Everything is summed in an order that the counts alone fix: no atomics, so
// two runs, and runs on cards of different size, give the same bytes.
//
// Compile with --fmad=false: every fused multiply-add is written as one, so that the host's compiler, which tests this
// file, rounds as the device does. Only the reciprocal in f32 (2 ulp) and log1p (1 ulp) differ between the two.

typedef unsigned int u32;
typedef unsigned long long u64;

// The launch says how many bytes.
extern __shared__ double shared[];

// The sum over the block's threads, in every thread. Threads: a multiple of 32. Uses 8 bytes of shared for each warp.
static __device__ double block_sum(double value) {
    for (u32 step = 16; step > 0; step /= 2) value += __shfl_down_sync(0xffffffffu, value, step);
    if (threadIdx.x % 32 == 0) shared[threadIdx.x / 32] = value;
    __syncthreads();
    double sum = 0.0;
    for (u32 warp = 0; warp < blockDim.x / 32; warp++) sum += shared[warp];
    __syncthreads();
    return sum;
}

// exp(x) within 2 ulp for x in -708..=709; 0 below. The same steps as src/loss/differential/simd/mod.rs.
static __device__ double exponential(double x) {
    const double shift = 6755399441055744.0;  // 1.5 · 2^52: adding it rounds to a whole number, kept in the low bits
    double k = x * 1.4426950408889634 + shift;
    double whole = k - shift;
    double r = fma(whole, -1.9082149292705877e-10, fma(whole, -0.6931471803691238, x));
    double p = 1.0 / 6227020800.0;
    p = fma(p, r, 1.0 / 479001600.0);
    p = fma(p, r, 1.0 / 39916800.0);
    p = fma(p, r, 1.0 / 3628800.0);
    p = fma(p, r, 1.0 / 362880.0);
    p = fma(p, r, 1.0 / 40320.0);
    p = fma(p, r, 1.0 / 5040.0);
    p = fma(p, r, 1.0 / 720.0);
    p = fma(p, r, 1.0 / 120.0);
    p = fma(p, r, 1.0 / 24.0);
    p = fma(p, r, 1.0 / 6.0);
    p = fma(p, r, 0.5);
    double e = fma(p * r, r, r) + 1.0;
    double power = __longlong_as_double((long long)(((u64)__double_as_longlong(k) + 1023) << 52));
    return x < -708.0 ? 0.0 : e * power;
}

// ---- extremes_f32, extremes_f64: least score, largest, and the first that is not finite.
// scores: (count,); share: scores a block; out: (blocks, 3) f64: low, high, index (count if all are finite).
// Launch: ceil(count / share) blocks of 256, 6,144 bytes of shared.
template <typename S>
static __device__ void extremes(const S* scores, u32 count, u32 share, double* out) {
    double low = __longlong_as_double(0x7ff0000000000000), high = -low, bad = count;
    u32 end = min(count, (blockIdx.x + 1) * share);
    for (u32 at = blockIdx.x * share + threadIdx.x; at < end; at += blockDim.x) {
        double x = (double)scores[at];
        low = fmin(low, x);
        high = fmax(high, x);
        if (!(x - x == 0.0)) bad = fmin(bad, (double)at);
    }
    double* lows = shared;
    double* highs = shared + blockDim.x;
    double* bads = shared + 2 * blockDim.x;
    lows[threadIdx.x] = low;
    highs[threadIdx.x] = high;
    bads[threadIdx.x] = bad;
    __syncthreads();
    for (u32 half = blockDim.x / 2; half > 0; half /= 2) {
        if (threadIdx.x < half) {
            lows[threadIdx.x] = fmin(lows[threadIdx.x], lows[threadIdx.x + half]);
            highs[threadIdx.x] = fmax(highs[threadIdx.x], highs[threadIdx.x + half]);
            bads[threadIdx.x] = fmin(bads[threadIdx.x], bads[threadIdx.x + half]);
        }
        __syncthreads();
    }
    if (threadIdx.x == 0) {
        out[3 * blockIdx.x] = lows[0];
        out[3 * blockIdx.x + 1] = highs[0];
        out[3 * blockIdx.x + 2] = bads[0];
    }
}

extern "C" __global__ void extremes_f32(const float* scores, u32 count, u32 share, double* out) {
    extremes(scores, count, share, out);
}

extern "C" __global__ void extremes_f64(const double* scores, u32 count, u32 share, double* out) {
    extremes(scores, count, share, out);
}

// ---- factors_f32, factors_f64: exp(sign · (score - centre)), then zeros, which are neutral.
// scores: (count,); out: (padded,) f64, padded >= count.
// Right to rounding also where the scores are 1e6 and their difference is no float: what its rounding took enters too.
// Launch: ceil(padded / 256) blocks of 256.
template <typename S>
static __device__ void factors(const S* scores, u32 count, u32 padded, double centre, double sign, double* out) {
    u32 at = blockIdx.x * blockDim.x + threadIdx.x;
    if (at >= padded) return;
    double factor = 0.0;
    if (at < count) {
        double score = (double)scores[at];
        double difference = score - centre;
        double back = difference - score;
        double rest = (score - (difference - back)) - (centre + back);
        double e = exponential(difference * sign);
        factor = fma(e, rest * sign, e);
    }
    out[at] = factor;
}

extern "C" __global__ void factors_f32(const float* scores, u32 count, u32 padded, double centre, double sign, double* out) {
    factors(scores, count, padded, centre, sign, out);
}

extern "C" __global__ void factors_f64(const double* scores, u32 count, u32 padded, double centre, double sign, double* out) {
    factors(scores, count, padded, centre, sign, out);
}

// ---- elementary_T_kK: e_1 .. e_K of each block of K factors, in f64, rounded once to T.
// factors: (blocks · K,) f64; out: (blocks, K) T.  Launch: ceil(blocks / 128) blocks of 128.
template <typename T, int K>
static __device__ void elementary(const double* factors, u32 blocks, T* out) {
    u32 block = blockIdx.x * blockDim.x + threadIdx.x;
    if (block >= blocks) return;
    double e[K];
#pragma unroll
    for (int k = 0; k < K; k++) e[k] = 0.0;
    for (int at = 0; at < K; at++) {
        double a = factors[block * K + at];
#pragma unroll
        for (int k = K - 1; k > 0; k--) e[k] = fma(a, e[k - 1], e[k]);
        e[0] += a;
    }
#pragma unroll
    for (int k = 0; k < K; k++) out[block * K + k] = (T)e[k];
}

// ---- rows_T_kK, rows_loss_T_kK: of each row its sum of slopes, and with `loss` its sum of losses, over some blocks.
// factors: (count,) f64 of the rows; elementary: (blocks, K) T of the other side.
// Block y takes the blocks of columns [y · share, (y + 1) · share) and writes row y of
// slopes: (gridDim.y, count) f64 and logs: the same.
// flush: blocks of columns whose product stays inside f32, 1 or 2; always 1 in f64.
// peel: groups (of 4 blocks in f32, of 1 in f64) whose product times 2^65 stays inside f64.
// Launch: (ceil(count / (128 · V)), splits) blocks of 128, V = 8 in f32, 4 in f64; 64 · K · sizeof(T) bytes of shared.
// Order of addition: columns ascending; in f32 four blocks in f32, then f64.
//
// Cost a pair and pass in f32, K = 4: (2 K FMA, 1 reciprocal, 3 to 4 others) / K instructions.
static __device__ float reciprocal(float x) { return __fdividef(1.0f, x); }  // x in 1 .. 2^126
static __device__ double reciprocal(double x) { return 1.0 / x; }

// 2^exponent (1 + excess), neither of them negative.
struct Product {
    double exponent, excess;
};

static __device__ void multiply(Product& product, double excess) {
    product.excess = fma(product.excess, 1.0 + excess, excess);
}

// Brings an excess above 2^64 below 2.
static __device__ void peel_off(Product& product) {
    if (product.excess > 18446744073709551616.0) {
        u64 bits = (u64)__double_as_longlong(product.excess);
        int exponent = (int)(bits >> 52) - 1023;
        double rest = __longlong_as_double((long long)((bits & 0xfffffffffffffull) | 0x3ff0000000000000ull));
        double scale = __longlong_as_double((long long)((u64)(1023 - exponent) << 52));
        product.excess = (rest - 1.0) + scale;
        product.exponent += exponent;
    }
}

template <typename T, int K, int V, int GROUP, bool LOSS>
static __device__ void rows(const double* factors, u32 count, const T* elementary, u32 blocks, u32 share, u32 flush,
                            u32 peel, double* slopes, double* logs) {
    const u32 TILE = 64;
    T* tile = (T*)shared;
    T b[V];
    double slope[V];
    Product product[V];
#pragma unroll
    for (int v = 0; v < V; v++) {
        u32 row = (blockIdx.x * V + v) * blockDim.x + threadIdx.x;
        b[v] = row < count ? (T)factors[row] : (T)0;
        slope[v] = 0.0;
        product[v].exponent = 0.0;
        product[v].excess = 0.0;
    }
    u32 first = blockIdx.y * share, end = min(blocks, first + share), until_peel = peel;
    for (u32 start = first; start < end; start += TILE) {
        u32 width = min(TILE, end - start);
        u32 padded = (width + GROUP - 1) / GROUP * GROUP;
        for (u32 at = threadIdx.x; at < padded * K; at += blockDim.x) {
            tile[at] = at < width * K ? elementary[start * K + at] : (T)0;
        }
        __syncthreads();
        for (u32 group = 0; group < padded; group += GROUP) {
            T sum[V], excess[V];
#pragma unroll
            for (int v = 0; v < V; v++) sum[v] = excess[v] = (T)0;
#pragma unroll
            for (int g = 0; g < GROUP; g++) {
                const T* e = tile + (group + g) * K;
                T q[V], derivative[V];
#pragma unroll
                for (int v = 0; v < V; v++) {
                    // D = b q(b): Horner for q and, one step behind, for q'.
                    derivative[v] = e[K - 1];
                    q[v] = fma(e[K - 1], b[v], e[K - 2]);
                }
#pragma unroll
                for (int k = K - 3; k >= 0; k--) {
                    T coefficient = e[k];
#pragma unroll
                    for (int v = 0; v < V; v++) {
                        derivative[v] = fma(derivative[v], b[v], q[v]);
                        q[v] = fma(q[v], b[v], coefficient);
                    }
                }
#pragma unroll
                for (int v = 0; v < V; v++) {
                    T d = b[v] * q[v];
                    T whole = (T)1 + d;
                    T numerator = b[v] * fma(derivative[v], b[v], q[v]);
                    sum[v] = fma(numerator, reciprocal(whole), sum[v]);
                    if (LOSS) excess[v] = GROUP == 1 ? d : fma(excess[v], whole, d);
                }
                if (LOSS && ((g + 1) & (flush - 1)) == 0) {
#pragma unroll
                    for (int v = 0; v < V; v++) {
                        multiply(product[v], (double)excess[v]);
                        excess[v] = (T)0;
                    }
                }
            }
#pragma unroll
            for (int v = 0; v < V; v++) slope[v] += (double)sum[v];
            if (LOSS && --until_peel == 0) {
                until_peel = peel;
#pragma unroll
                for (int v = 0; v < V; v++) peel_off(product[v]);
            }
        }
        __syncthreads();
    }
#pragma unroll
    for (int v = 0; v < V; v++) {
        u32 row = (blockIdx.x * V + v) * blockDim.x + threadIdx.x;
        if (row < count) {
            slopes[(u64)blockIdx.y * count + row] = slope[v];
            if (LOSS) {
                logs[(u64)blockIdx.y * count + row] =
                    fma(product[v].exponent, 0.6931471805599453, log1p(product[v].excess));
            }
        }
    }
}

#define BLOCKS(T, NAME, K, V, GROUP)                                                                                    \
    extern "C" __global__ void elementary_##NAME##_k##K(const double* factors, u32 blocks, T* out) {                    \
        elementary<T, K>(factors, blocks, out);                                                                         \
    }                                                                                                                   \
    extern "C" __global__ void __launch_bounds__(128)                                                                   \
        rows_##NAME##_k##K(const double* factors, u32 count, const T* elementary, u32 blocks, u32 share, double* slopes) { \
        rows<T, K, V, GROUP, false>(factors, count, elementary, blocks, share, 1, 1, slopes, nullptr);                   \
    }                                                                                                                   \
    extern "C" __global__ void __launch_bounds__(128)                                                                   \
        rows_loss_##NAME##_k##K(const double* factors, u32 count, const T* elementary, u32 blocks, u32 share, u32 flush, \
                                u32 peel, double* slopes, double* logs) {                                               \
        rows<T, K, V, GROUP, true>(factors, count, elementary, blocks, share, flush, peel, slopes, logs);                \
    }

BLOCKS(float, f32, 4, 8, 4)
BLOCKS(float, f32, 2, 8, 4)
BLOCKS(double, f64, 16, 4, 1)
BLOCKS(double, f64, 8, 4, 1)
BLOCKS(double, f64, 4, 4, 1)
BLOCKS(double, f64, 2, 4, 1)

// ---- definition_f32, definition_f64: the same sums by the definition's formula, for scores that are very far apart.
// own: (count,), others: (columns,) scores; sign · (other - own) is t - s. slopes and logs: (gridDim.y, count) f64.
// Launch: (ceil(count / 128), ceil(columns / share)) blocks of 128.  Order of addition: columns ascending.
template <typename S>
static __device__ void definition(const S* own, u32 count, const S* others, u32 columns, u32 share, double sign,
                                  double* slopes, double* logs) {
    u32 row = blockIdx.x * blockDim.x + threadIdx.x;
    if (row >= count) return;
    double score = (double)own[row], slope = 0.0, loss = 0.0;
    u32 end = min(columns, (blockIdx.y + 1) * share);
    for (u32 at = blockIdx.y * share; at < end; at++) {
        double x = sign * ((double)others[at] - score);
        double e = exponential(-fabs(x));
        loss += fmax(x, 0.0) + log1p(e);
        slope += (x >= 0.0 ? 1.0 : e) / (1.0 + e);
    }
    slopes[(u64)blockIdx.y * count + row] = slope;
    logs[(u64)blockIdx.y * count + row] = loss;
}

extern "C" __global__ void definition_f32(const float* own, u32 count, const float* others, u32 columns, u32 share,
                                          double sign, double* slopes, double* logs) {
    definition(own, count, others, columns, share, sign, slopes, logs);
}

extern "C" __global__ void definition_f64(const double* own, u32 count, const double* others, u32 columns, u32 share,
                                          double sign, double* slopes, double* logs) {
    definition(own, count, others, columns, share, sign, slopes, logs);
}

// ---- finish_f32, finish_f64: factor times the sum over splits, rounded once.
// parts: (splits, count) f64; out: (count,).  Launch: ceil(count / 256) blocks of 256.  Order: splits ascending.
template <typename S>
static __device__ void finish(const double* parts, u32 splits, u32 count, double factor, S* out) {
    u32 at = blockIdx.x * blockDim.x + threadIdx.x;
    if (at >= count) return;
    double sum = 0.0;
    for (u32 split = 0; split < splits; split++) sum += parts[(u64)split * count + at];
    out[at] = (S)(factor * sum);
}

extern "C" __global__ void finish_f32(const double* parts, u32 splits, u32 count, double factor, float* out) {
    finish(parts, splits, count, factor, out);
}

extern "C" __global__ void finish_f64(const double* parts, u32 splits, u32 count, double factor, double* out) {
    finish(parts, splits, count, factor, out);
}

// ---- total: factor times the sum of each share of values.
// values: (count,) f64; out: (gridDim.x,) f64.  Launch: ceil(count / share) blocks of 256, 64 bytes of shared.
// Order: each thread every 256th value, lanes of a warp as a tree, warps ascending.
extern "C" __global__ void total(const double* values, u64 count, u64 share, double factor, double* out) {
    u64 end = min(count, ((u64)blockIdx.x + 1) * share);
    double sum = 0.0;
    for (u64 at = blockIdx.x * share + threadIdx.x; at < end; at += blockDim.x) sum += values[at];
    sum = block_sum(sum);
    if (threadIdx.x == 0) out[blockIdx.x] = factor * sum;
}
