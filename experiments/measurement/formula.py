"""Numbers out of formulas: the theory's expressions, called with the optimizer's own names."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
import sympy as sp


def evaluate(expr: sp.Expr, **values: Any) -> Any:
    """The value of ``expr`` at ``values``, named as in :data:`theory.SYMBOLS`; extra names are ignored.

    Raises
    ------
    ValueError
        If a symbol of ``expr`` has no value.

    >>> from theory.notation import alpha0, alpha1
    >>> float(evaluate(alpha0 / (1 + alpha1), alpha0=1.0, alpha1=3.0, beta1=0.9))
    0.25
    """
    names = tuple(sorted(symbol.name for symbol in expr.free_symbols))
    missing = [name for name in names if name not in values]
    if missing:
        raise ValueError(f"values must hold every symbol of {expr}, got none for {', '.join(missing)}")
    return _compiled(expr, names)(*(np.asarray(values[name], dtype=float)[()] for name in names))


@lru_cache(maxsize=256)
def _compiled(expr: sp.Expr, names: tuple[str, ...]) -> Any:
    by_name = {symbol.name: symbol for symbol in expr.free_symbols}
    return sp.lambdify([by_name[name] for name in names], expr, "numpy")
