"""Certificates are read strictly: exact numbers as text, limited sizes, no unknown, missing or repeated keys."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from functools import cache
from typing import Any, TypeVar, overload

T = TypeVar("T")

MAX_BYTES = 400_000
MAX_DIGITS = 600
MAX_ITEMS = 2_000

_RATIONAL = re.compile(rf"-?[0-9]{{1,{MAX_DIGITS}}}(/[0-9]{{1,{MAX_DIGITS}}})?")


def parse(raw: bytes) -> dict[str, Any]:
    """Strict JSON: UTF-8, one object, no repeated keys, no floating-point numbers, no NaN or Infinity.

    >>> parse(b'{"kind": "cycle", "S": 30.0}')
    Traceback (most recent call last):
    ...
    ValueError: numbers must be strings "p/q" or integers, got 30.0
    """
    try:
        data = json.loads(
            raw.decode("utf-8"),
            object_pairs_hook=_object,
            parse_float=_no_float,
            parse_constant=_no_float,
            parse_int=_integer,
        )
    except UnicodeDecodeError as error:
        raise ValueError("a certificate must be UTF-8 text") from error
    except json.JSONDecodeError as error:
        raise ValueError(f"a certificate must be JSON: {error}") from error
    except RecursionError as error:
        raise ValueError("a certificate must not be nested this deeply") from error
    if not isinstance(data, dict):
        raise ValueError(f"a certificate must be a JSON object, got {type(data).__name__}")
    return data


def require_keys(data: Mapping[str, Any], keys: Sequence[str]) -> None:
    """``data`` has ``kind`` and exactly the ``keys``; ValueError names what is missing or unknown."""
    kind = data.get("kind")
    missing = sorted(set(keys) - set(data))
    unknown = sorted(str(key) for key in set(data) - set(keys) - {"kind"})
    if missing:
        raise ValueError(f"a {kind} certificate lacks the keys {', '.join(missing)}")
    if unknown:
        raise ValueError(f"a {kind} certificate has no keys {shown(', '.join(unknown))}")


def rational(value: Any, name: str) -> Fraction:
    """The rational number behind the text ``"p/q"`` (lowest terms, q > 1) or ``"p"``.

    >>> rational("-7/20", "trace")
    Fraction(-7, 20)
    >>> rational("2/4", "trace")
    Traceback (most recent call last):
    ...
    ValueError: trace must be in lowest terms, 1/2, got '2/4'
    """
    if not isinstance(value, str) or _RATIONAL.fullmatch(value) is None:
        raise ValueError(f'{name} must be a string "p/q" or "p" of at most {MAX_DIGITS} digits, got {shown(value)}')
    numerator, _, denominator = value.partition("/")
    if denominator and int(denominator) == 0:
        raise ValueError(f"{name} must have a denominator > 0, got {shown(value)}")
    number = Fraction(int(numerator), int(denominator or "1"))
    if str(number) != value:
        raise ValueError(f"{name} must be in lowest terms, {shown(str(number), quote=False)}, got {shown(value)}")
    return number


def items(value: Any, name: str, length: int | None = None) -> list[Any]:
    """``value`` is a list of 1 to MAX_ITEMS entries (exactly ``length`` of them if given)."""
    if not isinstance(value, list) or not 1 <= len(value) <= MAX_ITEMS:
        raise ValueError(f"{name} must be a list of 1 to {MAX_ITEMS} entries, got {shown(value)}")
    if length is not None and len(value) != length:
        raise ValueError(f"{name} must have {length} entries, got {len(value)}")
    return value


class Read(Sequence[T]):
    """Entries of a certificate, each read when it is first asked for."""

    def __init__(self, entries: Sequence[Any], read: Callable[[Any], T]) -> None:
        self.entries, self.read = entries, cache(lambda k: read(entries[k]))

    def __len__(self) -> int:
        return len(self.entries)

    @overload
    def __getitem__(self, k: int) -> T: ...

    @overload
    def __getitem__(self, k: slice) -> tuple[T, ...]: ...

    def __getitem__(self, k: int | slice) -> T | tuple[T, ...]:
        places = range(len(self))[k]
        return self.read(places) if isinstance(places, int) else tuple(map(self.read, places))


def interval(value: Any, name: str) -> tuple[Fraction, Fraction]:
    """A pair of rationals, the lower end below the upper one."""
    low, high = (rational(end, name) for end in items(value, name, 2))
    if not low < high:
        raise ValueError(f"{name} must be a pair [low, high] with low < high, got {shown(value)}")
    return low, high


def count(value: Any, name: str) -> int:
    """A non-negative JSON integer."""
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise ValueError(f"{name} must be an integer >= 0, got {shown(value)}")
    return value


def flag(value: Any, name: str) -> bool:
    """A JSON boolean."""
    if not isinstance(value, bool):
        raise ValueError(f"{name} must be true or false, got {shown(value)}")
    return value


def shown(value: Any, quote: bool = True) -> str:
    """``value`` for an error message, cut to a readable length."""
    text = repr(value) if quote else str(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    data = dict(pairs)
    if len(data) != len(pairs):
        raise ValueError(f"keys must not be repeated, got {shown([key for key, _ in pairs])}")
    return data


def _no_float(text: str) -> None:
    raise ValueError(f'numbers must be strings "p/q" or integers, got {shown(text, quote=False)}')


def _integer(text: str) -> int:
    if len(text) > 20:
        raise ValueError(f"integers must have at most 20 digits, got {shown(text)}")
    return int(text)
