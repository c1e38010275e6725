"""What every runner shares: the input, the clock and the line that it prints."""

import json
import statistics
import sys
import time

import numpy as np

SIZES = (10_000, 100_000)
SAMPLES = 30
SAMPLE_S = 0.03


def gaussian(n, d):
    """(n, d) standard normal values, f32; the seed is fixed."""
    return np.random.default_rng(1).standard_normal((n, d), dtype=np.float32)


def aligned(size):
    """`size` bytes from the start of a cache line, none of them zero."""
    room = np.ones(size + 64, np.uint8)
    return room[-room.ctypes.data % 64 :][:size]


def median_ns(call, samples=SAMPLES):
    """Median time of one call, over samples of equal length after a warm-up."""
    clock = time.perf_counter
    calls, start = 0, clock()
    while clock() - start < 0.2:
        call()
        calls += 1
    calls = max(1, round(calls * SAMPLE_S / (clock() - start)))
    times = []
    for _ in range(samples):
        start = clock()
        for _ in range(calls):
            call()
        times.append((clock() - start) * 1e9 / calls)
    return statistics.median(times)


def fastest(calls):
    """That of some calls, by few samples."""
    return min(calls, key=lambda call: median_ns(call, 10))


def report(case, peer, version, units, call, mse=None, flagged=None, twins=(), samples=SAMPLES):
    """Times `call`, which handles `units` units of the case, and prints a line for it and each of its `twins`.

    Call it only once the answer is known to be right. `mse` is the squared error per coordinate of
    the vectors that were not flagged as overloaded, `flagged` the share of those that were; both are
    for codecs.
    """
    line = {
        "peer": peer,
        "version": version,
        "units": units,
        "median_ns": median_ns(call, samples),
        "samples": samples,
        "threads": 1,
    }
    if mse is not None:
        line |= {"mse": float(mse), "flagged": float(flagged)}
    for name in (case, *twins):
        print(json.dumps({"case": name, **line}), flush=True)


def require(right, what):
    """Ends the runner before it times a wrong answer."""
    if not right:
        sys.exit(f"{sys.argv[0]}: {what}, so it is not timed")
