"""The setting that tells gates apart: its constants, how it was found, and each gate in the place of each other."""

from dataclasses import replace
from fractions import Fraction
from functools import partial

import numpy as np
import pytest
import sympy as sp
from scipy.optimize import minimize

import vradam
from experiments.measurement import central_rate
from experiments.measurement.central_rate import MORE_MOMENTUM, WITH_MOMENTUM, WITHOUT_MOMENTUM, Central
from experiments.measurement.verdict import Confrontation, verdict
from theory.claim import vanishes
from theory.claims.bias import stationary, with_momentum
from theory.claims.bias.stationary import mean_gated, velocity_law
from theory.claims.bias.worst_noise import search
from theory.claims.convergence.predictable_gate import rate_limit, theorem2, theorem4
from theory.claims.convergence.shares import at_best_shares, best, parts, theorem2_shares, theorem4_shares
from theory.claims.convergence.smoothed_gate import theorem_beta1_zero_shares, theorem_shares
from theory.notation import L, R, alpha1, beta1, d, mu, theta

SETTINGS = (WITHOUT_MOMENTUM, WITH_MOMENTUM, *MORE_MOMENTUM)
GATES = ("published", "predictable", "smoothed", "held")
SHORT = Central(settings=(WITHOUT_MOMENTUM,), horizons=(100_000, 3_000_000), seeds=10)


# ---------------------------------------------------------------- the setting


def test_the_balance_with_momentum_is_enclosed():
    """In rational arithmetic, at the setting with momentum; the plateau of the runs lies inside."""
    s = WITH_MOMENTUM
    assert (s.beta1, s.beta3, s.alpha1) == tuple(
        map(float, (with_momentum.BETA1, with_momentum.BETA3, with_momentum.ALPHA1))
    )
    assert with_momentum.balance_is_enclosed()
    assert with_momentum.LOW < s.plateau < with_momentum.HIGH
    values, weights = velocity_law(0.5, 1.0, s.beta1)
    for gradient in (Fraction(1, 5), Fraction(2, 5)):
        low, high = map(float, with_momentum.mean_gated(gradient))
        wanted = float(mean_gated(float(gradient), values, weights, s.beta3, s.alpha1))
        assert low - 1e-5 < wanted < high + 1e-5 and high - low < 1e-5


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: f"beta1 {setting.beta1:g}")
def test_its_constants_are_those_of_the_objective_and_the_noise(setting):
    objective = vradam.objectives.pseudo_huber(1, scale=setting.grad_bound / setting.L, curvature=setting.L)
    noise = vradam.noise.two_point(0.5, 1.0)
    x0 = np.array([setting.start])
    assert objective.smoothness == setting.L
    assert objective.grad_bound == pytest.approx(setting.grad_bound, rel=1e-12)
    assert pytest.approx(objective.grad_bound + noise.bound + setting.eps**0.5, rel=1e-12) == setting.R
    assert pytest.approx(float(objective.value(x0)), rel=1e-12) == setting.D
    assert float(objective.grad(x0)[0]) == pytest.approx(setting.plateau, rel=1e-12)


def test_where_the_coin_balances():
    """Clipped above, open below: ``(G+1)/(1+alpha1) = (1-G)/(1+beta3 (1-G)^2)``."""
    s, G = WITHOUT_MOMENTUM, WITHOUT_MOMENTUM.plateau
    assert (G + 1) / (1 + s.alpha1) == pytest.approx((1 - G) / (1 + s.beta3 * (1 - G) ** 2), rel=1e-12)
    assert s.beta3 * (G + 1) ** 2 > s.alpha1 > s.beta3 * (G - 1) ** 2
    assert float(mean_gated(G, [1.0, -1.0], [0.5, 0.5], s.beta3, s.alpha1)) == pytest.approx(0, abs=1e-12)
    assert WITHOUT_MOMENTUM.plateau > WITH_MOMENTUM.plateau > MORE_MOMENTUM[0].plateau > MORE_MOMENTUM[1].plateau > 0


@pytest.mark.parametrize(
    ("setting", "bound"), [(WITHOUT_MOMENTUM, theorem2_shares), (WITH_MOMENTUM, theorem4_shares)], ids=["beta1 0", ".1"]
)
def test_the_search_finds_nothing_much_worse(setting, bound, monkeypatch):
    """The rounded numbers lose at most 2 %; from a start well away the search comes back to what they are.

    It asks for the plateau hundreds of times: on a coarser grid, where that is the same to five digits.
    """
    monkeypatch.setattr(stationary, "velocity_law", partial(stationary.velocity_law, points=1 << 10))
    away = replace(setting, alpha1=1.3 * setting.alpha1, beta3=1.2 * setting.beta3, kappa=10.0, L=2.0)
    found, ours = search(bound, 10_000_000, away).excess(bound, 10_000_000), setting.excess(bound, 10_000_000)
    assert ours > 1.6 and 0.98 * found < ours
    assert found > 1.15 * away.excess(bound, 10_000_000)


# ---------------------------------------------------------------- the bound that is drawn


NUMBERS = WITH_MOMENTUM.values(10_000_000)


@pytest.mark.parametrize(
    ("bound", "values"),
    [
        (theorem2_shares, WITHOUT_MOMENTUM.values(10_000_000)),
        (theorem_beta1_zero_shares, WITHOUT_MOMENTUM.values(10_000)),
        (theorem4_shares, NUMBERS),
        (theorem_shares, WITH_MOMENTUM.values(10_000)),
        (theorem4_shares, NUMBERS | {"beta1": 0.9}),
    ],
)
def test_the_best_shares_are_the_best(bound, values):
    numeric = sp.lambdify((theta, mu), bound.subs({s: values[s.name] for s in bound.free_symbols - {theta, mu}}))
    found = minimize(lambda z: numeric(1 / (1 + np.exp(-z[0])), np.exp(z[1])), [0.0, -1.0], method="Nelder-Mead",
                     options={"xatol": 1e-8, "fatol": 1e-12, "maxiter": 4000})  # fmt: skip
    assert best(bound, **values) == pytest.approx(found.fun, rel=1e-6)


def test_six_instead_of_twelve():
    """At theta = 1/2, mu = 1 the limit has ``2 + 4 sqrt(1-beta1) <= 6`` where [D] has 12, and ``1/sqrt(2)`` for 2."""
    half = theorem4_shares.subs({theta: sp.Rational(1, 2), mu: 1})
    expected = (1 + alpha1) * d * (
        R * L
        + (2 + 4 * sp.sqrt(1 - beta1)) * R**2 / (1 - beta1)
        + sp.sqrt(2) / 2 * L**2 * beta1 / (1 - beta1)
    )  # fmt: skip
    assert vanishes(rate_limit(sp.expand(half, deep=False)) - expected)


def test_the_published_forms_are_larger():
    zero = WITHOUT_MOMENTUM.values(1_000_000)
    for stated, shares, values in ((theorem2, theorem2_shares, zero), (theorem4, theorem4_shares, NUMBERS)):
        numbers = {symbol: values[symbol.name] for symbol in stated.free_symbols}
        ratio = best(shares, **values) / float(stated.subs(numbers))
        assert ratio < 1 and (ratio > 0.99 if stated is theorem2 else ratio < 0.4)
    assert vanishes(theorem2_shares.subs(theta, sp.Rational(1, 2)) - theorem2)


def test_what_is_not_a_bound_with_shares_is_refused():
    with pytest.raises(ValueError, match="bound must be"):
        parts(theorem4)
    with pytest.raises(ValueError, match="bound must be"):
        at_best_shares(theorem2_shares + theta)
    with pytest.raises(ValueError, match="values must hold every symbol of the bound, got none for L, R"):
        best(theorem2_shares, **{name: value for name, value in NUMBERS.items() if name not in ("L", "R")})


# ---------------------------------------------------------------- every gate in the place of every other


@pytest.fixture(scope="module")
def data():
    from experiments.store.chunks import Chunks

    return central_rate.collect(SHORT, GATES, Chunks().gather(central_rate.tasks(SHORT, GATES)))


def in_place_of(data, gate, place):
    """The data with the runs of ``gate`` under the name ``place``: its bound stays."""
    swapped = data.copy(deep=True)
    for name in ("mean", "low", "high"):
        swapped[name].loc[{"gate": place}] = data[name].sel(gate=gate).values
    return swapped


@pytest.mark.parametrize("gate", GATES)
@pytest.mark.parametrize(("claim", "place"), [("C1a", "predictable"), ("C2", "smoothed"), ("C3", "held")])
def test_a_gate_without_the_theorem_loses_its_verdict(data, claim, place, gate):
    swapped = in_place_of(data, gate, place)
    found = verdict("proved under assumptions", Confrontation(claim, central_rate.against_bound(swapped, place)))
    assert found == ("open" if gate == "published" else "verified under assumptions")


@pytest.mark.parametrize("gate", GATES)
def test_a_gate_with_the_theorem_does_not_refute(data, gate):
    swapped = in_place_of(data, gate, "published")
    reported = central_rate.against_bound(swapped, "published")
    settled = (central_rate.against_plateau(swapped),)
    assert verdict("refuted", Confrontation("C1b", reported, settled)) == ("refuted" if gate == "published" else "open")
    assert verdict("refuted", Confrontation("C1b", reported)) == ("refuted" if gate == "published" else "open")


def test_the_plateau_is_told_from_two_percent_more(data):
    wrong = data.assign(plateau=1.02 * data.plateau)
    reported = central_rate.against_bound(data, "published")
    assert verdict("refuted", Confrontation("C1b", reported, (central_rate.against_plateau(wrong),))) == "open"


def test_the_bound_of_the_held_gate_is_hardly_larger(data):
    """It is slower than the others, and its price is of lower order: some per cent of the bound here."""
    held, predictable = data.sel(gate="held"), data.sel(gate="predictable")
    assert (held["mean"] > predictable["mean"]).all() and (held.high < held.bound).all()
    assert (held.bound > predictable.bound).all() and (held.bound < 1.1 * predictable.bound).all()
