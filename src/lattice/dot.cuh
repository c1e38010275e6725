// Inner products of the codes of two vectors, as integers; see `dot.rs`.
#pragma once

#include "codes.cuh"

#define MAX_LEVELS 8

// A batch of codes, as it is read.
struct Batch {
    const u8 *codes, *scalings;
    u32 form;

    __device__ __forceinline__ bool is_scaled_right(const Code &code, u32 i) const {
        return !code.max_scaling || scalings[i] <= code.max_scaling;
    }
};

// Inner products of the doubled sums of q^m a(b_m): integers, before any scaling.
template <class L>
__device__ __forceinline__ void dot(const Code &code, const Batch &a, const Batch &b, i64 *out, u32 *bad, u32 n) {
    const u32 i = blockIdx.x * BLOCK + threadIdx.x;
    if (i >= n) return;
    i64 ya[L::D], yb[L::D], sum = 0;
    bool good = a.is_scaled_right(code, i) && b.is_scaled_right(code, i);
    good &= decode_one<L, 0, 0>(code, a.codes, a.form, n, i, ya);
    good &= decode_one<L, 0, 0>(code, b.codes, b.form, n, i, yb);
    if (!good) {
        atomicMin(bad, i);
        return;
    }
#pragma unroll
    for (int k = 0; k < L::D; k++) sum += ya[k] * yb[k];
    out[i] = sum;
}

// The place of a digit among all, its first coordinate fastest.
template <class L> __device__ __forceinline__ u32 place(const Code &code, const int (&b)[L::D]) {
    u32 at = 0;
#pragma unroll
    for (int k = L::D - 1; k >= 0; k--) at = code.q * at + (u32)b[k];
    return at;
}

// The same from `table`, the inner products of all pairs of the `leaders` 2a(b).
template <class L>
__device__ __forceinline__ void dot_table(const Code &code, const short *table, u32 leaders, const Batch &a, const Batch &b,
                                          i64 *out, u32 *bad, u32 n) {
    const u32 i = blockIdx.x * BLOCK + threadIdx.x;
    if (i >= n) return;
    int digit[L::D];
    u32 columns[MAX_LEVELS]; // in registers, so every index is known when compiled
    Digits<L, 0> left(code, a.codes, a.form, n, i), right(code, b.codes, b.form, n, i);
#pragma unroll 1
    for (u32 m = 0; m < code.levels; m++) {
        right.take(m, code.levels, digit);
        const u32 at = place<L>(code, digit);
#pragma unroll
        for (u32 j = 0; j < MAX_LEVELS; j++)
            if (j == m) columns[j] = at;
    }
    bool good = right.are_right() && a.is_scaled_right(code, i) && b.is_scaled_right(code, i);
    i64 sum = 0, power = 1;
#pragma unroll 1
    for (u32 m = 0; m < code.levels && good; m++) {
        left.take(m, code.levels, digit);
        good = left.most < code.q;
        if (!good) break;
        const short *row = table + (size_t)place<L>(code, digit) * leaders;
        i64 products = 0;
#pragma unroll
        for (int j = MAX_LEVELS - 1; j >= 0; j--)
            if (j < (int)code.levels) products = code.q * products + __ldg(row + columns[j]);
        sum += power * products;
        power *= code.q;
    }
    if (good && left.are_right())
        out[i] = sum;
    else
        atomicMin(bad, i);
}
