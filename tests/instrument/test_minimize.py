"""The SciPy face: the iterates of VRAdam, SciPy's conventions, and messages that say what happened."""

import numpy as np
import pytest
from scipy.optimize import OptimizeResult, minimize, rosen, rosen_der

from vradam import objectives
from vradam.gates import held, predictable
from vradam.minimize import minimize_vradam
from vradam.optimizer import VRAdam
from vradam.schedules import InverseSqrt

START = [-1.2, 1.0]


def bowl(x, centre=0.0, curvature=1.0):
    return 0.5 * curvature * np.sum((x - centre) ** 2)


def bowl_der(x, centre=0.0, curvature=1.0):
    return curvature * (x - centre)


def run(fun=rosen, x0=START, jac=rosen_der, options=None, **keywords):
    return minimize(fun, x0, jac=jac, method=minimize_vradam, options=options, **keywords)


def test_it_finds_the_minimum_and_fills_the_result():
    result = run(options={"alpha0": 0.1})
    assert isinstance(result, OptimizeResult) and result.success and result.status == 0
    np.testing.assert_allclose(result.x, 1, atol=1e-4)
    assert result.fun == rosen(result.x) and np.array_equal(result.jac, rosen_der(result.x))
    assert np.abs(result.jac).max() <= 1e-5
    assert result.njev == result.nit + 1 and result.nfev == 1
    assert result.message == "No component of the gradient exceeds 1e-05."


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"alpha0": 0.1, "alpha1": 3.0, "beta1": 0.5, "beta2": 0.9, "beta3": 0.1, "eps": 1e-4, "weight_decay": 0.01},
        {"alpha0": InverseSqrt(alpha0=0.3), "gate_decay": 0.5},
        {"gate": predictable},
    ],
)
def test_the_iterates_are_those_of_vradam(options):
    path = []
    result = run(options={**options, "maxiter": 40}, callback=path.append)
    optimizer, x = VRAdam(**options), np.array(START)
    state = optimizer.init(x)
    for t in range(40):
        x, state = optimizer.step(x, rosen_der(x), state)
        assert np.array_equal(path[t], x)
    assert np.array_equal(result.x, x)
    assert (result.nit, result.status, result.success) == (40, 1, False)
    assert result.message == "The maximum number of steps, 40, has been taken."


def test_arguments_reach_function_and_jacobian():
    result = run(bowl, [3.0, 4.0], bowl_der, {"alpha0": 0.1}, args=(2.0, 0.5), tol=1e-7)
    np.testing.assert_allclose(result.x, 2.0, atol=1e-6)
    single = minimize_vradam(bowl, 3.0, args=2.0, jac=bowl_der, alpha0=0.1)
    np.testing.assert_allclose(single.x, [2.0], atol=1e-4)


def test_the_tolerance_bounds_the_largest_component_of_the_gradient():
    loose, tight = (run(bowl, [3.0, 4.0, 5.0], bowl_der, {"alpha0": 0.05}, tol=tol) for tol in (0.5, 1e-6))
    assert 0.4 < np.abs(loose.jac).max() <= 0.5 and np.abs(tight.jac).max() <= 1e-6
    assert np.linalg.norm(loose.jac) > 0.5  # the maximum, not the norm
    assert loose.nit < tight.nit


def test_a_minimum_to_start_with_needs_no_step():
    result = run(x0=[1.0, 1.0])
    assert result.success and (result.nit, result.njev, result.nfev) == (0, 1, 1)
    at_once = run(options={"maxiter": 0})
    assert not at_once.success and at_once.nit == 0 and np.array_equal(at_once.x, START)


def test_function_and_gradient_in_one():
    calls = []

    def both(x, centre):
        calls.append(x)
        return bowl(x, centre), bowl_der(x, centre)

    separate = run(bowl, [3.0, 4.0], bowl_der, {"alpha0": 0.1, "maxiter": 30}, args=(2.0,))
    through_scipy = run(both, [3.0, 4.0], True, {"alpha0": 0.1, "maxiter": 30}, args=(2.0,))
    assert len(calls) == 31  # one evaluation a point
    direct = minimize_vradam(both, [3.0, 4.0], args=(2.0,), jac=True, alpha0=0.1, maxiter=30)
    assert len(calls) == 62
    for result in (through_scipy, direct):
        assert np.array_equal(result.x, separate.x) and result.fun == separate.fun


def test_without_a_jacobian_forward_differences_are_taken():
    result = run(bowl, [3.0, 4.0], None, {"alpha0": 0.1, "maxiter": 50})
    exact = run(bowl, [3.0, 4.0], bowl_der, {"alpha0": 0.1, "maxiter": 50})
    np.testing.assert_allclose(result.x, exact.x, atol=1e-6)
    assert result.njev == 51 and result.nfev == 51 * 3 + 1


def test_both_forms_of_callback_see_copies():
    seen = []

    def new(*, intermediate_result):
        seen.append((intermediate_result.x.copy(), intermediate_result.fun))
        assert np.array_equal(intermediate_result.jac, rosen_der(intermediate_result.x))
        intermediate_result.x[:] = 99.0

    def old(xk):
        seen.append((xk.copy(), rosen(xk)))
        xk[:] = 99.0

    results = []
    for callback in (new, old):
        results.append(run(options={"maxiter": 25}, callback=callback))
        assert len(seen) == 25 and all(value == rosen(x) for x, value in seen)
        assert np.array_equal(seen[-1][0], results[-1].x)
        seen.clear()
    assert np.array_equal(results[0].x, results[1].x) and results[0].nfev == 25


def test_the_callback_may_stop_the_run():
    def stop_below(intermediate_result):
        if intermediate_result.fun < 1.0:
            raise StopIteration

    result = run(options={"alpha0": 0.05}, callback=stop_below)
    assert not result.success and result.status == 99
    assert result.fun < 1.0 and result.message == f"`callback` raised `StopIteration` after {result.nit} steps."
    unstopped = run(options={"alpha0": 0.05, "maxiter": result.nit - 1})
    assert unstopped.fun >= 1.0


def test_a_gradient_that_is_not_finite_ends_the_run():
    def cliff(x):
        return np.full(2, np.nan) if x[0] < 2.9 else x

    result = run(bowl, [3.0, 4.0], cliff, {"alpha0": 0.05})
    assert (result.success, result.status) == (False, 3)
    assert result.message == f"The gradient is not finite after {result.nit} steps." and result.nit > 1


def test_the_function_may_spoil_its_argument():
    def spoil(x):
        value = bowl(x)
        x[:] = np.nan
        return value

    def spoil_der(x):
        gradient = bowl_der(x)
        x[:] = np.nan
        return gradient

    clean = run(bowl, [3.0, 4.0], bowl_der, {"maxiter": 20})
    assert np.array_equal(run(spoil, [3.0, 4.0], spoil_der, {"maxiter": 20}).x, clean.x)
    x0 = np.array([3.0, 4.0])
    run(bowl, x0, bowl_der, {"maxiter": 20})
    assert np.array_equal(x0, [3.0, 4.0])


def test_the_catalogue_of_objectives_serves():
    f = objectives.himmelblau()
    result = run(f.value, [2.0, 1.0], f.grad, {"alpha0": 0.1})
    np.testing.assert_allclose(result.x, f.minimiser, atol=1e-4)


def test_disp_prints_the_message(capsys):
    result = run(bowl, [3.0, 4.0], bowl_der, {"maxiter": 3, "disp": True})
    assert capsys.readouterr().out == f"{result.message} F = {result.fun:.6g}\n"


@pytest.mark.parametrize(
    ("keywords", "error", "message"),
    [
        ({"bounds": [(0, 1), (0, 1)]}, ValueError, "bounds and constraints must be absent"),
        ({"constraints": {"type": "eq", "fun": sum}}, ValueError, "bounds and constraints must be absent"),
        ({"tol": -1.0}, ValueError, r"tol must lie in \[0, inf\), got -1.0"),
        ({"options": {"maxiter": 2.5}}, TypeError, "maxiter must be an integer >= 0, got 2.5"),
        ({"options": {"beta1": 1.2}}, ValueError, r"beta1 must lie in \[0, 1\), got 1.2"),
        ({"options": {"beta9": 1.2}}, TypeError, "beta9"),
        ({"x0": [np.nan, 1.0]}, ValueError, "x0 must be a finite vector"),
        ({"x0": []}, ValueError, r"x0 must be a finite vector, got shape \(0,\)"),
        ({"tol": [1e-3, 1e-4]}, TypeError, r"tol must be one number in \[0, inf\), got an array of shape \(2,\)"),
        ({"options": {"alpha0": [0.1, 0.2]}}, ValueError, "alpha0 must broadcast to the runs"),
        ({"x0": [1.0, 1.0j]}, TypeError, "x0 must hold real numbers"),
        ({"jac": lambda x: np.ones(3)}, ValueError, r"jac must have the shape of x0, \(2,\), got \(3,\)"),
        ({"fun": lambda x: x, "jac": None}, ValueError, r"fun must return a scalar, got shape \(2,\)"),
    ],
)
def test_bad_input_is_named(keywords, error, message):
    with pytest.raises(error, match=message):
        run(**keywords)


def test_what_is_not_used_is_said():
    with pytest.warns(RuntimeWarning, match="does not use Hessian information"):
        run(options={"maxiter": 1}, hess=lambda x: np.eye(2))
    with pytest.raises(ValueError, match="jac must be a function, True or None, got '2-point'"):
        minimize_vradam(rosen, START, jac="2-point")
    with pytest.raises(ValueError, match="x0 must be a finite vector"):
        minimize_vradam(rosen, np.ones((2, 2)), jac=rosen_der)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_value_that_is_not_finite_is_no_success_however_small_the_gradient(value):
    result = run(lambda x: value, [1.0, 2.0], lambda x: x, {"alpha0": 0.1})
    assert (result.success, result.status) == (False, 3) and np.abs(result.jac).max() <= 1e-5
    assert result.message == f"The function is not finite, {value}, where its gradient meets the tolerance."


@pytest.mark.parametrize("absent", [None, (), [], {}])
def test_no_constraints_in_every_spelling(absent):
    assert minimize_vradam(bowl, [0.0], jac=bowl_der, constraints=absent).success


def test_functions_are_functions():
    with pytest.raises(TypeError, match="fun must be a function, got 3"):
        minimize_vradam(3, START)
    with pytest.raises(TypeError, match="callback must be a function, got 3"):
        minimize_vradam(rosen, START, callback=3)
    with pytest.raises(ValueError, match=r"fun must return \(F\(x\), gradient\) where jac is True, got"):
        minimize_vradam(rosen, START, jac=True)


def test_the_law_is_an_option():
    """The iterates are those of VRAdam with that law."""
    law, x = held(0.9), np.array([3.0, -1.0])
    found = minimize(
        lambda x: x @ x / 2, x, jac=lambda x: x, method=minimize_vradam,
        options={"alpha0": 0.1, "law": law, "maxiter": 20},
    )  # fmt: skip
    optimizer = VRAdam(alpha0=0.1, law=law)
    state = optimizer.init(x)
    for _ in range(20):
        x, state = optimizer.step(x, x, state)
    np.testing.assert_array_equal(found.x, x)
