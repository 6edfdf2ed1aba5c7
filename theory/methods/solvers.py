"""z3 and cvc5 decide the inequalities of a proof again, without its certificates.

A step of a :class:`theory.methods.proof.Proof` carries its slack, and checking it is algebra. Here the slack is thrown
away: the solver gets the facts that the step uses, the signs of the symbols, and the negation of the statement, and has
to find them contradictory. Sums, expectations, sequences and powers with a symbol in the exponent are real numbers to
it, ``|x|`` and ``sqrt(x)`` obey their defining equations. Both packages are optional (extra ``certify``).
"""

from __future__ import annotations

import importlib
from typing import Any, Final, Literal

import sympy as sp

from theory.methods.proof import Proof, Step, nonnegative, positive

Answer = Literal["proved", "refuted", "unknown"]
SOLVERS: Final = {"z3": "z3", "cvc5": "cvc5.pythonic"}


class Translation:
    """Terms of a solver for SymPy expressions, and what is known of the numbers in them.

    ``linear``: every product is a number of its own, nonnegative where that is visible.
    """

    def __init__(self, api: Any, linear: bool = False) -> None:
        self.api, self.linear = api, linear
        self.numbers: dict[sp.Expr, Any] = {}
        self.known: list[Any] = []

    def number(self, expr: sp.Expr) -> Any:
        """The solver's name of a symbol or an opaque expression."""
        if expr not in self.numbers:
            name = self.numbers[expr] = self.api.Real(f"v{len(self.numbers)}")
            if expr.is_Symbol and expr.is_positive:
                self.known.append(name > 0)
            elif nonnegative(expr):
                self.known.append(name >= 0)
            if isinstance(expr, sp.Abs) and not self.linear:
                self.known.append(name * name == self.term(expr.args[0]) * self.term(expr.args[0]))
            if isinstance(expr, sp.Pow) and expr.exp == sp.Rational(1, 2) and not self.linear:
                self.known += [name >= 0, name * name == self.term(expr.base)]
        return self.numbers[expr]

    def term(self, expr: sp.Expr) -> Any:
        """A polynomial in numbers."""
        if isinstance(expr, sp.Rational):
            return self.api.RealVal(f"{expr.p}/{expr.q}")
        if expr.is_Add:
            return self.api.Sum([self.term(part) for part in expr.args])
        if expr.is_Mul:
            result = self.term(expr.args[0])
            for part in expr.args[1:]:
                result = result * self.term(part)
            return result
        if isinstance(expr, sp.Pow) and expr.exp.is_Integer and expr.exp > 0:
            result = base = self.term(expr.base)
            for _ in range(int(expr.exp) - 1):
                result = result * base
            return result
        return self.number(expr)

    def sign(self, gap: sp.Expr) -> Any:
        """A polynomial of the sign of ``gap``: numerator times denominator, the latter not zero."""
        if self.linear:
            return self.api.Sum([self._multiple(part) for part in sp.Add.make_args(sp.expand(gap))])
        numerator, denominator = sp.fraction(sp.together(gap))
        if positive(sp.factor(denominator)) or denominator.is_Number:
            return self.term(sp.expand(numerator))
        below = self.term(sp.expand(denominator))
        self.known.append(below != 0)
        return self.term(sp.expand(numerator)) * below

    def _multiple(self, product: sp.Expr) -> Any:
        factor, rest = product.as_coeff_Mul()
        return self.term(factor) if rest == 1 else self.term(factor) * self.number(rest)


def installed(solver: str) -> bool:
    """Whether this solver can be imported."""
    try:
        importlib.import_module(SOLVERS[solver])
    except ImportError:
        return False
    return True


def decided(proof: Proof, name: str, solver: str, seconds: float = 10.0) -> Answer:
    """What a solver says about an inequality: whether its negation contradicts the facts that the step uses.

    Raises
    ------
    KeyError
        For another solver, or a statement that is not there.
    ValueError
        If the statement is not an inequality.
    ImportError
        If the solver is not installed.
    """
    step = proof.steps[name]
    if step.kind != "inequality":
        raise ValueError(f"name must be that of an inequality, got {name!r}, {step.kind}")
    api = importlib.import_module(SOLVERS[solver])
    answer: Answer = "unknown"
    for products_are_numbers in (True, False):  # first as a question of linear arithmetic, which is weaker
        answer = _asked(api, solver, proof, step, products_are_numbers, seconds)
        if answer == "proved":
            break
    return answer


def _asked(api: Any, solver: str, proof: Proof, step: Step, linear: bool, seconds: float) -> Answer:
    translation = Translation(api, linear)
    facts = []
    for name in sorted(step.uses):
        gap = translation.sign(proof.steps[name].gap)
        facts.append(gap == 0 if proof.steps[name].sign == "=" else gap >= 0)
    denied = translation.sign(step.gap) < 0
    problem = api.Solver()
    if solver == "z3":
        problem.set("timeout", int(1000 * seconds))
    else:
        problem.setOption("tlimit-per", str(int(1000 * seconds)))
    problem.add(*facts, *translation.known, denied)
    answer = str(problem.check())
    return "proved" if answer == "unsat" else "refuted" if answer == "sat" and not linear else "unknown"


def inequalities(proof: Proof) -> list[tuple[Proof, str]]:
    """Every inequality of a proof and of its lemmas."""
    return [
        (part, step.name)
        for part in (*proof.lemmas().values(), proof)
        for step in part.steps.values()
        if step.kind == "inequality"
    ]
