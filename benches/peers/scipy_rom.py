"""SciPy and NumPy: densities by `histogram2d` and `gaussian_filter`; Morse forces and steps of a swarm by whole arrays;
shifts of densities by real FFTs of their correlation with a field whose transform is there.

`scipy-filter` is the filter alone, of counts that are there. `numpy` takes all pairs of particles as arrays, with the
nearest image of each; `scipy` takes those that a tree of positions finds.
"""

import numpy as np
import scipy
import scipy.fft
from scipy.ndimage import gaussian_filter
from scipy.spatial import cKDTree

from protocol import report, require

N, SIDE, RADIUS, CUTOFF, SPEED, DT, MOBILITY = 200, 25.0, 4.0, 7.5, 3.0, 0.04, 0.3
REPULSION, ATTRACTION, SHORT, LONG = 0.3, 0.8, 0.5, 1.5
GRID = 64


def over_distance(r):
    """The force along a pair, over its distance."""
    s = np.maximum(r, 1e-6)
    return (REPULSION / SHORT * np.exp(-s / SHORT) - ATTRACTION / LONG * np.exp(-s / LONG)) / r


def all_pairs(x):
    """Displacements (n, n, 2) and distances (n, n) of the nearest images."""
    d = x[None] - x[:, None]
    d -= SIDE * np.round(d / SIDE)
    return d, np.sqrt((d * d).sum(2))


def forces_of(d, r):
    near = (r > 1e-12) & (r <= CUTOFF)
    with np.errstate(divide="ignore"):
        scale = np.where(near, over_distance(r), 0.0)
    return -np.einsum("ij,ija->ia", scale, d)


def tree_pairs(x):
    pairs = cKDTree(x, boxsize=SIDE).query_pairs(CUTOFF, output_type="ndarray")
    i, j = pairs.T
    d = x[j] - x[i]
    d -= SIDE * np.round(d / SIDE)
    return i, j, d, np.sqrt((d * d).sum(1))


def scattered(i, j, d):
    """Sums over pairs: to the second of each, and from the first."""
    return np.stack([np.bincount(j, d[:, a], N) - np.bincount(i, d[:, a], N) for a in (0, 1)], 1)


def tree_forces(i, j, d, r):
    return scattered(i, j, over_distance(r)[:, None] * d)


def moved(x, p, headings, forces, angles):
    """The rest of a step."""
    b = headings / np.linalg.norm(headings, axis=1, keepdims=True)
    c = b + MOBILITY * forces / np.linalg.norm(forces, axis=1, keepdims=True)
    c /= np.linalg.norm(c, axis=1, keepdims=True)
    cos, sin = np.cos(angles), np.sin(angles)
    p = np.stack([cos * c[:, 0] - sin * c[:, 1], sin * c[:, 0] + cos * c[:, 1]], 1)
    return np.mod(x + DT * SPEED * p, SIDE), p


def step(x, p, angles):
    d, r = all_pairs(x)
    return moved(x, p, (r <= RADIUS) @ p, forces_of(d, r), angles)


def tree_step(x, p, angles):
    i, j, d, r = tree_pairs(x)
    near = r <= RADIUS
    a, b = i[near], j[near]
    headings = p + np.stack([np.bincount(a, p[b, k], N) + np.bincount(b, p[a, k], N) for k in (0, 1)], 1)
    return moved(x, p, headings, tree_forces(i, j, d, r), angles)


def density(x, edges, bandwidth):
    counts, _, _ = np.histogram2d(x[:, 1], x[:, 0], bins=[edges, edges])
    return gaussian_filter(counts / (edges[1] * edges[1]), sigma=bandwidth, mode="wrap")


def shift(fft, field, frame):
    """The rows and columns that a frame moves by."""
    correlation = fft.irfft2(field * np.conj(fft.rfft2(frame)), s=frame.shape)
    return np.unravel_index(np.argmax(correlation), frame.shape)


def main():
    rng = np.random.default_rng(1)
    x = rng.uniform(0, SIDE, (N, 2))
    angle = rng.uniform(0, 2 * np.pi, N)
    p = np.stack([np.cos(angle), np.sin(angle)], 1)
    angles = rng.normal(0, 0.3 / np.sqrt(12), N)
    whole, parts = f"numpy {np.__version__}", f"scipy {scipy.__version__}"

    tree = lambda: tree_forces(*tree_pairs(x))
    plain = lambda: forces_of(*all_pairs(x))
    require(np.abs(tree() - plain()).max() < 1e-12 and np.abs(plain().sum(0)).max() < 1e-12, "forces are off")
    report(f"rom/morse-forces/n{N}", "numpy", whole, N, plain)
    report(f"rom/morse-forces/n{N}", "scipy", parts, N, tree)

    far = [np.abs(a - b).max() for a, b in zip(step(x, p, angles), tree_step(x, p, angles))]
    require(max(far) < 1e-12, f"steps are off by {far}")
    report(f"rom/swarm-step/n{N}", "numpy", whole, 1, lambda: step(x, p, angles))
    report(f"rom/swarm-step/n{N}", "scipy", parts, 1, lambda: tree_step(x, p, angles))

    edges = np.linspace(0, SIDE, GRID + 1)
    counts, _, _ = np.histogram2d(x[:, 1], x[:, 0], bins=[edges, edges])
    for bandwidth in (2, 5):
        mass = density(x, edges, bandwidth).sum() * edges[1] ** 2
        require(abs(mass - N) < 1e-9, f"the mass is {mass}")
        case = f"rom/density-b{bandwidth}/n{GRID * GRID}"
        report(case, "scipy", parts, GRID * GRID, lambda: density(x, edges, bandwidth))
        report(case, "scipy-filter", parts, GRID * GRID, lambda: gaussian_filter(counts, sigma=bandwidth, mode="wrap"))

    frame = rng.random((GRID, GRID))
    moved = np.roll(frame, (5, -7), (0, 1))
    for peer, version, fft in (("numpy", whole, np.fft), ("scipy", parts, scipy.fft)):
        field = fft.rfft2(frame)
        require(shift(fft, field, moved) == (GRID - 5, 7), "a shift is off")
        report(f"rom/pod-align/n{GRID * GRID}", peer, version, 1, lambda: shift(fft, field, moved))


main()
