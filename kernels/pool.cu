// Max and average pools over windows of size × size, stride apart, and their gradients.
//
// The same bytes as src/model/ops/pool.rs, in f32 and f64: of equal maxima the first in row-major order has the gradient,
// a NaN wins its window, and where windows overlap gradients are added window after window. A gradient is collected by
// pixel, not scattered by window, so no two threads add to one sum; what is read again for it is size² numbers.
// x: (planes, height, width), y: (planes, rows, columns). Compile with --fmad=false.

typedef unsigned int u32;
typedef unsigned long long u64;

// Where the maximum of a window lies, from its corner's address.
template <typename T>
static __device__ u32 place_of_maximum(const T* corner, u32 width, u32 size) {
    u32 best = 0;
    for (u32 y = 0; y < size; y++) {
        for (u32 at = y * width; at < y * width + size; at++) {
            T value = corner[at];
            if (value > corner[best] || value != value) best = at;
        }
    }
    return best;
}

// ---- max_pool_f32, max_pool_f64, average_pool_f32, average_pool_f64: the maximum, or the mean, of each window.
// Launch: ceil(planes · rows · columns / 256) blocks of 256.  Order of a mean: a row's sum, then the rows', ascending.
template <typename T, bool MAXIMUM>
static __device__ void pool(const T* x, u32 planes, u32 height, u32 width, u32 size, u32 stride, u32 rows, u32 columns,
                            T* y) {
    u32 at = blockIdx.x * blockDim.x + threadIdx.x;
    if (at >= planes * rows * columns) return;
    u32 plane = at / (rows * columns), row = at / columns % rows, column = at % columns;
    const T* corner = x + (u64)plane * height * width + row * stride * width + column * stride;
    if (MAXIMUM) {
        y[at] = corner[place_of_maximum(corner, width, size)];
        return;
    }
    T sum = (T)0;
    for (u32 r = 0; r < size; r++) {
        T of_row = (T)0;
        for (u32 c = 0; c < size; c++) of_row += corner[r * width + c];
        sum += of_row;
    }
    y[at] = sum * (T)(1.0 / (size * size));
}

// ---- max_pool_gradient_f32, max_pool_gradient_f64, average_pool_gradient_f32, average_pool_gradient_f64
// gradient: (planes, rows, columns) of the result; x: the argument, read for the maximum only; out: of the argument.
// Launch: ceil(planes · height · width / 256) blocks of 256.  Order of addition: windows ascending.
template <typename T, bool MAXIMUM>
static __device__ void pool_gradient(const T* gradient, const T* x, u32 planes, u32 height, u32 width, u32 size,
                                     u32 stride, u32 rows, u32 columns, T* out) {
    u32 pixel = blockIdx.x * blockDim.x + threadIdx.x, pixels = height * width;
    if (pixel >= planes * pixels) return;
    u32 plane = pixel / pixels, here = pixel % pixels, y = here / width, at = here % width;
    x += (u64)plane * pixels;
    gradient += (u64)plane * rows * columns;
    // The first window that reaches here, and the first beyond.
    u32 top = y < size ? 0 : (y - size) / stride + 1, below = min(rows, y / stride + 1);
    u32 left = at < size ? 0 : (at - size) / stride + 1, beyond = min(columns, at / stride + 1);
    T sum = (T)0;
    for (u32 row = top; row < below; row++) {
        for (u32 column = left; column < beyond; column++) {
            u32 corner = row * stride * width + column * stride;
            T own = gradient[row * columns + column];
            if (!MAXIMUM) sum += own * (T)(1.0 / (size * size));
            else if (corner + place_of_maximum(x + corner, width, size) == here) sum += own;
        }
    }
    out[pixel] = sum;
}

extern "C" __global__ void max_pool_f32(const float* x, u32 planes, u32 height, u32 width, u32 size, u32 stride,
                                        u32 rows, u32 columns, float* y) {
    pool<float, true>(x, planes, height, width, size, stride, rows, columns, y);
}

extern "C" __global__ void max_pool_f64(const double* x, u32 planes, u32 height, u32 width, u32 size, u32 stride,
                                        u32 rows, u32 columns, double* y) {
    pool<double, true>(x, planes, height, width, size, stride, rows, columns, y);
}

extern "C" __global__ void average_pool_f32(const float* x, u32 planes, u32 height, u32 width, u32 size, u32 stride,
                                            u32 rows, u32 columns, float* y) {
    pool<float, false>(x, planes, height, width, size, stride, rows, columns, y);
}

extern "C" __global__ void average_pool_f64(const double* x, u32 planes, u32 height, u32 width, u32 size, u32 stride,
                                            u32 rows, u32 columns, double* y) {
    pool<double, false>(x, planes, height, width, size, stride, rows, columns, y);
}

extern "C" __global__ void max_pool_gradient_f32(const float* gradient, const float* x, u32 planes, u32 height,
                                                 u32 width, u32 size, u32 stride, u32 rows, u32 columns, float* out) {
    pool_gradient<float, true>(gradient, x, planes, height, width, size, stride, rows, columns, out);
}

extern "C" __global__ void max_pool_gradient_f64(const double* gradient, const double* x, u32 planes, u32 height,
                                                 u32 width, u32 size, u32 stride, u32 rows, u32 columns, double* out) {
    pool_gradient<double, true>(gradient, x, planes, height, width, size, stride, rows, columns, out);
}

extern "C" __global__ void average_pool_gradient_f32(const float* gradient, const float* x, u32 planes, u32 height,
                                                     u32 width, u32 size, u32 stride, u32 rows, u32 columns, float* out) {
    pool_gradient<float, false>(gradient, x, planes, height, width, size, stride, rows, columns, out);
}

extern "C" __global__ void average_pool_gradient_f64(const double* gradient, const double* x, u32 planes, u32 height,
                                                     u32 width, u32 size, u32 stride, u32 rows, u32 columns, double* out) {
    pool_gradient<double, false>(gradient, x, planes, height, width, size, stride, rows, columns, out);
}
