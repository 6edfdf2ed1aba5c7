"""What a claim is, and how its derivation reaches a status.

A claim carries what the literature reports, the assumptions, the formulas, and everything needed to check them again:

* ``derive`` rebuilds every formula from the recursion, without a closed form of the result; ``examine`` asserts that
  each difference simplifies to zero.
* ``steps`` are the proof steps that are not formulas: identities, signs, inequalities, counterexamples. Each is a
  function without arguments that returns True when the step holds.
* ``certificates`` are data that :mod:`theory.certificates.check` verifies in exact or interval arithmetic.

A proof has steps of five kinds, which are counted apart wherever a claim is shown: identities that SymPy or exact
arithmetic checks (formulas among them), inequalities that are checked under named hypotheses, certificates, lemmas
cited from the literature, and arguments in prose, which nobody but the reader checks.

``concludes`` says what follows *if* everything above closes. If anything does not close, the status is "open" and the
summary names the first thing that failed: nothing here can be called proved by assertion alone.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Final, Literal, Protocol

import sympy as sp

from theory.certificates.statement import Statement
from theory.identity import is_zero
from theory.notation import EXAMPLE

Status = Literal["proved", "proved under assumptions", "refuted", "open", "empirical"]
StepKind = Literal["identity", "inequality", "certificate", "cited lemma", "argument in prose"]
#: How many of a kind are spoken of: one, several.
KINDS: Final[Mapping[StepKind, tuple[str, str]]] = {
    "identity": ("machine-checked identity", "machine-checked identities"),
    "inequality": (
        "machine-checked inequality under named hypotheses", "machine-checked inequalities under named hypotheses",
    ),
    "certificate": ("certificate in exact or interval arithmetic", "certificates in exact or interval arithmetic"),
    "cited lemma": ("cited lemma", "cited lemmas"),
    "argument in prose": ("argument in prose", "arguments in prose"),
}  # fmt: skip
#: A check of a bound that is looser than this says nothing about the bound.
LOOSEST: Final = 1e3
CERTIFICATES = Path(__file__).parent / "certificates"


@dataclass(frozen=True)
class Certificate:
    """A stored certificate, the JSON file ``path`` under ``theory/certificates``, and what it must prove.

    Parameters
    ----------
    name : str
        Of the file, without its ending.
    needs : Statement
        What the claim rests on; the claim stays open if the file proves anything else.
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


@dataclass(frozen=True)
class Cited:
    """A lemma taken from the literature: what it says, where it is proved, and the step that tests it, if one does."""

    lemma: str
    source: str
    step: str = ""


@dataclass(frozen=True)
class BoundCheck:
    """What a step returns that tests a bound on cases: whether it held, and bound/value at the tightest of them.

    A step that is looser than :data:`LOOSEST` is "vacuous here": it is reported, and not counted as a check.
    """

    holds: bool
    looseness: float

    def __bool__(self) -> bool:
        return self.holds


class Written(Protocol):
    """What a claim needs of a :class:`theory.methods.proof.Proof`."""

    title: str
    steps: dict[str, Any]

    def lemmas(self) -> Mapping[str, Written]: ...

    def closes(self) -> bool: ...


@dataclass(frozen=True, kw_only=True)
class Claim:
    """One published (or introduced) claim as an executable object.

    Parameters
    ----------
    id : str
        Ledger identifier, such as ``"S1"``.
    title : str
        A line.
    as_reported : str
        The claim as publicly restated.
    statement : str
        LaTeX of what is true, built from ``formulas`` with :func:`theory.notation.latex`, in the subset that
        matplotlib's mathtext reads (``\\leq``, not ``\\le``; ``\\mathrm`` for words).
    source : str
        Paper, theorem, equation.
    assumptions : tuple of str
        Each one a sentence or a formula.
    plain : str
        One paragraph in plain words, for a student.
    derive : callable, optional
        Rebuilds ``formulas``: name -> expression. Without arguments it starts from Algorithm 1; its first parameter
        takes a neighbouring recursion, for which the result must differ. None for purely empirical claims.
    formulas : Mapping[str, sp.Expr]
        Name -> expression in :data:`theory.notation.SYMBOLS`.
    steps : Mapping[str, callable]
        Name -> function returning True when that proof step (or counterexample) holds.
    in_full : Mapping[str, callable]
        Step -> what is done instead of it where minutes may be spent: a sample of stored data becomes all of it.
    reads : tuple of Path
        Stored files, other than certificates, that the steps read.
    certificates : tuple of Certificate
        Stored data that :mod:`theory.certificates.check` verifies.
    proofs : tuple of Written
        Written statement by statement in :mod:`theory.methods.proof`; each must close.
    concludes : Status
        The status of the claim *as reported* when everything closes.
    holds : str
        What is true, in a few plain words for the row of a table; of an observation, the scope of our runs.
    inequalities : Mapping[str, str]
        Step -> its hypotheses, for the steps that are inequalities; the other steps are identities, exact examples
        among them, or tests of a cited lemma.
    cited : tuple of Cited
        Lemmas from the literature.
    prose : tuple of str
        The arguments that join the steps and that no machine checks, one sentence each.

    Raises
    ------
    ValueError
        If ``inequalities``, ``cited`` or ``in_full`` name a step that there is not.
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
    steps: Mapping[str, Callable[[], bool | BoundCheck]] = field(default_factory=dict)
    in_full: Mapping[str, Callable[[], bool]] = field(default_factory=dict)
    reads: tuple[Path, ...] = ()
    certificates: tuple[Certificate, ...] = ()
    proofs: tuple[Written, ...] = ()
    holds: str = ""
    inequalities: Mapping[str, str] = field(default_factory=dict)
    cited: tuple[Cited, ...] = ()
    prose: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        named = {*self.inequalities, *(item.step for item in self.cited if item.step)}
        if self.steps and (stray := sorted(set(self.in_full) - set(self.steps))):
            raise ValueError(f"in_full must name steps of {self.id}, got {', '.join(stray)}")
        if self.steps and (stray := sorted(named - set(self.steps))):
            raise ValueError(f"inequalities and cited must name steps of {self.id}, got {', '.join(stray)}")

    def kind(self, check: str) -> StepKind:
        """The kind of a check of :class:`Examination`."""
        if check.startswith("certificate ") and check not in self.steps:
            return "certificate"
        if check in {item.step for item in self.cited}:
            return "cited lemma"
        return "inequality" if check in self.inequalities or check.startswith("proof: ") else "identity"

    @property
    def tally(self) -> dict[StepKind, int]:
        """How many steps the proof has of each kind."""
        checks = [f"formula {name}" for name in self.formulas] + list(self.steps)
        count = Counter(self.kind(check) for check in checks if self.kind(check) != "cited lemma")
        written = {part.title: part for proof in self.proofs for part in (*proof.lemmas().values(), proof)}
        count.update(
            "inequality" if step.kind == "inequality" else "identity"  # applications and rules compare expressions
            for part in written.values()
            for step in part.steps.values()
            if step.kind != "given"
        )
        others: dict[StepKind, int] = {
            "certificate": len(self.certificates),
            "cited lemma": len(self.cited),
            "argument in prose": len(self.prose),
        }
        return {"identity": count["identity"], "inequality": count["inequality"], **others}


def counted(tally: Mapping[StepKind, int]) -> str:
    """A tally in words, kinds that do not occur left out.

    >>> counted({"identity": 3, "inequality": 1, "certificate": 0, "cited lemma": 0, "argument in prose": 2})
    '3 machine-checked identities, 1 machine-checked inequality under named hypotheses, 2 arguments in prose'
    """
    return ", ".join(f"{n} {KINDS[kind][n != 1]}" for kind, n in tally.items() if n)


@dataclass(frozen=True)
class Examination:
    """The derivation's side of a claim: its status, what was checked, and how long each check took.

    ``loose`` : of checks that test a bound on cases, bound/value at the tightest; above :data:`LOOSEST` the check is
    vacuous here and no part of ``checks``.
    """

    status: Status
    summary: str
    seconds: float
    checks: Mapping[str, bool]
    times: Mapping[str, float] = field(default_factory=dict)
    loose: Mapping[str, float] = field(default_factory=dict)

    @property
    def vacuous(self) -> tuple[str, ...]:
        """The steps that held by so much that nothing was tested."""
        return tuple(name for name, looseness in self.loose.items() if not looseness < LOOSEST)


def vanishes(expr: sp.Expr) -> bool:
    """True when SymPy simplifies ``expr`` to exactly zero (sound: False may also mean "not decided").

    >>> from theory.notation import beta1
    >>> vanishes((1 - beta1**2) / (1 - beta1) - 1 - beta1)
    True
    """
    expr = sp.sympify(expr)
    if is_zero(expr):  # nearly always enough
        return True
    if _differs_from_zero(expr):
        return False
    if isinstance(pieces := sp.piecewise_fold(expr), sp.Piecewise):
        return all(vanishes(piece) for piece, _ in pieces.args)
    return any(form == 0 for form in _forms(expr))


def _forms(expr: sp.Expr) -> Iterator[sp.Expr]:
    """The expression written in other ways, cheap ones first: sums of fractions are slow once multiplied out."""
    yield _numerator(expr)
    expanded = sp.expand(expr)
    for reduce in (sp.together, _numerator, sp.ratsimp, sp.simplify, sp.radsimp):
        try:
            yield reduce(expanded)
        except (sp.PolynomialError, NotImplementedError):
            continue
    yield sp.simplify(sp.factor(expr))


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
    loose: dict[str, float] = {}

    def check(name: str, holds: Callable[[], bool | BoundCheck]) -> None:
        began = time.perf_counter()
        found = holds()
        times[name] = time.perf_counter() - began
        if isinstance(found, BoundCheck):
            loose[name] = found.looseness
        if not (isinstance(found, BoundCheck) and found.holds and not found.looseness < LOOSEST):
            checks[name] = bool(found)

    derived = claim.derive() if claim.derive is not None else {}
    times["derivation"] = time.perf_counter() - start
    for name, formula in claim.formulas.items():
        check(f"formula {name}", partial(_agree, derived, name, formula))
    for name, step in claim.steps.items():
        check(name, step)
    for proof in claim.proofs:
        check(f"proof: {proof.title}", proof.closes)
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
    return Examination(status, summary, time.perf_counter() - start, checks, times, loose)


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
        "steps": dict(claim.tally),
    }
