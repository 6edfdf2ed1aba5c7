"""Proofs that are written when they are first read, so that importing the claims writes none."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from theory.methods.proof import Proof


class Unwritten(Proof):
    """The proof that ``write(*arguments)`` returns, written when its title or its statements are first asked for."""

    def __init__(self, write: Callable[..., Proof], *arguments: Any) -> None:
        self.write, self.arguments = write, arguments

    def __getattr__(self, name: str) -> Any:
        if name not in ("title", "steps"):
            raise AttributeError(f"a proof has no {name}")
        vars(self).update(vars(self.write(*self.arguments)))
        return vars(self)[name]

    def __reduce__(self) -> tuple[Any, ...]:
        """Another process writes it itself."""
        return unwritten, (self.write, *self.arguments)


@cache
def unwritten(write: Callable[..., Proof], *arguments: Any) -> Proof:
    """One proof for each ``write`` and its arguments, so that it is written once."""
    return Unwritten(write, *arguments)
