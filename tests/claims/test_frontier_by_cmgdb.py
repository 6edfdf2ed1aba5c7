"""A second witness of the map: Morse sets of one step, computed by CMGDB (extra ``certify``) from the map alone.

CMGDB cuts the plane of two successive velocities into boxes and finds the sets between which, but not within which, the
dynamics only goes one way. Where every start converges there is one such set, around rest; where a cycle attracts as
well there are more. Nothing of the checker is used: neither its grid, nor its target, nor its far part.
"""

from math import inf, nextafter, sqrt

import pytest

from theory import global_stability

CMGDB = pytest.importorskip("CMGDB", reason="pip install -e .[certify] for Morse sets")
pytestmark = pytest.mark.slow


def one_step(beta1, fraction, alpha1):
    """An outer bound of the image of a rectangle ``[a0, b0, a1, b1]`` under one step."""

    def pulled(b):
        return (1 + beta1) * (b - 2 * fraction * b / (1 + min(b * b, alpha1)))

    u = -(1 + fraction) + sqrt(fraction**2 + 4 * fraction)  # where the slope vanishes, b^2 = u
    turns = [sign * sqrt(u) for sign in (-1, 1)] if u > 0 else []

    def image(rectangle):
        a0, b0, a1, b1 = rectangle
        values = [pulled(b) for b in (b0, b1, *(turn for turn in turns if b0 < turn < b1))]
        low, high = min(values) - beta1 * a1, max(values) - beta1 * a0
        return [b0, nextafter(low, -inf) - 1e-12, b1, nextafter(high, inf) + 1e-12]

    return image


def morse_sets(beta1, fraction, alpha1, reach, finest=26):
    model = CMGDB.Model(finest - 2, finest, [-reach, -reach], [reach, reach], one_step(beta1, fraction, alpha1))
    graph, _ = CMGDB.ComputeMorseGraph(model)
    return [graph.morse_set_boxes(k) for k in range(graph.num_vertices())]


@pytest.mark.parametrize(
    ("beta1", "fraction"),
    [(0.3, 0.9), (0.5, 0.8), (0.5, 0.95), (0.6, 0.9), (0.7, 0.6), (0.7, 0.75), (0.75, 0.7), (0.8, 0.6)],
)
def test_where_every_start_converges_there_is_one_morse_set_around_rest(beta1, fraction):
    S = fraction * 2 * (1 + beta1) / (1 - beta1)
    assert global_stability(beta1, S, 10).says == "every start converges"
    (only,) = morse_sets(beta1, fraction, 10.0, 25.0)
    assert max(abs(end) for box in only for end in box) < 1


@pytest.mark.parametrize(("beta1", "fraction"), [(0.65, 0.95), (0.7, 0.85), (0.8, 0.75), (0.85, 0.7)])
def test_where_a_cycle_attracts_there_are_more(beta1, fraction):
    S = fraction * 2 * (1 + beta1) / (1 - beta1)
    assert global_stability(beta1, S, 10).says.startswith("an attracting cycle")
    assert len(morse_sets(beta1, fraction, 10.0, 25.0)) > 1
