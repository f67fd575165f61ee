// A convolution as a product of matrices: what stands beside the products.
//
//   y = W · columns(x)     dx = images(Wᵀ · dy)     dW = dy · columns(x)ᵀ
//
// with x: (images, channels, height, width), W: (filters, channels · kh · kw), and dy brought from (images, filters, pixels)
// to (filters, images · pixels) by swap_axes, y back by the same. columns: (channels · kh · kw, images · oh · ow): row
// (c · kh + ky) · kw + kx holds what tap (ky, kx) of channel c sees in each window, 0 outside of the image. So each product
// is one large one, and groups are blocks of rows. Compile with --fmad=false.

typedef unsigned int u32;
typedef unsigned long long u64;

// ---- columns_f32, columns_f64: gathers the columns.
// x: (images, gridDim.y, height, width); columns: (gridDim.y · kh · kw, images · oh · ow).
// Launch: (ceil(images · oh · ow / 256), channels) blocks of 256: a thread fills one column of one channel, so that
// neighbours write to neighbours.
template <typename T>
static __device__ void columns_of(const T* x, u32 images, u32 height, u32 width, u32 kh, u32 kw, u32 stride, u32 padding,
                                  u32 dilation, u32 oh, u32 ow, T* columns) {
    u32 window = blockIdx.x * blockDim.x + threadIdx.x, windows = images * oh * ow;
    if (window >= windows) return;
    u32 channel = blockIdx.y, image = window / (oh * ow), row = window / ow % oh, column = window % ow;
    x += ((u64)image * gridDim.y + channel) * height * width;
    columns += (u64)channel * kh * kw * windows + window;
    for (u32 ky = 0; ky < kh; ky++) {
        // Above the image the difference wraps around and is larger than any height.
        u32 y = row * stride + ky * dilation - padding;
        for (u32 kx = 0; kx < kw; kx++) {
            u32 at = column * stride + kx * dilation - padding;
            *columns = y < height && at < width ? x[y * width + at] : (T)0;
            columns += windows;
        }
    }
}

extern "C" __global__ void columns_f32(const float* x, u32 images, u32 height, u32 width, u32 kh, u32 kw, u32 stride,
                                       u32 padding, u32 dilation, u32 oh, u32 ow, float* columns) {
    columns_of(x, images, height, width, kh, kw, stride, padding, dilation, oh, ow, columns);
}

extern "C" __global__ void columns_f64(const double* x, u32 images, u32 height, u32 width, u32 kh, u32 kw, u32 stride,
                                       u32 padding, u32 dilation, u32 oh, u32 ow, double* columns) {
    columns_of(x, images, height, width, kh, kw, stride, padding, dilation, oh, ow, columns);
}

// ---- images_f32, images_f64: adds each entry of the columns to the pixel it came from.
// columns as above; x: (images, gridDim.y, height, width), written.
// Launch: (ceil(images · height · width / 256), channels) blocks of 256: a thread collects one pixel's taps, so that no two
// threads add to one sum.  Order of addition: ky, then kx ascending, in T.
template <typename T>
static __device__ void images_of(const T* columns, u32 images, u32 height, u32 width, u32 kh, u32 kw, u32 stride,
                                 u32 padding, u32 dilation, u32 oh, u32 ow, T* x) {
    u32 pixel = blockIdx.x * blockDim.x + threadIdx.x, pixels = height * width;
    if (pixel >= images * pixels) return;
    u32 channel = blockIdx.y, image = pixel / pixels, y = pixel % pixels / width, at = pixel % width;
    u64 windows = (u64)images * oh * ow;
    columns += (u64)channel * kh * kw * windows + (u64)image * oh * ow;
    T sum = (T)0;
    for (u32 ky = 0; ky < kh; ky++) {
        // The window whose tap ky is here, if it is a whole number of strides away; below 0 it wraps as above.
        u32 down = y + padding - ky * dilation, row = down / stride;
        bool in_rows = down % stride == 0 && row < oh;
        for (u32 kx = 0; kx < kw; kx++) {
            u32 right = at + padding - kx * dilation, column = right / stride;
            if (in_rows && right % stride == 0 && column < ow) sum += columns[row * ow + column];
            columns += windows;
        }
    }
    x[((u64)image * gridDim.y + channel) * pixels + pixel % pixels] = sum;
}

extern "C" __global__ void images_f32(const float* columns, u32 images, u32 height, u32 width, u32 kh, u32 kw, u32 stride,
                                      u32 padding, u32 dilation, u32 oh, u32 ow, float* x) {
    images_of(columns, images, height, width, kh, kw, stride, padding, dilation, oh, ow, x);
}

extern "C" __global__ void images_f64(const double* columns, u32 images, u32 height, u32 width, u32 kh, u32 kw, u32 stride,
                                      u32 padding, u32 dilation, u32 oh, u32 ow, double* x) {
    images_of(columns, images, height, width, kh, kw, stride, padding, dilation, oh, ow, x);
}

// ---- swap_axes_f32, swap_axes_f64: (a, b, pixels) to (b, a, pixels).
// from: (a, gridDim.y, pixels); bias: (a,), added; or null.  to: (gridDim.y, a, pixels).
// Launch: (ceil(a · pixels / 256), b) blocks of 256.
template <typename T>
static __device__ void swap(const T* from, const T* bias, u32 a, u32 pixels, T* to) {
    u32 at = blockIdx.x * blockDim.x + threadIdx.x;
    if (at >= a * pixels) return;
    u32 first = at / pixels, second = blockIdx.y;
    T value = from[((u64)first * gridDim.y + second) * pixels + at % pixels];
    to[(u64)second * a * pixels + at] = bias ? value + bias[first] : value;
}

extern "C" __global__ void swap_axes_f32(const float* from, const float* bias, u32 a, u32 pixels, float* to) {
    swap(from, bias, a, pixels, to);
}

extern "C" __global__ void swap_axes_f64(const double* from, const double* bias, u32 a, u32 pixels, double* to) {
    swap(from, bias, a, pixels, to);
}
