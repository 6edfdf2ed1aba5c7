"""The one catalogue of problems: an objective with a starting point and, where it is part of the problem, a noise.

Problems are objects; a study names the object that it runs and moves its start with :meth:`Problem.at`. Objectives are
made when they are first used, so that importing this module loads no data.

>>> ROSENBROCK.objective.name, ROSENBROCK.x0.tolist()
('rosenbrock', [-1.2, 1.0])
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vradam import noise, objectives
from vradam.objectives import Objective
from vradam.plan import Noise


@dataclass(frozen=True)
class Problem:
    """An objective by the function that makes it, where runs start, and the noise of its gradients.

    Parameters
    ----------
    name : str
        Unique in :data:`CATALOGUE`; it stands for the problem in stored setups and labels.
    make : callable
        Returns the objective; a module-level function or a ``partial`` of one.
    start : tuple of float
        One number for every coordinate, or one for all of them; empty for the objective's customary start.
    noise : Noise, optional
        The law of the stochastic gradient; None for exact gradients.
    """

    name: str
    make: Callable[[], Objective]
    start: tuple[float, ...] = ()
    noise: Noise | None = None

    @cached_property
    def objective(self) -> Objective:
        """The objective, made once."""
        return self.make()

    @property
    def x0(self) -> NDArray[np.float64]:
        """The starting point, (d,).

        Raises
        ------
        ValueError
            If neither the problem nor its objective has a start.
        """
        start: ArrayLike | None = self.start or self.objective.start
        if start is None:
            raise ValueError(f"start must be given for {self.name}: {self.objective.name} has no customary start")
        return np.array(np.broadcast_to(np.asarray(start, dtype=float), self.objective.dim))

    def at(self, *start: float) -> Problem:
        """The same problem from another start: one number for every coordinate, or one for all."""
        return replace(self, start=tuple(map(float, start)))

    def with_noise(self, law: Noise | None) -> Problem:
        """The same problem with another noise."""
        return replace(self, noise=law)


def _factorisation(seed: int) -> Objective:
    return objectives.matrix_factorisation(_factors(seed)[0], 2)


def _factors(seed: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """A 6 x 5 matrix of rank 2, and where its factors start."""
    rng = np.random.default_rng(seed)
    target = rng.normal(size=(6, 2)) @ rng.normal(size=(2, 5)) * 3.0
    return target, rng.normal(size=22) * 0.3


def matrix_factorisation(seed: int) -> Problem:
    """A random 6 x 5 matrix of rank 2, factorised from small random factors."""
    return Problem("matrix factorisation", partial(_factorisation, seed), tuple(_factors(seed)[1].tolist()))


def _breast_cancer(every: int, features: int, l2: float) -> Objective:
    from sklearn.datasets import load_breast_cancer

    columns, labels = load_breast_cancer(return_X_y=True)
    part = columns[::every, :features]
    part = (part - part.mean(axis=0)) / part.std(axis=0)
    return objectives.logistic_regression(part, labels[::every].astype(float), l2=l2)


def quadratic(*spectrum: float, name: str) -> Problem:
    """A quadratic with these curvatures, from (1, ..., 1)."""
    return Problem(name, partial(objectives.quadratic, spectrum), (1.0,))


#: The largest curvature of the quadratics at the edge; their flattest direction has a hundredth of it.
SHARPEST: Final = 2.5

QUADRATIC: Final = quadratic(*np.geomspace(0.1, 10, 10).tolist(), name="quadratic")
NARROW_QUADRATIC: Final = quadratic(1.0, 100.0, name="narrow quadratic")
VALLEY: Final = quadratic(1.0, 20.0, name="quadratic valley")
EDGE_QUADRATICS: Final = (
    quadratic(SHARPEST, name="quadratic, d = 1"),
    *(
        quadratic(*np.geomspace(SHARPEST / 100, SHARPEST, d).tolist(), name=f"quadratic, d = {d}")
        for d in (10, 100)
    ),
)  # fmt: skip
LOG_COSH: Final = Problem("log_cosh", partial(objectives.log_cosh, 10), (3.0,))
PSEUDO_HUBER: Final = Problem("pseudo_huber", partial(objectives.pseudo_huber, 10), (3.0,))
RATIONAL: Final = Problem("rational", partial(objectives.rational, 10), (1.5,))
ROSENBROCK: Final = Problem("rosenbrock", objectives.rosenbrock)
BEALE: Final = Problem("beale", objectives.beale, (1.0, 1.0))
HIMMELBLAU: Final = Problem("himmelblau", objectives.himmelblau, (-1.0, -1.0))
STYBLINSKI_TANG: Final = Problem("styblinski_tang", partial(objectives.styblinski_tang, 2), (-1.0,))
RASTRIGIN: Final = Problem("rastrigin", partial(objectives.rastrigin, 2), (2.0,))
ACKLEY: Final = Problem("ackley", partial(objectives.ackley, 2), (2.0,))
FOUR_SCALARS: Final = Problem("four scalars", objectives.four_scalar_product, (2.8, 0.36, 2.8, 0.357))
PROGRESSIVE_SHARPENING: Final = Problem("progressive sharpening", objectives.progressive_sharpening)
MATRIX_FACTORISATION: Final = matrix_factorisation(0)
#: Every twelfth sample and the ten mean features of scikit-learn's breast-cancer data, l2 = 0.01, batches of eight.
LOGISTIC_REGRESSION: Final = Problem(
    "logistic regression", partial(_breast_cancer, 12, 10, 0.01), (0.0,), noise.minibatch(8)
)

# The problems of the rate: gradients bounded, noise bounded (Gaussian noise is cut at three standard deviations).
_GAUSSIAN: Final = noise.gaussian(0.5, bound=1.5)
_TWO_POINT: Final = noise.two_point(0.2, 0.25)
CONVEX: Final = (
    Problem("log_cosh-1-gaussian", partial(objectives.log_cosh, 1), (3.0,), _GAUSSIAN),
    Problem("pseudo_huber-10-gaussian", partial(objectives.pseudo_huber, 10), (3.0,), _GAUSSIAN),
    Problem("log_cosh-10-two_point", partial(objectives.log_cosh, 10), (3.0,), _TWO_POINT),
)
NON_CONVEX: Final = (
    Problem("rational-1-gaussian", partial(objectives.rational, 1), (1.5,), _GAUSSIAN),
    Problem("pseudo_huber_sine-10-gaussian", partial(objectives.pseudo_huber_sine, 10), (3.0,), _GAUSSIAN),
    Problem("rational-10-two_point", partial(objectives.rational, 10), (1.5,), _TWO_POINT),
)
WIDE: Final = Problem("log_cosh-100-gaussian", partial(objectives.log_cosh, 100), (3.0,), _GAUSSIAN)
BREAST_CANCER: Final = Problem(
    "breast_cancer-30-minibatch", partial(_breast_cancer, 1, 30, 0.0), (0.0,), noise.minibatch(8)
)

#: Every problem; tests run each of them.
CATALOGUE: Final = (
    QUADRATIC, NARROW_QUADRATIC, VALLEY, *EDGE_QUADRATICS, LOG_COSH, PSEUDO_HUBER, RATIONAL, ROSENBROCK, BEALE,
    HIMMELBLAU, STYBLINSKI_TANG, RASTRIGIN, ACKLEY, FOUR_SCALARS, PROGRESSIVE_SHARPENING, MATRIX_FACTORISATION,
    LOGISTIC_REGRESSION, *CONVEX, *NON_CONVEX, WIDE, BREAST_CANCER,
)  # fmt: skip
