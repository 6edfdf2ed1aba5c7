"""Are all gate sequences stable? A proof, a counterexample, or two bounds: ``certify_gates(beta1, a, b)``.

One mode of VRMomentum on a quadratic under gates ``s_t`` anywhere in ``[a, b]`` (step size times curvature) is the
product of matrices ``A(s_t)``. A is affine in s, so its joint spectral radius over ``[a, b]`` is that of the pair A(a),
A(b). Four attempts, each ending in exact rational arithmetic:

1. one quadratic form for both ends (a rational member of the family Q_sigma, which has one whenever anything has);
2. a periodic word in a and b whose product has spectral radius above 1;
3. a polygonal norm that both matrices shrink, grown by adding images until nothing sticks out;
4. otherwise "undecided", with an exact lower bound (the best word) and an exact upper bound (a polygon) of the radius.

What is said is proved, whatever the search missed. At beta1 = 0.9 the undecided band is about 1e-5 wide, relative to b;
it widens as beta1 tends to 1, where words grow long and polygons many-cornered.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from math import isqrt, lcm
from typing import Any, Literal

from theory.search.joint_spectral_radius import best_word, growth_below, polygon, simplest_between
from theory.search.matrices import PER_BOUND, Point, edge_of, norm_in, outgrows, trace_as_stored, word_matrix

Number = int | float | str | Fraction
Vertices = list[Point]
SLACKS = (1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6)  # how much a polygon is asked to shrink in a step, times 1 - beta1
GROWTH_ALLOWED = (-0.03, -0.3, -3, -30, -300)  # and how much it may grow where nothing better is found


@dataclass(frozen=True)
class GateVerdict:
    """What is known about all gate sequences in ``[a, b]``.

    ``status`` is "stable" (every sequence is uniformly exponentially stable), "unstable" (the word in ``certificate``
    diverges) or "undecided". ``certificate`` is data that :mod:`theory.certificates.gates` verifies. ``lower <= joint
    spectral radius <= upper`` are exact; ``upper`` is None where none was computed.
    """

    status: Literal["stable", "unstable", "undecided"]
    reason: str
    certificate: Mapping[str, Any]
    lower: Fraction
    upper: Fraction | None


def certify_gates(beta1: Number, a: Number, b: Number) -> GateVerdict:
    """Decide the stability of VRMomentum on a quadratic under every gate sequence in ``[a, b]``.

    Parameters
    ----------
    beta1 : Number
        Decay of the velocity, in [0, 1).
    a, b : Number
        The ends of the gate interval times the curvature, ``0 < a <= b < B = 2 (1+beta1)/(1-beta1)``. For a curvature
        L and the published gate, ``b = alpha0 L`` and ``a = b/(1+alpha1)``. Floats are read as the decimal they print
        as.

    Raises
    ------
    ValueError
        A number outside its domain, or not a number.

    >>> certify_gates("9/10", "1/60", "1/5").reason
    'a common quadratic Lyapunov function'
    >>> certify_gates(0.9, 0.05, 0.5).reason
    'a common polygonal norm'
    >>> verdict = certify_gates(0.9, 1, 30)
    >>> verdict.status, verdict.lower > 1
    ('unstable', True)
    """
    exact_beta1, low, high = _read(beta1, "beta1"), _read(a, "a"), _read(b, "b")
    if not 0 <= exact_beta1 < 1:
        raise ValueError(f"beta1 must lie in [0, 1), got {beta1}")
    if not 0 < high < edge_of(exact_beta1):
        raise ValueError(f"b must lie in (0, {edge_of(exact_beta1)}), below the edge for beta1 = {beta1}, got {b}")
    if not 0 < low <= high:
        raise ValueError(f"a must lie in (0, b], b = {b}, got {a}")
    form = quadratic_form(exact_beta1, low, high)
    if form is not None:
        constant = growth_below(exact_beta1, [low]), growth_below(exact_beta1, [high])
        certificate = lyapunov_certificate(exact_beta1, low, high, form)
        return GateVerdict("stable", "a common quadratic Lyapunov function", certificate, max(constant), None)
    word = best_word(exact_beta1, low, high)
    growth = growth_below(exact_beta1, word, PER_BOUND)
    if growth >= 1 and outgrows(word_matrix(exact_beta1, word), Fraction(1)):
        certificate = word_certificate(exact_beta1, word)
        return GateVerdict("unstable", f"a periodic word of {len(word)} gates", certificate, growth, None)
    return _by_polygon(exact_beta1, low, high, growth, word)


def _by_polygon(beta1: Fraction, low: Fraction, high: Fraction, lower: Fraction, word: list[Fraction]) -> GateVerdict:
    """The verdict of the polygonal norms, asked to shrink by less and less, and at last allowed to grow."""
    shares = [*SLACKS, *(-share for share in reversed(SLACKS))]
    for slack in [*(share * float(1 - beta1) for share in shares), *GROWTH_ALLOWED]:
        vertices = polygon(beta1, low, high, slack)
        if vertices is None:
            continue
        upper = max(norm_in(vertices, beta1, gate) for gate in (low, high))
        if upper < 1:
            certificate = polygon_certificate(beta1, low, high, vertices)
            return GateVerdict("stable", "a common polygonal norm", certificate, lower, upper)
        return GateVerdict(
            "undecided",
            f"{float(lower):.7f} <= joint spectral radius <= {float(upper):.7f}",
            bounds_certificate(beta1, low, high, word, lower, vertices),
            lower,
            upper,
        )
    raise ArithmeticError(f"no polygonal norm was found for beta1 = {beta1}, a = {low}, b = {high}")


# ---------------------------------------------------------------- one quadratic form


def quadratic_form(beta1: Fraction, low: Fraction, high: Fraction) -> list[list[Fraction]] | None:
    """An integer P with ``P - A'PA > 0`` at both ends, or None when no quadratic form has that.

    Q_sigma serves exactly when sigma lies between ``sigma-(b)`` and ``sigma+(a)`` (and ``sigma-+`` of the other end),
    where ``sigma-+(s) = 1/kappa + (1 - 1/kappa^2) s -+ sqrt((kappa^2-1) s (2 kappa - s))/kappa^2``.
    """
    if beta1 == 0:  # w does not enter x; any small weight on it will do
        farthest = max((1 - low) ** 2, (1 - high) ** 2)
        weight = (1 - farthest) / 2
        return [[Fraction(weight.denominator), Fraction(0)], [Fraction(0), Fraction(weight.numerator)]]
    kappa = edge_of(beta1) / 2

    def ends(gate: Fraction) -> tuple[Fraction, Fraction]:
        middle = 1 / kappa + (1 - 1 / kappa**2) * gate
        half = _root((kappa**2 - 1) * gate * (2 * kappa - gate)) / kappa**2
        return middle - half, middle + half

    (low_left, low_right), (high_left, high_right) = ends(low), ends(high)
    left, right = max(low_left, high_left), min(low_right, high_right)
    if not left < right:
        return None
    sigma = simplest_between((3 * left + right) / 4, (left + 3 * right) / 4)
    inside = all(
        (kappa**2 - 1) * (gate - sigma) ** 2 < 2 * kappa * sigma - sigma**2 - 1 for gate in (low, high)
    )  # exact: the roots above were not
    if not inside:
        return None
    mixed = (1 - beta1) * (sigma - 1) / 2
    rows = [[1 - beta1, mixed], [mixed, sigma * beta1]]
    scale = lcm(*(entry.denominator for row in rows for entry in row))
    return [[entry * scale for entry in row] for row in rows]


# ---------------------------------------------------------------- certificates as data


def lyapunov_certificate(beta1: Fraction, a: Fraction, b: Fraction, form: list[list[Fraction]]) -> dict[str, Any]:
    """The data that ``check_lyapunov`` verifies."""
    (p, q), (_, r) = form
    minors = {"minors_of_P": [p, p * r - q * q]}
    for name, gate in (("a", a), ("b", b)):
        (k, l), (m, n) = word_matrix(beta1, [gate])  # noqa: E741
        corner = p - (p * k * k + 2 * q * k * m + r * m * m)
        mixed = q - (p * k * l + q * (k * n + l * m) + r * m * n)
        last = r - (p * l * l + 2 * q * l * n + r * n * n)
        minors[f"minors_at_{name}"] = [corner, corner * last - mixed * mixed]
    return _text({"kind": "lyapunov", "beta1": beta1, "a": a, "b": b, "P": form, **minors})


def polygon_certificate(beta1: Fraction, a: Fraction, b: Fraction, vertices: Vertices) -> dict[str, Any]:
    """The data that ``check_polygon`` verifies."""
    total = [sum((vertex[i] for vertex in vertices), Fraction(0)) for i in (0, 1)]
    norms = {f"norm_at_{name}": norm_in(vertices, beta1, gate) for name, gate in (("a", a), ("b", b))}
    data = {"kind": "polygon", "beta1": beta1, "a": a, "b": b, "vertices": vertices, "sum_of_vertices": total}
    return _text({**data, **norms})


def word_certificate(beta1: Fraction, word: list[Fraction]) -> dict[str, Any]:
    """The data that ``check_gate_word`` verifies; ``S`` and ``alpha1`` are those that the word exhausts."""
    product = word_matrix(beta1, word)
    data = {"kind": "gate_word", "beta1": beta1, "S": max(word), "alpha1": max(word) / min(word) - 1, "gates": word}
    return _text({**data, "trace": trace_as_stored(product), "growth": growth_below(beta1, word)})


def bounds_certificate(
    beta1: Fraction, a: Fraction, b: Fraction, word: list[Fraction], lower: Fraction, vertices: Vertices
) -> dict[str, Any]:
    """The data that ``check_gate_bounds`` verifies."""
    polygonal = polygon_certificate(beta1, a, b, vertices)
    return {**polygonal, "kind": "gate_bounds", "gates": _text(word), "lower": str(lower)}


def _text(value: Any) -> Any:
    """Every rational as text, in nested lists and dictionaries."""
    if isinstance(value, Mapping):
        return {key: _text(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_text(entry) for entry in value]
    return str(value) if isinstance(value, Fraction) else value


# ---------------------------------------------------------------- numbers


def _read(value: Number, name: str) -> Fraction:
    try:
        return Fraction(str(value))
    except (ValueError, ZeroDivisionError):
        raise ValueError(f"{name} must be a rational number such as 0.9 or '9/10', got {value!r}") from None


def _root(value: Fraction, digits: int = 60) -> Fraction:
    """The square root, to ``digits`` decimals."""
    return Fraction(isqrt(value.numerator * 10 ** (2 * digits) // value.denominator), 10**digits)
