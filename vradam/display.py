"""How optimizers, objectives and trajectories show themselves: a line in a shell, a small table in a notebook."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, fields
from html import escape
from typing import Any

import numpy as np


def described(kind: str, *parts: str) -> str:
    """``Kind(part, part)``.

    >>> described("Objective", "bowl", "d = 2")
    'Objective(bowl, d = 2)'
    """
    return f"{kind}({', '.join(parts)})"


def shortly(value: Any) -> str:
    """A value in a few characters: an array of more than six numbers by its shape and range.

    >>> shortly(np.geomspace(1e-3, 1.0, 40)), shortly(0.1), shortly(np.array([0.5, 1.0]))
    ('array (40,) from 0.001 to 1', '0.1', '[0.5, 1]')
    """
    if isinstance(value, np.ndarray):
        if value.size > 6 or value.ndim > 1:
            return f"array {value.shape} from {value.min():.4g} to {value.max():.4g}"
        return "[" + ", ".join(f"{number:.4g}" for number in value.ravel()) + "]"
    if isinstance(value, float):
        return f"{value:.10g}"
    return str(getattr(value, "name", None) or getattr(value, "__name__", None) or repr(value))


def settings(owner: Any, all_of_them: bool = False) -> dict[str, str]:
    """The fields of a dataclass in a few characters each: those that are not their defaults, or all."""
    found = {}
    for field in fields(owner):
        value = getattr(owner, field.name)
        is_default = field.default is not MISSING and not isinstance(value, np.ndarray) and value == field.default
        if all_of_them or not is_default:
            found[field.name] = shortly(value)
    return found


def short_repr(owner: Any) -> str:
    """``__repr__`` of an optimizer: its name and the hyper-parameters that are not their defaults."""
    return described(type(owner).__name__, *(f"{name}={text}" for name, text in settings(owner).items()))


def short_html(owner: Any) -> str:
    """``_repr_html_`` of an optimizer: every hyper-parameter."""
    return listed(type(owner).__name__, settings(owner, all_of_them=True))


def listed(title: str, facts: Mapping[str, Any]) -> str:
    """A table of facts in HTML, under a title.

    >>> listed("Objective bowl", {"d": 2})
    '<table><caption>Objective bowl</caption><tbody><tr><th scope="row">d</th><td>2</td></tr></tbody></table>'
    """
    texts = {name: fact if isinstance(fact, str) else shortly(fact) for name, fact in facts.items()}
    rows = (f'<tr><th scope="row">{escape(name)}</th><td>{escape(text)}</td></tr>' for name, text in texts.items())
    return f"<table><caption>{escape(title)}</caption><tbody>{''.join(rows)}</tbody></table>"
