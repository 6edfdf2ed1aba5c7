"""What provokes the errors that docstrings of ``vradam`` announce."""

import re
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace

import numpy as np
import pytest

import vradam
from vradam import dynamics, gates, laws, noise, objectives, plan, sharpness, validation, workers
from vradam import random_streams as rng
from vradam.engine import specialise
from vradam.gated import rate_at
from vradam.inplace import InPlace
from vradam.objectives.finite_sums import logistic_regression
from vradam.objectives.objective import gradient_at, value_at
from vradam.simulation import chosen_engine

X = np.ones(2)
BOWL = objectives.quadratic([1.0, 2.0])
ADAM = vradam.VRAdam()
SINGLE = plan.checked_plan(ADAM, BOWL, np.ones(2, np.float32), 10, None, 0, 0, None)


def first_step(form):
    """A step from X with this gate."""
    optimizer = vradam.VRMomentum(gate=form)
    return optimizer.step(X, X, optimizer.init(X))


def interrupted():
    """A training whose first step an exception ended halfway, as Ctrl-C does."""
    training = InPlace(ADAM, [X.copy()])

    def stop(*_):
        raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training._passes, "move", stop)
        with pytest.raises(KeyboardInterrupt):
            training.step([X])
    return training


def closure():
    hidden = 2.0

    def function(x):
        return hidden * x

    return function


def dying_processes():
    def broken(*_):
        raise BrokenProcessPool

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(workers, "_executor", broken)
        return list(workers.Workers(jobs=2).map(abs, {"a": (1,), "b": (2,)}))


#: name: (call, error, what the message says)
OF_VRADAM = {
    "vradam.dynamics.unit_distance": [
        (lambda: dynamics.unit_distance(ADAM, objectives.beale()), ValueError, "known smoothness, got None for beale"),
    ],
    "vradam.random_streams.streams": [
        (lambda: rng.streams([0.5], [0]), TypeError, r"seeds must be an integer or an integer array, got \[0.5\]"),
        (lambda: rng.streams([0], [-1]), ValueError, r"runs must lie in \[0, 2\^64\), got -1"),
        (lambda: rng.streams([0, 1], [0]), ValueError, r"seeds and runs must have equal shapes, got \(2,\) and \(1,\)"),
    ],
    "vradam.engine.specialise.specialise": [
        (lambda: specialise.specialise(closure(), {}), TypeError, "function must be a module-level function"),
    ],
    "vradam.inplace.InPlace": [
        (lambda: InPlace(vradam.Lion(), [X.copy()]), TypeError, "optimizer must be VRAdam, Adam or AdamW, got Lion"),
        (
            lambda: InPlace(ADAM, [[1.0]]),
            TypeError,
            r"arrays\[0\] must be an array of dtype .*, got list",
        ),
        (lambda: InPlace(ADAM, [X.copy()], threads=0), ValueError, "threads must be an integer >= 1, got 0"),
        (lambda: interrupted().step([X]), RuntimeError, "step 1 was interrupted between its passes"),
        (
            lambda: InPlace(ADAM, [X.copy()]).step([]),
            ValueError,
            "grads must hold 1 arrays.*, got 0",
        ),
        (
            lambda: InPlace(ADAM, [X.copy()]).step([np.ones(3)]),
            ValueError,
            r"grads\[0\] must have shape \(2,\), got",
        ),
        (
            lambda: InPlace(ADAM, [X.copy()]).step([X.astype(np.float32)]),
            TypeError,
            r"grads\[0\] must be an array of dtype float64, got float32",
        ),
    ],
    "vradam.inplace.InPlace.checkpoint": [
        (lambda: interrupted().checkpoint(), RuntimeError, "step 1 was interrupted between its passes"),
    ],
    "vradam.inplace.InPlace.from_checkpoint": [
        (
            lambda: InPlace.from_checkpoint(ADAM, []),
            TypeError,
            r"checkpoint must be what checkpoint\(\) returned, got list",
        ),
        (
            lambda: InPlace.from_checkpoint(ADAM, {"steps": 1}),
            ValueError,
            "checkpoint must hold arrays, kinetic, second_m.*got steps",
        ),
    ],
    "vradam.minimize.minimize_vradam": [
        (
            lambda: vradam.minimize_vradam(BOWL.value, X, jac=BOWL.grad, bounds=[(0, 1)] * 2),
            ValueError,
            "bounds and constraints must be absent",
        ),
        (lambda: vradam.minimize_vradam(BOWL.value, [np.inf, 1]), ValueError, "x0 must be a finite vector, got .*inf"),
        (lambda: vradam.minimize_vradam(BOWL.value, "x"), TypeError, "x0 must hold real numbers"),
        (lambda: vradam.minimize_vradam(lambda x: x, X), ValueError, r"fun must return a scalar, got shape \(2,\)"),
        (
            lambda: vradam.minimize_vradam(BOWL.value, X, jac=lambda x: x[:1]),
            ValueError,
            r"jac must have the shape of x0, \(2,\), got \(1,\)",
        ),
        (
            lambda: vradam.minimize_vradam(BOWL.value, X, jac=BOWL.grad, beta1=1.2),
            ValueError,
            r"beta1 must lie in \[0, 1\), got 1.2",
        ),
    ],
    "vradam.noise.gaussian": [
        (lambda: noise.gaussian(-1), ValueError, r"std must lie in \[0, inf\), got -1.0"),
        (lambda: noise.gaussian(1, bound=0), ValueError, r"bound must lie in \(0, inf\), got 0.0"),
        (lambda: noise.gaussian(1, bound=0.2), ValueError, "bound must be at least std/4, got bound 0.2 and std 1.0"),
        (lambda: noise.gaussian(np.nan), ValueError, r"std must lie in \[0, inf\), got nan"),
        (lambda: noise.gaussian("1"), TypeError, "std must hold real numbers"),
    ],
    "vradam.noise.two_point": [
        (lambda: noise.two_point(1.0, 1.0), ValueError, r"p must lie in \(0, 1\), got 1.0"),
        (lambda: noise.two_point(0.5, -1.0), ValueError, r"amplitude must lie in \[0, inf\), got -1.0"),
        (lambda: noise.two_point(0.5, np.inf), ValueError, r"amplitude must lie in \[0, inf\), got inf"),
        (lambda: noise.two_point(None, 1.0), TypeError, "p must hold real numbers"),
    ],
    "vradam.noise.uniform": [
        (lambda: noise.uniform(-1), ValueError, r"halfwidth must lie in \[0, inf\), got -1.0"),
        (lambda: noise.uniform(1j), TypeError, "halfwidth must hold real numbers"),
    ],
    "vradam.noise.minibatch": [
        (lambda: noise.minibatch(0), ValueError, "size must be an integer >= 1, got 0"),
        (lambda: noise.minibatch(1.5), TypeError, "size must be an integer >= 1, got 1.5"),
    ],
    "vradam.objectives.edge_models.matrix_factorisation": [
        (lambda: objectives.matrix_factorisation([1.0], 1), ValueError, "target must"),
        (
            lambda: objectives.matrix_factorisation([[np.inf]], 1),
            ValueError,
            "target must be a non-empty matrix of finite numbers",
        ),
        (lambda: objectives.matrix_factorisation(np.eye(2), 3), ValueError, "rank must .*got 3"),
    ],
    "vradam.objectives.finite_sums.logistic_regression": [
        (lambda: logistic_regression([1.0], [1]), ValueError, "features must"),
        (lambda: logistic_regression(np.eye(2), [1]), ValueError, "labels must"),
        (lambda: logistic_regression(np.eye(2), [1, 3]), ValueError, "labels must .*3"),
        (lambda: logistic_regression(np.eye(2), [1, 0], l2=-1), ValueError, r"l2 must lie in \[0, inf\), got -1"),
    ],
    "vradam.objectives.quadratics.quadratic": [
        (
            lambda: objectives.quadratic([[1.0]]),
            ValueError,
            r"spectrum must be a .* vector .*, got \[\[1.0\]\]",
        ),
        (lambda: objectives.quadratic([np.nan]), ValueError, r"spectrum must be .* finite curvatures, got \[nan\]"),
        (lambda: objectives.quadratic([1.0, 2.0], np.ones((2, 2))), ValueError, "rotation must be"),
    ],
    "vradam.gates.alignment": [
        (lambda: gates.alignment(k=0.0), ValueError, r"k must lie in \(0, inf\), got 0.0"),
        (lambda: gates.alignment(target=2.0), ValueError, r"target must lie in \[-1, 1\], got 2.0"),
        (lambda: gates.alignment(average="slow"), TypeError, "average must hold real numbers"),
    ],
    "vradam.gates.signal": [
        (lambda: gates.signal(3), TypeError, "function must be callable, got 3"),
        (
            lambda: first_step(gates.signal(lambda v, before, g, P, w: -np.ones_like(w), "mine")),
            ValueError,
            r"the signal 'mine' must lie in \[0, inf\], got -1.0 at the first step",
        ),
        (
            lambda: first_step(gates.signal(lambda v, before, g, P, w: np.nan * w, "mine")),
            ValueError,
            r"the signal 'mine' must lie in \[0, inf\], got nan at the first step",
        ),
        (
            lambda: first_step(gates.signal(lambda v, before, g, P, w: v, "mine")),
            ValueError,
            r"the signal 'mine' must have the shape of the runs, \(\), got \(2,\)",
        ),
    ],
    "vradam.laws.averaged": [
        (lambda: laws.averaged(1.0), ValueError, r"g must lie in \(0, 1\), got 1.0"),
        (lambda: laws.averaged("slow"), TypeError, "g must hold real numbers"),
    ],
    "vradam.laws.held": [
        (lambda: laws.held(0.0), ValueError, r"g must lie in \(0, 1\), got 0.0"),
        (lambda: laws.held(0.9, w0=-1.0), ValueError, r"w0 must lie in \[0, inf\), got -1.0"),
        (lambda: laws.held(True), TypeError, "g must hold real numbers"),
    ],
    "vradam.recommendation.recommended": [
        (lambda: vradam.recommended(steps=0), ValueError, "steps must be an integer >= 1, got 0"),
        (lambda: vradam.recommended(steps=10.0), TypeError, "steps must be an integer >= 1, got 10.0"),
        (lambda: vradam.recommended(beta1=1.0), ValueError, r"beta1 must lie in \[0, 1\), got 1.0"),
    ],
    "vradam.objectives.objective.value_at": [
        (
            lambda: value_at(replace(BOWL, value=np.sum), np.ones((3, 2))),
            ValueError,
            r"value of quadratic .* \(3,\), got",
        ),
    ],
    "vradam.objectives.objective.gradient_at": [
        (
            lambda: gradient_at(replace(BOWL, grad=np.sum), X),
            ValueError,
            r"gradient of quadratic must have shape \(2,\), got",
        ),
    ],
    "vradam.gated.rate_at": [
        (lambda: rate_at(lambda t: -t, 3), ValueError, r"alpha0 at step 3 must lie in \[0, inf\), got -3.0"),
        (lambda: rate_at(lambda t: None, 3), TypeError, "alpha0 at step 3 must hold real numbers"),
    ],
    "vradam.plan.check_optimizer": [
        (
            lambda: plan.check_optimizer(abs),
            TypeError,
            "optimizer must have the methods .* without init",
        ),
    ],
    "vradam.plan.check_engine": [
        (lambda: plan.check_engine("gpu"), ValueError, "engine must be 'auto', 'numpy' or 'compiled', got 'gpu'"),
    ],
    "vradam.plan.check_objective": [
        (lambda: plan.check_objective(1.0), TypeError, "objective must be a vradam.Objective, got float"),
    ],
    "vradam.plan.steps_before": [
        (
            lambda: plan.steps_before((), noise.uniform(1)),
            TypeError,
            "state must have the attribute step, .*, got tuple",
        ),
    ],
    "vradam.optimizer.VRAdam": [
        (lambda: vradam.VRAdam(beta1=1.2), ValueError, r"beta1 must lie in \[0, 1\), got 1.2"),
        (lambda: vradam.VRAdam(eps="small"), TypeError, "eps must hold real numbers"),
        (
            lambda: vradam.VRAdam(gate_decay=0.5, gate=gates.inside),
            ValueError,
            "gate_decay must be 0 with the gate 'inside'",
        ),
        (
            lambda: vradam.VRAdam(law=laws.held(0.9), gate=gates.inside),
            ValueError,
            r"law must be published, not held\(0.9\), with the gate 'inside'",
        ),
        (
            lambda: vradam.VRMomentum(law=laws.held(0.9), gate_decay=0.5),
            ValueError,
            r"gate_decay must be 0 with the law held\(0.9\): it is a spelling of averaged\(g\)",
        ),
        (lambda: vradam.VRAdam(law="held"), TypeError, "law must be one of vradam.laws, got 'held'"),
        (
            lambda: vradam.VRAdam(law=laws.held(0.9, w0=11.0)),
            ValueError,
            r"w0 must lie in \[0, alpha1\], got 11.0 with alpha1 10.0",
        ),
    ],
    "vradam.optimizer.VRAdam.step": [
        (lambda: ADAM.step(X, [True, False], ADAM.init(X)), TypeError, "grad must hold real numbers"),
        (
            lambda: ADAM.step(X, np.ones(3), ADAM.init(X)),
            ValueError,
            r"grad must have the shape of x, \(2,\), got \(3,\)",
        ),
        (
            lambda: vradam.VRAdam(beta3=np.ones(4)).step(X, X, ADAM.init(X)),
            ValueError,
            r"beta3 must broadcast to the runs, shape \(\), got shape \(4,\)",
        ),
    ],
    "vradam.sharpness.preconditioner": [
        (
            lambda: sharpness.preconditioner(vradam.Lion(), ADAM.init(X)),
            TypeError,
            r"optimizer must have a method preconditioner\(state\), .*, got Lion",
        ),
        (
            lambda: sharpness.preconditioner(vradam.VRAdam(gate=gates.per_coordinate), ADAM.init(X)),
            ValueError,
            "optimizer must have one learning rate, got a gate per coordinate",
        ),
    ],
    "vradam.sharpness.preconditioned_sharpness": [
        (
            lambda: sharpness.preconditioned_sharpness(BOWL, X, ADAM.init(X), vradam.Lion()),
            TypeError,
            r"optimizer must have a method preconditioner\(state\), .*, got Lion",
        ),
        (
            lambda: sharpness.preconditioned_sharpness(BOWL, X, ADAM.init(X), vradam.VRAdam(gate=gates.per_coordinate)),
            ValueError,
            "optimizer must have one learning rate, got a gate per coordinate",
        ),
    ],
    "vradam.simulation.chosen_engine": [
        (lambda: chosen_engine("gpu", SINGLE), ValueError, "engine must be 'auto', 'numpy' or 'compiled', got 'gpu'"),
        (lambda: chosen_engine("compiled", SINGLE), ValueError, "engine must not be 'compiled' .* in float32"),
    ],
    "vradam.simulation.simulate": [
        (lambda: vradam.simulate(ADAM, BOWL, X, 0), ValueError, "steps must be an integer >= 1, got 0"),
        (lambda: vradam.simulate(ADAM, BOWL, "x"), TypeError, "x0 must hold real numbers"),
        (
            lambda: vradam.simulate(vradam.VRAdam(alpha0=X), BOWL, np.ones((3, 2))),
            ValueError,
            "the runs must broadcast against each other",
        ),
    ],
    "vradam.validation.real_array": [
        *[
            (lambda value=value: validation.real_array("x", value), TypeError, "x must")
            for value in (True, 1j, np.array([object()]), "x", [[1], [1, 2]], np.ma.masked_array([1.0, 2.0]))
        ],
        (lambda: validation.real_array("x", 10**400), ValueError, "x must lie below the largest float"),
    ],
    "vradam.validation.unsigned_words": [
        (lambda: validation.unsigned_words("seed", [True]), TypeError, "seed must be an integer or an integer array"),
        (
            lambda: validation.unsigned_words("seed", [1, 2**64]),
            ValueError,
            r"seed must lie in .*, got 1844674",
        ),
    ],
    "vradam.validation.over_runs": [
        (lambda: validation.over_runs("eps", np.ones(3), X), ValueError, r"eps must broadcast to the runs, shape \(\)"),
        *(
            (
                lambda name=name, value=value: validation.over_runs(name, value, np.ones(1, np.float32)),
                ValueError,
                re.escape(f"{name} must stay in its domain when rounded to float32, got {value}"),
            )
            for name, value in (("alpha0", 2.0**200), ("beta1", 1 - 2.0**-40), ("eps", 2.0**-200))
        ),
    ],
    "vradam.validation.matching": [
        (lambda: validation.matching("x", X), TypeError, "x must hold real numbers"),
        (lambda: validation.matching(X, np.ones(3)), ValueError, r"grad must have the shape of x, \(2,\), got \(3,\)"),
        (lambda: validation.matching(1.0, 1.0), ValueError, r"x must have shape \(..., d\), got a scalar"),
    ],
    "vradam.workers.Workers": [
        (lambda: workers.Workers(jobs=0), ValueError, "jobs must be a positive integer, got 0"),
    ],
    "vradam.workers.Workers.map": [(dying_processes, ChildProcessError, "worker processes died .* times")],
}
