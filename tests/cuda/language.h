// CUDA C++ as host C++: what our kernels use of it. Include it before an unchanged `.cu`.
#pragma once

#include <cmath>
#include <ctime>

#include "emulator.h"

#define __global__
#define __device__
#define __forceinline__ inline
#define __launch_bounds__(...)
#define __shared__ static __attribute__((section("cuda_shared"), aligned(16)))

#define threadIdx (emulator::thread_index())
#define blockIdx (emulator::now.index)
#define blockDim (emulator::now.block)
#define gridDim (emulator::now.grid)

#define __syncthreads() emulator::barrier(__LINE__)
#define __syncwarp() emulator::collective(0xffffffffu, 0, __LINE__)
#define __ballot_sync(mask, value) emulator::ballot(mask, value, __LINE__)
#define __any_sync(mask, value) (emulator::ballot(mask, value, __LINE__) != 0)
#define __shfl_sync(mask, value, from) emulator::shuffle(mask, value, (from) & 31, __LINE__)
#define __shfl_xor_sync(mask, value, bits) emulator::shuffle(mask, value, (emulator::now.current & 31) ^ (bits), __LINE__)
#define __shfl_down_sync(mask, value, by)                                                                              \
    emulator::shuffle(mask, value, std::min(31u, (emulator::now.current & 31) + unsigned(by)), __LINE__)

struct alignas(8) float2 {
    float x, y;
};
struct alignas(16) float4 {
    float x, y, z, w;
};
inline float2 make_float2(float x, float y) { return {x, y}; }
inline float4 make_float4(float x, float y, float z, float w) { return {x, y, z, w}; }

using std::abs;
using std::max;
using std::min;

template <class T> T __ldg(const T *p) { return *p; }
template <class T> T __ldcs(const T *p) { return *p; }
template <class T> void __stcs(T *p, T v) { *p = v; }

inline float __int_as_float(int v) {
    float f;
    memcpy(&f, &v, sizeof f);
    return f;
}
inline int __float_as_int(float f) {
    int v;
    memcpy(&v, &f, sizeof v);
    return v;
}
inline float __int2float_rn(int v) { return float(v); }
inline float __ll2float_rn(long long v) { return float(v); }
inline long long __float2ll_rn(float f) { return llrintf(f); }
inline unsigned __umulhi(unsigned a, unsigned b) { return unsigned(uint64_t(a) * b >> 32); }
inline float __saturatef(float v) { return std::fmin(std::fmax(v, 0.0f), 1.0f); }
inline int __popc(unsigned v) { return __builtin_popcount(v); }
inline unsigned __byte_perm(unsigned low, unsigned high, unsigned selector) {
    const uint64_t bytes = uint64_t(high) << 32 | low;
    unsigned out = 0;
    for (int k = 0; k < 4; k++) out |= unsigned(bytes >> 8 * (selector >> 4 * k & 7) & 0xff) << 8 * k;
    return out;
}

// The threads of the emulator take turns, so plain accesses are atomic.
template <class T, class U> T atomicAdd(T *p, U v) {
    const T old = *p;
    *p = old + T(v);
    return old;
}
template <class T, class U> T atomicMin(T *p, U v) {
    const T old = *p;
    *p = std::min(old, T(v));
    return old;
}

// The emulated clock ticks once a nanosecond of the thread that runs the kernels, so not while others run.
inline unsigned long long nanoseconds() {
    timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return 1000000000LL * now.tv_sec + now.tv_nsec;
}
inline long long clock64() { return (long long)nanoseconds(); }
