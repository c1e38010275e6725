"""OpenBLAS, called from C so that no time is Python's: `dgemv` a step, `dgemm` a batch.

Weights lie in rows, as NumPy has them; the best of others, in rows that start where a cache line does, and in columns, is
reported apart.
"""

import ctypes
import pathlib
import subprocess
import tempfile
from functools import partial

import numpy as np

from protocol import aligned, fastest, report, require

# Steps of a trajectory, and from windows side by side, all of it `times` times; functions of 64-bit integers. `order` is
# 101 for weights in rows (d, p d) and 102 for columns; `ld` is the distance of two.
CODE = """
#include <stdint.h>
#include <string.h>
typedef void (*gemv)(int, int, int64_t, int64_t, double, const double *, int64_t, const double *, int64_t, double,
                     double *, int64_t);
typedef void (*gemm)(int, int, int, int64_t, int64_t, int64_t, double, const double *, int64_t, const double *,
                     int64_t, double, double *, int64_t);
void steps(gemv f, int order, int64_t ld, int64_t d, int64_t p, const double *a, const double *c, const double *x,
           double *y, int64_t n, int64_t times) {
  for (; times > 0; times--) {
    for (int64_t t = 0; t < n; t++) {
      memcpy(y + t * d, c, d * sizeof(double));
      f(order, 111, d, p * d, 1.0, a, ld, x + t * d, 1, 1.0, y + t * d, 1);
    }
  }
}
void batch(gemm f, int order, int64_t ld, int64_t d, int64_t p, const double *a, const double *c, const double *x,
           double *y, int64_t n, int64_t times) {
  for (; times > 0; times--) {
    for (int64_t t = 0; t < n; t++) memcpy(y + t * d, c, d * sizeof(double));
    f(101, 111, order == 101 ? 112 : 111, n, d, p * d, 1.0, x, p * d, a, ld, 1.0, y, d);
  }
}
"""


def library():
    """OpenBLAS as NumPy's wheel has it."""
    folder = pathlib.Path(np.__file__).parent.parent / "numpy.libs"
    paths = list(folder.glob("*openblas*"))
    require(len(paths) == 1, f"found {len(paths)} OpenBLAS in {folder}")
    return ctypes.CDLL(str(paths[0]))


def version(blas):
    """That of OpenBLAS, and the processor that it chose its kernels for."""
    config, core = blas.scipy_openblas_get_config64_, blas.scipy_openblas_get_corename64_
    config.restype = core.restype = ctypes.c_char_p
    return f"{' '.join(config().decode().split()[:2])} {core().decode()}"


def compiled():
    with tempfile.TemporaryDirectory() as folder:
        source, target = pathlib.Path(folder, "steps.c"), pathlib.Path(folder, "steps.so")
        source.write_text(CODE)
        subprocess.run(["cc", "-O2", "-shared", "-fPIC", source, "-o", target], check=True)
        return ctypes.CDLL(str(target))


def pointer(array):
    return array.ctypes.data_as(ctypes.c_void_p)


def copy(array):
    """From the start of a cache line."""
    room = aligned(array.nbytes).view(array.dtype).reshape(array.shape)
    room[:] = array
    return room


def padded(rows):
    """With zeros after each row up to a cache line."""
    return copy(np.pad(rows, ((0, 0), (0, -rows.shape[1] % 8))))


def layouts(a):
    """Weights, their order and the distance of two rows or columns."""
    for order, rows in ((101, copy(a)), (101, padded(a)), (102, copy(a.T)), (102, padded(a.T))):
        yield rows, ctypes.c_int(order), ctypes.c_int64(rows.shape[1])


def model(d, p):
    """Weights (d, p d), oldest lag first, of which each row sums to 0.9 in magnitude; and a constant."""
    rng = np.random.default_rng(1)
    a = rng.standard_normal((d, p * d))
    return a * (0.9 / np.abs(a).sum(1, keepdims=True)), copy(rng.standard_normal(d))


def main():
    blas, code = library(), compiled()
    said, p = version(blas), 5
    for kernel, d, n in (
        *(("rollout", d, 100) for d in (5, 20, 50, 100)),
        ("step", 20, 64),
        ("batch", 20, 1),
        ("batch", 20, 64),
        ("batch", 20, 512),
        ("batch", 100, 64),
    ):
        a, c = model(d, p)
        step, f = (code.batch, blas.scipy_cblas_dgemm64_) if kernel == "batch" else (code.steps, blas.scipy_cblas_dgemv64_)
        rng, sizes = np.random.default_rng(2), (ctypes.c_int64(d), ctypes.c_int64(p))
        if kernel == "batch":
            x, y = copy(rng.standard_normal((n, p * d))), copy(np.zeros((n, d)))
            windows = x
        else:
            x = copy(rng.standard_normal((p + n, d)))
            # The trajectory of a rollout is its own window.
            y = x[p:] if kernel == "rollout" else copy(np.zeros((n, d)))
            windows = np.lib.stride_tricks.sliding_window_view(x.reshape(-1), p * d)[: n * d : d]

        # Long calls: one from here takes microseconds.
        times = max(1, 2_000_000 // (n * d * d * p))
        calls = []
        for weights, order, ld in layouts(a):
            pointers = [pointer(array) for array in (weights, c, x, y)]
            call = partial(step, f, order, ld, *sizes, *pointers, ctypes.c_int64(n), ctypes.c_int64(times))
            y[-1] = np.nan
            call()
            far = np.abs(y - windows @ a.T - c).max()
            require(far < 1e-12, f"{kernel} of d {d} is off by {far}")
            calls.append(call)
        case = f"mvar/{kernel}-d{d}-p{p}/n{n}"
        report(case, "openblas", said, times * n, calls[0])
        report(case, "openblas-best", said, times * n, fastest(calls[1:]))
        if kernel == "batch" and n > 1:

            def batch():
                np.matmul(x, a.T, out=y)
                np.add(y, c, out=y)

            report(case, "numpy", f"numpy {np.__version__}", n, batch)


main()
