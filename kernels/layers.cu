// The small operations of a network: rectifier, bias, sums by channel, a step of descent.
//
// Rectifier and descent give the same bytes as src/model/ops/rectifier.rs and src/train/sgd.rs; sums by channel are f64
// and so differ from the CPU's by rounding. Compile with --fmad=false.

typedef unsigned int u32;
typedef unsigned long long u64;

extern __shared__ double shared[];

// ---- rectify_f32, rectify_f64: x where x > 0 or NaN, else slope · x, and 0 for a slope of 0 (no NaN from -inf).
// x, y: (count,).  Launch: ceil(count / 256) blocks of 256.
template <typename T>
static __device__ void rectify(const T* x, u32 count, double slope, T* y) {
    u32 at = blockIdx.x * blockDim.x + threadIdx.x;
    if (at >= count) return;
    T value = x[at], s = (T)slope;
    if (value <= (T)0) value = s == (T)0 ? (T)0 : value * s;
    y[at] = value;
}

extern "C" __global__ void rectify_f32(const float* x, u32 count, double slope, float* y) { rectify(x, count, slope, y); }

extern "C" __global__ void rectify_f64(const double* x, u32 count, double slope, double* y) { rectify(x, count, slope, y); }

// ---- rectify_gradient_f32, rectify_gradient_f64: the gradient where x > 0, else slope times it; at 0 the slope counts.
// gradient, x, out: (count,).  Launch: ceil(count / 256) blocks of 256.
template <typename T>
static __device__ void rectify_gradient(const T* gradient, const T* x, u32 count, double slope, T* out) {
    u32 at = blockIdx.x * blockDim.x + threadIdx.x;
    if (at >= count) return;
    out[at] = x[at] > (T)0 ? gradient[at] : gradient[at] * (T)slope;
}

extern "C" __global__ void rectify_gradient_f32(const float* gradient, const float* x, u32 count, double slope, float* out) {
    rectify_gradient(gradient, x, count, slope, out);
}

extern "C" __global__ void rectify_gradient_f64(const double* gradient, const double* x, u32 count, double slope, double* out) {
    rectify_gradient(gradient, x, count, slope, out);
}

// ---- add_bias_f32, add_bias_f64: y[row][k] += bias[k], in place.
// y: (count / width, width); bias: (width,).  Launch: ceil(count / 256) blocks of 256.
template <typename T>
static __device__ void add_bias(T* y, const T* bias, u32 count, u32 width) {
    u32 at = blockIdx.x * blockDim.x + threadIdx.x;
    if (at < count) y[at] += bias[at % width];
}

extern "C" __global__ void add_bias_f32(float* y, const float* bias, u32 count, u32 width) {
    add_bias(y, bias, count, width);
}

extern "C" __global__ void add_bias_f64(double* y, const double* bias, u32 count, u32 width) {
    add_bias(y, bias, count, width);
}

// ---- channel_sums_f32, channel_sums_f64: of each channel the sum over examples and pixels.
// values: (examples, gridDim.x, pixels); out: (gridDim.x,).  Launch: channels blocks of 256, 64 bytes of shared.
// Order, in f64: each thread every 256th value, lanes of a warp as a tree, warps ascending; rounded once.
template <typename T>
static __device__ void channel_sums(const T* values, u32 examples, u32 pixels, T* out) {
    double sum = 0.0;
    u32 count = examples * pixels;
    for (u32 at = threadIdx.x; at < count; at += blockDim.x) {
        sum += (double)values[((u64)(at / pixels) * gridDim.x + blockIdx.x) * pixels + at % pixels];
    }
    for (u32 step = 16; step > 0; step /= 2) sum += __shfl_down_sync(0xffffffffu, sum, step);
    if (threadIdx.x % 32 == 0) shared[threadIdx.x / 32] = sum;
    __syncthreads();
    if (threadIdx.x == 0) {
        for (u32 warp = 1; warp < blockDim.x / 32; warp++) sum += shared[warp];
        out[blockIdx.x] = (T)sum;
    }
}

extern "C" __global__ void channel_sums_f32(const float* values, u32 examples, u32 pixels, float* out) {
    channel_sums(values, examples, pixels, out);
}

extern "C" __global__ void channel_sums_f64(const double* values, u32 examples, u32 pixels, double* out) {
    channel_sums(values, examples, pixels, out);
}

// ---- velocity_f32: v = momentum · v + (g + decay · p);  descend_f32: p -= rate · v. Both in place.
// v, p, g: (count,).  Launch: ceil(count / 256) blocks of 256.
extern "C" __global__ void velocity_f32(float* v, const float* p, const float* g, u32 count, float momentum, float decay) {
    u32 at = blockIdx.x * blockDim.x + threadIdx.x;
    if (at < count) v[at] = momentum * v[at] + (g[at] + decay * p[at]);
}

extern "C" __global__ void descend_f32(float* p, const float* v, u32 count, float rate) {
    u32 at = blockIdx.x * blockDim.x + threadIdx.x;
    if (at < count) p[at] -= rate * v[at];
}
