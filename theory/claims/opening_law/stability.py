"""S8: what a gate sees hardly matters for stability; how fast it opens does.

Let z_t >= 0 be *any* signal, 0 <= w_0 <= alpha1 < oo and 0 < g < 1 (``gate_decay``). The opening law is

    w_t = max(min(z_t, alpha1), g w_{t-1}),      eta_t = A/(1 + w_t),      A = alpha0 (1 + w0).                (OL)

**O1.** (OL) produces exactly the sequences in [0, alpha1] with w_t >= g w_{t-1}, that is the rise law of S7 for A:
1/eta_t >= g/eta_{t-1} + (1-g)/A, because A (left - right) = w_t - g w_{t-1}.

**Theorem.** Let 0 < beta1 < 1 and A L < B. The origin of VRMomentum on every quadratic with curvatures in (0, L] is
globally uniformly exponentially stable for every signal, if

    g > gate_decay_star = beta1^2 - (1-beta1^2)(1 - (1+w0) S/B)/alpha1,   S = alpha0 L;   so g >= beta1^2 is enough.

It holds for a frozen preconditioner P with L replaced by lambda_max(P^-1/2 H P^-1/2), and for the bias-corrected
velocity. Without the law it fails: ``a_signal_that_pumps`` is a signal that looks at the state, sees whether the force
opposes the velocity, and lets the state grow at seven tenths of the edge. Below beta1^2 it fails as well: S7's
sawteeth, some of them closer here, obey the law and diverge.

**O3.** If z is the published signal, w_t >= the published closing, so that what bounds orbits beyond the edge (S6)
bounds them here.

**Peak-hold itself needs less**, as the smoothed gate does (S7): certificates of kind ``held``, for the signal ``beta3
||v_t||^2`` and ``w0 = 0``, one curvature, three settings.

*Proof.* O1 makes every sequence of (OL) one of S7's, with A L for S. QED
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction

import sympy as sp

from theory import recursion
from theory.certificates.statement import Statement
from theory.claim import Certificate, Claim
from theory.claims import smoothed_gate
from theory.claims.opening_law import stability_proof
from theory.methods.quadratic_family import conservation, s, two_steps_see_everything, what_the_energy_loses, zero
from theory.notation import L, S, alpha1, beta1, edge, gate_decay, latex, w0
from theory.recursion import ALGORITHM, Coefficients, held

closing, surplus, share = sp.symbols("closing surplus share", nonnegative=True)


# ---------------------------------------------------------------- the threshold, from the recursion


def steepest(c: Coefficients = ALGORITHM, before: sp.Expr = closing) -> sp.Expr:
    """The least closing after ``before``: the signal is 0."""
    return held.remember(before, sp.Integer(0), c)


def step_size(opened: sp.Expr, c: Coefficients = ALGORITHM) -> sp.Expr:
    """``eta L`` at a closing, in ``S = alpha0 L``."""
    return S * held.ceiling(c) / (1 + held.closing(opened, 1, c, True))


def derive(c: Coefficients = ALGORITHM) -> Mapping[str, sp.Expr]:
    """Where the steepest rise from the closed gate leaves S7's energy as it was; the largest rate below the edge."""
    weight, rate = smoothed_gate.conserved(c)
    top = sp.Symbol("top", positive=True)  # alpha1
    after = steepest(replace(c, gate_decay=sp.Symbol("g", positive=True)), top)
    after = after.subs(sp.Symbol("g", positive=True), c.gate_decay).subs(top, c.alpha1)
    lowest, following = step_size(c.alpha1, c), step_size(after, c)
    balance = sp.numer(sp.together(weight.subs(s, lowest) - rate * weight.subs(s, following)))
    (star,) = [value for value in sp.solve(sp.factor(balance), gate_decay) if value.has(alpha1)]
    (boundary,) = sp.solve(1 / weight, s)
    return {
        "gate_decay_star": star,
        "gate_decay_sufficient": sp.simplify(star.subs(S, boundary / held.ceiling(c))),
        "largest_rate": boundary / held.ceiling(c) / L,
    }


FORMULAS = {
    "gate_decay_star": beta1**2 - (1 - beta1**2) * (1 - (1 + w0) * S / edge()) / alpha1,
    "gate_decay_sufficient": beta1**2,
    "largest_rate": edge() / ((1 + w0) * L),
}


# ---------------------------------------------------------------- O1: the law, and who obeys it


def the_law_is_the_rise_law() -> bool:
    """``A (1/eta' - g/eta - (1-g)/A) = w' - g w`` for ``eta = A/(1+w)``."""
    later, A = sp.symbols("later A", positive=True)
    rise = (1 + later) / A - gate_decay * (1 + closing) / A - (1 - gate_decay) / A
    return zero(A * rise - (later - gate_decay * closing))


def every_signal_obeys_it() -> bool:
    """``w' - g w >= 0`` and ``alpha1 - w' >= 0``, by which of ``z``, ``alpha1``, ``g w`` decides.

    ``g = 1/(1+p)``, ``w = g^-1 (g w)``; the cases are exhaustive: the clipped signal is above ``g w`` or not.
    """
    p, kept, clip_room = sp.symbols("p kept clip_room", nonnegative=True)  # kept = g w
    g, w = 1 / (1 + p), kept * (1 + p)
    cases = {
        "the signal, unclipped": (kept + surplus, kept + surplus + clip_room, surplus, clip_room),
        "the clip": (kept + surplus, kept + surplus, surplus, sp.Integer(0)),
        "the law": (kept, w + clip_room, sp.Integer(0), kept * p + clip_room),  # the signal is below g w; alpha1 >= w
    }  # w', alpha1, w' - g w, alpha1 - w'
    return all(
        zero(after - g * w - rise) and zero(clip - after - room) and rise.is_nonnegative is room.is_nonnegative is True
        for after, clip, rise, room in cases.values()
    )


def every_lawful_sequence_has_a_signal() -> bool:
    """The signal ``z = w'`` itself: ``max(min(w', alpha1), g w) = w'`` for ``g w <= w' <= alpha1``."""
    kept, room = sp.symbols("kept room", nonnegative=True)
    later = kept + surplus
    return bool(sp.Min(later, later + room) == later and sp.simplify(sp.Max(later, kept) - later) == 0)


def peak_hold_obeys_it() -> bool:
    """``u' = max(K, g u)``, ``w = min(beta3 u, alpha1)``: ``w' >= g w``, clipped before or after holding.

    ``min(beta3 u', alpha1) >= min(g beta3 u, alpha1)``, and ``min(g k, alpha1) >= g min(k, alpha1)`` with ``g <= 1``:
    for ``k = beta3 u <= alpha1`` equal, above it ``min(g k, alpha1) - g alpha1`` is ``g (k - alpha1)`` or
    ``(1-g) alpha1``.
    """
    p, clip = sp.symbols("p clip", nonnegative=True)
    g = 1 / (1 + p)
    above = {g * surplus: g * (clip + surplus) - g * clip, p * g * clip: clip - g * clip}
    return all(zero(difference - least) and least.is_nonnegative is True for least, difference in above.items())


# ---------------------------------------------------------------- O2: metrics and corrections


def a_frozen_preconditioner_changes_the_curvature_only() -> bool:
    """``y = P^(1/2) x``, ``u = P^(-1/2) v`` turns ``x' = x - eta P^-1 v'`` into VRMomentum on ``P^-1/2 H P^-1/2``."""
    eta, p, q, one, two = sp.symbols("eta p q one two", positive=True)
    root, H = sp.diag(p, q), sp.Matrix([[one, share], [share, two]])  # P = root^2
    x, v = sp.Matrix(sp.symbols("x:2")), sp.Matrix(sp.symbols("v:2"))
    after = recursion.velocity(v, H * x)
    moved = x - eta * root**-2 * after
    y, u, turned = root * x, root.inv() * v, root.inv() * H * root.inv()
    expected, its = recursion.momentum(y, u, turned * y, eta, replace(ALGORITHM, weight_decay=sp.Integer(0)))
    return all(zero(entry) for part in (root * moved - expected, root.inv() * after - its) for entry in part)


def a_corrected_velocity_obeys_it_in_the_end() -> bool:
    """The rate ``eta_t/(1 - beta1^t)`` obeys the law of ``A/(1 - beta1^T)`` from step T on.

    With ``b = 1 - beta1^t <= b' = 1 - beta1^(t+1)`` and ``b' >= c = 1 - beta1^T``:
    ``b'/eta' - g b/eta - (1-g) c/A >= (b' - b) g/eta + (1-g)(b' - c)/A >= 0``. As T grows the ceiling falls to A, so
    that some T leaves it below the edge and g above the threshold; finitely many steps change the constant only.
    """
    g, fresh, b, more, extra, rate, A = sp.symbols("g fresh b more extra rate A")  # fresh = 1 - g
    later = b + more  # b'
    lawful = later * (g * rate + fresh / A)  # the least b'/eta', rate = 1/eta
    room = lawful - g * b * rate - fresh * (later - extra) / A  # c = b' - extra
    return bool(sp.expand(room - more * g * rate - fresh * extra / A) == 0)


def the_ceiling_takes_the_place_of_alpha0() -> bool:
    """S7's threshold at ``S (1+w0)``, and it rises with S to ``beta1^2`` where ``(1+w0) S = B``."""
    of_s7 = smoothed_gate.FORMULAS["gate_decay_star"].subs(S, (1 + w0) * S)
    at_edge = FORMULAS["gate_decay_star"].subs(S, FORMULAS["largest_rate"] * L)
    return zero(of_s7 - FORMULAS["gate_decay_star"]) and zero(at_edge - beta1**2)


# ---------------------------------------------------------------- O3: beyond the edge


def never_more_open_than_the_published_gate() -> bool:
    """``1/(1+w) - 1/(1+alpha1)`` falls with w: S6's bound on ``(eta - eta_min)|v|`` is one for larger w as well."""
    published = sp.Symbol("published", nonnegative=True)
    gap = 1 / (1 + published) - 1 / (1 + published + surplus)
    least = surplus / ((1 + published) * (1 + published + surplus))
    return zero(gap - least) and least.is_nonnegative is True


# ---------------------------------------------------------------- without the law


PUMPED = {"beta1": Fraction(9, 10), "S": Fraction(133, 5), "alpha1": Fraction(10)}  # S = 7/10 B


def pumped(state: tuple[Fraction, Fraction]) -> tuple[tuple[Fraction, Fraction], int]:
    """One step of ``z_t = alpha1 if <g_t, v_{t-1}> < 0 else 0`` without a law, in ``(x, w)``; 1: it closed."""
    x, w = state
    closed = int(x * w < 0)
    w = PUMPED["beta1"] * w + (1 - PUMPED["beta1"]) * x
    return (x - PUMPED["S"] / (1 + closed * PUMPED["alpha1"]) * w, w), closed


#: Two directions; the states between them are a cone of starts that all diverge.
CONE = ((Fraction(1), Fraction(1, 20)), (Fraction(1), Fraction(1, 10)))


def a_signal_that_pumps() -> bool:
    """A cone of starts grows at seven tenths of the edge, by more than 2 every two steps, in rational arithmetic.

    The signal sees the sign of force times velocity: it closes while the force brakes. On the cone spanned by two rays
    the gate opens and then closes, as it does on both rays and signs do not change in between; so both steps are
    linear there, and the rays come back to the inside of the cone or of its mirror image. ``|x|`` grows on both rays by
    more than 2, hence on the cone: x is linear and keeps its sign.
    """
    ends, gates = [], []
    for ray in CONE:
        middle, first = pumped(ray)
        end, second = pumped(middle)
        gates.append((first, second))
        ends.append((middle, end))
    signs = {tuple((part > 0) for point in path for part in point) for path in ends}
    low, high = (w for _, w in CONE)  # x = 1
    inside = all(low < end[1] / end[0] < high for _, end in ends)
    grows = all(abs(end[0]) > 2 for _, end in ends)
    below = PUMPED["S"] < edge().subs(beta1, sp.Rational(9, 10))
    return gates == [(0, 1), (0, 1)] and len(signs) == 1 and inside and grows and bool(below)


def _sawtooth(name: str, beta1: str, decay: str, S: str, gates: tuple[str, str]) -> Certificate:
    """Needed: two gates in turn that obey the law of ``decay``, just below ``beta1^2``, and grow."""
    low, high = map(Fraction, gates)
    numbers = {"low": low, "high": high, "gate_decay": Fraction(decay), "S": Fraction(S)}
    facts = {"beta1": Fraction(beta1), "length": Fraction(2), "growth": Fraction(1), **numbers}
    return Certificate(name, Statement("rise_limited", facts))


S8 = Claim(
    id="S8",
    title="The opening law: stable below the edge whatever the gate sees",
    as_reported=(
        "Introduced here, in no publication that we know: a gate that may close at once but opens by at most a factor "
        "g per step makes VRMomentum converge from every start below the edge, whatever it looks at, if g >= beta1^2."
    ),
    statement=(
        r"z_t \geq 0 \mathrm{\ any\ signal}, \ w_t = \max(\min(z_t, \alpha_1), \beta_g w_{t-1}), \ "
        r"\eta_t = \frac{\alpha_0 (1 + w_0)}{1 + w_t}, \ "
        rf"\alpha_0 < {latex(FORMULAS['largest_rate'])}, \ \beta_g > {latex(FORMULAS['gate_decay_star'])} "
        r"\ \Longrightarrow\ |z_t| \leq C \rho^t |z_0|, \ \rho < 1; \quad "
        rf"\beta_g \geq {latex(FORMULAS['gate_decay_sufficient'])} \mathrm{{\ always\ suffices}}"
    ),
    source="introduced here, a generalisation of S7; the gate it repairs: VRAdam (arXiv:2505.13196), Algorithm 1",
    assumptions=(
        "VRMomentum without weight decay on a quadratic with curvatures in (0, L]; or with a frozen preconditioner P, "
        "L = lambda_max(P^-1/2 H P^-1/2)",
        "a constant alpha0, (1+w0) alpha0 L < B(beta1), 0 < beta1 < 1, 0 <= w0 <= alpha1 < infinity, 0 < g < 1",
        "any adapted signal, of the state, of the past, of chance; also chosen by an adversary",
        "certificates held: one curvature, the peak-hold gate (signal beta3 ||v||^2, w0 = 0), alpha1 = 10",
    ),
    plain=(
        "A gate may look at the kinetic energy, at the direction of the force, at anything: what it sees does not "
        "decide whether momentum is stable. What decides is how fast it opens. Let it close as suddenly as it likes, "
        "and open by at most a factor g per step: with g at least beta1 squared (0.81 at beta1 = 0.9) no signal, even "
        "one chosen by an adversary who sees everything, can pump energy in while the fully open gate lies below the "
        "edge. Without such a law a gate that closes while the force brakes and opens while it pushes is a swing: "
        "the state grows from almost everywhere. Slightly below beta1 squared there are lawful sequences that grow. "
        "Peak-hold, whose signal is the kinetic energy, needs less: with one curvature and alpha1 = 10 every start is "
        "proved to converge from 0.2405 on at beta1 = 0.6 and 0.97 B (the theorem asks for 0.358), from 0.358 at 0.7 "
        "and 0.85 B (0.482), from 0.476 at 0.8 and 0.75 B (0.631); at 0.22, 0.336 and 0.456 random starts end in "
        "cycles. At these settings a smoothed gate may forget faster than peak-hold. Other settings and several "
        "curvatures are open."
    ),
    concludes="proved under assumptions",
    holds="every start converges for (1+w0) alpha0 L < B, whatever the gate sees, if it opens by at most g >= beta1^2",
    inequalities={
        "every signal obeys it": "z_t >= 0, 0 <= w_0 <= alpha1, 0 < g < 1",
        "peak-hold obeys it": "energies >= 0, 0 < g < 1, alpha1 >= 0",
        "the smoothed gate obeys it": "0 <= gate_decay < 1, alpha1 >= 0, energies >= 0",
        "beyond the edge: never more open than the published gate": "closings >= 0",
    },
    prose=(
        "Every sequence of the opening law is one of the rise law of S7 with A = alpha0 (1+w0) for alpha0, whose proof "
        "never asks where the sequence comes from.",
        "With a frozen preconditioner the coordinates P^(1/2) x obey the same recursion with another Hessian.",
        "With the bias-corrected velocity the law of a slightly larger ceiling holds from some step on, and finitely "
        "many bounded steps change only a constant.",
        "An orbit of the peak-hold gate that never enters the target of a certificate visits some cells again and "
        "again; each has a successor and a predecessor among them: when no cell is left there is no such orbit.",
    ),
    derive=derive,
    proofs=(stability_proof.PROOF,),
    formulas=FORMULAS,
    steps={
        "the law is the rise law of S7": the_law_is_the_rise_law,
        "every signal obeys it": every_signal_obeys_it,
        "every lawful sequence has a signal": every_lawful_sequence_has_a_signal,
        "the smoothed gate obeys it": smoothed_gate.opens_slowly,
        "peak-hold obeys it": peak_hold_obeys_it,
        "the odds s/(B-s) obey the same law": smoothed_gate.odds_obey_the_law,
        "an energy that moves with the gate": conservation,
        "what it loses in a step": what_the_energy_loses,
        "two losses bound the state": two_steps_see_everything,
        "the threshold of S7, for the closed gate, is exact": smoothed_gate.threshold_is_exact,
        "alpha0 (1+w0) takes the place of alpha0": the_ceiling_takes_the_place_of_alpha0,
        "the largest curvature decides; beta1^2 is enough": smoothed_gate.largest_curvature_decides,
        "several dimensions: a sum over modes": smoothed_gate.several_modes_at_once,
        "a frozen preconditioner changes the curvature only": a_frozen_preconditioner_changes_the_curvature_only,
        "the bias-corrected velocity obeys the law in the end": a_corrected_velocity_obeys_it_in_the_end,
        "sharp: below beta1^2 two gates in turn diverge": smoothed_gate.two_gates_show_it_is_sharp,
        "beyond the edge: never more open than the published gate": never_more_open_than_the_published_gate,
        "without the law a signal of the state pumps": a_signal_that_pumps,
    },
    certificates=(
        _sawtooth("gates_sawtooth_90_close", "9/10", "80999/100000", "189999981/5000000", ("179999/10000", "20")),
        _sawtooth("gates_sawtooth_99", "99/100", "9799/10000", "1989999801/5000000", ("19799/100", "20001/100")),
        smoothed_gate.column("held", "3/5", "97/100", "481/2000", "359/1000"),
        smoothed_gate.column("held", "7/10", "17/20", "179/500", "483/1000"),
        smoothed_gate.column("held", "4/5", "3/4", "119/250", "79/125"),
    ),
)
