// Parts of every GPU measurement beside its kernels.

typedef unsigned int u32;
typedef unsigned long long u64;

#ifdef __CUDA_ARCH__
__device__ __forceinline__ u64 nanoseconds() {
    u64 t;
    asm volatile("mov.u64 %0, %%globaltimer;" : "=l"(t));
    return t;
}
#endif

// Turns of the SM clock, and nanoseconds, while one thread waits: out[0] over out[1] is its rate.
extern "C" __global__ void sm_clock(u64 *out, u64 wait_ns) {
    const u64 start = nanoseconds();
    const long long turn = clock64();
    u64 now = start;
    while (now - start < wait_ns) now = nanoseconds();
    out[0] = (u64)(clock64() - turn);
    out[1] = now - start;
}

// The roof of decoding: reads 4 bytes and writes 32 for each of n elements, and does nothing else.
// Thread i writes half of element i / 2, so that a warp writes 512 bytes on end.
extern "C" __global__ void expand(const float *x, float *out, u32 n) {
    const size_t i = (size_t)blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= 2 * (size_t)n) return;
    const float v = __ldcs(x + i / 2);
    __stcs((float4 *)out + i, make_float4(v, v, v, v));
}
