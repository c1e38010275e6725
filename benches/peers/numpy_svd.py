"""NumPy: the singular value decomposition of frames less their mean, and their latent states."""

import numpy as np

from protocol import report, require

FRAMES, SIDE, MODES = 1336, 64, 19


def frames(rng):
    """Positive densities of as many waves as ours."""
    times = rng.standard_normal((FRAMES, 2 * MODES)) * (0.25 * 0.9 ** np.arange(2 * MODES))
    x = times @ rng.standard_normal((2 * MODES, SIDE * SIDE))
    return 1 + x / (1 + np.abs(x))


def pod(x):
    mean = x.mean(0)
    centred = x - mean
    u, s, _ = np.linalg.svd(centred.T, full_matrices=False)
    return u[:, :MODES], s, centred @ u[:, :MODES]


def main():
    x = frames(np.random.default_rng(1))
    u, s, latent = pod(x)
    centred = x - x.mean(0)
    far = np.abs(centred.T @ latent - u * s[:MODES] ** 2).max()
    require(far < 1e-9 * s[0] ** 2, f"a mode is off by {far}")
    case, version = f"rom/pod-r{MODES}-n{SIDE * SIDE}/n{FRAMES}", f"numpy {np.__version__}"
    report(case, "numpy", version, FRAMES, lambda: pod(x), samples=10)


main()
