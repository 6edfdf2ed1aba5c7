"""What the page can show: the objectives, each as the theory writes it and as the instrument computes it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import sympy as sp

import vradam
from theory import objectives as textbook
from theory.notation import L
from vradam.objectives.objective import Objective

ratio = sp.Symbol("ratio", positive=True)  # of the flat curvature to the sharp one
Spectrum = Sequence[Any]


@dataclass(frozen=True)
class Shown:
    """An objective of the page.

    Parameters
    ----------
    label : str
        For people.
    dim : int
        1 or 2.
    formula : callable
        F of the coordinates, with the symbols ``L`` and ``ratio`` where the page may choose them.
    make : callable
        The same objective of the instrument, from the numbers L and ratio.
    window : tuple[float, float, float, float]
        The part of the plane that is shown, (x from, x to, y from, y to); y is the velocity where d = 1.
    start : tuple of float
        A point to begin at.
    free : tuple of str
        Which of ``L`` and ``ratio`` it depends on.
    """

    label: str
    dim: int
    formula: Callable[[Sequence[sp.Symbol]], sp.Expr]
    make: Callable[[float, float], Objective]
    window: tuple[float, float, float, float]
    start: tuple[float, ...]
    free: tuple[str, ...] = ()


def _plain(name: str, dim: int, *size: int) -> tuple[Any, Any]:
    """The textbook formula and the factory of that name, without parameters but the dimension."""
    formula, factory = getattr(textbook, name), getattr(vradam.objectives, name)
    return formula, lambda _L, _ratio: factory(*size)


OBJECTIVES: Final[dict[str, Shown]] = {
    "parabola": Shown(
        "parabola L x²/2", 1,
        lambda x: textbook.quadratic(x, [L]), lambda h, _: vradam.objectives.quadratic([h]),
        (-34.2, 34.2, -1.8, 1.8), (14.0,), ("L",),
    ),
    "pseudo_huber_1": Shown(
        "pseudo-Huber, d = 1", 1,
        lambda x: textbook.pseudo_huber(x, 1, L), lambda h, _: vradam.objectives.pseudo_huber(1, curvature=h),
        (-6, 6, -1.5, 1.5), (3.0,), ("L",),
    ),
    "log_cosh_1": Shown(
        "log cosh, d = 1", 1,
        lambda x: textbook.log_cosh(x, 1, L), lambda h, _: vradam.objectives.log_cosh(1, curvature=h),
        (-6, 6, -1.5, 1.5), (3.0,), ("L",),
    ),
    "rational_1": Shown(
        "x²/(1+x²)", 1, *_plain("rational", 1, 1), (-5, 5, -1.5, 1.5), (2.0,),
    ),
    "pseudo_huber_sine_1": Shown(
        "pseudo-Huber plus a sine", 1, *_plain("pseudo_huber_sine", 1, 1), (-6, 6, -2.5, 2.5), (4.0,),
    ),
    "bowl": Shown(
        "bowl, curvatures L and ratio·L", 2,
        lambda x: textbook.quadratic(x, [L, L * ratio]),
        lambda h, flat: vradam.objectives.quadratic([h, h * flat]),
        (-20, 20, -20, 20), (12.0, 12.0), ("L", "ratio"),
    ),
    "rosenbrock": Shown("Rosenbrock", 2, *_plain("rosenbrock", 2), (-2.2, 2.2, -1, 3.2), (-1.2, 1.0)),
    "beale": Shown("Beale", 2, *_plain("beale", 2), (-4.5, 4.5, -4.5, 4.5), (1.0, 1.0)),
    "himmelblau": Shown("Himmelblau", 2, *_plain("himmelblau", 2), (-6, 6, -6, 6), (-0.5, -4.5)),
    "rastrigin": Shown("Rastrigin", 2, *_plain("rastrigin", 2, 2), (-5.12, 5.12, -5.12, 5.12), (3.3, -2.2)),
    "ackley": Shown("Ackley", 2, *_plain("ackley", 2, 2), (-5, 5, -5, 5), (3.3, -2.2)),
    "styblinski_tang": Shown(
        "Styblinski-Tang", 2, *_plain("styblinski_tang", 2, 2), (-5, 5, -5, 5), (0.5, 1.0),
    ),
    "log_cosh": Shown("log cosh, d = 2", 2, *_plain("log_cosh", 2, 2), (-6, 6, -6, 6), (4.0, 3.0)),
    "sharpening": Shown(
        "progressive sharpening", 2, *_plain("progressive_sharpening", 2), (-1.5, 1.5, 0, 11), (0.01, 1.0),
    ),
}  # fmt: skip


def javascript() -> str:
    """Every objective as JavaScript, value, gradient and Hessian."""
    from theory.javascript import objective

    return "\n".join(
        text for name, one in OBJECTIVES.items() for text in objective(name, one.formula, one.dim).values()
    )


def described() -> dict[str, dict[str, Any]]:
    """What the page needs to know of each objective beside its code."""
    return {
        name: {"label": one.label, "d": one.dim, "window": one.window, "start": one.start, "free": one.free}
        for name, one in OBJECTIVES.items()
    }
