// One step of projected gradient ascent for a batch of rows, in one launch: what the gradient allows, its direction, the
// move, the projection on the ball around the clean row, the box. Separate operations would be five launches of a few
// microseconds each on arrays that take less than one.
//
// The same steps as src/attack/norm.rs and src/attack/batch.rs. Linf gives the same bytes as the CPU; L2 sums in another
// order, in f64. Compile with --fmad=false and without --ftz: a denormal gradient is not zero.

typedef unsigned int u32;

extern __shared__ double shared[];

static __device__ double block_sum(double value) {
    for (u32 step = 16; step > 0; step /= 2) value += __shfl_down_sync(0xffffffffu, value, step);
    if (threadIdx.x % 32 == 0) shared[threadIdx.x / 32] = value;
    __syncthreads();
    double sum = 0.0;
    for (u32 warp = 0; warp < blockDim.x / 32; warp++) sum += shared[warp];
    __syncthreads();
    return sum;
}

static __device__ float block_max(float value) {
    float* lanes = (float*)shared;
    for (u32 step = 16; step > 0; step /= 2) value = fmaxf(value, __shfl_down_sync(0xffffffffu, value, step));
    if (threadIdx.x % 32 == 0) lanes[threadIdx.x / 32] = value;
    __syncthreads();
    float largest = lanes[0];
    for (u32 warp = 1; warp < blockDim.x / 32; warp++) largest = fmaxf(largest, lanes[warp]);
    __syncthreads();
    return largest;
}

// What a row's gradient allows: the numbers in `status`.
const u32 USABLE = 0, ZERO = 1, NOT_FINITE = 2;

// ---- attack_step_linf, attack_step_l2: one step for each row.
// x: (rows, width), moved in place; clean, gradient: (rows, width); epsilons: (rows,) f64; steps: (rows,) f32, negative to
// descend; low, high: the box; status: (rows,) u32: 0 usable, 1 all zero, 2 not finite (then the row is only projected).
// Launch: rows blocks of 256, 64 bytes of shared.  Order of addition: each thread every 256th entry, then as block_sum.
template <bool LINF>
static __device__ void attack_step(float* x, const float* clean, const float* gradient, u32 width, const double* epsilons,
                                   const float* steps, float low, float high, u32* status) {
    u32 row = blockIdx.x;
    x += (size_t)row * width;
    clean += (size_t)row * width;
    gradient += (size_t)row * width;
    double epsilon = epsilons[row];
    float step = steps[row];

    float largest = 0.0f, bad = 0.0f;
    for (u32 at = threadIdx.x; at < width; at += blockDim.x) {
        float g = fabsf(gradient[at]);
        largest = fmaxf(largest, g);
        if (!(g - g == 0.0f)) bad = 1.0f;
    }
    largest = block_max(largest);
    bad = block_max(bad);
    u32 state = bad != 0.0f ? NOT_FINITE : largest == 0.0f ? ZERO : USABLE;
    if (threadIdx.x == 0) status[row] = state;

    // Divided by the largest first: squares of denormal gradients would vanish.
    double length = 1.0;
    if (!LINF) {
        double sum = 0.0;
        for (u32 at = threadIdx.x; at < width; at += blockDim.x) {
            double g = state == USABLE ? (double)gradient[at] / (double)largest : 0.0;
            sum += g * g;
        }
        length = sqrt(block_sum(sum));
    }

    float bound = (float)epsilon, shrink = 1.0f;
    for (u32 pass = LINF ? 1 : 0; pass < 2; pass++) {
        double sum = 0.0;
        for (u32 at = threadIdx.x; at < width; at += blockDim.x) {
            float g = state == USABLE ? gradient[at] : 0.0f;
            float direction;
            if (LINF) {
                direction = g > 0.0f ? 1.0f : g < 0.0f ? -1.0f : 0.0f;
            } else {
                direction = state == USABLE ? (float)(((double)g / (double)largest) / length) : 0.0f;
            }
            float change = (x[at] + step * direction) - clean[at];
            if (pass == 0) {
                sum += (double)change * (double)change;
            } else {
                change = LINF ? fminf(fmaxf(change, -bound), bound) : change * shrink;
                x[at] = fminf(fmaxf(clean[at] + change, low), high);
            }
        }
        if (pass == 0) {
            double moved = sqrt(block_sum(sum));
            if (moved > epsilon) shrink = (float)(epsilon / moved);
        }
    }
}

extern "C" __global__ void attack_step_linf(float* x, const float* clean, const float* gradient, u32 width,
                                            const double* epsilons, const float* steps, float low, float high,
                                            u32* status) {
    attack_step<true>(x, clean, gradient, width, epsilons, steps, low, high, status);
}

extern "C" __global__ void attack_step_l2(float* x, const float* clean, const float* gradient, u32 width,
                                          const double* epsilons, const float* steps, float low, float high,
                                          u32* status) {
    attack_step<false>(x, clean, gradient, width, epsilons, steps, low, high, status);
}
