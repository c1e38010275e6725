// One vector: from floats to the digits of its code, and back to a point.
//
// Q and M are those of the codec where a kernel is of its own, else 0, and read at run time.
#pragma once

#include "batches.cuh"
#include "points.cuh"

// The parameters of a codec; `Parameters` in cuda/parameters.rs is the same. 64 bytes.
struct Code {
    float beta;      // the step
    float inverse;   // 1 / beta, rounded
    float scale;     // 2^64 if beta is so small that a rest could be subnormal, else 1
    float scaled;    // beta * scale
    float unscaled;  // inverse / scale
    float h;         // q K
    float h_inverse; // 1 / h, rounded
    u32 q, levels;
    u32 width;        // bits of a packed digit
    u32 magic, shift; // floor(v / q) = (v * magic) >> (32 + shift) for v < 2^31
    u32 max_scaling;
    u32 bytes; // of a packed word
    i64 top;   // q^M
};

// floor(c / q), |c| <= 2^26.
template <int Q> __device__ __forceinline__ int floor_div(const Code &code, int c) {
    if (Q == 4) return c >> 2;
    return (int)(__umulhi((u32)c + (code.q << 26), code.magic) >> code.shift) - (1 << 26);
}

// x / beta, correctly rounded wherever it is not tiny (a product and two fused steps with the
// rounded inverse: Markstein 1990). Returns whether |x / beta| <= 2^22; false for NaN.
template <class L, int Q> __device__ __forceinline__ bool divide(const Code &code, float (&x)[L::D]) {
    bool inside = true;
#pragma unroll
    for (int k = 0; k < L::D; k++) {
        const float p = x[k] * code.inverse;
        const float rest = Q ? fmaf(-p, code.beta, x[k]) : fmaf(-p, code.scaled, x[k] * code.scale);
        x[k] = fmaf(rest, Q ? code.inverse : code.unscaled, p);
        inside &= fabsf(x[k]) <= 4194304.0f;
    }
    return inside;
}

// beta 2^(t-1): what a doubled point is multiplied by.
__device__ __forceinline__ float half_step(const Code &code, u32 t) {
    return code.beta * __int_as_float((126 + (int)t) << 23);
}

// Digits of the point of coordinates c, which becomes that of the last level; returns the overload.
template <class L, int Q, int M>
__device__ __forceinline__ bool encode_one(const Code &code, int (&c)[L::D], u8 *codes, u32 form, u32 n, u32 i) {
    const int q = Q ? Q : (int)code.q, levels = M ? M : (int)code.levels;
    const u32 width = Q == 4 ? 2 : code.width;
    Writer writer = {codes, n, i, 0, 0};
#pragma unroll(M ? M : 1)
    for (int m = 0;; m++) {
        int b[L::D], k[L::D];
        u32 level = 0;
#pragma unroll
        for (int j = 0; j < L::D; j++) {
            const int whole = floor_div<Q>(code, c[j]);
            b[j] = c[j] - q * whole;
            level |= (u32)b[j] << (width * j);
            k[j] = whole;
        }
        if (form == PACKED)
            writer.append(level, width * L::D);
        else
            put_digits<L>(codes, form, (u32)levels, n, i, (u32)m, b);
        if (m + 1 == levels) break;
        carry<L>(b, Q ? (float)(Q * L::K) : code.h, Q ? 1.0f / (float)(Q * L::K) : code.h_inverse, c);
#pragma unroll
        for (int j = 0; j < L::D; j++) c[j] += k[j];
    }
    if (form == PACKED) writer.finish();
    return is_overload<L>(c, Q ? (float)(Q * L::K) : code.h);
}

// Reads the digits of vector i, from level 0 on.
template <class L, int Q> struct Digits {
    const Code &code;
    const u8 *codes;
    u32 form, n, i;
    Reader reader;
    u32 most; // the largest so far

    __device__ __forceinline__ Digits(const Code &code, const u8 *codes, u32 form, u32 n, u32 i)
        : code(code), codes(codes), form(form), n(n), i(i), reader{codes, n, i, code.bytes, 0, 0}, most(0) {}

    __device__ __forceinline__ void take(u32 m, u32 levels, int (&b)[L::D]) {
        const u32 width = Q == 4 ? 2 : code.width;
        const u32 level = form == PACKED ? reader.take(width * L::D) : 0;
#pragma unroll
        for (int j = 0; j < L::D; j++) {
            if (form == PACKED)
                b[j] = (level >> (width * j)) & ((1 << width) - 1);
            else if (form == DIGITS_SOA)
                b[j] = codes[((size_t)m * L::D + j) * n + i];
            else
                b[j] = codes[((size_t)i * levels + m) * L::D + j];
            most = max(most, (u32)b[j]);
        }
    }

    // After the last level: whether all were less than q, and no padding bit is set.
    __device__ __forceinline__ bool are_right() const { return most < (Q ? Q : code.q) && reader.word == 0; }
};

// The sum of q^m a(b_m) of vector i, doubled. Returns false at a code of q or more, or a padding bit.
template <class L, int Q, int M, class T>
__device__ __forceinline__ bool decode_one(const Code &code, const u8 *codes, u32 form, u32 n, u32 i, T (&y)[L::D]) {
    const u32 q = Q ? Q : code.q, levels = M ? M : code.levels;
    Digits<L, Q> digits(code, codes, form, n, i);
    T sum[L::D] = {}, power = 1;
#pragma unroll(M ? M : 1)
    for (u32 m = 0; m < levels; m++) {
        int b[L::D], k[L::D];
        digits.take(m, levels, b);
        carry<L>(b, Q ? (float)(Q * L::K) : code.h, Q ? 1.0f / (float)(Q * L::K) : code.h_inverse, k);
#pragma unroll
        for (int j = 0; j < L::D; j++) sum[j] += power * (T)(b[j] - (int)q * k[j]);
        power *= q;
    }
    L::doubled(sum, y);
    return digits.are_right();
}
