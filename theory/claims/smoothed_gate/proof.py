"""The theorem of S7, statement by statement: the energy that moves with the gate falls by a fixed share in two steps.

One mode, ``x`` and ``w = v/h``; ``s`` is the step size times the curvature, ``O = s/(B-s)`` its odds against the edge.
``PROOF`` is about two consecutive steps with the odds ``O, O1, O2``; ``LAW`` and its applications bring the rise law
into this form; ``OPEN`` and ``CLIPPED`` show that the smoothed gate obeys it.
"""

from __future__ import annotations

import sympy as sp

from theory.methods.proof import Proof, fact, replaced
from theory.methods.quadratic_family import mode
from theory.methods.quadratic_family import s as gate
from theory.methods.quadratic_family import w as velocity
from theory.methods.quadratic_family import x as position
from theory.methods.unwritten import unwritten
from theory.notation import alpha1, beta1, beta3, edge, kappa

B, S, g, rest, s, s1, excess = sp.symbols("B S g rest s s1 excess", positive=True)  # rest = 1 - g
o, o1, o2, oS, share = sp.symbols("O O1 O2 OS share", positive=True)
u, u1, w, w1, speed = sp.symbols("u u1 w w1 speed", nonnegative=True)
F, K, least, lost = sp.symbols("F K least lost", positive=True)


# ---------------------------------------------------------------- the smoothed gate obeys the rise law


def gate_opens_slowly(clipped: bool) -> Proof:
    """``1 + w1 >= g (1 + w) + (1-g)``, ``w = min(beta3 u, alpha1)`` and ``w1`` one of ``beta3 u1`` and ``alpha1``."""
    proof = Proof("a clipped gate opens slowly" if clipped else "an open gate opens slowly")
    complement = proof.given("complement", rest, "=", 1 - g, "g and rest are the weights of the old and the new energy")
    if clipped:
        below = proof.given("w is clipped", w, "<=", alpha1)
        now = proof.given("w1", w1, "=", alpha1, "the next closing is clipped")
        slack = below + rest * w + now * (-1) + w * complement
    else:
        below = proof.given("w is a minimum", w, "<=", beta3 * u)
        energy = proof.given("u1", u1, "=", g * u + rest * speed**2, "the smoothed kinetic energy")
        now = proof.given("w1", w1, "=", beta3 * u1, "the next closing is not clipped")
        slack = g * below + beta3 * rest * speed**2 - now - beta3 * energy
    proof.inequality("rise", g * w, w1, slack, "the closing falls by at most the factor g")
    proof.inequality(
        "rise law",
        g * (1 + w) + rest,
        1 + w1,
        fact("rise") + complement,
        "1/eta_(t+1) >= g/eta_t + (1-g)/alpha0, times alpha0",
    )
    return proof


OPEN, CLIPPED = unwritten(gate_opens_slowly, False), unwritten(gate_opens_slowly, True)


# ---------------------------------------------------------------- the odds obey it too


def odds_obey_the_law() -> Proof:
    """``(beta1^2 + excess) o1 <= O`` for odds of consecutive gates that obey the rise law."""
    proof = Proof("the odds rise slowly")
    law = proof.given("rise law", g / s + rest / S, "<=", 1 / s1)
    complement = proof.given("complement", rest, "=", 1 - g)
    now = proof.given("odds now", 1 / o, "=", B / s - 1, "O = s/(B-s)")
    then = proof.given("odds next", 1 / o1, "=", B / s1 - 1)
    end = proof.given("odds of S", 1 / oS, "=", B / S - 1)
    low = proof.given("lowest odds", share * oS, "<=", o, "share = O(a)/O(S): no gate lies below a = S/(1+alpha1)")
    room = proof.given(
        "threshold", beta1**2 + excess, "=", g + rest * share, "excess > 0 says that g exceeds gate_decay_star"
    )
    proof.inequality(
        "odds obey the law", g / o + rest / oS, 1 / o1, B * law - then + g * now + rest * end - complement,
        "1/o is affine in 1/s",
    )  # fmt: skip
    proof.inequality("the lowest gate", share / o, 1 / oS, low / (o * oS))
    proof.inequality(
        "in units of the odds now", (beta1**2 + excess) / o, 1 / o1,
        fact("odds obey the law") + rest * fact("the lowest gate") + room / o,
    )  # fmt: skip
    proof.inequality("odds rise slowly", (beta1**2 + excess) * o1, o, o * o1 * fact("in units of the odds now"))
    return proof


ODDS = unwritten(odds_obey_the_law)


# ---------------------------------------------------------------- the energy


def energy(x: sp.Expr, w: sp.Expr, odds: sp.Expr) -> sp.Expr:
    """``V = x^2 + beta1^2 o (x + kappa w)^2``."""
    return x**2 + beta1**2 * odds * (x + kappa() * w) ** 2


def seen(x: sp.Expr, w: sp.Expr) -> sp.Expr:
    """``x + kappa w``."""
    return x + kappa() * w


MOVED, AFTER = mode()  # x' and w' of one step at the gate s, from the recursion


def energy_falls() -> Proof:
    """``V(z', o1) <= V(z, o) - lost (x' + kappa w')^2``."""
    proof = Proof("the energy falls")
    proof.given("odds", o, "=", gate / (edge() - gate), "of the gate of this step")
    slow = proof.given("odds rise slowly", (beta1**2 + excess) * o1, "<=", o)
    low = proof.given("lost", lost, "<=", excess / (beta1**2 + excess) * o, "a share of the lowest odds")
    before, after = energy(position, velocity, o), MOVED**2 + o * seen(MOVED, AFTER) ** 2
    proof.identity(
        "conservation", after, before, replaced(before - after, proof.steps["odds"]),
        "what is conserved when the odds rise by 1/beta1^2",
    )  # fmt: skip
    sight = seen(MOVED, AFTER) ** 2
    proof.inequality(
        "energy falls", energy(MOVED, AFTER, o1), before - lost * sight,
        fact("conservation") + sight * (beta1**2 / (beta1**2 + excess) * slow + low),
        "what is left over is the square of x' + kappa w'",
    )  # fmt: skip
    return proof


LOSS = unwritten(energy_falls)


def two_losses_see_the_state() -> Proof:
    """``least (x^2 + w^2) <= F (Y1^2 + Y2^2)`` for two linear forms of determinant at least ``sqrt(least)``."""
    a, c, p, q, x, w = sp.symbols("a c p q x w", real=True)  # Y1 = a x + p w, Y2 = c x + q w
    proof = Proof("two linear forms see the state")
    size = proof.given("size", a**2 + p**2 + c**2 + q**2, "<=", F)
    room = proof.given("determinant", least, "<=", (a * q - c * p) ** 2)
    one, two = a * x + p * w, c * x + q * w
    proof.inequality(
        "seen", least * (x**2 + w**2), F * (one**2 + two**2),
        (a * one + c * two) ** 2 + (p * one + q * two) ** 2 + (one**2 + two**2) * size + (x**2 + w**2) * room,
        "Lagrange's identity",
    )  # fmt: skip
    return proof


SIGHT = unwritten(two_losses_see_the_state)


def falls_in_two_steps() -> Proof:
    """``V(z'', o2) <= (1 - lost least/(F K)) V(z, o)``: the theorem."""
    proof = Proof("S7: the energy falls by a fixed share in two steps")
    now = proof.given("odds now", o, "=", gate / (edge() - gate))
    then = proof.given("odds next", o1, "=", s1 / (edge() - s1))
    slow = proof.given("the odds rise slowly", (beta1**2 + excess) * o1, "<=", o, "the rise law, above the threshold")
    slow_again = proof.given("and again", (beta1**2 + excess) * o2, "<=", o1)
    low = proof.given("lost now", lost, "<=", excess / (beta1**2 + excess) * o, "gates are at least S/(1+alpha1)")
    low_again = proof.given("lost next", lost, "<=", excess / (beta1**2 + excess) * o1)
    again = {position: MOVED, velocity: AFTER, gate: s1, o: o1, o1: o2}
    moved, after = (part.subs({position: MOVED, velocity: AFTER, gate: s1}, simultaneous=True) for part in mode())
    first, second = seen(MOVED, AFTER), seen(moved, after)
    rows = sp.Matrix([first, second]).jacobian([position, velocity]).applyfunc(sp.factor)
    size = proof.given("entries", sum(entry**2 for entry in rows), "<=", F, "bounded on the compact set of gates")
    room = proof.given("determinant", least, "<=", beta1**2 * (edge() - s1) ** 2, "s1 <= S < B")
    whole = proof.given("K", 1 + beta1**2 * o * (1 + kappa() ** 2), "<=", K, "odds are at most O(S)")
    proof.application(
        "first step", LOSS, {}, {"odds": now, "odds rise slowly": slow, "lost": low},
        energy(MOVED, AFTER, o1), energy(position, velocity, o) - lost * first**2,
    )  # fmt: skip
    proof.application(
        "second step", LOSS, again, {"odds": then, "odds rise slowly": slow_again, "lost": low_again},
        energy(moved, after, o2), energy(MOVED, AFTER, o1) - lost * second**2,
    )  # fmt: skip
    (a, p), (c, q) = rows.tolist()
    names = {symbol.name: symbol for symbol in SIGHT.conclusion.right.free_symbols}
    entries = {"a": a, "p": p, "c": c, "q": q, "x": position, "w": velocity}
    proof.application(
        "both losses", SIGHT, {names[name]: value for name, value in entries.items()},
        {"size": size, "determinant": room},
        least * (position**2 + velocity**2), F * (first**2 + second**2),
    )  # fmt: skip
    proof.inequality(
        "energy and distance", energy(position, velocity, o), K * (position**2 + velocity**2),
        velocity**2 + beta1**2 * o * (kappa() * position - velocity) ** 2 + (position**2 + velocity**2) * whole,
    )  # fmt: skip
    proof.inequality(
        "two steps", energy(moved, after, o2), (1 - lost * least / (F * K)) * energy(position, velocity, o),
        fact("first step") + fact("second step") + lost / F * fact("both losses")
        + lost * least / (F * K) * fact("energy and distance"),
        "the energy falls by the same factor every two steps, whatever lawful gates come",
    )  # fmt: skip
    return proof


PROOF = unwritten(falls_in_two_steps)
PROOFS = (OPEN, CLIPPED, ODDS, PROOF)
