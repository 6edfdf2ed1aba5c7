"""The map of stability: for which beta1, S and alpha1 it is proved that every start converges, or that a cycle attracts.

VRMomentum with the published gate on a quadratic of one curvature L, ``S = alpha0 L``, ``B = 2(1+beta1)/(1-beta1)``. What is known is a
union of four kinds of regions: below ``global_threshold`` every start converges (an energy falls); in the boxes of the
certificates ``safe_*`` every start converges (no orbit stays away); in those of ``attracting_*`` a cycle attracts; and so does
one of period 4 beyond ``period4_threshold``, where no clip touches it. The rest is undecided.

>>> from fractions import Fraction
>>> global_stability(Fraction(1, 2), Fraction(299, 50), 10).says
'every start converges'
>>> print(global_stability(Fraction(9, 10), 30, 10))
an attracting cycle of period 4 (period4_threshold of S3b)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from math import inf, isfinite
from numbers import Real
from pathlib import Path
from typing import Final

from theory.certificates import branches, frontier
from theory.certificates.branches import Attracting, Branch
from theory.certificates.frontier import Box, Safe
from theory.certificates.reading import parse

FOLDER: Final = Path(__file__).parent / "certificates"
SAFE: Final = ("safe_1", "safe_10", "safe_19", "safe_unclipped")
ATTRACTING: Final = ("attracting_1", "attracting_unclipped")
#: ``period4_kinetic`` is 1.3033: from here on no clip touches a cycle of period 4 below the edge.
PERIOD4_CLIP: Final = Fraction(1304, 1000)


@dataclass(frozen=True)
class Statement:
    """What is proved about one setting, and where: ``certificate`` is a stored file and the number of a box in it, or a
    formula of a claim; None if nothing is."""

    says: str
    certificate: str | None = None
    period: int | None = None

    def __str__(self) -> str:
        return self.says if self.certificate is None else f"{self.says} ({self.certificate})"


UNDECIDED: Final = Statement("undecided")


def global_stability(beta1: Real, S: Real, alpha1: Real = inf) -> Statement:
    """What is proved about VRMomentum with the published gate on ``F = L x^2/2``, at ``S = alpha0 L``.

    Numbers are taken exactly: a float is the dyadic number that it is. A stored box that contains the setting is verified
    before it is named, which takes from a hundredth of a second to some seconds, once.

    Parameters
    ----------
    beta1 : in [0, 1).
    S : alpha0 L > 0.
    alpha1 : the clip, > 0; ``inf`` for none.

    Returns
    -------
    Statement
        ``says`` is "every start converges", "an attracting cycle of period p", "the minimum repels" (S > B) or "undecided".

    Raises
    ------
    ValueError : if an argument lies outside its domain.
    """
    b, s, clip = _setting(beta1, S, alpha1)
    if s * (1 - b) > 2 * (1 + b):
        return Statement("the minimum repels", "threshold of S1")
    if s * (1 - b) == 2 * (1 + b):
        return UNDECIDED
    if (formula := _below_the_threshold(b, s)) is not None:
        return Statement("every start converges", f"{formula} of S3b")
    if has_period_four(b, s) and (clip is None or clip >= PERIOD4_CLIP):
        return Statement("an attracting cycle of period 4", "period4_threshold of S3b", 4)
    fraction = s * (1 - b) / (2 * (1 + b))
    for name in SAFE:
        for k, box in enumerate(safe_boxes(name)):
            if box.says.contains(b, fraction, clip) and _safe(name, k):
                return Statement("every start converges", f"{name}, box {k}")
    for name in ATTRACTING:
        for k, branch in enumerate(attracting_boxes(name)):
            here = branch.beta1[0] <= b <= branch.beta1[1] and branch.fraction[0] <= fraction <= branch.fraction[1]
            if here and (found := _attracting(name, k)) is not None and found.contains(b, fraction, clip):
                return Statement(f"an attracting cycle of period {found.period}", f"{name}, box {k}", found.period)
    return UNDECIDED


def _setting(beta1: Real, S: Real, alpha1: Real) -> tuple[Fraction, Fraction, Fraction | None]:
    for name, value in (("beta1", beta1), ("S", S), ("alpha1", alpha1)):
        if isinstance(value, bool) or not isinstance(value, Real):
            raise ValueError(f"{name} must be a real number, got {value!r}")
    if not 0 <= beta1 < 1:
        raise ValueError(f"beta1 must lie in [0, 1), got {beta1!r}")
    if not (S > 0 and isfinite(S)):
        raise ValueError(f"S must be finite and > 0, got {S!r}")
    if not alpha1 > 0:
        raise ValueError(f"alpha1 must be > 0, got {alpha1!r}")
    return Fraction(beta1), Fraction(S), None if alpha1 == inf else Fraction(alpha1)


def _below_the_threshold(beta1: Fraction, S: Fraction) -> str | None:
    """The formula of S3b that says that the energy falls: S < 2, or between the roots of ``W`` (see ``squares`` there), or
    ``beta1 <= (3 sqrt 41 - 17)/10``."""
    mu = Fraction(1, 8)
    W = (1 + mu * beta1) ** 2 * S**2 - 2 * (1 + 3 * beta1 + mu * beta1 * (3 + beta1)) * S + (1 - beta1) ** 2
    if S < 2 or W < 0:
        return "global_threshold"
    return "global_beta1" if (10 * beta1 + 17) ** 2 <= 369 else None


def has_period_four(beta1: Fraction, S: Fraction) -> bool:
    """``S > S* = (kappa^2 + 3 + 2 sqrt(2(kappa^2+1)))/kappa``."""
    kappa = (1 + beta1) / (1 - beta1)
    excess = kappa * S - kappa**2 - 3
    return excess > 0 and excess**2 > 8 * (kappa**2 + 1)


# ---------------------------------------------------------------- the stored boxes


@cache
def safe_boxes(name: str) -> tuple[Box, ...]:
    """The boxes of a certificate of kind ``safe``, read but not verified; none if the file does not exist."""
    path = FOLDER / f"{name}.json"
    return frontier.boxes(parse(path.read_bytes())) if path.exists() else ()


@cache
def attracting_boxes(name: str) -> tuple[Branch, ...]:
    """The boxes of a certificate of kind ``attracting``, read but not verified; none if the file does not exist."""
    path = FOLDER / f"{name}.json"
    return branches.branches(parse(path.read_bytes())) if path.exists() else ()


@cache
def _safe(name: str, k: int) -> bool:
    return frontier.proves(safe_boxes(name)[k])


@cache
def _attracting(name: str, k: int) -> Attracting | None:
    return branches.proves(attracting_boxes(name)[k])


def verified(every: int = 1) -> tuple[Sequence[Safe], Sequence[Attracting]]:
    """The statements of every ``every``-th box of each stored certificate, verified now.

    Raises
    ------
    ValueError : if a box is false, naming it.
    """
    safe, attracting = [], []
    for name in SAFE:
        for k in range(0, len(safe_boxes(name)), every):
            if not _safe(name, k):
                raise ValueError(f"the boxes of {name} must be true, got a false one: {k}")
            safe.append(safe_boxes(name)[k].says)
    for name in ATTRACTING:
        for k in range(0, len(attracting_boxes(name)), every):
            found = _attracting(name, k)
            if found is None:
                raise ValueError(f"the boxes of {name} must be true, got a false one: {k}")
            attracting.append(found)
    return safe, attracting
