// CUDA for the host's C++ compiler: just what kernels/*.cu use. Every thread of a block is a fiber.
// A fiber runs until a barrier or a shuffle; which one goes on is drawn from a seed. See shim.cpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <math.h>
#include <utility>

#define __global__
#define __device__
#define __shared__
#define __forceinline__ inline
#define __launch_bounds__(...)
// The host's compiler unrolls as it likes.
#pragma GCC diagnostic ignored "-Wunknown-pragmas"

struct Dim {
    unsigned x, y, z;
};
extern Dim threadIdx, blockIdx, blockDim, gridDim;

// Blocks until every thread of the block is at this line.
void barrier(int line);
// Blocks until every lane of the mask is at this line; gives the other lane's `size` bytes.
void exchange(unsigned mask, unsigned source, const void* own, void* other, size_t size, int line);

#define __syncthreads() barrier(__LINE__)
#define __shfl_down_sync(mask, value, step) shuffle(mask, value, threadIdx.x % 32 + (step), __LINE__)
#define __shfl_xor_sync(mask, value, bits) shuffle(mask, value, (threadIdx.x % 32) ^ (bits), __LINE__)
#define __shfl_sync(mask, value, lane) shuffle(mask, value, lane, __LINE__)

template <typename T>
T shuffle(unsigned mask, T value, unsigned source, int line) {
    T other;
    exchange(mask, source < 32 ? source : threadIdx.x % 32, &value, &other, sizeof(T), line);
    return other;
}

template <typename T>
T min(T a, T b) {
    return a < b ? a : b;
}

inline long long __double_as_longlong(double x) {
    long long bits;
    memcpy(&bits, &x, 8);
    return bits;
}

inline double __longlong_as_double(long long bits) {
    double x;
    memcpy(&x, &bits, 8);
    return x;
}

// The device's reciprocal is off by up to 1 ulp and the quotient by 2: so is this one, by an amount that the operand fixes.
inline float __fdividef(float a, float b) {
    float quotient = a / b;
    uint32_t bits, hash;
    memcpy(&bits, &b, 4);
    hash = bits * 2654435761u >> 30;
    memcpy(&bits, &quotient, 4);
    if (bits % 0x7f800000 > 4) bits = bits + hash - 1;
    memcpy(&quotient, &bits, 4);
    return quotient;
}

// How a kernel is called: from an array of pointers to its arguments, as the driver does.
struct Entry {
    const char* name;
    void (*call)(void** arguments);
    size_t arguments;
    Entry* next;
};
extern Entry* entries;

template <typename... A, size_t... I>
void call_with(void (*kernel)(A...), void** arguments, std::index_sequence<I...>) {
    kernel(*(A*)arguments[I]...);
}

template <typename... A>
void call_from(void (*kernel)(A...), void** arguments) {
    call_with(kernel, arguments, std::index_sequence_for<A...>());
}

template <typename... A>
constexpr size_t count_of(void (*)(A...)) {
    return sizeof...(A);
}

struct Registration {
    Entry entry;
    Registration(const char* name, void (*call)(void**), size_t arguments) : entry{name, call, arguments, entries} {
        entries = &entry;
    }
};

#define KERNEL(name) \
    static Registration register_##name(#name, [](void** arguments) { call_from(name, arguments); }, count_of(name));
