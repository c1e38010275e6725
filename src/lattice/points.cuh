// The lattices on the GPU: the point nearest to a vector, its coordinates, and the carry of a digit.
//
// A component of a point is n[k] + half / 2; Z2 and D4 have no halves. All comparisons are exact,
// in the order of `nearest.rs`: integer-valued floats with the tie direction U above level 0, and
// at level 0 floats on the grid 2^-22, with the integer form behind every suspected tie.
//
// The recursion over levels runs in coordinates c = G^-1 lam:
//
//     b = c mod q      k(b) = G^-1 Q_u(G b / q)      c' = floor(c / q) + k(b)
//
// which is lam' = (lam - a(b)) / q, a(b) = G (b - q k(b)).
#pragma once

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;
typedef long long i64;

// 1.5 * 2^23: adding it rounds a float of at most 2^22 to an integer, which its low bits then hold.
#define ROUND 12582912.0f
#define ROUND_BITS 0x4B400000

// An integer of at most 2^22 as a float.
__device__ __forceinline__ float to_float(int v) { return __int_as_float(ROUND_BITS + v) - ROUND; }

// 1 if v is 0, and 0 if v * unit is -1 or less.
__device__ __forceinline__ float is_zero(float v, float unit) { return __saturatef(fmaf(v, unit, 1.0f)); }

struct Z2 {
    enum { D = 2, K = 8, LOG_K = 3 };
    static __device__ __forceinline__ int tie(int k) { return k == 0 ? -1 : 2; }

    // From n, the rounded vector, and r, its rests in units of 1 / h, to the nearest point.
    static __device__ __forceinline__ void settle(const int (&)[D], i64, int (&)[D], int &half) { half = 0; }

    // The same from u, n + ROUND, where rests are multiples of 1 / unit. Returns whether the point may
    // be one of several.
    static __device__ __forceinline__ bool settle(const float (&r)[D], float h, float, float (&)[D], int &half) {
        half = 0;
        return 2 * fmaxf(fabsf(r[0]), fabsf(r[1])) == h;
    }

    // Whether 0 is not the point nearest to v / h: the criterion of the relevant vectors.
    static __device__ __forceinline__ bool is_outside(const float (&v)[D], float h) {
        return 2 * fmaxf(fabsf(v[0]), fabsf(v[1])) >= h;
    }

    static __device__ __forceinline__ void coordinates(const int (&n)[D], int, int (&c)[D]) {
        for (int k = 0; k < D; k++) c[k] = n[k];
    }

    // Twice the point of coordinates c.
    template <class T> static __device__ __forceinline__ void doubled(const T (&c)[D], T (&y)[D]) {
        for (int k = 0; k < D; k++) y[k] = 2 * c[k];
    }
};

struct D4 {
    enum { D = 4, K = 16, LOG_K = 4 };
    static __device__ __forceinline__ int tie(int k) {
        const int u[D] = {-1, 4, -5, 3};
        return u[k];
    }

    static __device__ __forceinline__ void settle(const int (&r)[D], i64, int (&n)[D], int &half) {
        int far = 0, odd = 0;
#pragma unroll
        for (int k = 0; k < D; k++) {
            far = max(far, abs(r[k]));
            odd ^= n[k];
        }
#pragma unroll
        for (int k = 0; k < D; k++)
            if ((odd & 1) && abs(r[k]) == far) n[k] += r[k] < 0 ? -1 : 1;
        half = 0;
    }

    static __device__ __forceinline__ bool settle(const float (&r)[D], float h, float unit, float (&u)[D], int &half) {
        float far = 0, times = 0;
        int sum = 0;
#pragma unroll
        for (int k = 0; k < D; k++) {
            far = fmaxf(far, fabsf(r[k]));
            sum ^= __float_as_int(u[k]);
        }
        const float odd = sum & 1 ? 1.0f : 0.0f;
#pragma unroll
        for (int k = 0; k < D; k++) {
            const float at = is_zero(fabsf(r[k]) - far, unit);
            times += at;
            u[k] = fmaf(copysignf(odd, r[k]), at, u[k]);
        }
        half = 0;
        return 2 * far == h || (odd != 0 && times > 1);
    }

    static __device__ __forceinline__ bool is_outside(const float (&v)[D], float h) {
        const float a = fabsf(v[0]), b = fabsf(v[1]), c = fabsf(v[2]), d = fabsf(v[3]);
        const float ab = fmaxf(a, b), cd = fmaxf(c, d);
        // The two largest are two of the four, or both of one pair.
        return fmaxf(ab + cd, fmaxf(a + b, c + d)) >= h;
    }

    static __device__ __forceinline__ void coordinates(const int (&n)[D], int, int (&c)[D]) {
        const int tail = n[1] + n[2] + n[3];
        c[0] = -((n[0] + tail) >> 1);
        c[1] = (n[0] - tail) >> 1;
        c[2] = -(n[2] + n[3]);
        c[3] = -n[3];
    }

    template <class T> static __device__ __forceinline__ void doubled(const T (&c)[D], T (&y)[D]) {
        y[0] = 2 * (c[1] - c[0]);
        y[1] = 2 * (c[2] - c[1] - c[0]);
        y[2] = 2 * (c[3] - c[2]);
        y[3] = -2 * c[3];
    }
};

struct E8 {
    enum { D = 8, K = 512, LOG_K = 9 };
    static __device__ __forceinline__ int tie(int k) {
        const int u[D] = {-15, 42, -47, 26, -33, 19, -68, -25};
        return u[k];
    }

    static __device__ __forceinline__ void settle(const int (&r)[D], i64 h, int (&n)[D], int &half) {
        int far = 0, near = abs(r[0]), odd = 0, minus = 0;
        i64 apart = 2 * h; // the squared distance to the coset of halves less that to the integers, times h
#pragma unroll
        for (int k = 0; k < D; k++) {
            far = max(far, abs(r[k]));
            near = min(near, abs(r[k]));
            apart -= abs(r[k]);
            odd ^= n[k];
            minus ^= r[k];
        }
        const bool odd0 = odd & 1, odd1 = odd0 != (minus < 0);
        if (odd1) apart += 2 * (i64)near;
        if (odd0) apart -= h - 2 * (i64)far;
        half = apart < 0;
        const bool mend = half ? odd1 : odd0;
        const int key = half ? near : far;
#pragma unroll
        for (int k = 0; k < D; k++) {
            const int down = r[k] >> 31, here = mend && abs(r[k]) == key ? -1 : 0;
            n[k] += half ? down ^ here : here & (down | 1);
        }
    }

    static __device__ __forceinline__ bool settle(const float (&r)[D], float h, float unit, float (&u)[D], int &half) {
        float far = 0, near = h, sum = 0, times = 0;
        int odd = 0, minus = 0;
#pragma unroll
        for (int k = 0; k < D; k++) {
            far = fmaxf(far, fabsf(r[k]));
            near = fminf(near, fabsf(r[k]));
            sum += fabsf(r[k]);
            odd ^= __float_as_int(u[k]);
            minus ^= __float_as_int(r[k]); // no r is -0
        }
        const bool odd0 = odd & 1, odd1 = odd0 != (minus < 0);
        float apart = 2 * h - sum;
        if (odd1) apart += 2 * near;
        if (odd0) apart -= h - 2 * far;
        half = apart < 0;
        const bool mend = half ? odd1 : odd0;
        const float key = half ? near : far, side = half ? -unit : unit;
        // The steps s = sign(r) make: 0, and s where mended, or (s - 1) / 2, and (-s - 1) / 2.
        const float usual = half ? 0.5f : 0.0f, more = mend ? (half ? -1.0f : 1.0f) : 0.0f;
#pragma unroll
        for (int k = 0; k < D; k++) {
            const float at = is_zero(fabsf(r[k]) - key, side);
            times += at;
            u[k] += fmaf(copysignf(1.0f, r[k]), fmaf(more, at, usual), -usual);
        }
        return apart == 0 || 2 * far == h || near == 0 || (mend && times > 1);
    }

    static __device__ __forceinline__ bool is_outside(const float (&v)[D], float h) {
        float first = 0, second = 0, near = fabsf(v[0]), sum = 0;
        int minus = 0;
#pragma unroll
        for (int k = 0; k < D; k++) {
            const float a = fabsf(v[k]);
            second = fmaxf(second, fminf(first, a));
            first = fmaxf(first, a);
            near = fminf(near, a);
            sum += a;
            minus ^= __float_as_int(v[k]);
        }
        if (minus < 0) sum -= 2 * near;
        return first + second >= h || sum >= 2 * h;
    }

    static __device__ __forceinline__ void coordinates(const int (&n)[D], int half, int (&c)[D]) {
        c[7] = 2 * n[7] + half;
        c[6] = n[6] - n[7];
#pragma unroll
        for (int k = 5; k >= 0; k--) c[k] = c[k + 1] + (n[k] - n[7]);
        c[0] >>= 1;
    }

    template <class T> static __device__ __forceinline__ void doubled(const T (&c)[D], T (&y)[D]) {
        y[0] = 2 * (2 * c[0] - c[1]) + c[7];
#pragma unroll
        for (int k = 1; k < 6; k++) y[k] = 2 * (c[k] - c[k + 1]) + c[7];
        y[6] = 2 * c[6] + c[7];
        y[7] = c[7];
    }
};

// Q(2^-t x), as coordinates, by the definition: integers, and U in place of ties.
template <class L> __device__ __forceinline__ void nearest_exact(const float (&x)[L::D], int t, int (&c)[L::D]) {
    const int log_h = L::LOG_K + 22;
    const float steps = (float)((1 << 22) >> t);
    int r[L::D], n[L::D], half; // the rests are at most 2^30
#pragma unroll
    for (int k = 0; k < L::D; k++) {
        const i64 v = L::K * __float2ll_rn(x[k] * steps) + L::tie(k);
        n[k] = (int)((v + (1LL << (log_h - 1))) >> log_h);
        r[k] = (int)(v - ((i64)n[k] << log_h));
    }
    L::settle(r, 1LL << log_h, n, half);
    L::coordinates(n, half, c);
}

template <class L> __device__ __forceinline__ void coordinates(const float (&u)[L::D], int half, int (&c)[L::D]) {
    int n[L::D];
#pragma unroll
    for (int k = 0; k < L::D; k++) n[k] = __float_as_int(u[k]) - ROUND_BITS;
    L::coordinates(n, half, c);
}

// Q(2^-t x), as coordinates, |x| <= 2^22.
template <class L> __device__ __forceinline__ void nearest(const float (&x)[L::D], int t, int (&c)[L::D]) {
    const float shrink = __int_as_float((127 - t) << 23);
    float u[L::D], e[L::D];
    int half;
#pragma unroll
    for (int k = 0; k < L::D; k++) {
        const float z = x[k] * shrink;
        u[k] = z + ROUND;
        e[k] = ((z - (u[k] - ROUND)) + 3.0f) - 3.0f;
    }
    if (L::settle(e, 1.0f, 4194304.0f, u, half))
        nearest_exact<L>(x, t, c);
    else
        coordinates<L>(u, half, c);
}

// K G c + U: the numerators, over q K, of a point and the tie direction.
template <class L> __device__ __forceinline__ void numerators(const int (&c)[L::D], float (&v)[L::D]) {
    int y[L::D];
    L::doubled(c, y);
#pragma unroll
    for (int k = 0; k < L::D; k++) v[k] = fmaf(to_float(y[k]), L::K / 2, (float)L::tie(k));
}

// Whether Q_u(G c / q) is not 0; h is q K.
template <class L> __device__ __forceinline__ bool is_overload(const int (&c)[L::D], float h) {
    float v[L::D];
    numerators<L>(c, v);
    return L::is_outside(v, h);
}

// k(b) of a digit; h is q K, and inverse is 1 / h, rounded.
template <class L> __device__ __forceinline__ void carry(const int (&b)[L::D], float h, float inverse, int (&k)[L::D]) {
    float v[L::D], u[L::D];
    int half;
    numerators<L>(b, v);
#pragma unroll
    for (int i = 0; i < L::D; i++) {
        // No v is within 1 of an odd multiple of h / 2, so the inexact quotient rounds as the exact.
        u[i] = fmaf(v[i], inverse, ROUND);
        v[i] = fmaf(-h, u[i] - ROUND, v[i]);
    }
    L::settle(v, h, 1.0f, u, half); // U leaves no ties
    coordinates<L>(u, half, k);
}
