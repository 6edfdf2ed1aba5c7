"""S7: the gate that sees a smoothed kinetic energy. Below the edge it makes VRMomentum converge from everywhere.

    u_t = gate_decay u_{t-1} + (1-gate_decay) ||v_t||^2,      eta_t = alpha0/(1 + min(beta3 u_t, alpha1))

may close at once but opens slowly, because u loses at most the factor gate_decay per step:

    1/eta_{t+1} >= gate_decay/eta_t + (1-gate_decay)/alpha0.                                    (the rise law)

**Theorem.** Let 0 < beta1 < 1, 0 < alpha1 < oo and S = alpha0 L < B. For every sequence of scalar gates in
``[alpha0/(1+alpha1), alpha0]`` that obeys the rise law, the origin of VRMomentum on every quadratic with curvatures in
(0, L] is globally uniformly exponentially stable, if

    gate_decay > gate_decay_star = beta1^2 - (1-beta1^2)(1 - S/B)/alpha1;      so  gate_decay >= beta1^2  is enough.

No smaller number than ``beta1^2`` is enough for all S < B and alpha1: below it two lawful gates in turn diverge.

**The smoothed gate itself needs less.** It is one of the sequences that obey the law, and with one curvature its orbits
can be followed: for three settings above the line of period 4, where the published gate leaves starts in cycles,
certificates of kind ``averaged`` (:mod:`theory.certificates.memory`) show by cells of three coordinates, two velocities
and the memory, that every start converges from a small gate_decay on. Open: other settings, several curvatures, and how
the least gate_decay depends on beta1 and S.

*Proof.* One mode, ``s = eta h``, ``w = v/h``, odds ``O(s) = s/(B-s)``. For ``V = x^2 + beta1^2 O (x + kappa w)^2``

    V(z_t, O_t) - V(z_{t+1}, O_{t+1}) = (O_t - beta1^2 O_{t+1})(x_{t+1} + kappa w_{t+1})^2.

``1/O = B/s - 1`` is affine in 1/s, so the odds obey the rise law as well, with O(S) for S; hence ``O_t/O_{t+1} >=
gate_decay + (1-gate_decay) O(a)/O(S)``, ``a = S/(1+alpha1)``, which exceeds ``beta1^2`` exactly when gate_decay exceeds
the threshold. Then V loses a fixed share of ``(x + kappa w)^2`` at every step, and the losses of two consecutive steps
bound ``|z|^2``, uniformly on ``[a, S]``: V shrinks by a fixed factor every two steps. Several dimensions: sum over the
modes, with ``S h/L`` for S; the threshold rises with S, so the largest curvature decides. QED
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction
from functools import cache

import sympy as sp

from theory import recursion
from theory.certificates.statement import Statement
from theory.claim import Certificate, Claim
from theory.claims.gate_sequences import TWO_GATES
from theory.claims.smoothed_gate.proof import PROOFS
from theory.methods.linearisation import without_decay
from theory.methods.quadratic_family import (
    conservation,
    mode,
    odds,
    s,
    two_steps_see_everything,
    w,
    what_the_energy_loses,
    x,
    zero,
)
from theory.notation import L, S, alpha1, beta1, edge, gate_decay, kappa, latex, s1, s2
from theory.recursion import ALGORITHM, Coefficients, gamma, momentum

slope, rate, weight = sp.symbols("slope rate weight")
later, excess = sp.symbols("later excess", positive=True)
LOWEST = S / (1 + alpha1)


# ---------------------------------------------------------------- the thresholds, from the recursion


def conserved(c: Coefficients = ALGORITHM) -> tuple[sp.Expr, sp.Expr]:
    """``weight(s)`` and ``rate`` of the one identity of its kind that the recursion has for every s, x and w:

    ``x'^2 + weight (x' + slope w')^2 = x^2 + rate weight (x + slope w)^2``, ``rate`` and ``slope`` free of s. The other
    solution, ``slope = 0``, has ``weight = -1`` and says nothing.
    """
    moved, after = mode(c)
    gap = moved**2 + weight * (moved + slope * after) ** 2 - x**2 - rate * weight * (x + slope * w) ** 2
    square, mixed, last = (sp.Poly(sp.expand(gap), x, w).coeff_monomial(term) for term in (x**2, x * w, w**2))
    (found,) = sp.solve(last, weight)
    rest = [sp.numer(sp.together(part.subs(weight, found))) for part in (square, mixed)]
    conditions = [coefficient for part in rest for coefficient in sp.Poly(sp.expand(part), s).coeffs()]
    solutions = sp.solve(conditions, [slope, rate], dict=True)
    (solution,) = [values for values in solutions if values[slope] != 0]
    return sp.factor(found.subs(solution)), sp.factor(solution[rate])


def derive(c: Coefficients = ALGORITHM) -> Mapping[str, sp.Expr]:
    """Where the steepest rise from the lowest gate leaves ``rate * weight`` as it was, and the period-2 orbit's end."""
    found, rate_found = conserved(c)
    following = 1 / (c.gate_decay / LOWEST + c.new_gate / S)
    balance = sp.numer(sp.together(found.subs(s, LOWEST) - rate_found * found.subs(s, following)))
    star = [value for value in sp.solve(sp.factor(balance), gate_decay) if value.has(alpha1)]
    (boundary,) = sp.solve(1 / found, s)
    (end,) = sp.solve(sp.numer(sp.together(rotation(c))), excess)
    return {
        "gate_decay_star": star[0],
        "gate_decay_sufficient": sp.simplify(star[0].subs(S, boundary)),
        "neimark_sacker": 1 + end,
    }


def remembered(energy: sp.Expr, speed: sp.Expr, c: Coefficients) -> sp.Expr:
    """``u'`` after ``u = energy``, at the velocity ``speed``: of state and gradient the gate sees no more."""
    rest = recursion.start(1)
    return recursion.smoothed(rest._replace(kinetic=energy), sp.Matrix([speed]), rest.velocity, c)


@cache
def orbit_polynomial(c: Coefficients = ALGORITHM) -> sp.Poly:
    """The characteristic polynomial at the period-2 orbit ``x, v, u -> -x, -v, u`` of the smoothed gate, ``u = v^2``.

    Unclipped, beta3 = 1; one step followed by the reflection, in (x, v, u), where ``S = (1 + excess) B``.
    """
    c = replace(without_decay(c), beta3=sp.Integer(1), alpha1=sp.oo)
    place, speed, energy, learning_rate, z = sp.symbols("place speed energy learning_rate z")
    after = recursion.velocity(speed, L * place, c)
    seen = remembered(energy, after, c)
    moved, _ = momentum(place, speed, L * place, learning_rate * gamma(seen, c), c)
    (start,) = sp.solve(after + speed, place)  # v' = -v
    orbit = {energy: speed**2, place: start}
    (needed,) = sp.solve((moved + place).subs(place, start).subs(energy, speed**2), learning_rate)  # x' = -x
    jacobian = sp.Matrix([-moved, -after, seen]).jacobian([place, speed, energy]).subs(learning_rate, needed)
    jacobian = jacobian.subs(orbit, simultaneous=True).subs(speed, sp.sqrt(excess)).applyfunc(sp.cancel)
    return sp.Poly(sp.expand((z * sp.eye(3) - jacobian).det(method="berkowitz")), z)


def rotation(c: Coefficients = ALGORITHM) -> sp.Expr:
    """``1 - a0^2 - a1 + a0 a2`` of ``z^3 + a2 z^2 + a1 z + a0``: zero where a complex pair crosses the unit circle."""
    _, a2, a1, a0 = orbit_polynomial(c).all_coeffs()
    return sp.factor(1 - a0**2 - a1 + a0 * a2)


FORMULAS = {
    "gate_decay_star": beta1**2 - (1 - beta1**2) * (1 - S / edge()) / alpha1,
    "gate_decay_sufficient": beta1**2,
    "neimark_sacker": 1 + (1 - beta1) * (1 - beta1 * gate_decay) / (beta1 * gate_decay * (3 * beta1 + 5) - (1 - beta1)),
}


# ---------------------------------------------------------------- the smoothed gate obeys the rise law


def opens_slowly() -> bool:
    """``1 + min(k', alpha1) >= gate_decay (1 + min(k, alpha1)) + (1-gate_decay)`` for ``k' >= gate_decay k >= 0``.

    ``k = beta3 u``, ``k' = beta3 u'`` as the recursion gives it. Four cases, by which of the two is clipped; in each
    the difference is a sum of products of nonnegative quantities.
    """
    kept, energy, speed, surplus = sp.symbols("kept energy speed surplus", nonnegative=True)
    fresh = sp.Symbol("fresh", nonnegative=True)  # 1 - gate_decay
    numbers = replace(ALGORITHM, gate_decay=kept, new_gate=fresh)
    after = remembered(energy, sp.sqrt(speed), numbers)
    clip, share = sp.symbols("clip share", nonnegative=True)
    cases = [  # k, k', what is left
        (energy, kept * energy + speed, speed),  # both open
        (clip, kept * (clip + surplus) + speed, kept * surplus + speed),  # k clipped, k' not
        (clip, clip, fresh * clip),  # both clipped
        (share, share + surplus, fresh * share + surplus),  # k' clipped, k = share below the clip share + surplus
    ]
    return zero(after - kept * energy - fresh * speed) and all(
        zero((1 + new - kept * (1 + old) - fresh - left).subs(fresh, 1 - kept)) and left.is_nonnegative is True
        for old, new, left in cases
    )


def corrected_gate_opens_slowly_too() -> bool:
    """``u_t/(1-g^t)`` is smoothed with ``g_t = 1 - (1-g)/(1-g^t)``, ``g - g_t = g^t (1-g)/(1-g^t)``, which tends to 0.

    As g exceeds the threshold, so does g_t from some step on; finitely many steps of bounded gates change the constant.
    """
    g, past, energy, speed = sp.symbols("g past energy speed", positive=True)  # past = g^(t-1)
    numbers = replace(ALGORITHM, gate_decay=g, new_gate=1 - g)
    after = remembered(energy * (1 - past), sp.sqrt(speed), numbers) / (1 - g * past)  # corrected before: energy
    current = 1 - (1 - g) / (1 - g * past)
    return zero(after - (current * energy + (1 - current) * speed)) and zero(
        g - current - g * past * (1 - g) / (1 - g * past)
    )


# ---------------------------------------------------------------- the theorem


def odds_obey_the_law() -> bool:
    """``1/O' - g/O - (1-g)/O(S) = B (1/s' - g/s - (1-g)/S)``."""
    g = gate_decay
    of_odds = 1 / odds(later) - g / odds(s) - (1 - g) / odds(S)
    return zero(of_odds - edge() * (1 / later - g / s - (1 - g) / S))


def threshold_is_exact() -> bool:
    """``g + (1-g) O(a)/O(S) - beta1^2 = (1 - O(a)/O(S)) (g - gate_decay_star)``, and ``O(a) < O(S)``.

    For a later gate s the share ``O(s)/O(S)`` is larger still: odds rise with s.
    """
    share = odds(LOWEST) / odds(S)
    below_one = zero(1 - share - alpha1 * edge() / ((1 + alpha1) * edge() - S))
    rising = zero(sp.diff(odds(), s) - edge() / (edge() - s) ** 2)
    left = gate_decay + (1 - gate_decay) * share - beta1**2
    return below_one and rising and zero(left - (1 - share) * (gate_decay - FORMULAS["gate_decay_star"]))


def largest_curvature_decides() -> bool:
    """The threshold rises with S, to ``beta1^2`` at the edge; weaker: ``beta1^2 < beta1 < 2 beta1/(1+beta1)``."""
    star = FORMULAS["gate_decay_star"]
    rises = zero(sp.diff(star, S) - (1 - beta1) ** 2 / (2 * alpha1))
    gap = zero(beta1**2 - star - (1 - beta1) ** 2 * (edge() - S) / (2 * alpha1))
    weaker = zero(2 * beta1 / (1 + beta1) - beta1 - beta1 * (1 - beta1) / (1 + beta1))
    return rises and gap and weaker


def two_gates_show_it_is_sharp() -> bool:
    """Odds r and 1/r in turn, ``r^2 = gate_decay``, obey the law of ``S = B``; unstable exactly when ``r < beta1``.

    ``two_gate_word = 4 (beta1 - r)(1 - beta1 r)/(1+r)^2``. For ``r < beta1`` the inequality is strict, so it survives
    for gates slightly lower that obey the law of an S slightly below B; ``1 + alpha1`` is the ratio of S to the lower.
    """
    r = sp.Symbol("r", positive=True)
    pair = {s1: edge() * r / (1 + r), s2: edge() / (1 + r)}
    steepest = 1 / pair[s2] - r**2 / pair[s1] - (1 - r**2) / edge()
    word = TWO_GATES["two_gate_word"].subs(pair) - 4 * (beta1 - r) * (1 - beta1 * r) / (1 + r) ** 2
    return zero(steepest) and zero(word) and zero(odds(pair[s1]) - r) and zero(odds(pair[s2]) - 1 / r)


def several_modes_at_once() -> bool:
    """In the modes of H the energy is ``h^2 V``, summed; one gate eta gives each its ``s = eta h <= S h/L``.

    Without coordinates: ``||g||^2 + beta1^2 <g + kappa v, eta H (B - eta H)^-1 (g + kappa v)>``, g the gradient.
    """
    eta, h, speed = sp.symbols("eta h speed", positive=True)
    gradient = h * x
    whole = gradient**2 + beta1**2 * (gradient + kappa() * speed) ** 2 * eta * h / (edge() - eta * h)
    modal = h**2 * (x**2 + beta1**2 * odds(eta * h) * (x + kappa() * speed / h) ** 2)
    return zero(whole - modal)


# ---------------------------------------------------------------- beyond the edge


def orbit_window() -> bool:
    """The period-2 orbit attracts for small ``e = S/B - 1``. Jury's conditions, with ``g = gate_decay``:

        (1+e) p(1) = 4 (1+beta1)(1-g) e > 0
        -(1+e) p(-1) = 2 (1+beta1)(1 + g - (1-3g) e) > 0
        |a0| = beta1 g < 1
        (1+e)(1 - a0^2 - a1 + a0 a2) = (1-g) ((1-beta1)(1-beta1 g) - e (beta1 g (3 beta1+5) - (1-beta1))) > 0
        (1+e)(1 - a0^2 + a1 - a0 a2) = (1+beta1) ((1+g)(1-beta1 g) + e ((1-beta1)(1+g) + beta1 (1-g)(1+5g))) > 0

    At g = 0 the window is ``S < 2B``, that of S6; for ``g >= 1/3`` it ends at the Neimark-Sacker threshold.
    """
    p, e, g = orbit_polynomial(), excess, gate_decay
    _, a2, a1, a0 = p.all_coeffs()
    one = p.eval(1) - 4 * (1 + beta1) * (1 - g) * e / (1 + e)
    minus = -p.eval(-1) - 2 * (1 + beta1) * (1 + g - (1 - 3 * g) * e) / (1 + e)
    reach = (1 - beta1) * (1 - beta1 * g) - e * (beta1 * g * (3 * beta1 + 5) - (1 - beta1))
    mirror = (1 + g) * (1 - beta1 * g) + e * ((1 - beta1) * (1 + g) + beta1 * (1 - g) * (1 + 5 * g))
    return (
        zero(one)
        and zero(minus)
        and zero(a0 + beta1 * g)
        and zero(rotation() - (1 - g) * reach / (1 + e))
        and zero(1 - a0**2 + a1 - a0 * a2 - (1 + beta1) * mirror / (1 + e))
    )


def _sawtooth(name: str, beta1: str, decay: str, S: str, gates: tuple[str, str], growth: str) -> Certificate:
    """Needed: two gates in turn that obey the law of ``decay < beta1^2`` and grow."""
    low, high = map(Fraction, gates)
    numbers = {"low": low, "high": high, "gate_decay": Fraction(decay), "S": Fraction(S)}
    facts = {"beta1": Fraction(beta1), "length": Fraction(2), "growth": Fraction(growth), **numbers}
    return Certificate(name, Statement("rise_limited", facts))


def column(law: str, beta1: str, fraction: str, low: str, high: str) -> Certificate:
    """Needed: with this gate, ``S = fraction B`` and ``alpha1 = 10``, every start converges for gate_decay from ``low``
    to ``high``, which lies above ``gate_decay_star``."""
    b, s = Fraction(beta1), Fraction(fraction)
    ends = {"low": Fraction(low), "high": Fraction(high)}
    facts = {"beta1": b, "S": s * 2 * (1 + b) / (1 - b), "alpha1": Fraction(10), **ends}
    return Certificate(f"memory_{law}_{int(100 * b)}_at_{int(100 * s)}", Statement(law, facts))


S7 = Claim(
    id="S7",
    title="The smoothed gate below the edge, and beyond",
    as_reported=(
        "Introduced here, in no publication: let the gate see u_t = gate_decay u_{t-1} + (1-gate_decay)||v_t||^2 in "
        "place of ||v_t||^2. Below the edge every start then converges if gate_decay exceeds an explicit threshold."
    ),
    statement=(
        r"\frac{1}{\eta_{t+1}} \geq \frac{\beta_g}{\eta_t} + \frac{1 - \beta_g}{\alpha_0}, \ S < B, \ "
        rf"\beta_g > {latex(FORMULAS['gate_decay_star'])} \ \Longrightarrow\ "
        r"|z_t| \leq C \rho^t |z_0|, \ \rho < 1; \quad "
        rf"\beta_g \geq {latex(FORMULAS['gate_decay_sufficient'])} \mathrm{{\ always\ suffices}}"
    ),
    source="introduced here; the gate it repairs: VRAdam (arXiv:2505.13196), Algorithm 1",
    assumptions=(
        "VRMomentum without weight decay on a quadratic with curvatures in (0, L], S = alpha0 L < B(beta1)",
        "0 < beta1 < 1 and 0 < alpha1 < infinity (at beta1 = 0 every gate is safe)",
        "scalar gates that obey the rise law; both forms of the smoothed gate do, the bias-corrected one in the "
        "limit, which is enough",
        "neimark_sacker: S/B where the period-2 orbit of the smoothed gate (d = 1, unclipped, S > B) stops attracting; "
        "gate_decay >= 1/3 and beta1 gate_decay (3 beta1 + 5) > 1 - beta1",
        "certificates averaged: one curvature, the smoothed gate, alpha1 = 10; bias-corrected for gate_decay above the "
        "lower end",
    ),
    plain=(
        "What makes a gate dangerous is opening too fast: the velocity is small for a moment, the step jumps up, and "
        "energy is pumped in. A gate that looks at a running average of the kinetic energy can close at once but "
        "opens only gradually. There is an energy, built from the position and from the position plus kappa times the "
        "velocity, that is conserved exactly when s/(B-s) grows by the factor 1/beta1^2 from one step to the next; "
        "slower than that, it falls. So the average may forget as fast as beta1^2 per step (0.81 at beta1 = 0.9) and "
        "every start still converges, for every learning rate below the edge, every clip, any number of dimensions. "
        "Faster forgetting is not safe against every gate that obeys the law: two alternating gates then diverge. "
        "The smoothed gate itself needs less. With one curvature and alpha1 = 10 it is proved, in cells of two "
        "velocities and the memory, that every start converges from gate_decay 0.015 on at beta1 = 0.6 and 0.97 B "
        "(the theorem asks for 0.358), from 0.073 at 0.7 and 0.85 B (0.482), from 0.177 at 0.8 and 0.75 B (0.631); at "
        "0.008, 0.06 and 0.156 random starts end in cycles. Other settings and several curvatures are open. "
        "Beyond the edge smoothing has a price: the orbit on which the step size sits at the edge loses its stability "
        "almost at once, and loss spikes appear."
    ),
    concludes="proved under assumptions",
    holds="every start converges for S < B if gate_decay > beta1^2 - (1-beta1^2)(1-S/B)/alpha1, so beta1^2 suffices",
    inequalities={"the smoothed gate opens slowly: the rise law": "0 <= gate_decay < 1, alpha1 >= 0, energies >= 0"},
    prose=(
        "Two losses in a row bound the squared state from below, uniformly in the gates: V falls by a factor every two "
        "steps.",
        "In several dimensions the modes' energies add up, and the largest curvature decides.",
        "An orbit that never enters the target of a certificate visits some cells again and again; each has a "
        "successor and a predecessor among them, so that none is removed: no cell is left, so there is no such orbit.",
        "The bias-corrected gate obeys the law of a memory that tends to its own: from some step on the theorem "
        "applies, and finitely many bounded steps change only a constant.",
    ),
    derive=derive,
    formulas=FORMULAS,
    steps={
        "the smoothed gate opens slowly: the rise law": opens_slowly,
        "so does the bias-corrected one, in the limit": corrected_gate_opens_slowly_too,
        "the odds s/(B-s) obey the same law": odds_obey_the_law,
        "an energy that moves with the gate": conservation,
        "what it loses in a step": what_the_energy_loses,
        "two losses bound the state": two_steps_see_everything,
        "the threshold, for the lowest gate, is exact": threshold_is_exact,
        "the largest curvature decides; beta1^2 is enough": largest_curvature_decides,
        "several dimensions: a sum over modes": several_modes_at_once,
        "sharp: below beta1^2 two gates in turn diverge": two_gates_show_it_is_sharp,
        "beyond the edge: the period-2 orbit and its window": orbit_window,
    },
    proofs=PROOFS,
    certificates=(
        _sawtooth("gates_sawtooth_50", "1/2", "249/1000", "29997/5000", ("1997/1000", "2001/500"), "1251/1250"),
        _sawtooth("gates_sawtooth_70", "7/10", "489/1000", "56661/5000", ("583/125", "6669/1000"), "2501/2500"),
        _sawtooth("gates_sawtooth_90", "9/10", "809/1000", "1899981/50000", ("1799/100", "20"), "5001/5000"),
        column("averaged", "3/5", "97/100", "3/200", "359/1000"),
        column("averaged", "7/10", "17/20", "73/1000", "483/1000"),
        column("averaged", "4/5", "3/4", "177/1000", "79/125"),
    ),
)

CLAIMS = (S7,)
