"""OpenBLAS: `dgemv` a step, called from C so that no time is Python's, and NumPy's `dgemm` for batches."""

import ctypes
import pathlib
import subprocess
import tempfile

import numpy as np

from protocol import report, require

# Steps of a trajectory, or from windows that are `stride` rows apart; the function is of 64-bit integers.
CODE = """
#include <stdint.h>
#include <string.h>
typedef void (*gemv)(int, int, int64_t, int64_t, double, const double *, int64_t, const double *, int64_t,
                     double, double *, int64_t);
void steps(gemv f, int64_t d, int64_t p, const double *a, const double *c, const double *x, double *y,
           int64_t n) {
  for (int64_t t = 0; t < n; t++) {
    memcpy(y + t * d, c, d * sizeof(double));
    f(101, 111, d, p * d, 1.0, a, p * d, x + t * d, 1, 1.0, y + t * d, 1);
  }
}
"""


def library():
    """OpenBLAS as NumPy's wheel has it."""
    folder = pathlib.Path(np.__file__).parent.parent / "numpy.libs"
    paths = list(folder.glob("*openblas*"))
    require(len(paths) == 1, f"found {len(paths)} OpenBLAS in {folder}")
    return ctypes.CDLL(str(paths[0])).scipy_cblas_dgemv64_


def compiled():
    with tempfile.TemporaryDirectory() as folder:
        source, target = pathlib.Path(folder, "steps.c"), pathlib.Path(folder, "steps.so")
        source.write_text(CODE)
        subprocess.run(["cc", "-O2", "-shared", "-fPIC", source, "-o", target], check=True)
        return ctypes.CDLL(str(target)).steps


def pointer(array):
    return array.ctypes.data_as(ctypes.c_void_p)


def model(d, p):
    """Weights (d, p d), oldest lag first, of which each row sums to 0.9 in magnitude; and a constant."""
    rng = np.random.default_rng(1)
    a = rng.standard_normal((d, p * d))
    return a * (0.9 / np.abs(a).sum(1, keepdims=True)), rng.standard_normal(d)


def main():
    gemv, steps = library(), compiled()
    version = f"numpy {np.__version__}"
    for d in (5, 20, 50, 100):
        p, n = 5, 100
        a, c = model(d, p)
        x = np.random.default_rng(2).standard_normal((p + n, d))
        sizes = ctypes.c_int64(d), ctypes.c_int64(p)

        def run(x, y, n):
            steps(gemv, *sizes, pointer(a), pointer(c), pointer(x), pointer(y), ctypes.c_int64(n))

        # The trajectory is its own window.
        run(x, x[p:], n)
        for t in range(n):
            want = a @ x[t : t + p].reshape(-1) + c
            require(np.abs(x[t + p] - want).max() < 1e-12, f"row {t} of d {d} is wrong")
        report(f"mvar/rollout-d{d}-p{p}/n{n}", "openblas", version, n, lambda: run(x, x[p:], n))
        if d == 20:
            y = np.zeros((64, d))
            report(f"mvar/step-d{d}-p{p}/n64", "openblas", version, 64, lambda: run(x, y, 64))
            require(np.abs(y - x[p : p + 64]).max() < 1e-12, "a step from a window is wrong")
    for d, n in ((20, 64), (20, 512), (100, 64)):
        p = 5
        a, c = model(d, p)
        x, y = np.random.default_rng(2).standard_normal((n, p * d)), np.zeros((n, d))

        def batch():
            np.matmul(x, a.T, out=y)
            np.add(y, c, out=y)

        batch()
        far = np.abs(y - np.einsum("nk,ik->ni", x, a) - c).max()
        require(far < 1e-12, f"a batch of d {d} is off by {far}")
        report(f"mvar/batch-d{d}-p{p}/n{n}", "numpy", version, n, batch)


main()
