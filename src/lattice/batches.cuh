// Where the vectors and codes of a batch lie; see `encoded.rs`.
#pragma once

#include "points.cuh"

// Threads of a block, as in gpu.rs.
#define BLOCK 256

enum Form { PACKED, DIGITS_SOA, DIGITS_ROWS };

__device__ __forceinline__ size_t padded(size_t bytes) { return (bytes + 63) & ~(size_t)63; }

// Vector i of n.
template <class L> __device__ __forceinline__ void load(const float *x, u32 rows, u32 n, u32 i, float (&v)[L::D]) {
    if (!rows) {
#pragma unroll
        for (int k = 0; k < L::D; k++) v[k] = __ldcs(x + (size_t)k * n + i);
    } else if (L::D == 2) {
        const float2 p = __ldcs((const float2 *)x + i);
        v[0] = p.x, v[1] = p.y;
    } else {
#pragma unroll
        for (int k = 0; k < L::D / 4; k++) {
            const float4 p = __ldcs((const float4 *)x + (size_t)i * (L::D / 4) + k);
            v[4 * k] = p.x, v[4 * k + 1] = p.y, v[4 * k + 2] = p.z, v[4 * k + 3] = p.w;
        }
    }
}

template <class L> __device__ __forceinline__ void store(float *x, u32 rows, u32 n, u32 i, const float (&v)[L::D]) {
    if (!rows) {
#pragma unroll
        for (int k = 0; k < L::D; k++) __stcs(x + (size_t)k * n + i, v[k]);
    } else if (L::D == 2) {
        __stcs((float2 *)x + i, make_float2(v[0], v[1]));
    } else {
#pragma unroll
        for (int k = 0; k < L::D / 4; k++) {
            const float4 p = make_float4(v[4 * k], v[4 * k + 1], v[4 * k + 2], v[4 * k + 3]);
            __stcs((float4 *)x + (size_t)i * (L::D / 4) + k, p);
        }
    }
}

// Cuts the word of one vector into planes, from its low end.
struct Writer {
    u8 *plane;
    u32 n, i;
    u64 word;
    u32 bits;

    template <class T> __device__ __forceinline__ void put() {
        ((T *)plane)[i] = (T)word;
        plane += padded(sizeof(T) * (size_t)n);
    }
    __device__ __forceinline__ void append(u32 level, u32 count) {
        word |= (u64)level << bits;
        bits += count;
        if (bits >= 64) {
            put<u64>();
            bits -= 64;
            word = (u64)level >> (count - bits);
        }
    }
    __device__ __forceinline__ void finish() {
        const u32 bytes = (bits + 7) / 8;
        if (bytes == 8) put<u64>();
        if (bytes & 4) put<u32>(), word >>= 32;
        if (bytes & 2) put<u16>(), word >>= 16;
        if (bytes & 1) put<u8>();
    }
};

// Puts the word of one vector together again.
struct Reader {
    const u8 *plane;
    u32 n, i;
    u32 left; // bytes that no plane has given yet
    u64 word;
    u32 bits;

    template <class T> __device__ __forceinline__ u64 get() {
        const u64 v = __ldcs((const T *)plane + i);
        plane += padded(sizeof(T) * (size_t)n);
        return v;
    }
    __device__ __forceinline__ u64 next() {
        if (left >= 8) {
            left -= 8;
            return get<u64>();
        }
        u64 v = 0;
        u32 at = 0;
        if (left & 4) v = get<u32>(), at = 32;
        if (left & 2) v |= get<u16>() << at, at += 16;
        if (left & 1) v |= get<u8>() << at;
        left = 0;
        return v;
    }
    __device__ __forceinline__ u32 take(u32 count) {
        u64 level = word;
        if (bits < count) {
            const u64 more = next();
            level |= more << bits;
            word = more >> (count - bits);
            bits += 64 - count;
        } else {
            word >>= count;
            bits -= count;
        }
        return (u32)(level & ((1ULL << count) - 1));
    }
};

// Writes level m of vector i, one byte per digit.
template <class L>
__device__ __forceinline__ void put_digits(u8 *codes, u32 form, u32 levels, u32 n, u32 i, u32 m, const int (&b)[L::D]) {
    if (form == DIGITS_SOA) {
#pragma unroll
        for (int k = 0; k < L::D; k++) codes[((size_t)m * L::D + k) * n + i] = (u8)b[k];
    } else if (L::D == 2) {
        ((u16 *)codes)[(size_t)i * levels + m] = (u16)(b[0] | b[1] << 8);
    } else {
#pragma unroll
        for (int k = 0; k < L::D; k += 4)
            ((u32 *)codes)[((size_t)i * levels + m) * (L::D / 4) + k / 4] =
                (u32)(b[k] | b[k + 1] << 8 | b[k + 2] << 16 | b[k + 3] << 24);
    }
}
