"""Files and datasets with a few random changes: bytes, values of JSON, variables."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import numpy as np
import xarray as xr

TOKENS = [
    b"null", b"true", b"-1", b"0", b"1e999", b"NaN", b"-Infinity", b'""', b"[]", b"{}", b'"1/0"', b'"1/2"', b'"0.5"',
    b"[[[[[[[[", b'{"kind":', b"\xff", b"\x00", b"\xed\xa0\x80", b"\\ud800", b"9" * 30, b'"' + b"9" * 700 + b'"', b",",
    b":", b"  ", b"../", b"\r\n", b"e", b"/", b"__import__('os')", b"cos\nsystem\n", b"\x89HDF\r\n\x1a\n", b"\xff" * 8,
]  # fmt: skip
VALUES: list[Any] = [
    None, True, False, 0, -1, 2, 10**19, 10**40, 0.5, 1e308, float("nan"), float("inf"), "", "0", "-1", "1/2", "2/4",
    "1/0", "nan", "inf", "9" * 601, "1/" + "9" * 601, "\ud800", "é", "__import__('os')", [], {}, [[]], [1, [2, [3]]],
    {"kind": "cycle"}, ["0", "1"], "cycle", "gate_word", "equality", "verified", "x" * 10_000,
]  # fmt: skip


def bytes_mutated(content: bytes, draw: random.Random) -> bytes:
    """One to four changes of bytes: bits flipped, pieces cut, doubled, moved, replaced by something suggestive."""
    data = bytearray(content)
    for _ in range(draw.randint(1, 4)):
        at = draw.randrange(len(data) + 1)
        length = draw.choice([1, 1, 2, 4, 8, draw.randint(1, 200)])
        kind = draw.randrange(8)
        if kind == 0 and at < len(data):
            data[at] ^= 1 << draw.randrange(8)
        elif kind == 1:
            data[at : at + length] = draw.randbytes(length)
        elif kind == 2:
            del data[at : at + length]
        elif kind == 3:
            del data[at:]
        elif kind == 4:
            data[at:at] = draw.choice(TOKENS)
        elif kind == 5:
            data[at : at + length] = draw.choice(TOKENS)
        elif kind == 6:
            data[at:at] = data[at : at + length]
        else:
            start = draw.randrange(len(data) + 1)
            data[at : at + length] = data[start : start + length]
    return bytes(data)


def json_mutated(content: bytes, draw: random.Random) -> bytes:
    """One to three changes of the values in a JSON text: replaced, removed, doubled, renamed, exchanged."""
    data = json.loads(content)
    for _ in range(draw.randint(1, 3)):
        places = list(_places(data))
        if not places:
            break
        holder, key = draw.choice(places)
        kind = draw.randrange(6)
        if kind <= 1:
            holder[key] = deepcopy(draw.choice(VALUES))
        elif kind == 2:
            del holder[key]
        elif kind == 3:
            other, there = draw.choice(places)
            if there in other if isinstance(other, dict) else there < len(other):
                holder[key] = json.loads(json.dumps(other[there]))
        elif kind == 4 and isinstance(holder, list):
            holder[key:key] = [holder[key]] * (draw.choice([1, 3, 2001]) if len(places) < 3000 else 1)
        elif kind == 4:
            holder[draw.choice(["", "kind", "comment", str(key).upper(), "\ud800"])] = holder[key]
        elif isinstance(holder[key], str):
            text = holder[key]
            at = draw.randrange(len(text) + 1)
            holder[key] = text[:at] + draw.choice("0123456789/-. eé") + text[at + draw.randrange(2) :]
    return json.dumps(data, indent=draw.choice([None, 1])).encode("utf-8", "surrogatepass")


def _places(data: Any) -> Iterator[tuple[Any, Any]]:
    """Every place of a JSON value, as its holder and the key or index there."""
    waiting = [data]
    while waiting:
        holder = waiting.pop()
        keys = list(holder) if isinstance(holder, dict) else range(len(holder))
        for key in keys:
            yield holder, key
            if isinstance(holder[key], dict | list):
                waiting.append(holder[key])


def dataset_mutated(content: xr.Dataset, draw: random.Random) -> xr.Dataset:
    """One to three changes of a dataset's variables and attributes."""
    dataset = content.copy()
    for _ in range(draw.randint(1, 3)):
        name = draw.choice([*dataset.variables, *dataset.attrs, "extra"])
        value = draw.choice([0, 1.5, "", "open", "nonsense", np.arange(3), np.array([]), "a\x01b", -(2**62)])
        kind = draw.randrange(5)
        if kind == 0 and name in dataset.variables:
            dataset = dataset.drop_vars(name)
        elif kind == 1 and name in dataset.attrs:
            del dataset.attrs[name]
        elif kind == 2:
            odd = xr.Variable(f"other_{name}", np.asarray(draw.choice([[0], [1.5, 2.0], ["a"]])))
            dataset = dataset.drop_vars(name, errors="ignore").assign({name: odd})
        elif kind == 3 and name in dataset.variables:
            dataset = dataset.drop_vars(name).assign({f"{name}s": ((), 1.0)})
        else:
            dataset.attrs[name] = value
    return dataset
