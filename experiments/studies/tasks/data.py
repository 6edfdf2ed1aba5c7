"""What the tasks are trained on: bundled digits, the text of the Python reference, and rewards on a grid.

Nothing is downloaded. Splits and windows are fixed by a seed; the text ships with every CPython and differs between
its versions, so its hash and version go into the results.
"""

from __future__ import annotations

import hashlib
import platform
from functools import cache
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Integers = NDArray[np.int32]

#: Digits: images for training, validation and test (1797 in all).
SPLIT: Final = (997, 400, 400)
#: Text: its most frequent characters are symbols of their own, all others share the last symbol.
SYMBOLS: Final = 48
#: Text: characters in a window (the model predicts the last CONTEXT of them), and windows for measuring.
CONTEXT: Final = 24
WINDOWS: Final = 160


class Labelled(NamedTuple):
    """Images (n, 8, 8) in [0, 1] and their labels (n,)."""

    images: Floats
    labels: Integers


@cache
def digits(seed: int = 0) -> dict[str, Labelled]:
    """The bundled digits of scikit-learn in three parts, split by ``seed``."""
    from sklearn.datasets import load_digits

    images, labels = load_digits(return_X_y=True)
    order = np.random.default_rng([seed, 0]).permutation(len(labels))
    parts = np.split(order, np.cumsum(SPLIT)[:-1])
    pixels = (images / 16).astype(np.float32).reshape(-1, 8, 8)
    return {
        name: Labelled(pixels[rows], labels[rows].astype(np.int32))
        for name, rows in zip(("train", "validation", "test"), parts, strict=True)
    }


class Text(NamedTuple):
    """A text as symbols: the first 90 % to train on, and windows (WINDOWS, CONTEXT + 1) of the two ends that follow."""

    train: Integers
    validation: Integers
    test: Integers
    source: str  #: version of Python and SHA-256 of the text


@cache
def text(seed: int = 0) -> Text:
    """The topics of the Python language reference as symbols 0 ... SYMBOLS - 1, most frequent first."""
    from pydoc_data.topics import topics

    whole = "\n".join(topics[name] for name in sorted(topics)).lower()
    letters, counts = np.unique(np.array(list(whole)), return_counts=True)
    frequent = letters[np.argsort(-counts, kind="stable")][: SYMBOLS - 1]
    number = {letter: i for i, letter in enumerate(frequent)}
    symbols = np.array([number.get(letter, SYMBOLS - 1) for letter in whole], dtype=np.int32)
    train, validation, test = np.split(symbols, [len(symbols) * 90 // 100, len(symbols) * 95 // 100])
    rng = np.random.default_rng([seed, 1])
    windows = [
        part[rng.integers(0, len(part) - CONTEXT, WINDOWS)[:, None] + np.arange(CONTEXT + 1)]
        for part in (validation, test)
    ]
    digest = hashlib.sha256(whole.encode()).hexdigest()
    return Text(train, windows[0], windows[1], f"Python {platform.python_version()}, sha256 {digest[:16]}")


class Grid(NamedTuple):
    """A hypergrid {0, ..., side - 1}^dims, its states in row-major order (states = side^dims)."""

    dims: int
    side: int
    reward: Floats  #: (states,), positive

    @property
    def states(self) -> int:
        return self.side**self.dims

    @property
    def coordinates(self) -> Integers:
        """(states, dims)."""
        return np.indices((self.side,) * self.dims).reshape(self.dims, -1).T.astype(np.int32)

    @property
    def target(self) -> NDArray[np.float64]:
        """The distribution to sample from: reward over its sum."""
        reward = self.reward.astype(np.float64)
        return reward / reward.sum()

    @property
    def modes(self) -> NDArray[np.bool_]:
        """The states of the largest reward."""
        return self.reward == self.reward.max()


def grid(dims: int, side: int, floor: float = 0.1) -> Grid:
    """The hypergrid of the GFlowNet literature (Bengio et al., arXiv:2106.04399): modes near the 2^dims corners.

    R(x) = floor + prod 1[1/4 < u_i]/2 + 2 prod 1[3/10 < u_i < 2/5], u_i = |x_i/(side - 1) - 1/2|; on a side too short
    for the last term the corners themselves are the modes.
    """
    if dims < 1 or side < 2:
        raise ValueError(f"dims must be >= 1 and side >= 2, got {dims} and {side}")
    coordinates = Grid(dims, side, np.empty(0, np.float32)).coordinates
    centred = np.abs(coordinates / (side - 1) - 0.5).round(9)  # rounding alone must not break the symmetry
    outer, ring = (centred > 0.25).all(axis=1), ((centred > 0.3) & (centred < 0.4)).all(axis=1)
    return Grid(dims, side, np.asarray(floor + 0.5 * outer + 2.0 * ring, dtype=np.float32))


# ---------------------------------------------------------------- trivial baselines


def logistic_regression(seed: int = 0) -> float:
    """Validation cross-entropy (nats) of logistic regression on the pixels, the strength of its penalty tuned."""
    from sklearn.linear_model import LogisticRegression

    parts = digits(seed)
    train, validation = parts["train"], parts["validation"]
    losses = []
    for C in (0.1, 1.0, 10.0):
        model = LogisticRegression(C=C, max_iter=2000).fit(train.images.reshape(-1, 64), train.labels)
        share = model.predict_proba(validation.images.reshape(-1, 64))
        losses.append(-np.log(share[np.arange(len(validation.labels)), validation.labels]).mean())
    return float(min(losses))


def unigram_entropy(seed: int = 0) -> float:
    """Validation cross-entropy (nats per character) of the frequencies of the symbols in the training text."""
    found = text(seed)
    counts = np.bincount(found.train, minlength=SYMBOLS) + 1.0
    return float(-np.log(counts / counts.sum())[found.validation[:, 1:]].mean())


def uniform_sampler(place: Grid) -> float:
    """L1 distance of the uniform distribution from the target."""
    return float(np.abs(place.target - 1 / place.states).sum())
