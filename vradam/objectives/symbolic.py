"""An objective from a SymPy expression: value, gradient and Hessian are derived, NumPy and compiled code generated.

SymPy is imported when it is needed. Every callable is a ``functools.partial`` of a module-level function with the
expressions themselves, so that an objective can be pickled; the code is generated once in every process.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache, partial
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import ArrayLike

from vradam.objectives.building import hessian_by_columns, point
from vradam.objectives.objective import Array, Kernel, Objective

if TYPE_CHECKING:
    import sympy as sp

#: What generated scalar code may call, under the names that SymPy prints: all of it is known to Numba.
SCALAR: Final[dict[str, Any]] = {
    "sin": np.sin, "cos": np.cos, "tan": np.tan, "asin": np.arcsin, "acos": np.arccos, "atan": np.arctan,
    "atan2": np.arctan2, "sinh": np.sinh, "cosh": np.cosh, "tanh": np.tanh, "asinh": np.arcsinh,
    "acosh": np.arccosh, "atanh": np.arctanh, "exp": np.exp, "log": np.log, "sqrt": np.sqrt, "sign": np.sign,
    "pi": np.pi, "e": np.e,
}  # fmt: skip
LARGEST_INTEGER: Final = 2**53
LARGEST: Final = int(np.finfo(np.float64).max)


def from_sympy(
    expression: Any,
    symbols: Iterable[Any],
    *,
    name: str = "",
    smoothness: float | None = None,
    grad_bound: float | None = None,
    minimum: float | None = None,
    minimiser: ArrayLike | None = None,
    start: ArrayLike | None = None,
) -> Objective:
    """The objective F(x) = ``expression``, whose coordinates are ``symbols`` in this order.

    Parameters
    ----------
    expression : sympy.Expr
        Real where the symbols are; it may contain no other symbols. Where a derivative jumps, as that of ``Abs`` does,
        the Hessian is that of either side.
    symbols : iterable of sympy.Symbol
        The d coordinates, each once.
    name : str
        Shown in tables and figures; the expression itself by default, where it is short.
    smoothness, grad_bound, minimum, minimiser, start
        What is known, as in :class:`~vradam.objectives.Objective`; nothing is derived.

    Returns
    -------
    Objective
        With a kernel for the compiled engine, unless the gradient needs a function that it does not have.

    Raises
    ------
    TypeError
        If ``expression`` is no expression or ``symbols`` are no symbols.
    ValueError
        If the expression contains other symbols, undefined functions or complex numbers, or a symbol is repeated or
        missing; if ``minimiser`` or ``start`` has not the shape (d,).

    Examples
    --------
    >>> import sympy
    >>> x, y = sympy.symbols("x y")
    >>> valley = from_sympy((1 - x) ** 2 + 100 * (y - x**2) ** 2, [x, y], name="valley", minimum=0.0)
    >>> valley
    Objective(valley, d = 2, F* = 0, compiled)
    >>> valley.grad([2.0, 3.0])
    array([ 802., -200.])
    """
    import sympy as sp

    try:
        given = tuple(symbols) if not isinstance(symbols, sp.Basic) else (symbols,)
    except TypeError as error:
        raise TypeError(f"symbols must be SymPy symbols, got {symbols!r}") from error
    if not isinstance(expression, sp.Expr | int | float) or isinstance(expression, bool):
        raise TypeError(f"expression must be a SymPy expression, got {type(expression).__name__}")
    if wrong := [symbol for symbol in given if not isinstance(symbol, sp.Symbol)]:
        raise TypeError(f"symbols must be SymPy symbols, got {wrong[0]!r}")
    if not given or len(set(given)) < len(given):
        raise ValueError(f"symbols must be one at least and each once, got {given}")
    formula = sp.sympify(expression)
    if other := sorted(map(str, formula.free_symbols - set(given))):
        raise ValueError(f"expression must contain no symbols but {', '.join(map(str, given))}, got {', '.join(other)}")
    if any(abs(number) > LARGEST for number in formula.atoms(sp.Integer)):
        raise ValueError(f"expression must hold numbers below the largest float, got {str(expression)[:40]}")
    if formula.has(sp.core.function.AppliedUndef, sp.I, sp.zoo, sp.nan):
        raise ValueError(f"expression must be real and of known functions, got {expression}")
    x = sp.symbols(f"x0:{len(given)}", real=True)  # real, so that the derivative of Abs is a sign
    u = sp.symbols(f"u0:{len(given)}", real=True)
    formula = formula.xreplace(dict(zip(given, x, strict=True)))
    slope = tuple(_almost_everywhere(formula.diff(symbol)) for symbol in x)
    along = sum((part * weight for part, weight in zip(slope, u, strict=True)), sp.Integer(0))
    bend = tuple(_almost_everywhere(along.diff(symbol)) for symbol in x)
    hvp = partial(_hvp, bend, x, u)
    known = {"minimiser": minimiser, "start": start}
    points = {word: None if array is None else _of_length(word, array, len(x)) for word, array in known.items()}
    return Objective(
        name=name or (str(expression) if len(str(expression)) <= 40 else "expression"),
        dim=len(x),
        value=partial(_value, formula, x),
        grad=partial(_grad, slope, x),
        hvp=hvp,
        hessian=partial(hessian_by_columns, hvp, len(x)),
        smoothness=smoothness,
        grad_bound=grad_bound,
        minimum=minimum,
        kernel=kernel_of(slope, x),
        minimiser=points["minimiser"],
        start=points["start"],
    )


def _of_length(word: str, given: ArrayLike, dim: int) -> Array:
    found = np.asarray(given, dtype=float)
    if found.shape != (dim,):
        raise ValueError(f"{word} must have shape {(dim,)}, got {found.shape}")
    return found


def _almost_everywhere(expression: sp.Expr) -> sp.Expr:
    """A derivative without the deltas at the points where it jumps."""
    import sympy as sp

    return expression.replace(sp.DiracDelta, lambda *_: sp.Integer(0))


def _value(formula: sp.Expr, x: tuple[sp.Symbol, ...], at: ArrayLike) -> Array:
    columns = point(at, len(x))
    return _evaluated((formula,), x, columns)[0]


def _grad(slope: tuple[sp.Expr, ...], x: tuple[sp.Symbol, ...], at: ArrayLike) -> Array:
    return np.stack(_evaluated(slope, x, point(at, len(x))), axis=-1)


def _hvp(
    bend: tuple[sp.Expr, ...], x: tuple[sp.Symbol, ...], u: tuple[sp.Symbol, ...], at: ArrayLike, along: ArrayLike
) -> Array:
    columns = np.broadcast_arrays(point(at, len(x)), point(along, len(x)))
    return np.stack(_evaluated(bend, x + u, np.concatenate(columns, axis=-1)), axis=-1)


def _evaluated(expressions: tuple[sp.Expr, ...], symbols: tuple[sp.Symbol, ...], columns: Array) -> list[Array]:
    """Each expression at every point, in the dtype of the points."""
    with np.errstate(all="ignore"):
        found = _numpy_code(expressions, symbols)(*np.moveaxis(columns, -1, 0))
    return [np.broadcast_to(np.asarray(part, dtype=columns.dtype), columns.shape[:-1]) for part in found]


@cache
def _numpy_code(expressions: tuple[sp.Expr, ...], symbols: tuple[sp.Symbol, ...]) -> Callable[..., list[Any]]:
    import sympy as sp

    return sp.lambdify(symbols, list(expressions), modules=["scipy", "numpy"], cse=True)


class Generated(Kernel):
    """A kernel whose code was generated; in another process it is generated again."""

    of: tuple[tuple[sp.Expr, ...], tuple[sp.Symbol, ...]]

    def __new__(cls, *values: Any, of: tuple[tuple[sp.Expr, ...], tuple[sp.Symbol, ...]], **named: Any) -> Generated:
        kernel = super().__new__(cls, *values, **named)
        kernel.of = of
        return kernel

    def __reduce__(self) -> tuple[Any, ...]:
        return kernel_of, self.of


def kernel_of(slope: tuple[sp.Expr, ...], x: tuple[sp.Symbol, ...]) -> Kernel | None:
    """The gradient as a loop over a tile for the compiled engine; None if it needs what the engine does not have."""
    text = kernel_code(slope, x)
    if text is None:
        return None
    room: dict[str, Any] = {**SCALAR, "__name__": __name__}
    exec(compile(text, __file__, "exec"), room)  # under this file's name Numba keeps the compiled code beside it
    return Generated(room["form"], np.zeros(0), separable=False, of=(slope, x))


@cache
def kernel_code(slope: tuple[sp.Expr, ...], x: tuple[sp.Symbol, ...]) -> str | None:
    """The source of ``form(x, g, parameters)``; the last term of a line is NaN where its coordinate is not finite."""
    import sympy as sp

    printer = _printer()
    large = {
        number: sp.Float(number) for part in slope for number in part.atoms(sp.Integer) if abs(number) > LARGEST_INTEGER
    }
    shared, parts = sp.cse([part.xreplace(large) for part in slope], symbols=sp.numbered_symbols("shared"))
    lines = ["def form(x, g, parameters):", "    for j in range(x.shape[1]):"]
    lines += [f"        {symbol} = x[{i}, j]" for i, symbol in enumerate(x)]
    try:
        lines += [f"        {symbol} = {printer.doprint(part)}" for symbol, part in shared]
        lines += [
            f"        g[{i}, j] = {printer.doprint(part)} + 0.0 * {symbol}"
            for i, (symbol, part) in enumerate(zip(x, parts, strict=True))
        ]
    except (NotImplementedError, ValueError, TypeError):  # SymPy cannot print it
        return None
    called = {node for part in (*parts, *(part for _, part in shared)) for node in part.atoms(sp.Function)}
    printable = ("Abs", "Max", "Min", "Heaviside", "Piecewise", *SCALAR)
    return "\n".join(lines) + "\n" if all(type(node).__name__ in printable for node in called) else None


def _printer() -> Any:
    from sympy.printing.pycode import PythonCodePrinter

    class Scalar(PythonCodePrinter):
        """Plain Python on numbers."""

        def _print_sign(self, expression: Any) -> str:
            return f"sign({self._print(expression.args[0])})"

        def _print_Heaviside(self, expression: Any) -> str:
            return f"(0.5 + 0.5 * sign({self._print(expression.args[0])}))"

    return Scalar({"fully_qualified_modules": False, "strict": True})
