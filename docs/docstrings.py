"""A Sphinx extension: a docstring's ``|x|`` is an absolute value, not the substitution that reStructuredText reads."""

from __future__ import annotations

import re
from typing import Any, Final

_LITERAL: Final = re.compile(r"(``.*?``|:math:`.*?`)")


def with_plain_bars(lines: list[str]) -> list[str]:
    r"""The lines with every bar escaped that stands in prose: not in literals, code, formulas or the rules of a table.

    >>> with_plain_bars(["Where |g| > 1, see ``a | b``.", ">>> 1 | 2", "", ".. math::", "   |v|", "", "so |x|"])[0]
    'Where \\|g\\| > 1, see ``a | b``.'
    >>> with_plain_bars([">>> 1 | 2", "", ".. math::", "", "    |v|", "so |x|"])
    ['>>> 1 | 2', '', '.. math::', '', '    |v|', 'so \\|x\\|']
    """
    found, code = [], None  # code: the indentation of a directive's or a doctest's block
    for line in lines:
        depth = len(line) - len(line.lstrip())
        if code is not None and line.strip() and depth <= code:
            code = None
        if line.lstrip().startswith((">>>", "...")):
            found.append(line)
            continue
        if line.lstrip().startswith(".. ") or line.rstrip().endswith("::"):
            code = depth
        plain = code is None and not line.lstrip().startswith(("|", "+-"))
        parts = _LITERAL.split(line)
        found.append(
            "".join(part if k % 2 else part.replace("|", r"\|") for k, part in enumerate(parts)) if plain else line
        )
    return found


def _escape(app: Any, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    lines[:] = with_plain_bars(lines)


def by_name(signature: str) -> str:
    """A signature whose defaults that have a name are named.

    >>> by_name("(*, gate=GateForm(name='published', exponent=2.0, signal=None), law=Published(name='published'))")
    '(*, gate=published, law=published)'
    """
    return re.sub(r"\w+\(name='([^']*)'[^()]*\)", r"\1", signature)


def _short(app: Any, what: str, name: str, obj: Any, options: Any, signature: str | None, returns: str | None) -> Any:
    return None if signature is None else (by_name(signature), returns)


def setup(app: Any) -> dict[str, bool]:
    """Escape after numpydoc has made its sections."""
    app.connect("autodoc-process-signature", _short)
    app.connect("autodoc-process-docstring", _escape, priority=900)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
