"""NumPy: ridge regression with an unpenalised intercept by normal equations, from windows that are there."""

import numpy as np

from protocol import report, require

P, ALPHA = 5, 1e-4


def run(rows, d, rng):
    """A stable run that is driven by noise."""
    states = rng.standard_normal((rows, d))
    for t in range(1, rows):
        states[t] += 0.7 * states[t - 1]
    return states


def windows(states):
    """All windows of P states, oldest first, as rows; and the states after them."""
    views = np.lib.stride_tricks.sliding_window_view(states, P, axis=0)[:-1]
    return views.transpose(0, 2, 1).reshape(len(views), -1), states[P:]


def fit(x, y):
    """Takes the means off the products, which is faster than taking them off the windows."""
    n, x_mean, y_mean = len(x), x.mean(0), y.mean(0)
    gram = x.T @ x - n * np.outer(x_mean, x_mean)
    cross = x.T @ y - n * np.outer(x_mean, y_mean)
    gram[np.diag_indices_from(gram)] += ALPHA
    w = np.linalg.solve(gram, cross)
    return w, y_mean - x_mean @ w


def main():
    version = f"numpy {np.__version__}"
    for d, runs, rows in ((20, 1, 10_005), (19, 340, 167)):
        rng = np.random.default_rng(1)
        pairs = [windows(run(rows, d, rng)) for _ in range(runs)]
        x, y = (np.concatenate(parts) for parts in zip(*pairs))
        w, b = fit(x, y)
        e = y - x @ w - b
        far = max(np.abs(x.T @ e - ALPHA * w).max(), np.abs(e.sum(0)).max())
        require(far < 1e-6, f"the gradient of a fit of d {d} is {far}")
        report(f"mvar/ridge-d{d}-p{P}/n{len(x)}", "numpy", version, len(x), lambda: fit(x, y))


main()
