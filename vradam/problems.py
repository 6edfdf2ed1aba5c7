"""The problems of the rate experiments: objectives with known L and F*, each with a noise whose bound is known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

import vradam


@dataclass(frozen=True)
class Problem:
    """An objective by name, its dimension, the law and the size of its noise, and the longest horizon to run.

    ``noise`` is "gaussian" (truncated at three standard deviations, so that R is finite), "two_point" (p = 0.2) or
    "minibatch" (of ``batch`` terms). ``noise_size`` is the standard deviation, or the amplitude of the two points.
    """

    objective: Literal["log_cosh", "pseudo_huber", "rational", "pseudo_huber_sine", "breast_cancer"]
    dim: int = 1
    noise: Literal["gaussian", "two_point", "minibatch"] = "gaussian"
    noise_size: float = 0.5
    batch: int = 8
    distance: float = 3.0
    longest: int = 1_000_000

    @property
    def key(self) -> str:
        """A name for files and labels."""
        return f"{self.objective}-{self.dim}-{self.noise}"


CONVEX = (Problem("log_cosh"), Problem("pseudo_huber", 10), Problem("log_cosh", 10, "two_point", 0.25))
NON_CONVEX = (
    Problem("rational", distance=1.5),
    Problem("pseudo_huber_sine", 10),
    Problem("rational", 10, "two_point", 0.25, distance=1.5),
)
WIDE = (Problem("log_cosh", 100, longest=316_228),)  # to a million steps it would take longer than all the others
BREAST_CANCER = (Problem("breast_cancer", 30, "minibatch", distance=0.0, longest=100_000),)


def build(problem: Problem, eps: float) -> tuple[vradam.Objective, Any, float, float, NDArray]:
    """The objective, its noise, R, D >= F(x_0) - F*, and the starting point of a problem."""
    if problem.objective == "breast_cancer":
        objective, largest = breast_cancer()
        noise: Any = vradam.noise.minibatch(problem.batch)
    else:
        objective = getattr(vradam.objectives, problem.objective)(problem.dim)
        if problem.noise == "two_point":
            noise = vradam.noise.two_point(0.2, problem.noise_size)
        else:
            noise = vradam.noise.gaussian(problem.noise_size, bound=3 * problem.noise_size)
        largest = objective.grad_bound + noise.bound
    x0 = np.full(problem.dim, problem.distance)
    floor = 0.0 if objective.minimum is None else objective.minimum  # log(1 + exp(.)) is positive
    return objective, noise, float(largest + np.sqrt(eps)), float(objective.value(x0) - floor), x0


def breast_cancer() -> tuple[vradam.Objective, float]:
    """Logistic regression on scikit-learn's bundled breast-cancer data, standardised; and the bound of one term."""
    from sklearn.datasets import load_breast_cancer

    features, labels = load_breast_cancer(return_X_y=True)
    features = (features - features.mean(axis=0)) / features.std(axis=0)
    return vradam.objectives.logistic_regression(features, labels.astype(float)), float(abs(features).max())
