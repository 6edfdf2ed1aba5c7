"""The exercises' answers: ``check(4, answer)`` compares with the theory's formulas and names the usual mistake."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from math import isclose, sqrt
from typing import Any, Final

import numpy as np

from experiments.measurement.formula import evaluate
from theory.claims.convergence.predictable_gate import crossover, theorem2
from theory.claims.cycles.below_edge import S3b
from theory.claims.cycles.beyond_edge import S6
from theory.claims.gate import G2
from theory.claims.opening_law import C3, S8
from theory.claims.smoothed_gate import S7
from theory.claims.stability import S1, S4

B: Final = float(evaluate(S1.formulas["threshold"], beta1=0.9))


@dataclass(frozen=True)
class Mistake:
    """A value that part ``part`` of an answer often has, and the hint that leads on."""

    part: int
    value: float
    hint: str


@dataclass(frozen=True)
class Exercise:
    """What is asked for and how it is judged.

    Parameters
    ----------
    asks : tuple of str
        What each part of the answer is.
    right : callable
        The values of the parts, from the theory's formulas.
    mistakes : callable
        The usual wrong values with their hints.
    hint : str
        For any other wrong value.
    tolerance : float
        The relative error that is accepted.
    """

    asks: tuple[str, ...]
    right: Callable[[], tuple[float, ...]]
    mistakes: Callable[[], tuple[Mistake, ...]]
    hint: str
    tolerance: float = 2e-3

    def judge(self, answer: Sequence[float]) -> str:
        """The hint; empty for a right answer."""
        for part, (value, wanted) in enumerate(zip(answer, self.right(), strict=True)):
            if isclose(value, wanted, rel_tol=self.tolerance):
                continue
            usual = [m.hint for m in self.mistakes() if m.part == part and isclose(value, m.value, rel_tol=5e-3)]
            return f"not {value:.4g} for {self.asks[part]}. " + (usual[0] if usual else self.hint)
        return ""


class Word(Exercise):
    """An answer that is right if its word of gates grows."""

    def judge(self, answer: Sequence[float]) -> str:
        """The hint; empty if the word grows."""
        p, q = (int(value) for value in answer)
        if min(p, q) < 0 or p + q == 0 or (p, q) != tuple(answer):
            return f"p and q must be whole numbers of steps, at least 0 and not both, got {answer!r}."
        growth = word_growth(p, q)
        if growth > 1:
            return ""
        usual = "Each gate alone shrinks: the word needs both. " if 0 in (p, q) else ""
        return f"the word {p} open, {q} closed shrinks, by {growth:.3f} a period. {usual}{self.hint}"


def word_growth(p: int, q: int, beta1: float = 0.9, fraction: float = 0.05, alpha1: float = 10.0) -> float:
    """The spectral radius of p steps with the gate open, s = S, then q with s = S/(1+alpha1), S = fraction B."""
    level = fraction * float(evaluate(S1.formulas["threshold"], beta1=beta1))

    def step(s: float) -> np.ndarray:
        return np.array([[1 - s * (1 - beta1), -s * beta1], [1 - beta1, beta1]])

    power = np.linalg.matrix_power
    product = power(step(level / (1 + alpha1)), q) @ power(step(level), p)
    return float(abs(np.linalg.eigvals(product)).max())


def _eta(scale: float, weight: float = 0.1) -> float:
    """The first learning rate at alpha0 = .1 and gradient (3, 4) times ``scale``, for v_1 = weight g."""
    return 0.1 / (1 + min((weight * scale * 5) ** 2, 10))


@cache
def _held() -> tuple[float, float, float]:
    squared = float(evaluate(S6.formulas["velocity_squared"], S=1.5 * B, beta1=0.9, beta3=1.0))
    return sqrt(squared), B / 2 * sqrt(squared), 0.5


@cache
def _horizons() -> tuple[float]:
    first, second = (crossover(theorem2, alpha1=alpha1, L=1.0, R=1.0, D=1.0, eps=1e-2) for alpha1 in (1.0, 3.0))
    return (second / first,)


@cache
def _cycle() -> tuple[float]:
    return (float(evaluate(S3b.formulas["period4_threshold"], beta1=0.95)) / 78,)


def _third(b: int = 1, p: float = 0.25, power: int = 3) -> float:
    """The moment of the mean of b values a(1-p)/p with probability p, else -a, at a = 1; for a power of 2 or 3."""
    values, weights = ((1 - p) / p, -1.0), (p, 1 - p)
    return sum(weight * value**power for value, weight in zip(values, weights, strict=True)) / b ** (power - 1)


@cache
def _proved() -> tuple[float, float]:
    star = float(evaluate(S7.formulas["gate_decay_star"], beta1=0.9, S=0.79 * B, alpha1=10.0))
    return star, float(evaluate(S7.formulas["gate_decay_sufficient"], beta1=0.9))


@cache
def _law(g: float = 1 - 10 / 1000) -> tuple[float, float]:
    moves = float(evaluate(C3.formulas["variation"], N=1000, gate_decay=g, alpha1=19.0))
    return float(evaluate(S8.formulas["gate_decay_sufficient"], beta1=0.95)), moves


@cache
def _decay() -> tuple[float]:
    return (float(evaluate(S4.formulas["threshold"], beta1=0.9, weight_decay=0.5, L=1.0)),)


EXERCISES: Final[dict[int, Exercise]] = {
    1: Exercise(
        ("the learning rate",),
        lambda: (_eta(2),),
        lambda: (
            Mistake(0, _eta(2, 1.0), "The gate sees v_1 = (1-beta1) g, not g, and not the corrected velocity."),
            Mistake(0, _eta(1), "That is the rate for c = 1; the gate sees 2 g."),
            Mistake(0, 0.1, "That is Adam's: beta3 = 1 here, so the gate is not open."),
            Mistake(0, 0.1 / 3, "The norm of (3, 4) enters squared."),
        ),
        "Write v_1 = (1-beta1) c g, square its norm, divide alpha0 by one plus it.",
    ),
    2: Exercise(
        ("the speed of the longest step", "the speed at which the clip acts", "the speed of the second passing"),
        lambda: (1.0, sqrt(10.0), float(evaluate(G2.formulas["crossing"], alpha1=10.0, beta3=1.0))),
        lambda: (
            Mistake(0, 0.5, "That is the length of the step, eta v / alpha0; asked is the speed."),
            Mistake(1, 10.0, "The clip is reached by beta3 v^2, not by v."),
            Mistake(2, 11.0, "Clipped, the step is v/11 long. It has to be longer than 1/2."),
            Mistake(2, 5.0, "The gate divides by 1 + alpha1, not by alpha1."),
        ),
        "Unclipped the step is v/(1+v^2) long, clipped v/(1+alpha1).",
    ),
    3: Exercise(
        ("the edge",),
        lambda: (float(evaluate(S1.formulas["threshold"], beta1=0.5)),),
        lambda: (
            Mistake(0, 2.0, "That is the edge of gradient descent; is beta1 = 0.5 in your runs?"),
            Mistake(0, B, "That is the edge at beta1 = 0.9."),
            Mistake(0, 3.0, "That is kappa, half of the edge: does a run shrink just above it?"),
        ),
        "Halve an interval at whose ends runs shrink and grow; the closer they are, the longer the runs.",
        tolerance=2e-4,
    ),
    4: Exercise(
        ("the largest step size",),
        _decay,
        lambda: (
            Mistake(0, B / 1.5, "Decoupled decay does not go through the momentum: it weighs kappa = 19 times."),
            Mistake(0, B, "That is the edge without decay."),
            Mistake(0, 2 / 1.5, "That is gradient descent with decay, beta1 = 0."),
        ),
        "Put z = -1 into the characteristic polynomial of x_t = (1 - eta lambda) x_{t-1} - eta v_t.",
    ),
    5: Exercise(
        ("the speed", "the swing", "the clip"),
        _held,
        lambda: (
            Mistake(0, 0.5, "That is the square of the speed: 1 + v^2 = S/B."),
            Mistake(0, sqrt(1.5), "The gate divides by 1 + v^2, not by v^2."),
            Mistake(1, B * sqrt(0.5), "That is how far it jumps, from one side to the other; it swings half of that."),
            Mistake(2, 1.5, "Closed, the gate divides by 1 + alpha1."),
        ),
        "On the orbit alpha0/(1 + v^2) = B and x_t - x_{t-1} = -B v_t, with x_t = -x_{t-1}.",
        tolerance=5e-3,
    ),
    6: Word(
        ("steps with the gate open", "steps with the gate closed"),
        lambda: (),
        lambda: (),
        "A quarter turn of the fast matrix, then one of the slow one: a few open steps, then more closed.",
    ),
    7: Exercise(
        ("S*/B",),
        _cycle,
        lambda: (
            Mistake(0, _cycle()[0] * 78, "That is S*; divide by the edge, B(0.95) = 78."),
            Mistake(0, _cycle()[0] * 2, "B = 2 kappa: you divided by kappa = 39."),
            Mistake(0, float(evaluate(S3b.formulas["period4_threshold"], beta1=0.9)) / B, "That is at beta1 = 0.9."),
        ),
        "dS/dy = 0 is the quadratic equation kappa^2 y^2 - 4 kappa y - 2 (kappa^2 - 1) = 0; take its positive root.",
    ),
    8: Exercise(
        ("the ratio of the horizons",),
        _horizons,
        lambda: (
            Mistake(
                0, 2.0, "The bound doubles; the horizon must make up for it, and the bound falls like ln N/sqrt N."
            ),
            Mistake(0, 4.0, "That would be 1/sqrt N alone. The logarithm grows, too."),
            Mistake(0, 1 / _horizons()[0], "The larger horizon over the smaller one."),
        ),
        "Divide `crossover` at alpha1 = 3 by that at alpha1 = 1: 1 + alpha1 is to double.",
        tolerance=1e-2,
    ),
    9: Exercise(
        ("the third moment", "that of a mean of two"),
        lambda: (_third(), _third(2)),
        lambda: (
            Mistake(0, _third(power=2), "That is the second moment."),
            Mistake(0, 27 * 0.25, "The value -a counts as well: add (1-p)(-a)^3."),
            Mistake(1, _third() / 2, "The sum of two has twice the third moment, and dividing by 2 divides it by 8."),
            Mistake(1, _third() / 8, "The sum has *twice* the third moment of one before it is divided by 2^3."),
        ),
        "Third moments of independent values of mean zero add; a factor comes out cubed.",
    ),
    10: Exercise(
        ("the smallest g that always suffices", "what the gate moves in all"),
        _law,
        lambda: (
            Mistake(0, 0.95, "Enough, but not the smallest: the odds may grow by 1/beta1^2 a step."),
            Mistake(0, 0.81, "That is at beta1 = 0.9."),
            Mistake(1, _law(0.9)[1], "That is at g = 0.9; the number of steps enters g here."),
        ),
        "Claims S8 (`gate_decay_sufficient`) and C3 (`variation`) have the formulas; the lesson says what they mean.",
    ),
    11: Exercise(
        ("the decay at which the proof begins at this setting", "the decay that is enough for every S < B"),
        _proved,
        lambda: (
            Mistake(0, 0.81, "That is enough for every S; at S = 0.79 B a smaller one is proved."),
            Mistake(1, 0.9, "Enough, but beta1^2 is, too."),
        ),
        "Claim S7: `gate_decay_star` depends on beta1, S and alpha1, `gate_decay_sufficient` on beta1 alone.",
    ),
    12: Exercise(
        ("Adam's learning rate",),
        lambda: (0.5 / (1 + 9.0),),
        lambda: (
            Mistake(0, 0.5 / 9, "The gate divides by 1 + alpha1."),
            Mistake(0, 5.0, "VRAdam's rate is *divided* by 1 + alpha1."),
            Mistake(0, 0.5, "The gate is always closed here, not open."),
        ),
        "With beta3 -> infinity the gate is at its clip at every step.",
    ),
}


def verdict(number: int, answer: Any) -> tuple[bool, str]:
    """Whether an answer is right, and what to say about it.

    Parameters
    ----------
    number : int
        The exercise.
    answer : float or sequence of float
        A number, or the parts that the exercise asks for in its order; ``...`` stands for no answer yet.

    Raises
    ------
    ValueError
        If there is no such exercise.
    """
    if number not in EXERCISES:
        raise ValueError(f"number must be one of {', '.join(map(str, EXERCISES))}, got {number!r}")
    exercise = EXERCISES[number]
    parts = list(answer) if isinstance(answer, tuple | list | np.ndarray) else [answer]
    if answer is ... or any(part is ... for part in parts):
        return False, f"{number}: no answer yet; asked: {', '.join(exercise.asks)}."
    if len(parts) != len(exercise.asks):
        return False, f"{number}: asked are {len(exercise.asks)} numbers, {', '.join(exercise.asks)}; got {len(parts)}."
    try:
        values = [float(part) for part in parts]
    except (TypeError, ValueError):
        return False, f"{number}: numbers are asked for, got {answer!r}."
    hint = exercise.judge(values)
    return not hint, f"{number}: {hint}" if hint else f"{number}: right."


def check(number: int, answer: Any) -> bool:
    """Say whether the answer to an exercise is right, or what usually leads to it; True if it is right.

    >>> check(3, 3.0)
    3: not 3 for the edge. That is kappa, half of the edge: does a run shrink just above it?
    False
    >>> check(3, 6.0)
    3: right.
    True
    """
    right, text = verdict(number, answer)
    print(text)
    return right
