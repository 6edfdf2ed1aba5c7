"""Hostile files against every parser, a few hundred each; ``python tests/tools/fuzz.py`` feeds 100,000."""

import importlib
import json
import random
import sys
from pathlib import Path

import pytest

from experiments.report.strict_json import DEPTH, DIGITS, LIMIT, read_entries, read_json

sys.path.insert(0, str(Path(__file__).parent))  # for the processes that fuzz starts, too
fuzz = importlib.import_module("fuzz")


@pytest.mark.parametrize("name", fuzz.PARSERS)
@pytest.mark.parametrize("count", [300, pytest.param(100_000, marks=pytest.mark.slow)])
def test_hostile_files_are_refused_and_nothing_else_happens(name, count):
    report = fuzz.fuzz(name, count, seed=0)
    assert report.findings == []
    assert sum(report.outcomes.values()) == count
    assert name in ("chunk", "netcdf") or len(report.outcomes) > 1  # some are read, and no touched file of data is


def test_a_parser_that_fails_is_found(monkeypatch, tmp_path):
    """The harness sees an exception that is no ValueError."""
    answers = []

    class Pipe:
        send = staticmethod(answers.append)

    def read(raw):
        return json.loads(raw)["id"]  # a list has no such key

    monkeypatch.setitem(fuzz.PARSERS, "broken", lambda folder: fuzz.Parser([fuzz.RECORD], (fuzz.json_mutated,), read))
    monkeypatch.setattr(fuzz.logging, "disable", lambda level: None)
    monkeypatch.setattr(fuzz.sys, "unraisablehook", fuzz.sys.unraisablehook)
    fuzz._feed(Pipe, "broken", 0, 0, 20, tmp_path)
    assert any(outcome == "FINDING TypeError" for outcome, _, _ in answers)


@pytest.mark.parametrize("mutate", [fuzz.bytes_mutated, fuzz.json_mutated])
def test_mutations_are_many_and_follow_from_the_seed(mutate):
    drawn = [mutate(fuzz.RECORD, random.Random(seed)) for seed in range(200)]
    assert drawn == [mutate(fuzz.RECORD, random.Random(seed)) for seed in range(200)]
    assert len(set(drawn) - {fuzz.RECORD}) > 150


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b"\xff", "utf-8"),
        (b"[1, NaN]", "numbers must be finite, got NaN"),
        (b"[-Infinity]", "numbers must be finite, got -Infinity"),
        (b"[1e999]", "numbers must be finite, got 1e999"),
        (b"[" + b"9" * (DIGITS + 1) + b"]", f"at most {DIGITS} digits"),
        (b'{"a": 1, "b": 2, "a": 3}', "keys must not be repeated, got 'a'"),
        (b"[" * 100_000, "nested"),
        (b"[" * (DEPTH + 1) + b"]" * (DEPTH + 1), f"must not be nested more than {DEPTH} deep"),
        (b" " * (LIMIT + 1), f"at most {LIMIT} bytes"),
        (b"{", "Expecting"),
    ],
)
def test_json_is_strict(raw, message):
    with pytest.raises(ValueError, match=message):
        read_json(raw)


def test_numbers_at_the_limits_are_read():
    assert read_json(b"[1.7e308, " + b"9" * DIGITS + b"]") == [1.7e308, int("9" * DIGITS)]
    assert read_json(b" " * (LIMIT - 2) + b"[]") == []
    assert read_json(b"[" * DEPTH + b"]" * DEPTH) != []


@pytest.mark.parametrize(
    ("place", "new", "message"),
    [
        ((), {}, "claims must be a list of at most 200 entries"),
        ((), [1], r"claims\[0\] must be an object, got int"),
        ((0, "id"), 3, r"claims\[0\].id must not be 3"),
        ((1, "id"), "T1", "claims must have different ids"),
        ((1, "verdict"), "true", r"claims\[1\].verdict must not be 'true'"),
        ((0, "provenance"), None, r"claims\[0\].provenance must be an object, got NoneType"),
        ((0, "provenance"), {}, r"claims\[0\].provenance lacks date"),
        ((0, "setup"), None, r"claims\[0\].setup must be an object, got NoneType"),
        ((0, "numeric"), None, r"claims\[0\].numeric must not be None"),
        ((0, "numeric", "measured"), {}, r"claims\[0\].numeric.measured lacks value"),
        ((0, "numeric", "measured", "value"), "1.5", r"measured.value must not be '1.5'"),
        ((0, "numeric", "measured", "low"), True, r"measured.low must not be True"),
        ((0, "numeric", "claimed", "kind"), "guess", r"claimed.kind must not be 'guess'"),
        ((0, "numeric", "claimed"), None, r"numeric.claimed must be an object, got NoneType"),
        ((0, "numeric", "also"), {}, r"numeric.also must be a list, got dict"),
        ((0, "numeric", "also"), [1], r"numeric.also\[0\] must be an object, got int"),
        ((0, "numeric", "looseness"), [], r"numeric.looseness must not be \[\]"),
    ],
)
def test_what_the_ledger_shows_is_checked(place, new, message):
    entries = json.loads(fuzz.RECORD)
    assert read_entries(fuzz.RECORD) == entries
    if place:
        holder = entries
        for key in place[:-1]:
            holder = holder[key]
        holder[place[-1]] = new
    else:
        entries = new
    with pytest.raises(ValueError, match=message):
        read_entries(json.dumps(entries).encode())


def test_a_missing_field_is_named():
    entries = json.loads(fuzz.RECORD)
    for name in ("id", "title", "verdict", "symbolic", "numeric", "provenance"):
        with pytest.raises(ValueError, match=rf"claims\[0\] lacks {name}"):
            read_entries(json.dumps([{key: value for key, value in entries[0].items() if key != name}]).encode())
