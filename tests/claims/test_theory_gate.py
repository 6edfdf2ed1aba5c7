"""G1 and G2 against grids of speeds: the range of the gate, the largest step, and where the reported bound fails."""

import numpy as np
import pytest
import sympy as sp
from hypothesis import given
from hypothesis import strategies as st

from theory.claims.gate import G1, G2
from theory.notation import G, alpha0, alpha1, beta3


def numeric(claim, name):
    return sp.lambdify((alpha0, alpha1, beta3, G), claim.formulas[name], "math")


def eta(speed, a0, a1, b3):
    """Algorithm 1's gate, by hand."""
    return a0 / (1 + np.minimum(b3 * speed**2, a1))


positive = st.floats(1e-3, 1e3)
SETTINGS = [(0.3, 10.0, 2.0), (1.0, 1.0, 1.0), (0.0846, 29.0, 1.015), (2.0, 0.25, 0.5)]


@given(positive, st.floats(0, 1e3), positive, st.floats(0, 1e6))
def test_the_gate_stays_in_its_range(a0, a1, b3, speed):
    lower, upper = (numeric(G1, name)(a0, a1, b3, 1) for name in ("lower", "upper"))
    assert lower * (1 - 1e-15) <= eta(speed, a0, a1, b3) <= upper


@pytest.mark.parametrize(("a0", "a1", "b3"), SETTINGS)
def test_both_ends_of_the_range_are_attained(a0, a1, b3):
    assert numeric(G1, "upper")(a0, a1, b3, 1) == eta(0.0, a0, a1, b3)
    assert numeric(G1, "lower")(a0, a1, b3, 1) == pytest.approx(eta(1e6, a0, a1, b3), rel=1e-15)


@pytest.mark.parametrize(("a0", "a1", "b3"), SETTINGS)
def test_unclipped_the_largest_step_is_the_reported_bound(a0, a1, b3):
    speed = np.linspace(0, 10, 200_001) / np.sqrt(b3)
    largest = np.max(eta(speed, a0, np.inf, b3) * speed)
    assert largest == pytest.approx(numeric(G2, "unclipped")(a0, a1, b3, 1), rel=1e-8)


@pytest.mark.parametrize(("a0", "a1", "b3"), SETTINGS)
def test_the_reported_bound_fails_from_the_crossing_on(a0, a1, b3):
    crossing, bound = (numeric(G2, name)(a0, a1, b3, 1) for name in ("crossing", "unclipped"))
    below, beyond = (factor * crossing * eta(factor * crossing, a0, a1, b3) for factor in (0.98, 1.02))
    assert below < bound < beyond
    assert 1e6 * eta(1e6, a0, a1, b3) > 1e3 * bound


@pytest.mark.parametrize(("a0", "a1", "b3"), SETTINGS)
@pytest.mark.parametrize("limit", [0.1, 1.0, 4.0, 40.0])
def test_the_corrected_bound_holds_and_is_sharp(a0, a1, b3, limit):
    """Sharp when alpha1 >= 1 and G >= 1/sqrt(beta3); a valid bound always."""
    speed = np.append(np.linspace(0, limit, 100_001), [limit, min(limit, 1 / np.sqrt(b3))])
    largest = np.max(eta(speed, a0, a1, b3) * speed)
    bound = numeric(G2, "corrected")(a0, a1, b3, limit)
    assert largest <= bound * (1 + 1e-14)
    if a1 >= 1 and limit >= 1 / np.sqrt(b3):
        assert largest == pytest.approx(bound, rel=1e-12)


def test_the_numbers_of_the_authors_defaults():
    """alpha1 = 10, beta3 = 1: the reported bound alpha0/2 fails beyond a speed of 5.5."""
    assert numeric(G2, "crossing")(1e-3, 10, 1, 1) == 5.5
    assert numeric(G2, "unclipped")(1e-3, 10, 1, 1) == 5e-4
