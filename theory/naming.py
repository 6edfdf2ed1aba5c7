"""Names of formulas for people, and formulas for a terminal; programs keep the names of :class:`theory.claim.Claim`."""

from __future__ import annotations

import re
import sys
import textwrap
from collections.abc import Iterable, Mapping
from typing import Final

import sympy as sp

from theory.notation import LATEX

#: Names that their words alone would not explain.
NAMES: Final[Mapping[str, str]] = {
    "neimark_sacker": "Neimark-Sacker point",
    "cqlf_limit": "limit of a common Lyapunov function",
    "cqlf_limit_zero": "limit of a common Lyapunov function, gates down to 0",
    "cqlf_in_scale": "limit of a common Lyapunov function, as alpha0 L",
    "period4_threshold": "threshold of the period-4 cycle",
    "period4_beta1": "smallest beta1 of the period-4 cycle",
    "period4_kinetic": "kinetic energy of the period-4 cycle",
    "global_beta1": "largest beta1 of the global threshold",
    "gate_decay_star": "smallest gate decay",
    "gate_decay_sufficient": "sufficient gate decay",
    "two_gate_word": "two step sizes in turn (unstable where positive)",
    "two_gate_limit": "two step sizes in turn, the other tending to 0",
    "two_gate_alpha1": "clip at which two step sizes in turn are unstable",
    "gate_sequences": "threshold for any gates",
    "mass_along": "effective mass along the velocity",
    "mass_across": "effective mass across the velocity",
    "velocity_squared": "square of the velocity",
    "asymmetric_end": "end of the asymmetric orbit",
    "alpha1_small": "clip below which any gates are safe",
    "grad_bound": "bound on the gradient",
}


def named(name: str) -> str:
    """A formula's name in words.

    >>> named("theorem2"), named("limit_theorem4"), named("neimark_sacker"), named("upper_end")
    ('Theorem 2', 'limit of Theorem 4', 'Neimark-Sacker point', 'upper end')
    >>> named("theorem_beta1_zero_shares"), named("theorem_b"), named("price_limit")
    ('theorem (beta1 = 0, in shares)', 'theorem (b)', 'limit of the price')
    """
    if name in NAMES:
        return NAMES[name]
    if found := re.fullmatch(r"limit_(\w+)|(\w+)_limit", name):
        inner = named(found.group(1) or found.group(2))
        return f"limit of {inner}" if inner[0].isupper() else f"limit of the {inner}"
    found = re.fullmatch(r"(.+?)((?:_beta1_zero)?)((?:_shares)?)", name)
    assert found is not None
    apart = ", ".join(["beta1 = 0"] * bool(found.group(2)) + ["in shares"] * bool(found.group(3)))
    text = re.sub(r"^theorem(\d)$", r"Theorem \1", found.group(1))
    text = re.sub(r"_([a-z])$", r" (\1)", text).replace("_", " ")
    return f"{text} ({apart})" if apart else text


def in_words(text: str, names: Iterable[str]) -> str:
    """A text in which formulas are mentioned by their names, with the names in words.

    >>> in_words("stable below global_threshold; theorem2: beta1 = 0", ["global_threshold", "theorem2"])
    'stable below the global threshold; Theorem 2: beta1 = 0'
    """
    for name in sorted(names, key=len, reverse=True):
        if "_" in name or re.fullmatch(r"theorem\d", name):
            words = named(name)
            if words[0].islower():
                text = re.sub(rf"(?<=[a-z<>=] )(?<!the ){name}\b(?!:)", f"the {words}", text)
            text = re.sub(rf"\b{name}\b", words, text)
    return text


def pretty(formula: sp.Expr, columns: int = 84, unicode: bool | None = None) -> str:
    """A formula on several lines, as SymPy prints it in a terminal; in ASCII where the output has nothing else.

    One that is wider than ``columns`` is written along the line, as in a program.

    >>> from theory.notation import L, alpha0
    >>> print(pretty(2 / (alpha0 * L), unicode=False))
       2
    --------
    L*alpha0
    """
    if unicode is None:
        unicode = (getattr(sys.stdout, "encoding", "") or "").lower().replace("-", "") in ("utf8", "utf16")
    printed = {symbol: sp.Symbol(_plain(latex)) for symbol, latex in LATEX.items()} if unicode else {}
    text = str(sp.pretty(formula.xreplace(printed), use_unicode=unicode, wrap_line=False))
    lines = [line.rstrip() for line in text.splitlines()]
    if max(map(len, lines)) > columns:
        lines = textwrap.wrap(str(formula), columns, break_long_words=False)
    return "\n".join(lines)


def _plain(latex: str) -> str:
    """The name under which SymPy prints a symbol as its LaTeX does."""
    return latex.replace(r"\infty", "oo").replace(r"\varepsilon", "epsilon").replace("\\", "")
