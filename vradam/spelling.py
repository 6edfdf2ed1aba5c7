"""Names that other libraries use for the hyper-parameters, and what to write here instead."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields
from functools import wraps
from typing import Any, Final, TypeVar

Kind = TypeVar("Kind", bound=type)

#: Name elsewhere -> name here.
HERE: Final[Mapping[str, str]] = {
    "lr": "alpha0",
    "learning_rate": "alpha0",
    "alpha": "alpha0",
    "momentum": "beta1",
    "b1": "beta1",
    "b2": "beta2",
    "rho": "beta2",
    "epsilon": "eps",
    "decay": "weight_decay",
    "wd": "weight_decay",
    "clip": "alpha1",
    "gate_strength": "beta3",
}


def spelt(kind: Kind) -> Kind:
    """A class decorator: a hyper-parameter under a name it does not have here is answered with the name it has.

    >>> from dataclasses import dataclass
    >>> @spelt
    ... @dataclass
    ... class Sgd:
    ...     alpha0: float = 0.1
    >>> Sgd(lr=0.5)
    Traceback (most recent call last):
        ...
    TypeError: Sgd has no hyper-parameter lr: write alpha0=0.5
    """
    plain: Callable[..., None] = vars(kind)["__init__"]

    @wraps(plain)
    def checked(self: Any, *values: Any, **named: Any) -> None:
        known = [field.name for field in fields(kind)]
        if values:
            first = values[0]
            how = "**{...}" if isinstance(first, Mapping) else f"{known[0]}={first!r}"
            raise TypeError(f"{kind.__name__} takes its hyper-parameters by name: write {kind.__name__}({how})")
        for name, value in named.items():
            if name not in known:
                raise TypeError(f"{kind.__name__} has no hyper-parameter {name}: {_instead(name, value, known)}")
        plain(self, **named)

    kind.__init__ = checked  # type: ignore[misc]
    return kind


def _instead(name: str, value: Any, known: list[str]) -> str:
    if name == "betas" and "beta1" in known:
        pair = tuple(value) if isinstance(value, tuple | list) else ()
        if len(pair) == 2 and "beta2" in known:
            return f"write beta1={pair[0]!r}, beta2={pair[1]!r}"
        return "write beta1=... and, where there is one, beta2=..."
    if HERE.get(name) in known:
        return f"write {HERE[name]}={value!r}"
    return f"it has {', '.join(known)}"
