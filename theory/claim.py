"""What a claim is, and how its symbolic witness reaches a status.

A claim carries what the literature reports, the assumptions, the formulas, and everything needed to check them again:

* ``derive`` rebuilds every formula from the recursion, without a closed form of the result; ``examine`` asserts that
  each difference simplifies to zero.
* ``steps`` are the proof steps that are not formulas: identities, signs, inequalities, counterexamples. Each is a
  function without arguments that returns True when the step holds.
* ``certificates`` are data that :mod:`theory.certificates.check` verifies in exact or interval arithmetic.

``concludes`` says what follows *if* everything above closes. If anything does not close, the status is "open" and the
summary names the first thing that failed: nothing here can be called proved by assertion alone.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Literal

import sympy as sp

from theory.certificates.statement import Statement
from theory.notation import EXAMPLE

Status = Literal["proved", "proved under assumptions", "refuted", "open", "empirical"]
CERTIFICATES = Path(__file__).parent / "certificates"


@dataclass(frozen=True)
class Certificate:
    """A stored certificate, the JSON file ``path`` under ``theory/certificates``, and what it must prove.

    Parameters
    ----------
    name : of the file, without its ending.
    needs : what the claim rests on; the claim stays open if the file proves anything else.
    """

    name: str
    needs: Statement

    @property
    def says(self) -> str:
        """What it proves, in words made from the very numbers that were proved."""
        return self.needs.sentence

    @property
    def path(self) -> Path:
        return CERTIFICATES / f"{self.name}.json"


@dataclass(frozen=True, kw_only=True)
class Claim:
    """One published (or introduced) claim as an executable object.

    Parameters
    ----------
    id : ledger identifier, such as ``"S1"``.
    title : a line.
    as_reported : the claim as publicly restated.
    statement : LaTeX of what is true, built from ``formulas`` with :func:`theory.notation.latex`, in the subset that
        matplotlib's mathtext reads (``\\leq``, not ``\\le``; ``\\mathrm`` for words).
    source : paper, theorem, equation.
    assumptions : each one a sentence or a formula.
    plain : one paragraph in plain words, for a student.
    derive : rebuilds ``formulas``: name -> expression. Without arguments it starts from Algorithm 1; its first
        parameter takes a neighbouring recursion, for which the result must differ. None for purely empirical claims.
    formulas : name -> expression in :data:`theory.notation.SYMBOLS`.
    steps : name -> function returning True when that proof step (or counterexample) holds.
    certificates : stored data that :mod:`theory.certificates.check` verifies.
    concludes : the status of the claim *as reported* when everything closes.
    """

    id: str
    title: str
    as_reported: str
    statement: str
    source: str
    assumptions: tuple[str, ...]
    plain: str
    concludes: Status
    derive: Callable[..., Mapping[str, sp.Expr]] | None = None
    formulas: Mapping[str, sp.Expr] = field(default_factory=dict)
    steps: Mapping[str, Callable[[], bool]] = field(default_factory=dict)
    certificates: tuple[Certificate, ...] = ()


@dataclass(frozen=True)
class Examination:
    """The symbolic witness of a claim: its status, what was checked, and how long each check took."""

    status: Status
    summary: str
    seconds: float
    checks: Mapping[str, bool]
    times: Mapping[str, float] = field(default_factory=dict)


def vanishes(expr: sp.Expr) -> bool:
    """True when SymPy simplifies ``expr`` to exactly zero (sound: False may also mean "not decided").

    >>> from theory.notation import beta1
    >>> vanishes((1 - beta1**2) / (1 - beta1) - 1 - beta1)
    True
    """
    if expr == 0:
        return True
    if _differs_from_zero(sp.sympify(expr)):
        return False
    if isinstance(pieces := sp.piecewise_fold(expr), sp.Piecewise):
        return all(vanishes(piece) for piece, _ in pieces.args)
    for reduce in (sp.together, _numerator, sp.ratsimp, sp.simplify, sp.radsimp):
        try:
            if reduce(sp.expand(expr)) == 0:
                return True
        except (sp.PolynomialError, NotImplementedError):
            continue
    return bool(sp.simplify(sp.factor(expr)) == 0)


def _numerator(expr: sp.Expr) -> sp.Expr:
    """Over one denominator, multiplied out: square roots meet their like there."""
    return sp.expand(sp.numer(sp.together(expr)))


def _differs_from_zero(expr: sp.Expr) -> bool:
    """True when ``expr`` is clearly not zero at one point inside every domain: spares long simplifications."""
    others = sorted(expr.free_symbols - EXAMPLE.keys(), key=str)
    point = {
        symbol: sp.Integer(7 + i) if symbol.is_integer else sp.Rational(7 + 2 * i, 9) for i, symbol in enumerate(others)
    }
    value = sp.N(expr.subs({**EXAMPLE, **point}), 20)
    return value.is_Float is True and value.is_finite is True and abs(value) > 1e-9


def examine(claim: Claim) -> Examination:
    """Derive, compare, run every proof step and re-verify every certificate of ``claim``."""
    start = time.perf_counter()
    checks: dict[str, bool] = {}
    times: dict[str, float] = {}

    def check(name: str, holds: Callable[[], bool]) -> None:
        began = time.perf_counter()
        checks[name] = bool(holds())
        times[name] = time.perf_counter() - began

    derived = claim.derive() if claim.derive is not None else {}
    times["derivation"] = time.perf_counter() - start
    for name, formula in claim.formulas.items():
        check(f"formula {name}", partial(_agree, derived, name, formula))
    for name, step in claim.steps.items():
        check(name, step)
    for certificate in claim.certificates:
        check(f"certificate {certificate.name}", partial(_certificate_holds, certificate))
    failed = [name for name, holds in checks.items() if not holds]
    if failed:
        status: Status = "open"
        summary = f"does not close: {failed[0]}" + (f" (and {len(failed) - 1} more)" if failed[1:] else "")
    elif not checks:
        status, summary = "empirical", "no derivation: decided by experiment"
    else:
        status, summary = claim.concludes, f"{len(checks)} checks close"
    return Examination(status, summary, time.perf_counter() - start, checks, times)


def _agree(derived: Mapping[str, sp.Expr], name: str, formula: sp.Expr) -> bool:
    return name in derived and vanishes(derived[name] - formula)


def _certificate_holds(certificate: Certificate) -> bool:
    """Whether the stored data prove what the claim needs; data that are missing or malformed prove nothing."""
    from theory.certificates.check import prove_file

    try:
        return prove_file(certificate.path) == certificate.needs
    except (OSError, ValueError):
        return False


def record(claim: Claim, examination: Examination) -> dict[str, Any]:
    """The JSON entry of ``python -m theory --json``; ``formulas`` are read back with ``locals=theory.SYMBOLS``."""
    return {
        "id": claim.id,
        "title": claim.title,
        "as_reported": claim.as_reported,
        "source": claim.source,
        "assumptions": list(claim.assumptions),
        "status": examination.status,
        "formulas": {name: str(formula) for name, formula in claim.formulas.items()},
    }
