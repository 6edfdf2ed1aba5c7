"""Finding the gate certificates of the catalogue: quadratic and polygonal norms, unstable words, sawtooth words.

Intervals go through :func:`theory.search.certify_gates.certify_gates`. A sawtooth rises by ``1/s' >= gate_decay/s +
(1-gate_decay)/S`` and drops at once; its gates are rounded down to few digits without breaking that law. What is found
here proves nothing; :mod:`theory.certificates.gates` does.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from fractions import Fraction
from math import sqrt
from typing import Any, NamedTuple

from theory.search.certify_gates import certify_gates, word_certificate
from theory.search.matrices import edge_of, outgrows, word_matrix
from theory.search.storing import CERTIFICATES


class Interval(NamedTuple):
    """All gates in ``[S/(1+alpha1), S]`` at ``beta1``: what :func:`certify_gates` should find."""

    kind: str
    beta1: str
    S: str
    alpha1: int


class Sawtooth(NamedTuple):
    """Two gates in turn that rise by the law of ``gate_decay`` towards ``S = share * B``, and drop back at once."""

    beta1: str
    gate_decay: str
    share: str


INTERVALS: Mapping[str, Interval] = {
    "gates_quadratic_50": Interval("lyapunov", "1/2", "127/100", 10),  # the limit is 1.2762
    "gates_quadratic_90": Interval("lyapunov", "9/10", "43/200", 10),  # the limit is .21538
    "gates_quadratic_99": Interval("lyapunov", "99/100", "1/50", 10),  # the limit is .020599
    "gates_polygon_50": Interval("polygon", "1/2", "243/100", 10),
    "gates_polygon_90": Interval("polygon", "9/10", "549/1000", 10),
    "gates_word_90_at_0145": Interval("gate_word", "9/10", "551/1000", 10),
    "gates_word_90_at_05": Interval("gate_word", "9/10", "19/10", 10),
    "gates_word_90_at_25": Interval("gate_word", "9/10", "19/2", 10),
    "gates_word_90_at_50": Interval("gate_word", "9/10", "19", 10),
    "gates_word_90_at_99": Interval("gate_word", "9/10", "188/5", 10),
    "gates_word_50": Interval("gate_word", "1/2", "61/25", 10),
    "gates_word_99": Interval("gate_word", "99/100", "10", 10),
    "gates_two_50": Interval("gate_word", "1/2", "5", 3),  # the curvature 5/4 with the gates 4 and 1
}
SAWTEETH: Mapping[str, Sawtooth] = {  # gate_decay just below beta1^2
    "gates_sawtooth_50": Sawtooth("1/2", "249/1000", "9999/10000"),
    "gates_sawtooth_70": Sawtooth("7/10", "489/1000", "9999/10000"),
    "gates_sawtooth_90": Sawtooth("9/10", "809/1000", "99999/100000"),
    "gates_sawtooth_90_close": Sawtooth("9/10", "80999/100000", "9999999/10000000"),
    "gates_sawtooth_99": Sawtooth("99/100", "9799/10000", "9999999/10000000"),
}


def find(target: Interval) -> dict[str, Any]:
    """The certificate that ``certify_gates`` returns for ``target``, of the kind it should have."""
    verdict = certify_gates(target.beta1, Fraction(target.S) / (1 + target.alpha1), target.S)
    certificate = dict(verdict.certificate)
    if certificate["kind"] != target.kind:
        raise RuntimeError(f"expected a {target.kind} for {target}, found: {verdict.reason}")
    return certificate


def find_sawtooth(target: Sawtooth) -> dict[str, Any]:
    """Two gates whose odds against the edge are close to ``sqrt(gate_decay)`` and its inverse, in few digits."""
    beta1, decay = Fraction(target.beta1), Fraction(target.gate_decay)
    top = Fraction(target.share) * edge_of(beta1)
    root = sqrt(decay)
    for digits in range(2, 9):
        lower = Fraction(round(float(edge_of(beta1)) * root / (1 + root) * 10**digits), 10**digits)
        highest = 1 / (decay / lower + (1 - decay) / top)
        gates = [lower, Fraction(int(highest * 10**digits), 10**digits)]
        if outgrows(word_matrix(beta1, gates), Fraction(1)):
            slack = 1 / gates[1] - decay / lower - (1 - decay) / top
            word = word_certificate(beta1, gates)
            law = {"S": str(top), "alpha1": str(top / lower - 1), "gate_decay": str(decay), "slack": str(slack)}
            return {**word, **law, "kind": "rise_limited"}
    raise RuntimeError(f"no unstable sawtooth found for {target}")


def run() -> None:
    """Find every gate certificate of the catalogue anew and store it."""
    found = {name: find(interval) for name, interval in INTERVALS.items()}
    found |= {name: find_sawtooth(sawtooth) for name, sawtooth in SAWTEETH.items()}
    for name, certificate in found.items():
        text = json.dumps(certificate, indent=1)
        (CERTIFICATES / f"{name}.json").write_text(text + "\n", encoding="utf-8", newline="\n")
