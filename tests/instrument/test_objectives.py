"""Objectives against the formulas of the literature (differentiated by SymPy) and against an independent search."""

import pickle

import mpmath
import numpy as np
import pytest
import sympy as sp
from scipy.optimize import minimize

from theory import objectives as textbook
from vradam import objectives
from vradam.objectives import (
    ackley,
    beale,
    four_scalar_product,
    himmelblau,
    log_cosh,
    logistic_regression,
    matrix_factorisation,
    progressive_sharpening,
    pseudo_huber,
    pseudo_huber_sine,
    quadratic,
    rastrigin,
    rational,
    rosenbrock,
    styblinski_tang,
)

RNG = np.random.default_rng(20250519)
FEATURES = RNG.standard_normal((12, 3)) * [1.0, 0.5, 3.0]
LABELS = RNG.integers(0, 2, 12)
TARGET = RNG.standard_normal((3, 2))
SPECTRUM = [4.0, 0.5, -1.5]
ROTATION = np.linalg.qr(RNG.standard_normal((3, 3)))[0]


def rows(matrix):
    """A NumPy matrix as a SymPy matrix of exact rationals."""
    return sp.Matrix([[sp.Rational(float(entry)) for entry in row] for row in np.atleast_2d(matrix)])


q = sp.Rational
#: name -> (the objective, its formula in the coordinates, written as the literature writes it)
CATALOGUE = {
    "quadratic": (quadratic(SPECTRUM), lambda x: textbook.quadratic(x, list(map(q, SPECTRUM)))),
    "quadratic, rotated": (
        quadratic(SPECTRUM, ROTATION),
        lambda x: textbook.rotated_quadratic(x, list(map(q, SPECTRUM)), rows(ROTATION)),
    ),
    "pseudo_huber": (pseudo_huber(2), textbook.pseudo_huber),
    "pseudo_huber, stretched": (
        pseudo_huber(2, scale=2.5, curvature=0.25),
        lambda x: textbook.pseudo_huber(x, q(5, 2), q(1, 4)),
    ),
    "log_cosh": (log_cosh(2), textbook.log_cosh),
    "log_cosh, stretched": (log_cosh(2, scale=0.5, curvature=3.0), lambda x: textbook.log_cosh(x, q(1, 2), 3)),
    "rational": (rational(3), textbook.rational),
    "rational, stretched": (rational(2, scale=2.0, curvature=0.5), lambda x: textbook.rational(x, 2, q(1, 2))),
    "pseudo_huber_sine": (pseudo_huber_sine(2), textbook.pseudo_huber_sine),
    "pseudo_huber_sine, stretched": (
        pseudo_huber_sine(2, scale=2.0, curvature=0.5, amplitude=0.75, frequency=3.0),
        lambda x: textbook.pseudo_huber_sine(x, 2, q(1, 2), q(3, 4), 3),
    ),
    "logistic_regression": (
        logistic_regression(FEATURES, LABELS),
        lambda x: textbook.logistic_regression(x, rows(FEATURES), LABELS),
    ),
    "logistic_regression, l2": (
        logistic_regression(FEATURES, LABELS, 0.125),
        lambda x: textbook.logistic_regression(x, rows(FEATURES), LABELS, q(1, 8)),
    ),
    "rosenbrock": (rosenbrock(), textbook.rosenbrock),
    "rosenbrock, d = 5": (rosenbrock(5), textbook.rosenbrock),
    "beale": (beale(), textbook.beale),
    "himmelblau": (himmelblau(), textbook.himmelblau),
    "rastrigin": (rastrigin(2), textbook.rastrigin),
    "ackley": (ackley(3), textbook.ackley),
    "styblinski_tang": (styblinski_tang(2), textbook.styblinski_tang),
    "matrix_factorisation": (
        matrix_factorisation(TARGET, rank=2),
        lambda x: textbook.matrix_factorisation(x, rows(TARGET), rank=2),
    ),
    "four_scalar_product": (four_scalar_product(), textbook.four_scalar_product),
    "progressive_sharpening": (progressive_sharpening(), textbook.progressive_sharpening),
    "progressive_sharpening, gentle": (
        progressive_sharpening(final=16.0, flat=0.5),
        lambda x: textbook.progressive_sharpening(x, 16, q(1, 2)),
    ),
}
OBJECTIVES = {name: objective for name, (objective, _) in CATALOGUE.items()}
everywhere = pytest.mark.parametrize("objective", OBJECTIVES.values(), ids=OBJECTIVES.keys())


def generic_points(objective, count, size=1.7, seed=7):
    """Points without special structure, away from minima."""
    return size * np.random.default_rng(seed).standard_normal((count, objective.dim)) + 0.3


@pytest.mark.parametrize("name", CATALOGUE)
def test_value_gradient_and_hessian_of_the_literatures_formula(name):
    objective, formula = CATALOGUE[name]
    symbols = sp.symbols(f"x0:{objective.dim}", real=True)
    evaluate = sp.lambdify(symbols, list(textbook.derivatives(formula(symbols), symbols)), "mpmath", cse=True)
    for x in generic_points(objective, 4):
        with mpmath.workdps(40):
            value, gradient_at_x, hessian_at_x = evaluate(*map(mpmath.mpf, x))
        exact = np.array(hessian_at_x, dtype=float)
        np.testing.assert_allclose(objective.value(x), float(value), rtol=2e-14)
        scale = np.abs(exact).max()
        np.testing.assert_allclose(objective.grad(x), np.array(gradient_at_x, dtype=float), rtol=1e-12, atol=1e-13)
        np.testing.assert_allclose(objective.hessian(x), exact, rtol=1e-12, atol=1e-14 * scale)
        u = np.linspace(-1, 2, objective.dim)
        np.testing.assert_allclose(objective.hvp(x, u), exact @ u, rtol=1e-11, atol=1e-13 * scale)


@everywhere
def test_derivatives_are_vectorised_over_leading_axes(objective):
    x = generic_points(objective, 6).reshape(3, 2, -1)
    u = np.arange(1.0, objective.dim + 1)
    assert objective.value(x).shape == (3, 2)
    assert objective.grad(x).shape == objective.hvp(x, u).shape == x.shape
    assert objective.hessian(x).shape == (*x.shape, objective.dim)
    np.testing.assert_allclose(
        np.einsum("...ij,j->...i", objective.hessian(x), u), objective.hvp(x, u), rtol=1e-11, atol=1e-11
    )


@pytest.mark.parametrize(
    "objective",
    [*OBJECTIVES.values(), quadratic(np.linspace(-1, 3, 33), rotation=5), log_cosh(19), ackley(17), rosenbrock(17)]
    + [logistic_regression(RNG.standard_normal((37, 13)), RNG.integers(0, 2, 37), 0.1)]
    + [matrix_factorisation(RNG.standard_normal((7, 6)), 3)],
    ids=lambda objective: f"{objective.name} {objective.dim}",
)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_a_row_does_not_depend_on_its_batch(objective, dtype):
    """Bit for bit: alone, in batches of any size or layout. And float32 stays float32."""
    x = generic_points(objective, 300, seed=1).astype(dtype)
    for function in (objective.value, objective.grad):
        together = function(x)
        assert together.dtype == dtype
        assert np.array_equal(function(np.asfortranarray(x)), together)
        assert np.array_equal(function(x.reshape(20, 15, -1)).reshape(together.shape), together)
        for start, size in [(0, 1), (5, 2), (17, 3), (40, 8), (100, 67)]:
            assert np.array_equal(function(x[start : start + size]), together[start : start + size])
        assert np.array_equal(function(x[11]), together[11])
    assert objective.hvp(x, x).dtype == objective.hessian(x[0]).dtype == dtype


@everywhere
def test_lists_and_integers_are_read_as_float64(objective):
    ones = [1] * objective.dim
    for function in (objective.value, objective.grad, objective.hessian):
        assert function(ones).dtype == np.float64
        assert np.array_equal(function(ones), function(np.ones(objective.dim)))
        assert np.array_equal(function(np.ones(objective.dim, dtype=int)), function(np.ones(objective.dim)))


@everywhere
def test_objectives_can_be_sent_to_another_process(objective):
    there = pickle.loads(pickle.dumps(objective))
    x = generic_points(objective, 2)
    assert np.array_equal(there.grad(x), objective.grad(x)) and np.array_equal(there.hvp(x, x), objective.hvp(x, x))


@everywhere
def test_no_objective_changes_its_argument(objective):
    x = generic_points(objective, 2)
    before = x.copy()
    objective.value(x), objective.grad(x), objective.hvp(x, x), objective.hessian(x)
    assert np.array_equal(x, before)


# --- The constants -----------------------------------------------------------------------------------------------

BOUNDED = {name: f for name, f in OBJECTIVES.items() if f.grad_bound is not None}
SMOOTH = {name: f for name, f in OBJECTIVES.items() if f.smoothness is not None}


def along_the_diagonal(objective, ends=(1e-3, 1e9)):
    """Points t (1, ..., 1), t dense near 0 and then out to 1e9, through which every separable supremum shows."""
    t = np.concatenate([np.linspace(0, 40, 400_001), np.geomspace(*ends, 20_001)])
    return np.broadcast_to(t[:, None], (t.size, objective.dim))


def test_which_constants_are_known():
    separable = {"pseudo_huber", "log_cosh", "rational", "pseudo_huber_sine"}
    assert {f.name for f in BOUNDED.values()} == separable | {"logistic_regression"}
    assert {f.name for f in SMOOTH.values()} == separable | {"logistic_regression", "quadratic", "rastrigin"}
    assert {name for name, f in OBJECTIVES.items() if f.minimum is None} == {"logistic_regression"}


@pytest.mark.parametrize("name", [name for name in BOUNDED if "logistic" not in name])
def test_the_gradient_bound_is_the_supremum(name):
    objective = BOUNDED[name]
    largest = np.abs(objective.grad(along_the_diagonal(objective))).max()
    assert objective.grad_bound * (1 - 1e-6) <= largest <= objective.grad_bound * (1 + 1e-14)


@pytest.mark.parametrize("name", SMOOTH)
def test_the_smoothness_is_the_largest_curvature(name):
    """In any direction, and attained: at 0, along the diagonal or at one of many points without structure."""
    objective = SMOOTH[name]
    random = generic_points(objective, 400, seed=5)
    points = np.concatenate([np.zeros((1, objective.dim)), along_the_diagonal(objective)[::97], random])
    largest = np.abs(np.linalg.eigvalsh(objective.hessian(points))).max()
    if objective.kernel.separable:  # the diagonal is the whole line: search it closely
        curvatures = objective.hvp(along_the_diagonal(objective), np.ones(objective.dim))
        largest = max(largest, np.abs(curvatures).max())
    assert objective.smoothness * (1 - 1e-9) <= largest <= objective.smoothness * (1 + 1e-12)


def test_the_most_negative_curvature_of_rational_is_a_quarter_of_the_largest():
    f = rational(1, scale=0.5, curvature=3.0)
    assert f.hessian([0.5]).item() == -0.75
    assert f.hessian(np.linspace(-5, 5, 1001)[:, None]).min() == pytest.approx(-0.75, rel=1e-12)


def test_the_sine_makes_the_bowl_non_convex_with_two_further_minima_at_the_defaults():
    f = pseudo_huber_sine(1)
    slopes = f.grad(np.linspace(-20, 20, 400_002)[:, None]).ravel()
    rises = np.linspace(-20, 20, 400_002)[1:][(slopes[:-1] < 0) & (slopes[1:] >= 0)]
    np.testing.assert_allclose(rises, [-1.301, 0.0, 1.301], atol=2e-3)
    assert (f.value(np.array([[-1.301], [1.301]])) > 0.3).all()


def test_the_constants_of_logistic_regression():
    f = OBJECTIVES["logistic_regression"]
    x = np.concatenate([scale * generic_points(f, 300, seed=3) for scale in (0.0, 0.1, 1, 10, 1e3)])
    largest = np.linalg.eigvalsh(f.hessian(x))[:, -1]
    assert largest.max() == pytest.approx(f.smoothness, rel=1e-12)  # attained at 0
    assert np.abs(f.grad(x)).max() < f.grad_bound
    terms = f.grad_terms(x[:, None, :], np.arange(f.terms)[:, None])
    assert np.abs(terms).max() <= np.abs(FEATURES).max()
    one_sided = logistic_regression([[1.0, -2.0], [3.0, 1.0]], [1, 1])
    assert np.abs(one_sided.grad([-50.0, 0.0])).max() == pytest.approx(one_sided.grad_bound, rel=1e-12)
    assert one_sided.grad_bound == 2.0
    with_l2 = OBJECTIVES["logistic_regression, l2"]
    assert with_l2.smoothness == pytest.approx(f.smoothness + 0.125, rel=1e-14) and with_l2.grad_bound is None


@pytest.mark.parametrize("name", [name for name, f in OBJECTIVES.items() if f.minimiser is not None])
def test_the_minimum_is_attained_and_no_search_from_anywhere_goes_below(name):
    objective = OBJECTIVES[name]
    assert float(objective.value(objective.minimiser)) == pytest.approx(objective.minimum, rel=1e-13, abs=1e-28)
    np.testing.assert_allclose(objective.grad(objective.minimiser), 0, atol=1e-12)
    options = {"maxfev": 4000, "xatol": 1e-9, "fatol": 1e-12}
    searches = [
        minimize(lambda z: float(objective.value(z)), start, method="Nelder-Mead", options=options)
        for start in np.concatenate([generic_points(objective, 5, size=3.0), objective.minimiser[None] + 0.01])
    ]
    best = min(search.fun for search in searches)
    assert best >= objective.minimum - 1e-12 * (1 + abs(objective.minimum))
    assert best == pytest.approx(objective.minimum, rel=1e-6, abs=1e-6)


def test_a_quadratic_with_a_negative_curvature_is_unbounded_below():
    f = quadratic([1.0, -0.5])
    assert f.minimum == -np.inf and f.minimiser is None and f.smoothness == 1.0
    flat = quadratic([1.0, 0.0])
    assert flat.minimum == 0.0 and np.array_equal(flat.minimiser, [0, 0])


def test_all_four_minima_of_himmelblau():
    f = himmelblau()
    four = np.array([[3, 2], [-2.805118086953, 3.131312518251], [-3.779310253378, -3.283185991286]])
    four = np.concatenate([four, [[3.584428340330, -1.848126526964]]])
    np.testing.assert_allclose(f.value(four), 0, atol=1e-20)


def test_the_minimum_of_styblinski_tang():
    f = styblinski_tang(3)
    np.testing.assert_allclose(f.minimiser, -2.903534027771177, rtol=1e-15)
    assert f.minimum == pytest.approx(3 * -39.16616570377142, rel=1e-15)


def test_eckart_and_young():
    for rank in (1, 2, 3):
        target = RNG.standard_normal((5, 3))
        f = matrix_factorisation(target, rank)
        values = np.sqrt(np.linalg.eigvalsh(target.T @ target)[::-1])
        assert f.minimum == pytest.approx(0.5 * np.sum(values[rank:] ** 2), rel=1e-10, abs=1e-15)
        U, V = f.minimiser[: 5 * rank].reshape(5, rank), f.minimiser[5 * rank :].reshape(3, rank)
        np.testing.assert_allclose(U.T @ U, V.T @ V, atol=1e-12)


def test_the_minimiser_of_regularised_logistic_regression_where_it_is_known():
    """One sample a = y = 1: the minimiser solves l2 x = 1/(1 + e^x), so it is 2 at l2 = 1/(2 + 2 e^2)."""
    l2 = 1 / (2 + 2 * np.exp(2))
    f = logistic_regression([[1.0]], [1], l2)
    np.testing.assert_allclose(f.minimiser, [2.0], rtol=1e-14)
    tiny = logistic_regression(100 * FEATURES, LABELS, 1e-9)  # far from quadratic
    np.testing.assert_allclose(tiny.grad(tiny.minimiser), 0, atol=1e-12)


# --- Quadratics --------------------------------------------------------------------------------------------------


def test_the_columns_of_a_rotation_are_the_eigenvectors():
    f = quadratic(SPECTRUM, ROTATION)
    H = f.hessian(np.zeros(3))
    for h, eigenvector in zip(SPECTRUM, ROTATION.T, strict=True):
        np.testing.assert_allclose(H @ eigenvector, h * eigenvector, atol=1e-14)
    assert f.smoothness == 4.0


def test_a_seeded_rotation_is_uniform_and_keeps_the_spectrum():
    spectrum = np.array([3.0, 1.0, -0.5, 0.25])
    drawn = [quadratic(spectrum, rotation=seed).hessian(np.zeros(4)) for seed in range(600)]
    for H in drawn[:20]:
        np.testing.assert_allclose(np.linalg.eigvalsh(H), np.sort(spectrum), atol=1e-13)
    assert np.array_equal(drawn[3], quadratic(spectrum, rotation=3).hessian(np.zeros(4)))
    assert np.abs(drawn[3] - drawn[4]).max() > 0.1
    np.testing.assert_allclose(np.mean(drawn, axis=0), spectrum.mean() * np.eye(4), atol=0.12)  # E QDQ' = tr(D)/d
    # Haar: the second moment of a squared entry of Q is 3/(d(d+2)); with D = e e', H_11 = Q_11^2
    corner = [quadratic([1.0, 0, 0, 0], rotation=seed).hessian(np.zeros(4))[0, 0] for seed in range(600)]
    assert np.mean(np.square(corner)) == pytest.approx(3 / 24, rel=0.12)


# --- Finite sums -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["logistic_regression", "logistic_regression, l2"])
def test_the_terms_average_to_the_gradient(name):
    f = OBJECTIVES[name]
    x = generic_points(f, 5)
    everything = np.broadcast_to(np.arange(f.terms), (5, f.terms))
    np.testing.assert_allclose(f.grad_terms(x, everything), f.grad(x), rtol=1e-13, atol=1e-15)
    picked = np.array([[0, 3], [5, 5], [11, 2], [1, 0], [7, 8]])
    l2 = 0.125 if "l2" in name else 0.0
    for row, (i, j) in enumerate(picked):
        single = [logistic_regression(FEATURES[k : k + 1], LABELS[k : k + 1], l2).grad(x[row]) for k in (i, j)]
        np.testing.assert_allclose(f.grad_terms(x, picked)[row], np.mean(single, axis=0), rtol=1e-13)
    assert f.grad_terms(x.astype(np.float32), picked).dtype == np.float32


def test_labels_minus_one_and_zero_mean_the_same():
    signed = logistic_regression(FEATURES, 2 * LABELS - 1)
    x = generic_points(signed, 3)
    assert np.array_equal(signed.grad(x), OBJECTIVES["logistic_regression"].grad(x))


# --- Bad input ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: pseudo_huber(0), ValueError, "dim must be an integer >= 1, got 0"),
        (lambda: log_cosh(2.0), TypeError, "dim must be an integer"),
        (lambda: rastrigin(True), TypeError, "dim must be an integer"),
        (lambda: rosenbrock(1), ValueError, "dim must be an integer >= 2, got 1"),
        (lambda: pseudo_huber(2, scale=-1.0), ValueError, r"scale must lie in \[1e-150, 1e150\], got -1.0"),
        (lambda: rational(2, curvature=float("nan")), ValueError, r"curvature must lie in \(0, inf\), got nan"),
        (lambda: log_cosh(2, scale=[1.0, 2.0]), TypeError, "scale must be one number"),
        (lambda: quadratic([]), ValueError, "spectrum must be"),
        (lambda: quadratic([[1.0, 2.0]]), ValueError, "spectrum must be"),
        (lambda: quadratic([1.0, np.inf]), ValueError, "spectrum must be"),
        (lambda: quadratic([True, False]), TypeError, "spectrum must hold real numbers"),
        (lambda: quadratic([1.0, 2.0], rotation=-1), ValueError, "rotation must be an integer >= 0, got -1"),
        (lambda: quadratic([1.0, 2.0], rotation=0.5), TypeError, "rotation must be an integer"),
        (lambda: quadratic([1.0, 2.0], rotation=np.eye(3)), ValueError, r"rotation must have shape \(2, 2\)"),
        (lambda: quadratic([1.0, 2.0], rotation=np.ones((2, 2))), ValueError, "rotation must be an orthogonal"),
        (lambda: logistic_regression(FEATURES, LABELS[:-1]), ValueError, r"labels must have shape \(12,\)"),
        (lambda: logistic_regression(FEATURES, LABELS + 1), ValueError, "labels must lie in"),
        (lambda: logistic_regression(FEATURES[0], LABELS), ValueError, "features must be"),
        (lambda: logistic_regression(FEATURES, LABELS, l2=-0.1), ValueError, r"l2 must lie in \[0, inf\)"),
        (lambda: matrix_factorisation(TARGET, 3), ValueError, "rank must lie in 1, ..., 2, got 3"),
        (lambda: matrix_factorisation([1.0, 2.0], 1), ValueError, "target must be"),
        (lambda: progressive_sharpening(final=1.0, flat=2.0), ValueError, "flat and initial must lie below final"),
        (lambda: beale().grad([1.0, 2.0, 3.0]), ValueError, r"x must have shape \(..., 2\), got \(3,\)"),
        (lambda: ackley(2).value(1.0), ValueError, r"x must have shape \(..., 2\), got \(\)"),
        (lambda: log_cosh(2).grad([1.0, 2.0j]), TypeError, "x must hold real numbers"),
    ],
)
def test_bad_input_is_named(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_customary_starts():
    assert rosenbrock(5).start.tolist() == [-1.2, 1.0, -1.2, 1.0, -1.2] and beale().start.tolist() == [1.0, 1.0]
    edge = progressive_sharpening()  # from sharpness 1 to sharpness 100, along a curvature of 1
    assert edge.start.tolist() == [0.01, 1.0] and edge.minimiser.tolist() == [0.0, 10.0]
    assert edge.hessian([0.0, 3.0]).tolist() == [[9.0, 0.0], [0.0, 1.0]]


def test_the_catalogue_is_complete():
    """``from_sympy`` makes objectives of one's own: tests/instrument/test_own_objectives.py."""
    factories = {name for name in objectives.__all__ if name[0].islower()} - {"from_sympy"}
    assert factories == {f.name for f in OBJECTIVES.values()}
