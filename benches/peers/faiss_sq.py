"""FAISS ScalarQuantizer, 4 bits per coordinate, d = 8: the rate of E8 q4 M2, 32 bits per vector.

Its ranges are 2.5 standard deviations, the best for 16 levels of Gaussian input, so its distortion
is the least that this quantizer has; the default range, minimum to maximum, has twice as much.
"""

from functools import partial

import faiss
import numpy as np

from protocol import gaussian, report, require, SIZES

D, LEVELS, RANGE = 8, 16, 2.5
VERSION = f"faiss {faiss.__version__} {faiss.SIMDConfig.get_level_name()}"

faiss.omp_set_num_threads(1)


def expected_mse():
    """Of `LEVELS` cells over +-`RANGE`, decoded to their middles, for a standard normal input."""
    x = np.linspace(-8, 8, 1_000_001)
    width = 2 * RANGE / LEVELS
    cell = np.clip(np.floor((x + RANGE) / width), 0, LEVELS - 1)
    density = np.exp(-(x**2) / 2)
    return ((x - (cell + 0.5) * width + RANGE) ** 2 * density).sum() / density.sum()


for n in SIZES:
    x = gaussian(n, D)
    sq = faiss.ScalarQuantizer(D, faiss.ScalarQuantizer.QT_4bit)
    sq.rangestat, sq.rangestat_arg = faiss.ScalarQuantizer.RS_meanstd, RANGE
    sq.train(x)
    codes, decoded = np.zeros((n, sq.code_size), np.uint8), np.zeros_like(x)
    # The wrappers allocate their results; what they wrap writes into the caller's.
    pointers = [faiss.swig_ptr(a) for a in (x, codes, decoded)]
    encode = partial(sq.compute_codes_c, pointers[0], pointers[1], n)
    decode = partial(sq.decode_c, pointers[1], pointers[2], n)
    encode()
    decode()
    mse = ((x - decoded) ** 2).mean()
    require(sq.code_size == 4, "a vector does not take 32 bits")
    require(abs(mse / expected_mse() - 1) < 0.02, f"the error is {mse:.5f} per coordinate")
    for op, call in (("encode", encode), ("decode", decode)):
        report(f"lattice/{op}-e8-q4-m2/n{n}", "faiss-sq4", VERSION, n, call, mse, 0)
