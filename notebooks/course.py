"""What a lesson uses: sentences that are held to what was computed, and scenes of the explorer in place of sliders."""

from __future__ import annotations

import re
from decimal import Decimal
from html import escape
from typing import Any

from explorer.state import NEEDS, encode

#: A number in a sentence: not part of a word, and not a digit of an exponent or an index.
NUMBER = re.compile(r"(?<![\w.^_])[-+]?\d+(?:\.\d+)?(?:e[-+]?\d+)?(?: ?%)?")


def said(sentence: str, *values: float | bool) -> None:
    """Hold a sentence of the lesson to what was computed.

    Parameters
    ----------
    sentence : str
        Words as they stand in the lesson's text, which a test compares.
    values : float or bool
        True for a sentence without numbers; otherwise what was computed for each number of the sentence, in its order,
        a share where the sentence says per cent.

    Raises
    ------
    AssertionError
        If a number rounded to the digits that the sentence gives is another one, or a condition is false.
    ValueError
        If the sentence has another count of numbers than values were given.

    >>> said("clipped in 47 % of the steps", 0.4712)
    >>> said("the largest is 2.697", 2.71)
    Traceback (most recent call last):
    ...
    AssertionError: the text says "the largest is 2.697", computed: 2.71
    """
    if values and all(isinstance(value, bool) or type(value).__name__ == "bool" for value in values):
        assert all(values), f'the text says "{sentence}", which is not so'
        return
    numbers = NUMBER.findall(sentence)
    if len(numbers) != len(values):
        raise ValueError(f"the sentence must have {len(values)} numbers, one for each value, got {sentence!r}")
    for text, value in zip(numbers, values, strict=True):
        plain = Decimal(text.rstrip(" %"))
        unit = Decimal(10) ** int(plain.as_tuple().exponent)
        computed = float(value) * (100 if text.endswith("%") else 1)
        near = abs(computed - float(plain)) <= 0.5000001 * float(unit)
        assert near, f'the text says "{sentence}", computed: {float(value):g}'


class Scene:
    """A scene of the explorer in the output of a cell: its widget, or where anywidget is missing its address.

    The scene asks for no prediction first (``guess="shown"``): the lesson has just shown what there is to see.

    >>> Scene("cycle", alpha0=30.0, x=14.0, v=-0.7).address[:49]
    '../explorer/explorer.html#1&scene=cycle&optimizer'
    """

    def __init__(self, name: str, **fields: Any) -> None:
        chosen = {key: choices[0] for key, choices in NEEDS.get(name, {}).items()}
        self.fragment = encode({"scene": name, "guess": "shown"} | chosen | fields)
        self.address = f"../explorer/explorer.html#{self.fragment.lstrip('#')}"

    def __repr__(self) -> str:
        return f"The explorer: {self.address}"

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        link = f'<a class="scene" href="{escape(self.address)}">Move the sliders: this scene in the explorer</a>'
        bundle: dict[str, Any] = {"text/plain": repr(self), "text/html": link}
        try:
            from explorer.widget import Explorer
        except ModuleNotFoundError:
            return bundle
        found: Any = Explorer(fragment=self.fragment)._repr_mimebundle_() or {}
        return (found[0] if isinstance(found, tuple) else found) | bundle
