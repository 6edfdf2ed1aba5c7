"""Data to be stored: a dataset of every kind, a computation that counts how often it is asked, a call that fails."""

import math
import os

import numpy as np
import xarray as xr


def sample(seed=0):
    rng = np.random.default_rng(seed)
    return xr.Dataset(
        {
            "measured": (("seed", "step"), rng.normal(size=(3, 5))),
            "converged": ("seed", rng.random(3) < 0.5),
            "limit": np.float32(math.inf),
            "missing": ("step", np.array([1.0, math.nan, -math.inf, 5e-324, -0.0])),
        },
        coords={"seed": [3, 1, 2], "step": np.arange(5), "name": ("seed", ["VRAdam", "β = 0.9", ""])},
        attrs={"objective": "quadratic", "L": 2.5, "steps": 7, "grid": [1.0, 2.0]},
    )


class Counting:
    """A computation that counts how often it is asked."""

    def __init__(self):
        self.asked = []

    def __call__(self, seed):
        self.asked.append(seed)
        return sample(seed)


def failing(number):
    def fail(*_):
        raise OSError(number, os.strerror(number))

    return fail
