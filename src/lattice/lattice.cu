// The GPU twins of the codec: one thread per vector, the same bits as the scalar reference.
//
// (q, M) and the form of a batch are read at run time, but for q 4, M 2, packed, which has kernels
// of its own. Floats are [d][n] or, if `rows`, [n][d].
#include "codes.cuh"
#include "dot.cuh"

__device__ __forceinline__ float rounded(int v) { return __int2float_rn(v); }
__device__ __forceinline__ float rounded(i64 v) { return __ll2float_rn(v); }

// One bit per thread, 32 to a word; every thread of the warp calls it.
__device__ __forceinline__ void put_flags(u32 *flags, u32 n, u32 i, bool flag) {
    const u32 word = __ballot_sync(0xffffffffu, flag);
    if (i % 32 == 0 && i < n) flags[i / 32] = word;
}

template <class L, int Q, int M>
__device__ __forceinline__ void encode(const Code &code, const float *x, u32 rows, u8 *codes, u32 form, u8 *scalings,
                                       u32 *overload, u32 *bad, u32 n) {
    const u32 i = blockIdx.x * BLOCK + threadIdx.x;
    bool is_over = false;
    if (i < n) {
        float v[L::D];
        load<L>(x, rows, n, i, v);
        if (!divide<L, Q>(code, v)) {
            atomicMin(bad, i);
        } else {
            for (u32 t = 0;; t++) {
                int c[L::D];
                nearest<L>(v, (int)t, c);
                is_over = encode_one<L, Q, M>(code, c, codes, form, n, i);
                if (is_over && t < code.max_scaling) continue;
                if (code.max_scaling) scalings[i] = (u8)t;
                break;
            }
        }
    }
    put_flags(overload, n, i, is_over);
}

template <class L, int Q, int M, class T>
__device__ __forceinline__ void decode(const Code &code, const u8 *codes, u32 form, const u8 *scalings, float *x, u32 rows,
                                       u32 *bad, u32 n) {
    const u32 i = blockIdx.x * BLOCK + threadIdx.x;
    if (i >= n) return;
    const u32 t = code.max_scaling ? scalings[i] : 0;
    T y[L::D];
    if (!decode_one<L, Q, M>(code, codes, form, n, i, y) || t > code.max_scaling) {
        atomicMin(bad, i);
        return;
    }
    const float step = half_step(code, t);
    float v[L::D];
#pragma unroll
    for (int k = 0; k < L::D; k++) v[k] = (Q ? to_float((int)y[k]) : rounded(y[k])) * step;
    store<L>(x, rows, n, i, v);
}

// decode(encode(x)) without the codes: sum q^m a(b_m) is lam_0 - q^M lam_M.
template <class L>
__device__ __forceinline__ void quantize(const Code &code, const float *x, float *out, u32 rows, u32 *overloaded, u32 *bad,
                                         u32 n) {
    const u32 i = blockIdx.x * BLOCK + threadIdx.x;
    bool is_over = false;
    if (i < n) {
        float v[L::D];
        load<L>(x, rows, n, i, v);
        if (!divide<L, 0>(code, v)) {
            atomicMin(bad, i);
        } else {
            int first[L::D], c[L::D];
            u32 t = 0;
            for (;; t++) {
                nearest<L>(v, (int)t, first);
#pragma unroll
                for (int k = 0; k < L::D; k++) c[k] = first[k];
                for (u32 m = 0; m < code.levels; m++) {
                    int b[L::D], whole[L::D];
#pragma unroll
                    for (int k = 0; k < L::D; k++) {
                        whole[k] = floor_div<0>(code, c[k]);
                        b[k] = c[k] - (int)code.q * whole[k];
                    }
                    carry<L>(b, code.h, code.h_inverse, c);
#pragma unroll
                    for (int k = 0; k < L::D; k++) c[k] += whole[k];
                }
                is_over = false;
#pragma unroll
                for (int k = 0; k < L::D; k++) is_over |= c[k] != 0;
                if (!is_over || t >= code.max_scaling) break;
            }
            i64 sum[L::D], y[L::D];
#pragma unroll
            for (int k = 0; k < L::D; k++) sum[k] = first[k] - code.top * c[k];
            L::doubled(sum, y);
            const float step = half_step(code, t);
#pragma unroll
            for (int k = 0; k < L::D; k++) v[k] = rounded(y[k]) * step;
            store<L>(out, rows, n, i, v);
        }
    }
    const u32 word = __ballot_sync(0xffffffffu, is_over);
    if (i % 32 == 0 && word) atomicAdd(overloaded, __popc(word));
}

#define KERNEL extern "C" __global__ void __launch_bounds__(BLOCK)

#define ENCODE(name, L, Q, M)                                                                                          \
    KERNEL name(Code code, const float *x, u32 rows, u8 *codes, u32 form, u8 *scalings, u32 *overload, u32 *bad,       \
                u32 n) {                                                                                               \
        encode<L, Q, M>(code, x, rows, codes, Q ? (u32)PACKED : form, scalings, overload, bad, n);                     \
    }
#define DECODE(name, L, Q, M, T)                                                                                       \
    KERNEL name(Code code, const u8 *codes, u32 form, const u8 *scalings, float *x, u32 rows, u32 *bad, u32 n) {       \
        decode<L, Q, M, T>(code, codes, Q ? (u32)PACKED : form, scalings, x, rows, bad, n);                            \
    }
#define QUANTIZE(name, L)                                                                                              \
    KERNEL name(Code code, const float *x, float *out, u32 rows, u32 *overloaded, u32 *bad, u32 n) {                   \
        quantize<L>(code, x, out, rows, overloaded, bad, n);                                                           \
    }
#define DOT(name, L)                                                                                                   \
    KERNEL name(Code code, const u8 *a, u32 form_a, const u8 *scalings_a, const u8 *b, u32 form_b,                     \
                const u8 *scalings_b, i64 *out, u32 *bad, u32 n) {                                                     \
        dot<L>(code, {a, scalings_a, form_a}, {b, scalings_b, form_b}, out, bad, n);                                   \
    }
#define DOT_TABLE(name, L)                                                                                             \
    KERNEL name(Code code, const u8 *a, u32 form_a, const u8 *scalings_a, const u8 *b, u32 form_b,                     \
                const u8 *scalings_b, i64 *out, u32 *bad, u32 n, const short *table, u32 leaders) {                    \
        dot_table<L>(code, table, leaders, {a, scalings_a, form_a}, {b, scalings_b, form_b}, out, bad, n);             \
    }

ENCODE(encode_z2, Z2, 0, 0)
ENCODE(encode_d4, D4, 0, 0)
ENCODE(encode_e8, E8, 0, 0)
ENCODE(encode_z2_q4_m2, Z2, 4, 2)
ENCODE(encode_e8_q4_m2, E8, 4, 2)
DECODE(decode_z2, Z2, 0, 0, int)
DECODE(decode_d4, D4, 0, 0, int)
DECODE(decode_e8, E8, 0, 0, int)
DECODE(decode_z2_wide, Z2, 0, 0, i64)
DECODE(decode_d4_wide, D4, 0, 0, i64)
DECODE(decode_e8_wide, E8, 0, 0, i64)
DECODE(decode_z2_q4_m2, Z2, 4, 2, int)
DECODE(decode_e8_q4_m2, E8, 4, 2, int)
QUANTIZE(quantize_z2, Z2)
QUANTIZE(quantize_d4, D4)
QUANTIZE(quantize_e8, E8)
DOT(dot_z2, Z2)
DOT(dot_d4, D4)
DOT(dot_e8, E8)
DOT_TABLE(dot_table_z2, Z2)
DOT_TABLE(dot_table_d4, D4)
DOT_TABLE(dot_table_e8, E8)

// D4, q 4, M 2: a word is 16 bits and a digit 8, so that both levels look up one table of 256
// entries, and the four coordinates of a point live in the bytes of one register.

// Fills the table of the block: k(b), or a(b) + 4, one byte per coordinate.
template <bool LEADERS> __device__ __forceinline__ void fill(u32 (&table)[256]) {
    int b[4], k[4];
    for (int j = 0; j < 4; j++) b[j] = (threadIdx.x >> (2 * j)) & 3;
    carry<D4>(b, 4.0f * D4::K, 0.25f / D4::K, k);
    u32 entry = 0;
    if (LEADERS) {
        int a[4], c[4];
        for (int j = 0; j < 4; j++) c[j] = b[j] - 4 * k[j];
        D4::doubled(c, a);
        for (int j = 0; j < 4; j++) entry |= (u32)(a[j] / 2 + 4) << (8 * j);
    } else {
        for (int j = 0; j < 4; j++) entry |= (u32)(k[j] & 63) << (8 * j);
    }
    table[threadIdx.x] = entry;
    __syncthreads();
}

// The four low pairs of bits of the bytes, as one index.
__device__ __forceinline__ u32 digit(u32 bytes) { return ((bytes & 0x03030303u) * 0x01041040u) >> 24; }

KERNEL encode_d4_q4_m2(Code code, const float *x, u32 rows, u8 *codes, u32, u8 *scalings, u32 *overload, u32 *bad, u32 n) {
    __shared__ u32 carries[256];
    fill<false>(carries);
    for (u32 first = blockIdx.x * BLOCK; first < n; first += gridDim.x * BLOCK) {
        const u32 i = first + threadIdx.x;
        bool is_over = false;
        if (i < n) {
            float v[4];
            load<D4>(x, rows, n, i, v);
            if (!divide<D4, 4>(code, v)) {
                atomicMin(bad, i);
            } else {
                const float far = fmaxf(fmaxf(fabsf(v[0]), fabsf(v[1])), fmaxf(fabsf(v[2]), fabsf(v[3])));
                for (u32 t = 0;; t++) {
                    int c[4];
                    nearest<D4>(v, (int)t, c);
                    const u32 c0 = __byte_perm(__byte_perm(c[0], c[1], 0x0040), __byte_perm(c[2], c[3], 0x0040), 0x5410);
                    const u32 b0 = digit(c0);
                    // Modulo 64, then modulo 16: enough for the digit, and for 0 if c is within 127.
                    const u32 c1 = ((c0 >> 2) & 0x3f3f3f3fu) + carries[b0], b1 = digit(c1);
                    const u32 c2 = ((c1 >> 2) & 0x0f0f0f0fu) + carries[b1];
                    ((u16 *)codes)[i] = (u16)(b0 | b1 << 8);
                    // Points of the codebook are within 20 of 0; coordinates within 33 * 2 of those nearby.
                    is_over = far * __int_as_float((127 - (int)t) << 23) > 32.0f || (c2 & 0x0f0f0f0fu);
                    if (is_over && t < code.max_scaling) continue;
                    if (code.max_scaling) scalings[i] = (u8)t;
                    break;
                }
            }
        }
        put_flags(overload, n, i, is_over);
    }
}

KERNEL decode_d4_q4_m2(Code code, const u8 *codes, u32, const u8 *scalings, float *x, u32 rows, u32 *bad, u32 n) {
    __shared__ u32 leaders[256];
    fill<true>(leaders);
    for (u32 i = blockIdx.x * BLOCK + threadIdx.x; i < n; i += gridDim.x * BLOCK) {
        const u32 t = code.max_scaling ? scalings[i] : 0, word = __ldcs((const u16 *)codes + i);
        if (t > code.max_scaling) {
            atomicMin(bad, i);
            continue;
        }
        // Bytes from 0 to 40, 20 the zero; no carry crosses them.
        const u32 sums = leaders[word & 255] + 4 * leaders[word >> 8];
        const float step = 2 * half_step(code, t);
        float v[4];
#pragma unroll
        for (int k = 0; k < 4; k++) v[k] = (__int_as_float(__byte_perm(sums, 0x4B000000u, 0x7440 + k)) - 8388628.0f) * step;
        store<D4>(x, rows, n, i, v);
    }
}
