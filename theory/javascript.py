"""The recursion, the objectives and the formulas as JavaScript: what a browser computes is printed from what is proved.

A step becomes a function of a run's memory ``s`` (positions, velocities, second moments, then what the gate saw), the
number ``t`` of steps before, the gradient ``g`` and the hyper-parameters ``p``; it overwrites ``s`` and returns eta_t.
The operations come in the order in which the instrument carries them out, and no product is regrouped, so that a step
of VRMomentum has the same bits there; ``Math.pow`` and the libraries behind NumPy round powers differently, so a step
of VRAdam has the same bits up to those of ``beta^t``.

>>> from theory.notation import edge
>>> print(formula("edge", edge()))
function edge(p) {
  const beta1 = p.beta1;
  return 2*(beta1 + 1)/(1 - beta1);
}
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

import sympy as sp
from sympy.printing.jscode import JavascriptCodePrinter

from theory import recursion
from theory.baselines import BASELINES, Step, learning_rate
from theory.objectives import derivatives
from theory.recursion import ALGORITHM, LAWS, Gate, Law, Signal, State, Vector

#: Functions that the printed code calls: squares and cubes are products, as in the instrument; the size of a vector is
#: its largest coordinate, and no smaller than what may be divided by.
PRELUDE: Final = """const square = (a) => a*a, cube = (a) => a*a*a;
const size = (...vector) => Math.max(1e-300, ...vector.map(Math.abs));"""
size = sp.Function("size", positive=True)


class _Printer(JavascriptCodePrinter):
    """JavaScript in which squares and cubes are products, taken before they meet another factor."""

    def _print_Pow(self, expr: sp.Pow) -> str:
        base, exponent = expr.as_base_exp()
        if abs(exponent) in (2, 3):
            power = f"{'square' if abs(exponent) == 2 else 'cube'}({self._print(base)})"
            return power if exponent > 0 else f"1/{power}"
        return str(super()._print_Pow(expr))


def code(expr: sp.Expr) -> str:
    """One expression."""
    return str(_Printer({"contract": False, "user_functions": {"size": "size"}}).doprint(expr))


# ---------------------------------------------------------------- programs: assignments in their order


@dataclass
class Program:
    """Assignments in the order in which they are carried out; a name stands for its value in what follows."""

    values: dict[sp.Symbol, sp.Expr] = field(default_factory=dict)

    def let(self, name: str, value: Any) -> Any:
        """``const name = value``; returns the symbol, or a column of symbols where the value is a column."""
        if isinstance(value, sp.MatrixBase):
            return sp.Matrix([self.let(f"{name}{i}", entry) for i, entry in enumerate(value)])
        symbol = sp.Symbol(name, real=True)
        self.values[symbol] = value
        return symbol

    def expanded(self, expr: sp.Expr) -> sp.Expr:
        """``expr`` with every name replaced by its value."""
        for symbol, value in reversed(self.values.items()):
            expr = expr.subs(symbol, value)
        return expr

    def needed(self, outputs: Iterable[sp.Basic]) -> dict[sp.Symbol, sp.Expr]:
        """The assignments that the outputs depend on, in their order."""
        wanted = set().union(*(expr.free_symbols for expr in outputs))
        for symbol, value in reversed(self.values.items()):
            if symbol in wanted:
                wanted |= value.free_symbols
        return {symbol: value for symbol, value in self.values.items() if symbol in wanted}


def function(name: str, arguments: str, lines: Iterable[str]) -> str:
    """A function of the given name whose body is the given lines."""
    return "\n".join([f"function {name}({arguments}) {{", *(f"  {line}" for line in lines), "}"])


def _loaded(expressions: Iterable[sp.Basic], known: Iterable[sp.Symbol]) -> list[str]:
    """``const beta1 = p.beta1, ...`` for every symbol that is not known otherwise."""
    free = set().union(*(expr.free_symbols for expr in expressions)) - set(known)
    names = sorted(str(symbol) for symbol in free)
    return [f"const {', '.join(f'{name} = p.{name}' for name in names)};"] if names else []


def _shared(outputs: Sequence[sp.Expr]) -> tuple[list[str], list[str]]:
    """Repeated parts as assignments, then the outputs, as code."""
    parts, reduced = sp.cse(outputs, symbols=sp.numbered_symbols("c"), optimizations=None)
    return [f"const {name} = {code(part)};" for name, part in parts], [code(expr) for expr in reduced]


# ---------------------------------------------------------------- steps


def memory(dimension: int, gate: Gate | Signal = recursion.published) -> tuple[Vector, Vector, State, list[str]]:
    """The point, the gradient and the state before the step as symbols, and the code that reads them."""
    x, v, m, g = (sp.Matrix(sp.symbols(f"{name}0:{dimension}", real=True)) for name in "xvmg")
    seen: Any = sp.Symbol("K", nonnegative=True)  # what the law remembers
    if isinstance(gate, Signal) and gate.average != 0:
        seen = sp.Matrix([seen, sp.Symbol("own", real=True)])
    elif gate is recursion.per_coordinate:
        seen = sp.Matrix(sp.symbols(f"K0:{dimension}", nonnegative=True))
    t = sp.Symbol("t", integer=True, nonnegative=True)
    before = State(v, m, seen, t)
    slots = _slots(x, before, gate)
    reading = [f"{symbol} = s[{i}]" for i, symbol in slots.items()] + [f"{h} = g[{i}]" for i, h in enumerate(g)]
    return x, g, before, [f"const {', '.join(reading)};"]


def gated_program(
    program: Program, adaptive: bool, gate: Gate | Signal, law: Law, x: Vector, g: Vector, before: State
) -> tuple[Vector, State, Any]:
    """One step of VRAdam (``adaptive``) or VRMomentum, assigned to names in ``program``: x_t, the state, eta_t."""
    c = ALGORITHM
    step = program.let("step", before.step + 1)
    m, P = before.second_moment, sp.ones(len(x), 1)
    first, second = (program.let(f"correction{i}", 1 - beta**step) for i, beta in ((1, c.beta1), (2, c.beta2)))
    if adaptive:
        m = program.let("moment", recursion.second_moment(before.second_moment, g, c))
        P = program.let("metric", m.applyfunc(lambda component: sp.sqrt(component / second) + c.eps))
    if gate is recursion.inside:
        seen = program.let("seen", gate(before, before.velocity, g, c))
        opening = program.let("opening", recursion.gamma_of(gate, seen, step, c, True))
        v = program.let("velocity", recursion.velocity(before.velocity, program.let("entering", opening * g), c))
        eta, rate = c.alpha0, program.let("rate", c.alpha0 * opening)
    else:
        v = program.let("velocity", recursion.velocity(before.velocity, g, c))
        if isinstance(gate, Signal) and gate.between:
            gate = _named_cosine(program, gate, before, v, g, P)
        seen = program.let("seen", recursion.gate_remembers(gate, law, before, v, g, P, c, True))
        opening = program.let("opening", recursion.gamma_of(gate, seen, step, c, True, law))
        top = program.let("top", c.alpha0 * law.ceiling(c))
        eta = rate = program.let("eta", top * opening)
        if gate is recursion.per_coordinate:
            rate = top * (sum(opening, sp.Integer(0)) / len(opening))
    direction = recursion.adam_direction(v, m, first, second, c) if adaptive else v
    if adaptive:
        direction = program.let("direction", direction)
    return recursion._move(x, eta, direction, c), State(v, m, seen, step), rate


def _named_cosine(program: Program, gate: Signal, before: State, v: Vector, g: Vector, P: Vector) -> Signal:
    """The gate with its cosine computed before, of vectors divided by their sizes: no square is too large or small."""
    assert gate.between is not None
    one, other = (
        program.let(f"scaled_{name}_", vector / program.let(f"size_{name}", size(*vector)))
        for name, vector in zip(("first", "second"), gate.between(before, v, g), strict=True)
    )
    value = program.let("cosine", recursion.cosine(one, other, P))
    return replace(gate, c=lambda *_: value)


def gated_step(name: str, adaptive: bool, gate: Gate | Signal, law: Law, dimension: int) -> str:
    """One step of VRAdam or VRMomentum as a function of a run's memory."""
    x, g, before, reading = memory(dimension, gate)
    program = Program()
    moved, after, rate = gated_program(program, adaptive, gate, law, x, g, before)
    stored = _slots(moved, after, gate)
    needed = program.needed([*stored.values(), rate])
    known = [*x, *g, *_slots(x, before, gate).values(), before.step, *needed]
    assignments = [f"const {symbol} = {code(value)};" for symbol, value in needed.items()]
    loading = _loaded([*needed.values(), *stored.values(), rate], known)
    lines = [*reading, *loading, *assignments, *_storing(stored), f"return {code(rate)};"]
    return function(name, "s, t, g, p", lines)


def baseline_step(name: str, step: Step, dimension: int) -> str:
    """One step of an optimizer without a gate as a function of a run's memory."""
    x, g, before, reading = memory(dimension)
    moved, after = step(x, g, before, ALGORITHM)
    results = [*_slots(moved, after).values(), learning_rate(step.__name__, after.step)]
    shared, (*stored, rate) = _shared(results)
    loading = _loaded(results, [*x, *g, *_slots(x, before).values(), before.step])
    writing = [f"s[{i}] = {text};" for i, text in enumerate(stored)]
    return function(name, "s, t, g, p", [*reading, *loading, *shared, *writing, f"return {rate};"])


def _slots(x: Vector, state: State, gate: Gate | Signal = recursion.published) -> dict[int, sp.Expr]:
    """Place in a run's memory -> what stands there: x, v, m, what the law remembers, and last what a form does."""
    d, seen = len(x), state.kinetic
    if isinstance(gate, Signal) and gate.average != 0:
        return _slots(x, state._replace(kinetic=seen[0])) | {4 * d: seen[1]}
    return dict(enumerate([*x, *state.velocity, *state.second_moment, *sp.Matrix([seen])]))


def _storing(slots: Mapping[int, sp.Expr]) -> list[str]:
    return [f"s[{i}] = {code(value)};" for i, value in slots.items()]


#: Numbers of the forms that see a cosine, which have no average where ``average`` is 0.
FOLLOWED: Final = (
    sp.Symbol("k", positive=True),
    sp.Symbol("target", real=True),
    sp.Symbol("average", nonnegative=True),
)
#: The forms of the gate by name.
GATES: Final[Mapping[str, Gate | Signal]] = {
    "published": recursion.published,
    "predictable": recursion.predictable,
    "inside": recursion.inside,
    "gradient_norm": recursion.gradient_norm,
    "per_coordinate": recursion.per_coordinate,
    "power3": recursion.power(3),
    "power4": recursion.power(4),
    "adam_metric": recursion.adam_metric,
    "alignment": recursion.alignment(*FOLLOWED),
    "autocorrelation": recursion.autocorrelation(*FOLLOWED),
}
#: Every form with every law, but the one that acts on the gradient.
FORMS: Final = tuple((gate, law) for gate in GATES for law in LAWS if gate != "inside" or law == "published")


def steps(dimensions: Sequence[int] = (1, 2)) -> dict[str, str]:
    """Name -> code of every step: ``<optimizer>_<gate>_<law>_<d>`` with a gate, ``<optimizer>_<d>`` without."""
    printed = {}
    for d in dimensions:
        for algorithm, adaptive in (("vradam", True), ("vrmomentum", False)):
            for gate, law in FORMS:
                name = f"{algorithm}_{gate}_{law}_{d}"
                printed[name] = gated_step(name, adaptive, GATES[gate], LAWS[law], d)
        for algorithm, step in BASELINES.items():
            printed[f"{algorithm}_{d}"] = baseline_step(f"{algorithm}_{d}", step, d)
    return printed


# ---------------------------------------------------------------- objectives and formulas


def objective(name: str, formula_of: Callable[[Sequence[sp.Symbol]], sp.Expr], dimension: int) -> dict[str, str]:
    """``name(x, p, out)`` writes F, its gradient and the upper half of its Hessian; ``name_gradient`` the gradient."""
    x = sp.symbols(f"x0:{dimension}", real=True)
    F = derivatives(formula_of(x), x)
    upper = [F.hessian[i][j] for i in range(dimension) for j in range(i, dimension)]
    reading = f"const {', '.join(f'{symbol} = x[{i}]' for i, symbol in enumerate(x))};"
    printed = {}
    for suffix, outputs in (("", [F.value, *F.gradient, *upper]), ("_gradient", F.gradient)):
        shared, results = _shared(outputs)
        writing = [f"out[{i}] = {result};" for i, result in enumerate(results)]
        lines = [reading, *_loaded(outputs, x), *shared, *writing]
        printed[name + suffix] = function(name + suffix, "x, p, out", lines)
    return printed


def linear_step(name: str) -> str:
    """One step of momentum with the step size ``s`` on a curvature of 1: ``z = (x, v)`` is overwritten; p has beta1."""
    x, v, size = sp.symbols("x v s", real=True)
    moved, velocity = recursion.momentum(x, v, x, size, replace(ALGORITHM, weight_decay=sp.Integer(0)))
    reading = ["const x = z[0], v = z[1];", *_loaded([moved, velocity], [x, v, size])]
    shared, (one, other) = _shared([moved, velocity])
    return function(name, "z, s, p", [*reading, *shared, f"z[0] = {one};", f"z[1] = {other};"])


def formula(name: str, expr: sp.Expr) -> str:
    """A function of the hyper-parameters ``p`` that returns one number.

    Raises
    ------
    ValueError
        If ``name`` is no identifier.
    """
    if not name.isidentifier():
        raise ValueError(f"name must be an identifier, got {name!r}")
    shared, (result,) = _shared([expr])
    return function(name, "p", [*_loaded([expr], ()), *shared, f"return {result};"])
