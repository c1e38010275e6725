"""The bound of a step: its arithmetic alone or one pass over its weights alone, whichever takes longer here."""

import ctypes
import pathlib
import subprocess
import tempfile

import numpy as np

from protocol import median_ns, report

# Multiply-adds in twelve registers of the widest vectors, and reads of a buffer into eight.
CODE = """
#include <stdint.h>
#ifdef __AVX512F__
enum { BYTES = 64 };
#else
enum { BYTES = 32 };
#endif
typedef uint64_t words __attribute__((vector_size(BYTES)));
#define ARITHMETIC(name, type)                                                 \\
  type name(int64_t flops) {                                                   \\
    typedef type lanes __attribute__((vector_size(BYTES)));                    \\
    enum { LANES = BYTES / sizeof(type) };                                     \\
    lanes a[12], m = {0}, b = {0};                                             \\
    for (int i = 0; i < 12; i++) a[i] = m + (type)i;                           \\
    m += (type)0.5; b += (type)1;                                              \\
    for (int64_t n = flops / (2 * 12 * LANES); n > 0; n--) {                   \\
      _Pragma("GCC unroll 12") for (int i = 0; i < 12; i++) a[i] = a[i] * m + b; \\
    }                                                                          \\
    for (int i = 1; i < 12; i++) a[0] += a[i];                                 \\
    return a[0][0];                                                            \\
  }
ARITHMETIC(arithmetic_f64, double)
ARITHMETIC(arithmetic_f32, float)
uint64_t reads(const char *buffer, int64_t bytes, int64_t times) {
  words sums[8] = {0};
  for (; times > 0; times--) {
    const words *at = (const words *)buffer;
    int64_t n = bytes / BYTES;
    for (; n >= 8; n -= 8, at += 8) {
      _Pragma("GCC unroll 8") for (int i = 0; i < 8; i++) sums[i] |= at[i];
    }
    for (; n > 0; n--, at++) sums[0] |= *at;
    __asm__ volatile("" ::: "memory");
  }
  for (int i = 1; i < 8; i++) sums[0] |= sums[i];
  return sums[0][0];
}
"""


def compiled():
    with tempfile.TemporaryDirectory() as folder:
        source, target = pathlib.Path(folder, "roof.c"), pathlib.Path(folder, "roof.so")
        source.write_text(CODE)
        flags = ["-O2", "-march=native", "-ffp-contract=fast", "-shared", "-fPIC"]
        subprocess.run(["cc", *flags, source, "-o", target], check=True)
        library = ctypes.CDLL(str(target))
        library.arithmetic_f64.restype, library.arithmetic_f32.restype = ctypes.c_double, ctypes.c_float
        return library


def cases():
    """Case, units, bytes of a number, operations of all units, bytes of the weights, and passes over them."""
    for kernel, d, n in (
        *(("rollout", d, 100) for d in (5, 20, 50, 100)),
        ("step", 20, 64),
        ("batch", 20, 64),
        ("batch", 20, 512),
        ("batch", 100, 64),
    ):
        weights = 5 * d * d
        passes = 1 if kernel == "batch" else n
        yield f"mvar/{kernel}-d{d}-p5/n{n}", n, 8, 2 * weights * n, 8 * weights, passes
    for d, h, layers, lag in ((20, 64, 1, 5), (19, 64, 2, 5), (20, 128, 2, 20)):
        of_x = 4 * h * d
        of_h = 4 * h * h * (2 * layers - 1)
        weights = of_x + of_h + h * d
        size = f"d{d}-h{h}-l{layers}-lag{lag}"
        flops = 2 * (lag * (of_x + of_h) + h * d)
        yield f"lstm/forecast-{size}/n1", 1, 4, flops, 4 * weights, 1
        # The inputs of a state are multiplied once.
        yield f"lstm/rollout-{size}/n100", 100, 4, 200 * (of_x + lag * of_h + h * d), 4 * weights, 100
        if d == 19:
            for n in (64, 512):
                yield f"lstm/batch-{size}/n{n}", n, 4, n * flops, 4 * weights, 1


def aligned(size):
    """Bytes from the start of a cache line."""
    room = np.ones(size + 64, np.uint8)
    return room[-room.ctypes.data % 64 :][:size]


def main():
    library = compiled()
    for case, units, size, flops, weights, passes in cases():
        # Long calls: a call from here takes a microsecond.
        times = max(1, 20_000_000 // flops)
        buffer = aligned(weights)
        arithmetic = getattr(library, f"arithmetic_f{8 * size}")
        calls = (
            lambda: arithmetic(ctypes.c_int64(times * flops)),
            lambda: library.reads(
                buffer.ctypes.data_as(ctypes.c_void_p), ctypes.c_int64(buffer.nbytes), ctypes.c_int64(times * passes)
            ),
        )
        slower = max(calls, key=median_ns)
        report(case, "bound", f"f{8 * size}", times * units, slower)


main()
