"""Random numbers as a pure function of (seed, run, step, block): the same source for NumPy and for Numba.

The words come from Threefry-2x64 with 13 rounds, a counter-based generator: the key is the pair (seed, run), the
counter the pair (step, block). Nothing is carried from one draw to the next, so a draw depends neither on how runs are
batched nor on how time is split, and two different keys never share a sequence.

``threefry`` and ``normal_pair`` are straight-line code over ``+ - * ^ & | << >>`` and ``sqrt``. They take NumPy arrays
as they stand and scalars once Numba has compiled them, and round identically in both, since each of these operations
is rounded in one prescribed way.

Source: J. K. Salmon, M. A. Moraes, R. O. Dror, D. E. Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vradam.validation import unsigned_words

Words = NDArray[np.uint64]

U = np.uint64
ONE, TWO, THREE = U(1), U(2), U(3)
PARITY = U(0x1BD11BDAA9FC1A22)
ATTEMPT = U(32)  # the counter's second word holds block + attempt * 2**32


def threefry(seed, run, step, block):
    """Threefry-2x64-13: two random words from the key (seed, run) and the counter (step, block), all uint64."""
    extra = seed ^ run ^ PARITY
    x = step + seed
    y = block + run
    x = x + y
    y = ((y << U(16)) | (y >> U(48))) ^ x
    x = x + y
    y = ((y << U(42)) | (y >> U(22))) ^ x
    x = x + y
    y = ((y << U(12)) | (y >> U(52))) ^ x
    x = x + y
    y = ((y << U(31)) | (y >> U(33))) ^ x
    x = x + run
    y = y + extra + ONE
    x = x + y
    y = ((y << U(16)) | (y >> U(48))) ^ x
    x = x + y
    y = ((y << U(32)) | (y >> U(32))) ^ x
    x = x + y
    y = ((y << U(24)) | (y >> U(40))) ^ x
    x = x + y
    y = ((y << U(21)) | (y >> U(43))) ^ x
    x = x + extra
    y = y + seed + TWO
    x = x + y
    y = ((y << U(16)) | (y >> U(48))) ^ x
    x = x + y
    y = ((y << U(42)) | (y >> U(22))) ^ x
    x = x + y
    y = ((y << U(12)) | (y >> U(52))) ^ x
    x = x + y
    y = ((y << U(31)) | (y >> U(33))) ^ x
    x = x + seed
    y = y + run + THREE
    x = x + y
    y = ((y << U(16)) | (y >> U(48))) ^ x
    return x, y


# Doubles are assembled from bits: n | MAGIC, read as a double, is 2**52 + n for 0 <= n < 2**52.
MAGIC = U(0x4330000000000000)
MAGIC_LESS_HALF = 2.0**52 - 0.5
SIGNED_MAGIC = np.int64(0x4338000000000000)  # the double 3 * 2**51; adding n to its bits adds n to its value
THREE_HALVES_MAGIC = 3.0 * 2.0**51
ROOT_HALF = np.int64(0x3FE6A09E667F3BCD)  # the bits of sqrt(1/2)
MANTISSA = np.int64(0x000FFFFFFFFFFFFF)
EXPONENT_SHIFT = np.int64(52)
MINUS_TWO_LN_TWO = -1.3862943611198906
MASK_22 = U(0x3FFFFF)
# Chebyshev fits: -2 log(1+z)/z to 1.1e-8 on [sqrt(1/2)-1, sqrt(2)-1]; sin(pi t/4)/t to 2.4e-9 and
# cos(pi t/4) to 4.8e-11 on [-1, 1], both in t*t. With finer ones every draw would take a fifth longer.
L0, L1, L2, L3 = -1.99999999876651, 0.9999997699228573, -0.6666669069961493, 0.5000315819831892
L4, L5, L6, L7 = -0.4000187888074619, 0.33216738828176817, -0.28399300195832045, 0.2653206272183416
L8, L9 = -0.25613220870013903, 0.14902372453515017
S0, S1, S2, S3 = 0.7853981609766183, -0.08074543470810147, 0.0024900068014923568, -3.595429072511075e-05
C0, C1, C2 = 0.9999999999524894, -0.30842513515829056, 0.015854325228444592
C3, C4 = -0.00032593858594162623, 3.5297971342978537e-06


def normal_pair(word):
    """Two independent standard normals from one uint64 word, by the transform of Box and Muller.

    The upper 40 bits give the radius sqrt(-2 log u), u = (n + 1/2)/2**40, the lower 24 the angle. Both normals are
    right to 2e-8. The largest value is sqrt(82 log 2) = 7.54, beyond which a normal falls with probability 5e-14.
    """
    u = (U((word >> U(24)) | MAGIC).view(np.float64) - MAGIC_LESS_HALF) * 2.0**-40
    # -2 log u = -2 k log 2 - 2 log(1 + z), sqrt(1/2) <= 1 + z < sqrt(2)
    bits = np.float64(u).view(np.int64) - ROOT_HALF
    k = np.int64((bits >> EXPONENT_SHIFT) + SIGNED_MAGIC).view(np.float64) - THREE_HALVES_MAGIC
    z = np.int64((bits & MANTISSA) + ROOT_HALF).view(np.float64) - 1.0
    z2 = z * z
    z4 = z2 * z2
    p0 = (L8 * z4 + L4) * z4 + L0
    p1 = (L9 * z4 + L5) * z4 + L1
    p2 = L6 * z4 + L2
    p3 = L7 * z4 + L3
    radius = np.sqrt(z * ((p0 + z * p1) + z2 * (p2 + z * p3)) + k * MINUS_TWO_LN_TWO)
    # an angle in (-pi/4, pi/4), reflected by one random bit and, by another, its sine and cosine exchanged
    t = (U(((word >> TWO) & MASK_22) | MAGIC).view(np.float64) - MAGIC_LESS_HALF) * 2.0**-21 - 1.0
    t2 = t * t
    t4 = t2 * t2
    sine = t * ((S2 * t4 + S0) + t2 * (S3 * t4 + S1))
    cosine = ((C4 * t4 + C2) * t4 + C0) + t2 * (C3 * t4 + C1)
    a = np.float64(cosine).view(np.uint64) ^ (word << U(63))
    b = np.float64(sine).view(np.uint64)
    exchange = (a ^ b) & (U(0) - ((word >> ONE) & ONE))
    return radius * U(a ^ exchange).view(np.float64), radius * U(b ^ exchange).view(np.float64)


def symmetric_unit(word):
    """A double in (-1, 1) from a uint64 word: odd multiples of 2**-52, each equally likely."""
    return (U((word >> U(12)) | MAGIC).view(np.float64) - MAGIC_LESS_HALF) * 2.0**-51 - 1.0


def index_below(word, count):
    """An integer in [0, count), as a double without fraction, from a uint64 word and a double ``count`` <= 2**32.

    Each integer is drawn with the probability 1/count to within 2**-52.
    """
    return np.floor((U((word >> U(12)) | MAGIC).view(np.float64) - MAGIC_LESS_HALF) * 2.0**-52 * count)


@dataclass
class Streams:
    """The random words of a batch of runs: keys of shape (...,) and the number of steps drawn so far."""

    seed: Words
    run: Words
    step: int = 0

    def words(self, count: int, attempt: int = 0) -> Words:
        """Words 0, ..., count - 1 of the present step, (..., count); word i lies in block i // 2."""
        blocks = np.arange((count + 1) // 2, dtype=np.uint64) + (U(attempt) << ATTEMPT)
        pair = threefry(self.seed[..., None], self.run[..., None], U(self.step), blocks)
        return np.stack(pair, axis=-1).reshape(*self.seed.shape, -1)[..., :count]

    def normals(self, count: int, attempt: int = 0) -> NDArray[np.float64]:
        """Standard normals of the present step, (..., count); normals 2i and 2i + 1 are made from word i."""
        pair = normal_pair(self.words((count + 1) // 2, attempt))
        return np.stack(pair, axis=-1).reshape(*self.seed.shape, -1)[..., :count]


def streams(seeds: ArrayLike, runs: ArrayLike) -> Streams:
    """The streams of runs keyed by the pairs (seed, run): two arrays of integers in [0, 2**64), of equal shape.

    >>> both, alone = streams([7, 7], [0, 1]), streams([7], [1])
    >>> bool((both.words(3)[1] == alone.words(3)[0]).all())
    True

    Raises
    ------
    TypeError, ValueError
        Keys that are not integers in [0, 2**64), or whose shapes differ.
    """
    seed, run = unsigned_words("seeds", seeds), unsigned_words("runs", runs)
    if seed.shape != run.shape:
        raise ValueError(f"seeds and runs must have equal shapes, got {seed.shape} and {run.shape}")
    return Streams(seed, run)
