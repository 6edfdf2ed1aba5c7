"""Objectives of one's own: from functions and from SymPy, against SciPy and finite differences; errors that help."""

import pickle
import subprocess
import sys

import numpy as np
import pytest
import sympy as sp
from scipy.optimize import approx_fprime, minimize, rosen, rosen_der, rosen_hess_prod

import vradam
from vradam.objectives import from_sympy
from vradam.objectives.symbolic import kernel_code

X, Y, Z = sp.symbols("x y z")
POINTS = 1.3 * np.random.default_rng(11).standard_normal((6, 3)) + 0.2
#: name -> (expression, symbols, whether the compiled engine has a kernel)
WRITTEN = {
    "rosenbrock": ((1 - X) ** 2 + 100 * (Y - X**2) ** 2 + (1 - Y) ** 2 + 100 * (Z - Y**2) ** 2, (X, Y, Z), True),
    "elementary": (sp.sin(X * Y) + sp.exp(-Y) * sp.cos(Z) + sp.log(2 + X**2) + sp.atan(Y), (X, Y, Z), True),
    "roots and powers": (sp.sqrt(1 + X**2) + (1 + Y**2) ** sp.Rational(1, 3) + X**3 / 7, (X, Y), True),
    "kinks": (sp.Abs(X - 1) + sp.Max(X, Y) ** 2 + sp.Piecewise((Z**2, Z > 0), (Z**2 / 3, True)), (X, Y, Z), True),
    "error function": (sp.erf(X) + Y**2, (X, Y), True),
    "gamma": (sp.loggamma(2 + X**2), (X,), False),
    "a line": (2 * X + 3 * Y, (X, Y), True),
    "large numbers": (X**2 / 10**20 + 10**20 * Y**2, (X, Y), True),
}


@pytest.mark.parametrize("name", WRITTEN)
def test_derivatives_of_an_expression_are_those_of_its_values(name):
    """Against finite differences of the value alone, at points away from minima and kinks; single and batched."""
    expression, symbols, compiled = WRITTEN[name]
    objective = from_sympy(expression, symbols)
    d = len(symbols)
    points = POINTS[:, :d]
    exact = [float(expression.subs(dict(zip(symbols, map(float, x), strict=True)))) for x in points]
    np.testing.assert_allclose(objective.value(points), exact, rtol=1e-12)
    u = np.linspace(-1, 2, d)
    for x in points:
        scale = np.abs(objective.hessian(x)).max() + np.abs(objective.grad(x)).max()
        np.testing.assert_allclose(objective.grad(x), approx_fprime(x, objective.value), rtol=1e-5, atol=1e-6 * scale)
        bend = approx_fprime(x, objective.grad).reshape(d, d)
        np.testing.assert_allclose(objective.hessian(x), bend, rtol=1e-4, atol=1e-5 * scale)
        np.testing.assert_allclose(objective.hvp(x, u), bend @ u, rtol=1e-4, atol=1e-5 * scale)
        np.testing.assert_array_equal(objective.grad(points.reshape(2, 3, d))[0, 0], objective.grad(points[0]))
    assert (objective.kernel is not None) == compiled
    assert objective.grad(points.astype(np.float32)).dtype == np.float32


@pytest.mark.parametrize("name", [name for name, (*_, compiled) in WRITTEN.items() if compiled])
def test_the_generated_loop_is_the_gradient(name):
    """The kernel as Numba gets it, run by Python on a tile; and not finite wherever the point is not."""
    expression, symbols, _ = WRITTEN[name]
    objective = from_sympy(expression, symbols)
    tile = np.ascontiguousarray(POINTS[:, : len(symbols)].T)
    found = np.empty_like(tile)
    objective.kernel.form(tile, found, objective.kernel.parameters)
    np.testing.assert_allclose(found.T, objective.grad(tile.T), rtol=1e-12, atol=1e-12)
    for place in range(len(symbols)):
        for lost in (np.inf, np.nan):
            gone = np.array([POINTS[0, : len(symbols)]]).T
            gone[place] = lost
            g = np.empty_like(gone)
            with np.errstate(all="ignore"):
                objective.kernel.form(gone, g, objective.kernel.parameters)
            assert not np.isfinite(g).all()


def test_a_compiled_run_is_that_of_numpy_and_survives_pickling():
    objective = from_sympy(sp.log(sp.cosh(X)) + (Y - X) ** 2 / 2, [X, Y], name="valley", minimum=0, minimiser=[0, 0])
    again = pickle.loads(pickle.dumps(objective))
    optimizer = vradam.VRAdam(alpha0=np.array([0.01, 0.02, 0.03]))
    runs = [
        vradam.simulate(optimizer, each, [1.0, -2.0], steps=150, engine=engine)
        for each, engine in ((objective, "numpy"), (objective, "compiled"), (again, "compiled"))
    ]
    np.testing.assert_allclose(runs[1].x, runs[0].x, rtol=1e-9, atol=1e-12)
    np.testing.assert_array_equal(runs[2].x, runs[1].x)
    assert again.minimum == 0 and again.minimiser.tolist() == [0, 0]


@pytest.mark.parametrize(
    ("expression", "start", "minimiser"),
    [
        ((1 - X) ** 2 + 100 * (Y - X**2) ** 2, (-1.2, 1.0), (1, 1)),  # Rosenbrock
        ((X + 2 * Y - 7) ** 2 + (2 * X + Y - 5) ** 2, (0.0, 0.0), (1, 3)),  # Booth
        (
            (sp.Rational(3, 2) - X + X * Y) ** 2
            + (sp.Rational(9, 4) - X + X * Y**2) ** 2
            + (sp.Rational(21, 8) - X + X * Y**3) ** 2,
            (1.0, 1.0),
            (3, 0.5),
        ),  # Beale
    ],
    ids=["Rosenbrock", "Booth", "Beale"],
)
def test_newtons_method_finds_the_minimum_of_the_literature(expression, start, minimiser):
    """With our gradient and Hessian; a factor of 1.02 in either would stop at another point or not stop."""
    objective = from_sympy(expression, [X, Y])
    found = minimize(
        objective.value, start, jac=objective.grad, hess=objective.hessian, method="trust-exact", tol=1e-10
    )
    np.testing.assert_allclose(found.x, minimiser, atol=1e-6)
    np.testing.assert_allclose(objective.grad(np.array(minimiser, dtype=float)), 0, atol=1e-12)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (("x**2", [X]), TypeError, "expression must be a SymPy expression, got str"),
        ((X**2, ["x"]), TypeError, "symbols must be SymPy symbols, got 'x'"),
        ((X**2, [X, X]), ValueError, "symbols must be one at least and each once"),
        ((X * Y, [X]), ValueError, "expression must contain no symbols but x, got y"),
        ((sp.I * X, [X]), ValueError, "expression must be real"),
        ((sp.Function("f")(X), [X]), ValueError, "of known functions"),
    ],
)
def test_what_is_no_objective_is_refused(arguments, error, message):
    with pytest.raises(error, match=message.replace("*", r"\*")):
        from_sympy(*arguments)
    with pytest.raises(ValueError, match=r"start must have shape \(1,\), got \(2,\)"):
        from_sympy(X**2, [X], start=[1.0, 2.0])


def test_sympy_is_imported_when_it_is_needed():
    code = "import sys, vradam; vradam.Objective.from_functions(abs, abs, 1); assert 'sympy' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
    assert kernel_code((X,), (X,)).splitlines()[-1].strip() == "g[0, j] = x + 0.0 * x"


# ---------------------------------------------------------------- from functions


@pytest.mark.parametrize("hvp", [None, rosen_hess_prod], ids=["by differences", "given"])
def test_functions_of_one_point_are_vectorised(hvp):
    objective = vradam.Objective.from_functions(rosen, rosen_der, 3, hvp=hvp)
    assert objective.name == "rosen"
    batch = POINTS.reshape(2, 3, 3)
    np.testing.assert_array_equal(objective.value(batch)[1, 2], rosen(POINTS[5]))
    assert objective.value(POINTS[0]) == rosen(POINTS[0]) and np.shape(objective.value(POINTS[0])) == ()
    np.testing.assert_array_equal(objective.grad(batch)[1, 2], rosen_der(POINTS[5]))
    u = np.array([1.0, -2.0, 0.5])
    expected = np.array([rosen_hess_prod(x, u) for x in POINTS])
    scale = np.abs(expected).max()
    np.testing.assert_allclose(objective.hvp(POINTS, u), expected, rtol=1e-7, atol=1e-7 * scale)
    np.testing.assert_allclose(objective.hessian(POINTS) @ u, expected, rtol=1e-7, atol=1e-7 * scale)
    np.testing.assert_array_equal(objective.hvp(POINTS[0], np.zeros(3)), 0)


@pytest.mark.parametrize("vectorised", [True, False])
def test_a_run_is_that_of_the_catalogues_objective(vectorised):
    """Bit for bit, and what a function does to its point changes nothing."""
    known = vradam.objectives.rosenbrock()

    def grad(x):
        found = known.grad(x)
        x[...] = 0
        return found

    own = vradam.Objective.from_functions(known.value, grad, 2, vectorised=vectorised, minimum=0.0)
    optimizer = vradam.VRAdam(alpha0=np.array([0.01, 0.02]))
    runs = [vradam.simulate(optimizer, each, [-1.2, 1.0], steps=50, engine="numpy") for each in (known, own)]
    np.testing.assert_array_equal(runs[1].x, runs[0].x)
    np.testing.assert_array_equal(runs[1].value, runs[0].value)
    alone = vradam.simulate(vradam.VRAdam(alpha0=0.01), own, [-1.2, 1.0], steps=50)
    np.testing.assert_array_equal(alone.x, runs[0].x[0])


def test_functions_of_other_shapes_are_refused():
    of = vradam.Objective.from_functions
    with pytest.raises(ValueError, match=r"what value returns for a point must have shape \(\), got \(2,\)"):
        of(lambda x: x**2, lambda x: 2 * x, 2).value([1.0, 2.0])
    with pytest.raises(ValueError, match=r"what grad returns for a point must have shape \(2,\), got \(\)"):
        of(np.sum, np.sum, 2).grad([1.0, 2.0])
    with pytest.raises(ValueError, match=r"x must have shape \(..., 2\), got \(3,\)"):
        of(np.sum, np.sum, 2).value([1.0, 2.0, 3.0])
    with pytest.raises(TypeError, match="grad must be a function of a point, got int"):
        of(np.sum, 1, 2)
    with pytest.raises(ValueError, match="dim must be an integer >= 1, got 0"):
        of(np.sum, np.sum, 0)
    with pytest.raises(ValueError, match=r"minimiser must have shape \(2,\), got \(1,\)"):
        of(np.sum, np.sum, 2, minimiser=[0.0])


# ---------------------------------------------------------------- errors that say what to write, and short reprs

BOWL = vradam.objectives.quadratic([1.0, 2.0])
RUN = {"optimizer": vradam.VRAdam(), "objective": BOWL, "x0": [1.0, 1.0]}


def value_of_mine(x):
    return x @ x


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        (
            {"objective": value_of_mine},
            "the function value_of_mine: write vradam.Objective.from_functions(value_of_mine",
        ),
        ({"objective": lambda x: x}, "from_functions(value, its_gradient, dim=...)"),
        (
            {"objective": vradam.objectives.rosenbrock},
            "the factory rosenbrock: write vradam.objectives.rosenbrock(...)",
        ),
        ({"objective": X**2}, "write vradam.objectives.from_sympy(expression, symbols)"),
        ({"objective": vradam.problems.ROSENBROCK}, "a Problem: write its .objective"),
        ({"objective": {"f": 1}}, "a dict: write vradam.Objective.from_functions(value, grad, dim=...)"),
        ({"noise": 0.1}, "write noise=vradam.noise.gaussian(0.1)"),
        ({"optimizer": {"alpha0": 0.1}}, "write vradam.VRAdam(**{...})"),
        ({"optimizer": "adam"}, "write an optimizer such as vradam.VRAdam(alpha0=1e-3)"),
        ({"optimizer": vradam.VRAdam}, "got the class VRAdam: write VRAdam(alpha0=...)"),
        ({"x0": {"w": [1.0], "b": [1.0]}}, "write np.concatenate([np.ravel(part) for part in x0.values()])"),
    ],
)
def test_an_error_says_what_to_write_instead(changed, message):
    with pytest.raises(TypeError) as caught:
        vradam.simulate(**RUN | changed)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: vradam.VRAdam(lr=0.1), "VRAdam has no hyper-parameter lr: write alpha0=0.1"),
        (lambda: vradam.Adam(betas=(0.9, 0.99)), "Adam has no hyper-parameter betas: write beta1=0.9, beta2=0.99"),
        (lambda: vradam.HeavyBall(betas=0.9), "write beta1=... and, where there is one, beta2=..."),
        (lambda: vradam.GradientDescent(momentum=0.9), "no hyper-parameter momentum: it has alpha0, weight_decay"),
        (lambda: vradam.VRAdam(0.1), "VRAdam takes its hyper-parameters by name: write VRAdam(alpha0=0.1)"),
        (lambda: vradam.VRAdam({"alpha0": 0.1}), "write VRAdam(**{...})"),
    ],
)
def test_names_of_other_libraries_are_answered_with_ours(call, message):
    with pytest.raises(TypeError) as caught:
        call()
    assert message in str(caught.value)


def test_reprs_are_short():
    """Name, shapes, diverged runs; and in a notebook a table without anything that could be a tag."""
    assert repr(vradam.VRAdam()) == "VRAdam()"
    assert repr(vradam.VRAdam(alpha0=0.1, law=vradam.laws.held(0.9))) == "VRAdam(alpha0=0.1, law=held(0.9))"
    sweep = vradam.VRAdam(alpha0=np.geomspace(0.1, 10, 50))
    assert repr(sweep) == "VRAdam(alpha0=array (50,) from 0.1 to 10)"
    assert repr(BOWL) == "Objective(quadratic, d = 2, L = 2, F* = 0, compiled)"
    with np.errstate(all="ignore"):
        run = vradam.simulate(vradam.GradientDescent(alpha0=np.array([0.1, 1e9])), BOWL, [1.0, 1.0], steps=99, every=9)
    assert (
        repr(run) == "Trajectory(GradientDescent on quadratic, 2 runs (2,), 12 records of 99 steps, d = 2, 1 diverged)"
    )
    assert repr(vradam.simulate(**RUN, steps=2)).count("1 run, 3 records of 2 steps, d = 2, none diverged") == 1
    own = vradam.Objective.from_functions(np.sum, np.sum, 1, name="<b>")
    for shown in (sweep, BOWL, run, own):
        html = shown._repr_html_()
        assert html.startswith("<table>") and html.endswith("</table>") and "<b>" not in html
    assert '<th scope="row">diverged</th><td>1 diverged</td>' in run._repr_html_()
