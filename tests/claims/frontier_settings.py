"""What the tests of the map share: a box, stored boxes, the recursion written out, and starts."""

import json
from fractions import Fraction

import numpy as np

from theory.stability_map import (
    FOLDER,
)

F = Fraction
#: beta1 in [1/2, .51], S/B in [9/10, 1], alpha1 = 10: up to the edge.
TO_THE_EDGE = {
    "beta1": ["1/2", "51/100"],
    "fraction": ["9/10", "1"],
    "target": [["-2347/2000", "31/250"], ["edge", "61/1000"]],
    "far": ["249/200", "1467/2000"],
    "grid": [32768, 8, 7],
}


def stored(name, k):
    data = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    return {**data, "boxes": [data["boxes"][k]]}


def run(beta1, fraction, alpha1, before, now, steps):
    """The recursion of the velocities, written out."""
    S = fraction * 2 * (1 + beta1) / (1 - beta1)
    for _ in range(steps):
        before, now = now, now + beta1 * (now - before) - (1 - beta1) * S * now / (1 + np.minimum(now**2, alpha1))
    return before, now


def staying(beta1, fraction, alpha1, state, steps=200_000):
    """The states that are not at rest after ``steps``.

    Far away without a clip ``x^2`` falls by about 2 S at a step: from :func:`starts` that can take 60,000 steps.
    """
    state = np.array(state)
    for _ in range(steps // 100):
        state = np.array(run(beta1, fraction, alpha1, *state, 100))
        state = state[:, np.abs(state).max(axis=0) > 1e-3]
        if state.size == 0:
            break
    return state


def starts(rng, n):
    """In random directions, of sizes up to ten times where the gate begins to act."""
    size = 10 ** rng.uniform(-1.5, 1, n)
    return size * rng.standard_normal(n), size * rng.standard_normal(n)
