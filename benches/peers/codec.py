"""The nested-lattice codec, q = 4 and M = 2, in whole-array operations of NumPy or PyTorch.

Written as one would write it without this crate: coordinates first, (d, n), so that every operation
runs along contiguous memory; the coset leaders a(b) from a table, so that levels above 0 are integer
arithmetic; decoding by table. Ties go any way: the table fixes the leaders, so decoding gives the
point back that was encoded.

Coordinates are doubled, so that the points of E8 are integers.
"""

import itertools

import numpy as np

from protocol import gaussian, report, require, SIZES

Q, LEVELS, BETA = 4, 2, 0.35
BLOCK = 16_384  # vectors at a time: what they need stays in the second-level cache

DIM = {"z2": 2, "d4": 4, "e8": 8}
# Squared error per coordinate of the nearest point, for input that is uniform over a cell.
CELL_MSE = {"z2": 1 / 12, "d4": 13 / 120, "e8": 929 / 12960}

E8_BASIS = np.zeros((8, 8), np.int64)  # columns, doubled
E8_BASIS[0, 0], E8_BASIS[:, 7] = 4, 1
for i in range(1, 7):
    E8_BASIS[i - 1, i], E8_BASIS[i, i] = -2, 2
BASIS = {
    "z2": 2 * np.eye(2, dtype=np.int64),
    "d4": 2 * np.array([[-1, 1, 0, 0], [-1, -1, 1, 0], [0, 0, -1, 1], [0, 0, 0, -1]]),
    "e8": E8_BASIS,
}


def minimal_vectors(lattice):
    """The vectors whose bisectors bound the Voronoi cell of 0, as rows."""
    d = DIM[lattice]
    if lattice == "z2":
        return np.concatenate([np.eye(d), -np.eye(d)])
    rows = []
    for i, j in itertools.combinations(range(d), 2):
        for s, t in itertools.product((-1, 1), repeat=2):
            rows.append(np.zeros(d))
            rows[-1][[i, j]] = s, t
    if lattice == "e8":
        signs = itertools.product((-0.5, 0.5), repeat=d)
        rows += [np.array(s) for s in signs if sum(v < 0 for v in s) % 2 == 0]
    return np.array(rows)


class Codec:
    """`xp` is numpy or torch; `array`, `cast` and `take` are where they differ."""

    def __init__(self, lattice, xp, array, cast, take):
        self.lattice, self.d = lattice, DIM[lattice]
        self.xp, self.cast, self.take = xp, cast, take
        codes = np.array(list(itertools.product(range(Q), repeat=self.d))).T[::-1]
        points = BASIS[lattice] @ codes
        nearest = self.nearest(array(np.ascontiguousarray(points / (2 * Q), np.float32)))
        leaders = (points - Q * np.asarray(nearest)).T.astype(np.int8)
        # A leader is one word of a byte per coordinate, so that one look-up fetches it.
        word = {"z2": np.int16, "d4": np.int32, "e8": np.int64}[lattice]
        self.leaders = array(np.ascontiguousarray(leaders).view(word)[:, 0])
        self.table = None
        if self.d <= 4:  # of all codes
            high, low = np.divmod(np.arange(Q ** (2 * self.d)), Q**self.d)
            values = (leaders[low] + Q * leaders[high]) * np.float32(BETA / 2)
            self.table = array(values)

    def nearest(self, x):
        """(d, n) f32 -> the nearest lattice points, doubled, (d, n) i32."""
        xp, cast = self.xp, self.cast
        f = xp.round(x)
        e = x - f
        f = cast(f, xp.int32)
        if self.lattice == "z2":
            return 2 * f
        sign = 1 - 2 * cast(e < 0, xp.int32)
        # The residual's size, made unique by the coordinate's number in the low bits.
        key = cast(xp.abs(e) * 2.0**23, xp.int32) * 8
        for i in range(self.d):
            key[i] += i
        odd = self.sum(f) & 1
        far = xp.amax(key, 0)
        flip = (key == far) & (odd != 0)
        y = 2 * (f + xp.where(flip, sign, 0))
        if self.lattice == "d4":
            return y
        # The other coset: f + s/2, where the signs s must have the parity that f lacks.
        near, total = xp.amin(key, 0), self.sum(key)
        odd1 = odd ^ (self.sum(cast(e < 0, xp.int32)) & 1)
        half = 2**25  # 1/2 as a key
        gain = 4 * half - total + 2 * odd1 * near - 2 * odd * (half - far)
        sign1 = xp.where((key == near) & (odd1 != 0), -sign, sign)
        return xp.where(gain > 0, y, 2 * f + sign1)

    def sum(self, rows):
        """Over the coordinates; row by row is faster than a reduction, and keeps i32."""
        total = rows[0] + rows[1]
        for row in rows[2:]:
            total = total + row
        return total

    def digits(self, y):
        """Doubled points -> the index of their code: 2 bits per digit, the first one lowest."""
        if self.lattice == "z2":
            c = [y[0] >> 1, y[1] >> 1]
        elif self.lattice == "d4":
            h = y[2] + y[3]
            c = [-(y[0] + y[1] + h) >> 2, (y[0] - y[1] - h) >> 2, -h >> 1, -y[3] >> 1]
        else:
            c = [None] * 8
            c[7] = y[7]
            tail = (y[6] - y[7]) >> 1
            c[6] = tail
            for i in range(5, -1, -1):
                tail = tail + ((y[i] - y[7]) >> 1)
                c[i] = tail
            c[0] = tail >> 1
        index = c[0] & 3
        for i in range(1, self.d):
            index = index | (c[i] & 3) << 2 * i
        return index

    def encode(self, x, codes, overload):
        """(d, n) f32 -> n packed codes, and whether each vector lies outside the codebook."""
        for at in range(0, x.shape[1], BLOCK):
            part = slice(at, at + BLOCK)
            y = self.nearest(x[:, part] / BETA)
            code = 0
            for level in range(LEVELS):
                index = self.digits(y)
                code = code | index << 2 * self.d * level
                leader = self.leader(index)
                y = [(y[i] - leader[:, i]) >> 2 for i in range(self.d)]
            codes[part] = code
            rest = y[0]
            for row in y[1:]:
                rest = rest | row
            overload[part] = rest != 0

    def leader(self, index):
        """n indices of codes -> (n, d) i8, the points a(b), doubled."""
        return self.take(self.leaders, index).view(self.xp.int8).reshape(-1, self.d)

    def decode(self, codes, x):
        """n packed codes -> (n, d) f32."""
        bits = 2 * self.d
        for at in range(0, x.shape[0], BLOCK):
            part = slice(at, at + BLOCK)
            if self.table is not None:
                x[part] = self.take(self.table, codes[part])
                continue
            low = self.leader(codes[part] & (1 << bits) - 1)
            high = self.leader(codes[part] >> bits & (1 << bits) - 1)
            self.xp.multiply(low + Q * high, BETA / 2, out=x[part])


def check(lattice, x, decoded, overload):
    """The error per coordinate of the vectors that are not overloaded, all of which must decode to
    the nearest point; and the share of the others."""
    require(overload.mean() < 0.1, f"{overload.mean():.0%} of {lattice} are overloaded")
    residual = ((x - decoded) / BETA)[~overload]
    roots = minimal_vectors(lattice)
    worst = (residual @ (roots / (roots**2).sum(1, keepdims=True)).T).max()
    require(worst <= 0.5 + 1e-5, f"a vector of {lattice} decodes to a point that is not the nearest")
    mse = (residual**2).mean()
    off = abs(mse / CELL_MSE[lattice] - 1)
    require(off < 0.03, f"{lattice}: the error is {off:.0%} off the theory of a cell")
    return BETA**2 * mse, overload.mean()


def run(name, version, make, lattices, new, numpy):
    """Checks and times every case. `new(array)` and `numpy(array)` convert from and to NumPy."""
    for lattice in lattices:
        for n in SIZES:
            x = gaussian(n, DIM[lattice])
            codec = make(lattice)
            rows, codes = new(np.ascontiguousarray(x.T)), new(np.zeros(n, np.int32))
            overload, decoded = new(np.zeros(n, bool)), new(np.zeros_like(x))
            codec.encode(rows, codes, overload)
            codec.decode(codes, decoded)
            found = check(lattice, x, numpy(decoded), numpy(overload))
            for op, call in (
                ("encode", lambda: codec.encode(rows, codes, overload)),
                ("decode", lambda: codec.decode(codes, decoded)),
            ):
                case = f"lattice/{op}-{lattice}-q{Q}-m{LEVELS}/n{n}"
                report(case, name, version, n, call, *found)
