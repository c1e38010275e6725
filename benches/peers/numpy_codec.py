"""The codec in plain NumPy."""

import numpy as np

from codec import Codec, run


def make(lattice):
    return Codec(
        lattice,
        np,
        array=lambda a: a,
        cast=lambda a, dtype: a.astype(dtype),
        take=lambda table, index: np.take(table, index, axis=0),
    )


run("numpy", f"numpy {np.__version__}", make, ("z2", "d4", "e8"), lambda a: a, lambda a: a)
