"""S8 below the edge, statement by statement: the opening law is the rise law of S7, whatever the gate sees.

``RISE`` writes the law ``g w <= w1`` in step sizes. From there on nothing is new: the odds obey the law and the energy
falls by a fixed share every two steps, as in :mod:`theory.claims.smoothed_gate.proof`.
"""

from __future__ import annotations

import sympy as sp

from theory.claims.smoothed_gate import proof as s7
from theory.claims.smoothed_gate.proof import ODDS, B, S, g, o, o1, o2, rest, s, s1, w, w1
from theory.methods.proof import Proof, Sign, fact, renamed
from theory.methods.quadratic_family import s as gate
from theory.methods.unwritten import unwritten
from theory.notation import edge

w2 = sp.Symbol("w2", nonnegative=True)
s2 = sp.Symbol("s2", positive=True)
#: From one transition to the next.
AGAIN: dict[sp.Expr, sp.Expr] = {w: w1, w1: w2, s: s1, s1: s2, o: o1, o1: o2}


def rise_law() -> Proof:
    """``g/s + (1-g)/S <= 1/s1`` for the step sizes ``S/(1+w)`` and ``S/(1+w1)``."""
    proof = Proof("the opening law in step sizes")
    law = proof.given("law", g * w, "<=", w1, "the opening law, whatever the gate sees")
    now = proof.given("step now", 1 / s, "=", (1 + w) / S, "the step size is S/(1+w)")
    then = proof.given("step next", 1 / s1, "=", (1 + w1) / S)
    complement = proof.given("complement", rest, "=", 1 - g)
    proof.inequality("rise law", g / s + rest / S, 1 / s1, (law + complement) / S - then + g * now)
    return proof


RISE = unwritten(rise_law)


def whatever_it_sees() -> Proof:
    """The conclusion of S7 for every closing with ``g w <= w1``, ``g w1 <= w2``."""
    proof = Proof("S8: the energy falls by a fixed share in two steps, whatever the gate sees")
    at = {B: edge(), s: gate}
    steps: tuple[dict[sp.Expr, sp.Expr], ...] = ({}, AGAIN)
    facts: dict[str, sp.Symbol] = {}

    def assume(name: str, left: sp.Expr, sign: Sign, right: sp.Expr, says: str = "") -> None:
        if name not in facts:
            facts[name] = proof.given(name, left, sign, right, says)

    for number, step in enumerate(steps):
        for given in (*RISE.assumptions, *ODDS.assumptions):
            shown = given.name in {"rise law", "odds now", "odds next"}
            if not shown and (number == 0 or given.name in {"law", "step next", "lowest odds"}):
                left, right = (renamed(renamed(side, step), at) for side in (given.left, given.right))
                assume(given.name + (", next" if number else ""), left, given.sign, right, given.says)
    for given in s7.PROOF.assumptions:
        if given.name not in {"the odds rise slowly", "and again"}:
            assume(given.name, given.left, given.sign, given.right, given.says)
    assume("odds after next", o2, "=", s2 / (edge() - s2))
    odds = {o: ("odds now", gate), o1: ("odds next", s1), o2: ("odds after next", s2)}
    for symbol, (name, size) in odds.items():
        proof.identity(
            name + ", inverse", 1 / symbol, edge() / size - 1, -facts[name] * (edge() - size) / (size * symbol)
        )

    names = ("", ", next")
    for number, step in enumerate(steps):
        values = {old: renamed(new, at) for old, new in step.items()} | {B: edge()} | ({} if number else {s: gate})
        law = {
            "law": facts["law" + names[number]],
            "step now": facts["step now"] if number == 0 else facts["step next"],
            "step next": facts["step next" + names[number]],
            "complement": facts["complement"],
        }
        end = RISE.conclusion
        proof.application(
            "rise law" + names[number], RISE, values, law, renamed(end.left, values), renamed(end.right, values)
        )
        inverse = [f"{name}, inverse" for name in ("odds now", "odds next", "odds after next")]
        known = {
            "rise law": fact("rise law" + names[number]),
            "complement": facts["complement"],
            "odds now": fact(inverse[number]),
            "odds next": fact(inverse[number + 1]),
            "odds of S": facts["odds of S"],
            "lowest odds": facts["lowest odds" + names[number]],
            "threshold": facts["threshold"],
        }
        end = ODDS.conclusion
        proof.application(
            ("the odds rise slowly", "and again")[number], ODDS, values, known,
            renamed(end.left, values), renamed(end.right, values),
        )  # fmt: skip
    end = s7.PROOF.conclusion
    known = {given.name: facts.get(given.name, fact(given.name)) for given in s7.PROOF.assumptions}
    proof.application("two steps", s7.PROOF, {}, known, end.left, end.right)
    return proof


PROOF = unwritten(whatever_it_sees)
