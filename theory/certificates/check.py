"""Certificates are data; here they are read strictly and verified in exact or interval arithmetic.

A certificate is a JSON object whose ``kind`` says what it shows:

================  =====================================================================  ===================
kind              what it shows                                                          verified in
================  =====================================================================  ===================
``cycle``         an attracting cycle of VRMomentum below the edge, for the true gate    ``cycles``
``lyapunov``      one quadratic form that falls under every gate sequence                ``gates``
``polygon``       one polygonal norm that falls under every gate sequence                ``gates``
``gate_word``     a periodic gate sequence under which almost every start diverges       ``gates``
``gate_bounds``   a lower and an upper bound of the joint spectral radius                ``gates``
``rise_limited``  the same as ``gate_word`` for gates that rise slowly                   ``gates``
``averaged``      every start converges with the smoothed gate, one curvature            ``memory``
``held``          the same for the peak-hold gate                                        ``memory``
================  =====================================================================  ===================

Numbers are strings, ``"p/q"`` in lowest terms or ``"p"``; intervals are pairs of them; counts may be JSON integers.
There is no evaluation of text anywhere, sizes are limited, and unknown, missing or repeated keys are errors. The
outcome has three values: malformed data raise ValueError, a well-formed but false certificate gives None, and a true
one the :class:`~theory.certificates.statement.Statement` that was proved again, number by number. A claim that needs a
certificate states what it needs and compares; a file's name proves nothing. Nothing is imported from
:mod:`theory.search`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from theory.certificates import cycles, gates, memory
from theory.certificates.reading import MAX_BYTES, parse, shown
from theory.certificates.statement import Statement


def prove(data: Mapping[str, Any]) -> Statement | None:
    """The statement that the parsed certificate ``data`` proves; None when it is well formed but false.

    Raises ValueError when ``data`` is malformed or of an unknown kind.

    >>> prove({"kind": "cycle", "beta1": "0.9"})
    Traceback (most recent call last):
    ...
    ValueError: a cycle certificate lacks the keys S, alpha1, clipped, kinetic, trace, velocity
    """
    if not isinstance(data, Mapping):
        raise ValueError(f"a certificate must be a JSON object, got {type(data).__name__}")
    checks: dict[str, Callable[[Mapping[str, Any]], Statement | None]] = {
        "cycle": cycles.check_cycle,
        "lyapunov": gates.check_lyapunov,
        "polygon": gates.check_polygon,
        "gate_word": gates.check_gate_word,
        "gate_bounds": gates.check_gate_bounds,
        "rise_limited": gates.check_rise_limited,
        "averaged": memory.check_memory,
        "held": memory.check_memory,
    }
    kind = data.get("kind")
    if not isinstance(kind, str) or kind not in checks:
        raise ValueError(f"kind must be one of {', '.join(checks)}, got {shown(kind)}")
    return checks[kind](data)


def prove_file(path: str | Path) -> Statement | None:
    """Read a JSON certificate from ``path`` and :func:`prove` it; ValueError when it is not strict JSON."""
    with Path(path).open("rb") as file:
        raw = file.read(MAX_BYTES + 1)
    if len(raw) > MAX_BYTES:
        raise ValueError(f"a certificate must have at most {MAX_BYTES} bytes")
    return prove(parse(raw))


def check(data: Mapping[str, Any]) -> bool:
    """Whether the parsed certificate ``data`` proves anything; which, :func:`prove` says. ValueError if malformed."""
    return prove(data) is not None


def check_file(path: str | Path) -> bool:
    """Whether the certificate in the file at ``path`` proves anything; ValueError when it is not strict JSON."""
    return prove_file(path) is not None
