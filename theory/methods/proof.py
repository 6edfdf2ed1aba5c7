"""A small language in which a proof is checked line by line.

A proof is a list of statements, ``left = right`` or ``left <= right``, each of one kind:

==============  =====================================================================================================
kind            how it is checked
==============  =====================================================================================================
given           it is not: an assumption of the theorem, or what a symbol stands for
identity        ``left - right`` is a combination of earlier identities; without any, SymPy simplifies it to 0
inequality      ``right - left`` equals a stated slack, a sum of products that are visibly nonnegative: squares,
                symbols and numbers that are, earlier inequalities, and earlier identities times anything
application     an earlier proof with other symbols: every given of it is shown again, its conclusion is substituted
rule            a rule of sums or expectations from :data:`RULES`, applied to an earlier statement: the statement must
                be what the rule returns
==============  =====================================================================================================

So an inequality carries its own certificate, and checking it is algebra: no solver is trusted. z3 and cvc5 decide the
same inequalities independently in the tests (:mod:`theory.methods.solvers`). In a slack an earlier statement is written
``fact("name")``. A proof's last statement is its conclusion; a statement that the conclusion does not need is an error.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

import sympy as sp
from sympy.core.function import AppliedUndef
from sympy.printing.precedence import PRECEDENCE
from sympy.printing.str import StrPrinter

from theory.claim import vanishes
from theory.identity import is_zero
from theory.methods.rules import RULES, Mean

Kind = Literal["given", "identity", "inequality", "application", "rule"]
Sign = Literal["=", "<="]


def fact(name: str) -> sp.Symbol:
    """An earlier statement in a slack: ``right - left`` of the statement with this name."""
    return sp.Symbol(f"[{name}]", real=True)


@dataclass(frozen=True)
class Step:
    """A statement and what its check needs; see the table at the head of the module.

    ``slack`` belongs to identities and inequalities, ``lemma`` with ``substitution`` and ``shown`` (given of the lemma
    -> its slack) to applications, ``rule`` with ``of`` and ``arguments`` to rules.
    """

    name: str
    kind: Kind
    left: sp.Expr
    sign: Sign
    right: sp.Expr
    says: str
    slack: sp.Expr = sp.S.Zero
    lemma: Proof | None = None
    substitution: Mapping[sp.Expr, sp.Expr] = field(default_factory=dict)
    shown: Mapping[str, sp.Expr] = field(default_factory=dict)
    rule: str = ""
    of: str = ""
    arguments: Mapping[str, Any] = field(default_factory=dict)

    @property
    def gap(self) -> sp.Expr:
        """``right - left``."""
        return self.right - self.left

    @property
    def uses(self) -> set[str]:
        """The names of the earlier statements that the check refers to."""
        slacks = (self.slack, *self.shown.values())
        found = {symbol.name[1:-1] for slack in slacks for symbol in slack.free_symbols if symbol.name.startswith("[")}
        return found | ({self.of} if self.of else set())

    def __str__(self) -> str:
        return f"{written(self.left)} {self.sign} {written(self.right)}"


@dataclass(eq=False)
class Proof:
    """Statements in order; the methods append one and return its :func:`fact`."""

    title: str
    steps: dict[str, Step] = field(default_factory=dict)

    def _append(self, step: Step) -> sp.Symbol:
        if step.name in self.steps:
            raise ValueError(f"a statement must have a name of its own, got {step.name!r} twice")
        self.steps[step.name] = step
        return fact(step.name)

    def given(self, name: str, left: Any, sign: Sign, right: Any, says: str = "") -> sp.Symbol:
        """An assumption."""
        return self._append(Step(name, "given", sp.sympify(left), sign, sp.sympify(right), says))

    def identity(self, name: str, left: Any, right: Any, slack: Any = 0, says: str = "") -> sp.Symbol:
        """``left = right``, ``right - left`` being ``slack``: a combination of earlier identities."""
        left, right, slack = map(sp.sympify, (left, right, slack))
        return self._append(Step(name, "identity", left, "=", right, says, slack))

    def inequality(self, name: str, left: Any, right: Any, slack: Any, says: str = "") -> sp.Symbol:
        """``left <= right``, ``right - left`` being the nonnegative ``slack``."""
        left, right, slack = map(sp.sympify, (left, right, slack))
        return self._append(Step(name, "inequality", left, "<=", right, says, slack))

    def application(
        self,
        name: str,
        lemma: Proof,
        substitution: Mapping[sp.Expr, Any],
        shown: Mapping[str, Any],
        left: Any,
        right: Any,
        says: str = "",
    ) -> sp.Symbol:
        """The conclusion of an earlier proof under ``substitution``; ``shown``: given of it -> its slack here."""
        end = lemma.conclusion
        values = {symbol: sp.sympify(value) for symbol, value in substitution.items()}
        slacks = {given: sp.sympify(slack) for given, slack in shown.items()}
        left, right = sp.sympify(left), sp.sympify(right)
        return self._append(
            Step(name, "application", left, end.sign, right, says, lemma=lemma, substitution=values, shown=slacks)
        )

    def rule(self, name: str, rule: str, of: str, left: Any, right: Any, says: str = "", **arguments: Any) -> sp.Symbol:
        """What a rule of :data:`RULES` makes of an earlier statement."""
        sign = self.steps[of].sign
        left, right = sp.sympify(left), sp.sympify(right)
        return self._append(Step(name, "rule", left, sign, right, says, rule=rule, of=of, arguments=arguments))

    def assume(
        self, *lemmas: Proof, without: Collection[str] = (), values: Mapping[sp.Expr, Any] | None = None
    ) -> None:
        """The assumptions of lemmas as one's own, each name once, under ``values``; not those ``without``."""
        at = values or {}
        for given in (assumption for lemma in lemmas for assumption in lemma.assumptions):
            if given.name not in {*without, *self.steps}:
                self.given(given.name, renamed(given.left, at), given.sign, renamed(given.right, at), given.says)

    def apply(
        self,
        name: str,
        lemma: Proof,
        values: Mapping[sp.Expr, Any] | None = None,
        shown: Mapping[str, Any] | None = None,
        says: str = "",
    ) -> sp.Symbol:
        """:meth:`application` with its conclusion written out; what is not ``shown`` has the same name here."""
        end, at = lemma.conclusion, {symbol: sp.sympify(value) for symbol, value in (values or {}).items()}
        known = {given.name: fact(given.name) for given in lemma.assumptions} | dict(shown or {})
        return self.application(name, lemma, at, known, renamed(end.left, at), renamed(end.right, at), says)

    @property
    def conclusion(self) -> Step:
        """The last statement."""
        return next(reversed(self.steps.values()))

    @property
    def assumptions(self) -> tuple[Step, ...]:
        """The givens."""
        return tuple(step for step in self.steps.values() if step.kind == "given")

    def follows(self, name: str) -> bool:
        """Whether the statement with this name follows from those before it."""
        earlier = dict(itertools.takewhile(lambda item: item[0] != name, self.steps.items()))
        step = self.steps[name]
        return step.uses <= set(earlier) and CHECKS[step.kind](step, earlier)

    def lemmas(self) -> dict[str, Proof]:
        """The proofs that it applies, theirs first, each once."""
        found: dict[str, Proof] = {}
        for step in self.steps.values():
            if step.lemma is not None:
                found |= step.lemma.lemmas() | {step.lemma.title: step.lemma}
        return found

    def checked(self) -> dict[str, bool]:
        """Name -> whether the statement follows."""
        return {name: self.follows(name) for name in self.steps}

    def idle(self) -> set[str]:
        """The statements that the conclusion does not need."""
        needed, waiting = set(), [self.conclusion.name]
        while waiting:
            name = waiting.pop()
            if name not in needed:
                needed.add(name)
                waiting.extend(self.steps[name].uses)
        return set(self.steps) - needed

    def closes(self) -> bool:
        """Whether every statement follows and none is idle, lemmas included."""
        proofs = (*self.lemmas().values(), self)
        return all(not proof.idle() and all(proof.checked().values()) for proof in proofs)


def replaced(expr: sp.Expr, given: Step) -> sp.Expr:
    """The slack of ``expr`` when an identity ``symbol = value`` is used: ``expr(symbol) - expr(value)``."""
    there = expr.subs(given.left, given.right)
    return -sp.cancel(sp.together((expr - there) / (given.left - given.right))) * fact(given.name)


# ---------------------------------------------------------------- the checks


def used(slack: sp.Expr, earlier: Mapping[str, Step]) -> dict[sp.Symbol, Step]:
    """The earlier statements in the slack."""
    return {symbol: earlier[symbol.name[1:-1]] for symbol in slack.free_symbols if symbol.name.startswith("[")}


def signed(slack: sp.Expr, earlier: Mapping[str, Step]) -> sp.Expr:
    """The slack with identities at zero and inequalities as nonnegative symbols."""
    values = {
        symbol: sp.Integer(0) if step.sign == "=" else sp.Symbol(f"fact {step.name}", nonnegative=True)
        for symbol, step in used(slack, earlier).items()
    }
    return slack.xreplace(values)


def nonnegative(expr: sp.Expr) -> bool:
    """Whether a sum of products is visibly nonnegative: by its squares, and the signs of numbers and symbols.

    >>> x, y = sp.symbols("x y", positive=True)
    >>> nonnegative((x - y) ** 2 / (1 + x) + 2 * y), nonnegative(x - y)
    (True, False)
    """
    if expr.is_Number or expr.is_Symbol or isinstance(expr, AppliedUndef):
        return expr.is_nonnegative is True
    if expr.is_Add or expr.is_Mul:
        return all(map(nonnegative, expr.args))
    if isinstance(expr, sp.Pow):
        if expr.exp.is_negative:
            return positive(expr.base) or (expr.exp.is_even is True and expr.base.is_nonzero is True)
        return (expr.exp.is_even is True and real(expr.base)) or nonnegative(expr.base)
    if isinstance(expr, Mean | sp.Sum):
        return nonnegative(expr.args[0])
    return isinstance(expr, sp.Abs)


def real(expr: sp.Expr) -> bool:
    """Whether it is built from real numbers and symbols by sums, products and integer powers."""
    if expr.is_Number or expr.is_Symbol:
        return expr.is_real is True
    if isinstance(expr, sp.Abs):
        return real(expr.args[0])
    if isinstance(expr, sp.Pow):
        return expr.exp.is_integer is True and real(expr.base)
    return (expr.is_Add or expr.is_Mul) and all(map(real, expr.args))


def positive(expr: sp.Expr) -> bool:
    """Whether it is visibly positive, so that one may divide by it."""
    if expr.is_Number or expr.is_Symbol:
        return expr.is_positive is True
    if expr.is_Add:
        return all(map(nonnegative, expr.args)) and any(map(positive, expr.args))
    if expr.is_Mul:
        return all(map(positive, expr.args))
    return isinstance(expr, sp.Pow) and positive(expr.base)


def _follows(sign: Sign, gap: sp.Expr, slack: sp.Expr, earlier: Mapping[str, Step]) -> bool:
    """Whether the gap is the slack, and the slack zero or nonnegative, as the sign asks."""
    left_over = signed(slack, earlier)
    shown = left_over == 0 if sign == "=" else nonnegative(left_over)
    return shown and same(gap, slack.xreplace({symbol: step.gap for symbol, step in used(slack, earlier).items()}))


def renamed(expr: sp.Expr, substitution: Mapping[sp.Expr, sp.Expr]) -> sp.Expr:
    """Symbols get their values, and expectations and sequences their names, all at once."""
    symbols = {old: new for old, new in substitution.items() if old.is_Symbol}
    return expr.xreplace({old: new for old, new in substitution.items() if not old.is_Symbol}).subs(
        symbols, simultaneous=True
    )


def same(first: sp.Expr, second: sp.Expr) -> bool:
    """Whether SymPy reduces the difference to 0; sums, expectations and sequences count as they stand."""
    if is_zero(first - second):
        return True
    opaque = {atom: sp.Dummy(real=True) for atom in (first - second).atoms(sp.Sum, AppliedUndef, Mean)}
    gap = (first - second).xreplace(opaque)
    return not differs_somewhere(gap) and vanishes(gap)


def differs_somewhere(gap: sp.Expr) -> bool:
    """Whether it is far from 0 at a point of small rationals, which spares long simplifications."""
    names = sorted(gap.free_symbols, key=lambda symbol: (symbol.name, symbol.dummy_index if symbol.is_Dummy else 0))
    point = {s: sp.Integer(3 + i) if s.is_integer else sp.Rational(7 + 2 * i, 11) for i, s in enumerate(names)}
    value = sp.N(gap.xreplace(point), 25)
    return bool(value.is_Float and value.is_finite and abs(value) > 1e-9)


def _given(step: Step, earlier: Mapping[str, Step]) -> bool:
    return step.left != step.right


def _has_its_slack(step: Step, earlier: Mapping[str, Step]) -> bool:
    return _follows(step.sign, step.gap, step.slack, earlier)


def _application(step: Step, earlier: Mapping[str, Step]) -> bool:
    assert step.lemma is not None
    given = {assumption.name: assumption for assumption in step.lemma.assumptions}
    if set(given) != set(step.shown):
        return False
    shown = all(
        _follows(given[name].sign, renamed(given[name].gap, step.substitution), slack, earlier)
        for name, slack in step.shown.items()
    )
    end = step.lemma.conclusion
    return shown and all(
        same(mine, renamed(theirs, step.substitution))
        for mine, theirs in ((step.left, end.left), (step.right, end.right))
    )


def _rule(step: Step, earlier: Mapping[str, Step]) -> bool:
    source = earlier[step.of]
    made = [RULES[step.rule](side, **step.arguments) for side in (source.left, source.right)]
    return same(step.left, made[0]) and same(step.right, made[1])


CHECKS: Final[Mapping[Kind, Callable[[Step, Mapping[str, Step]], bool]]] = {
    "given": _given,
    "identity": _has_its_slack,
    "inequality": _has_its_slack,
    "application": _application,
    "rule": _rule,
}


# ---------------------------------------------------------------- for a reader


class PositiveFirst(StrPrinter):
    """SymPy's text, in which a sum begins with a term without a minus: ``n - k``."""

    def _print_Add(self, expr: sp.Add, order: str | None = None) -> str:
        parts = [(part.could_extract_minus_sign(), part) for part in self._as_ordered_terms(expr, order=order)]
        text = ""
        for negative, part in sorted(parts, key=lambda item: item[0]):
            term = self.parenthesize(-part if negative else part, PRECEDENCE["Add"])
            text += f"{' - ' if negative else ' + '}{term}"
        return text[3:] if text[1] == "+" else f"-{text[3:]}"


def written(expr: sp.Expr) -> str:
    """An expression as proofs print it.

    >>> n, k = sp.symbols("n k")
    >>> written(2 * (n - k) - sp.Function("u")(n - k - 1))
    '2*n - 2*k - u(n - k - 1)'
    """
    return str(PositiveFirst().doprint(expr))


def printed(proof: Proof, above: Collection[str] = ()) -> Iterator[str]:
    """The proof as a person reads it: lemmas first, every statement with its kind and what it rests on.

    Not the lemmas whose titles are in ``above``.
    """
    for part in (*proof.lemmas().values(), proof):
        if part.title in above:
            continue
        yield part.title
        for number, step in enumerate(part.steps.values(), start=1):
            mark = "assumed" if step.kind == "given" else step.kind if part.follows(step.name) else "OPEN"
            yield f"{number:4} {mark:12} {step.name}" + (f": {step.says}" if step.says else "")
            yield f"{'':17} {step}"
            if reason := _reason(step):
                yield f"{'':17} {reason}"
        yield ""


def tally(proof: Proof) -> dict[Kind, int]:
    """Kind -> how many statements of it, lemmas included, each lemma once."""
    parts = {**proof.lemmas(), proof.title: proof}
    return dict(Counter(step.kind for part in parts.values() for step in part.steps.values()))


def _reason(step: Step) -> str:
    """Why a statement holds."""
    if step.kind == "application" and step.lemma is not None:
        values = ", ".join(f"{written(symbol)} = {written(value)}" for symbol, value in step.substitution.items())
        return f"by '{step.lemma.title}'" + (f" with {values}" if values else "")
    if step.kind == "rule":
        return f"by the rule '{step.rule}' on [{step.of}]"
    return f"since right - left = {written(step.slack)}" if step.slack != 0 else ""
