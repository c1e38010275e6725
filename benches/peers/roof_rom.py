"""The bound of a step: its arithmetic alone or the reads of its weights alone, whichever takes longer here.

What kernels of AVX2 take is shown beside the bound of the widest vectors.
"""

import ctypes
import pathlib
import subprocess
import tempfile
from functools import partial

from protocol import aligned, median_ns, report

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
    """Kernel, size, bytes of a number, units, operations, bytes of the weights, and bytes of them that are read."""
    p = 5
    for kernel, d, n in (
        *(("rollout", d, 100) for d in (5, 20, 50, 100)),
        ("step", 20, 64),
        ("batch", 20, 64),
        ("batch", 20, 512),
        ("batch", 100, 64),
    ):
        weights = 8 * p * d * d
        # Two steps of a rollout may share what they read of all lags but the newest.
        passes = {"batch": 1, "step": n, "rollout": n * (p + 1) / (2 * p)}[kernel]
        yield f"mvar/{kernel}", f"d{d}-p{p}/n{n}", 8, n, n * weights // 4, weights, passes * weights
    for d, h, layers, lag in ((20, 64, 1, 5), (19, 64, 2, 5), (20, 128, 2, 20)):
        of_x, of_h, head = 4 * h * d, 4 * h * h, h * d
        weights = 4 * (of_x + (2 * layers - 1) * of_h + head)
        # A row of a window needs the hidden state of the row before it, in each layer, which is zero for the first; a
        # rollout takes the rows of all its windows together, and the inputs of a state once.
        reread = weights + 4 * (lag - 2) * layers * of_h
        flops = 2 * (lag * (of_x + (layers - 1) * of_h) + (lag - 1) * layers * of_h + head)
        size = f"d{d}-h{h}-l{layers}-lag{lag}"
        yield "lstm/forecast", f"{size}/n1", 4, 1, flops, weights, reread
        yield "lstm/rollout", f"{size}/n100", 4, 100, 100 * (flops - 2 * (lag - 1) * of_x), weights, 100 * weights
        if d == 19:
            for n in (64, 512):
                yield "lstm/batch", f"{size}/n{n}", 4, n, n * flops, weights, reread


def main():
    library = compiled()
    for kernel, case, size, units, flops, weights, read in cases():
        # Long calls: a call from here takes a microsecond.
        times = max(1, 20_000_000 // flops)
        buffer = aligned(weights)
        arithmetic = getattr(library, f"arithmetic_f{8 * size}")
        passes = ctypes.c_int64(round(times * read / weights))
        calls = (
            partial(arithmetic, ctypes.c_int64(times * flops)),
            partial(library.reads, buffer.ctypes.data_as(ctypes.c_void_p), ctypes.c_int64(buffer.nbytes), passes),
        )
        slower = max(calls, key=lambda call: median_ns(call, 10))
        twin = f"{kernel}-avx2-{case}"
        report(f"{kernel}-{case}", "bound", f"f{8 * size}", times * units, slower, twins=[twin])


main()
