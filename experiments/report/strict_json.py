"""Stored JSON is data, whoever wrote it: read strictly, within limits, and checked before anything relies on it.

There is no evaluation of text anywhere. Malformed data raise ValueError and nothing else.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from typing import Any, Final, get_args

from experiments.measurement.verdict import Verdict
from experiments.report.ledger import NOT_RUN

#: No stored JSON may be larger than this (bytes), no whole number in it longer (digits), nothing nested more deeply;
#: no list of claims longer.
LIMIT: Final = 5_000_000
DIGITS: Final = 20
DEPTH: Final = 50
CLAIMS: Final = 200

VERDICTS: Final = (*get_args(Verdict), NOT_RUN)
KINDS: Final = ("equality", "upper bound", "lower bound")


def read_json(raw: bytes) -> Any:
    """Strict JSON: UTF-8, keys not repeated, numbers finite; NaN and Infinity are no JSON.

    >>> read_json(b'{"a": [1, 2.5, "inf"]}')
    {'a': [1, 2.5, 'inf']}
    >>> read_json(b'{"a": 1, "a": 2}')
    Traceback (most recent call last):
    ...
    ValueError: keys must not be repeated, got 'a'

    Raises
    ------
    ValueError
        If ``raw`` is no such text, or larger than :data:`LIMIT`.
    """
    if len(raw) > LIMIT:
        raise ValueError(f"must have at most {LIMIT} bytes, got {len(raw)}")
    try:
        data = json.loads(
            raw.decode("utf-8"),
            object_pairs_hook=_object,
            parse_float=_finite,
            parse_int=_whole,
            parse_constant=_no_number,
        )
    except RecursionError as error:
        raise ValueError("must not be nested this deeply") from error
    layer = [data]
    for _ in range(DEPTH):
        layer = [item for value in layer if isinstance(value, dict | list) for item in _parts(value)]
    if layer:
        raise ValueError(f"must not be nested more than {DEPTH} deep")
    return data


def read_entries(raw: bytes) -> list[dict[str, Any]]:
    """The entries of a ``claims.json``: everything that the ledger shows of them is there and of its kind.

    Raises
    ------
    ValueError
        Naming the entry and the field that is missing or wrong.
    """
    entries = read_json(raw)
    if not isinstance(entries, list) or len(entries) > CLAIMS:
        raise ValueError(f"claims must be a list of at most {CLAIMS} entries")
    for i, entry in enumerate(entries):
        _require(entry, f"claims[{i}]", ENTRY)
        if entry["verdict"] != NOT_RUN:
            _require(entry["setup"], f"claims[{i}].setup", {})
            _require(entry["provenance"], f"claims[{i}].provenance", {"date": _is_text})
        numeric, place = entry["numeric"], f"claims[{i}].numeric"
        if isinstance(numeric, dict) and "predicted" in numeric:  # of a record made before it was called so
            numeric["claimed"] = numeric.pop("predicted")
        _require(numeric, place, NUMERIC)
        also = numeric.get("also", [])
        if not isinstance(also, list):
            raise ValueError(f"{place}.also must be a list, got {type(also).__name__}")
        for point, here in ((numeric, place), *((other, f"{place}.also[{j}]") for j, other in enumerate(also))):
            _require(point, here, POINT)
            if point["measured"] is not None:
                _require(point["measured"], f"{here}.measured", MEASURED)
                _require(point["claimed"], f"{here}.claimed", CLAIMED)
    names = [entry["id"] for entry in entries]
    if len(set(names)) < len(names):
        raise ValueError("claims must have different ids")
    return entries


def _require(value: Any, place: str, fields: Mapping[str, Callable[[Any], bool]]) -> None:
    if not isinstance(value, dict):
        raise ValueError(f"{place} must be an object, got {type(value).__name__}")
    for name, is_right in fields.items():
        if name not in value:
            raise ValueError(f"{place} lacks {name}")
        if not is_right(value[name]):
            raise ValueError(f"{place}.{name} must not be {_shown(value[name])}")


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_text_or_none(value: Any) -> bool:
    return value is None or isinstance(value, str)


def _is_number(value: Any) -> bool:
    """As the ledger writes numbers: None, a JSON number, or the text of one that is not finite."""
    return value is None or value in ("inf", "-inf", "nan") or (type(value) in (int, float))


def _is_object(value: Any) -> bool:
    return isinstance(value, dict)


def _is_object_or_none(value: Any) -> bool:
    return value is None or isinstance(value, dict)


ENTRY: Final[Mapping[str, Callable[[Any], bool]]] = {
    "id": _is_text,
    "title": _is_text,
    "as_reported": _is_text,
    "verdict": lambda value: value in VERDICTS,
    "expected_verdict": lambda value: value is None or value in VERDICTS,
    "symbolic": _is_object,
    "numeric": _is_object,
    "figure": _is_text_or_none,
    "setup": _is_object_or_none,
    "provenance": _is_object_or_none,
}
NUMERIC: Final[Mapping[str, Callable[[Any], bool]]] = {"status": _is_text, "looseness": _is_number}
POINT: Final[Mapping[str, Callable[[Any], bool]]] = {"measured": _is_object_or_none, "claimed": _is_object_or_none}
MEASURED: Final[Mapping[str, Callable[[Any], bool]]] = {
    "value": _is_number,
    "low": _is_number,
    "high": _is_number,
    "quantity": _is_text,
}
CLAIMED: Final[Mapping[str, Callable[[Any], bool]]] = {
    "value": _is_number,
    "kind": lambda value: value in KINDS,
    "trivial": _is_number,
}


def _parts(value: dict[str, Any] | list[Any]) -> list[Any]:
    return list(value.values()) if isinstance(value, dict) else value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    data = dict(pairs)
    if len(data) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"keys must not be repeated, got {_shown(next(n for n in names if names.count(n) > 1))}")
    return data


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"numbers must be finite, got {text[:40]}")
    return number


def _whole(text: str) -> int:
    if len(text) > DIGITS:
        raise ValueError(f"whole numbers must have at most {DIGITS} digits, got {text[:40]}")
    return int(text)


def _no_number(text: str) -> None:
    raise ValueError(f"numbers must be finite, got {text}")


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
