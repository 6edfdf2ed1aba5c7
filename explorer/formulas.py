"""The formulas that the page draws and quotes, from the claims that derive them, as JavaScript."""

from __future__ import annotations

from typing import Final

import sympy as sp

from theory import CLAIMS
from theory.claims.bias.surrogate import gated
from theory.claims.convergence.predictable_gate import tuned
from theory.claims.cycles.below_edge import CURVE, GATES, K, r, y
from theory.javascript import formula, linear_step
from theory.notation import S, edge, kappa, v

_claims = {claim.id: claim for claim in CLAIMS}


def _of(claim: str, name: str) -> sp.Expr:
    return _claims[claim].formulas[name]


def orbit() -> tuple[sp.Expr, sp.Expr]:
    """``v1`` and ``v2`` of the attracting cycle of period four for beta3 = 1, in S and beta1: NaN below its birth.

    Of the two y at which the curve of these cycles is S the smaller is of the branch that attracts; ``r - 1/r = y``,
    r > 1.
    """
    top, middle, last = sp.Poly(sp.numer(sp.together(CURVE - S)), y).all_coeffs()
    smaller = (-middle - sp.sqrt(middle**2 - 4 * top * last)) / (2 * top)  # top is kappa > 0
    speed_ratio = (smaller + sp.sqrt(smaller**2 + 4)) / 2
    second = sp.sqrt(S / GATES[1].subs(r, speed_ratio) - 1)
    return (speed_ratio * second).subs(K, kappa()), second.subs(K, kappa())


FORMULAS: Final[dict[str, sp.Expr]] = {
    "edge": edge(),
    "kappa": kappa(),
    "birth": _of("S3b", "period4_threshold"),
    "safe": _of("S3b", "global_threshold"),
    **dict(zip(("cycle_v1", "cycle_v2"), orbit(), strict=True)),
    "speed_squared": _of("S6", "velocity_squared"),
    "window_end": _of("S6", "upper_end"),
    "asymmetric_end": _of("S6", "asymmetric_end"),
    "instantaneous": _of("S2", "threshold"),
    "rise": _of("S8", "gate_decay_star"),
    "sufficient": _of("S7", "gate_decay_sufficient"),
    "two_gate_word": _of("S5", "two_gate_word"),
    "one_form": _of("S3a", "cqlf_in_scale"),
    "decayed_edge": _of("S4", "threshold"),
    "passed": gated(v),
    "repelled": _of("C1b", "repelled_gradient_squared"),
    "theorem2": tuned(_of("C1a", "theorem2")),
    "theorem4": tuned(_of("C1a", "theorem4")),
    "smoothed": tuned(_of("C2", "theorem")),
}


def javascript() -> str:
    """Every formula as a function of the page's parameters, and the linear step of momentum."""
    return "\n".join([linear_step("momentum"), *(formula(name, expr) for name, expr in FORMULAS.items())])
