"""Odd values, and every argument of the public functions and classes as a call with one value."""

import inspect
from fractions import Fraction

import numpy as np
import sympy as sp
import xarray as xr

import vradam
from vradam import baselines, gates, laws, noise, objectives, schedules, sharpness, sweeps
from vradam.inplace import InPlace

BOWL = objectives.quadratic([1.0, 2.0])
ADAM = vradam.VRAdam()
X = np.array([1.0, -1.0])
U = sp.Symbol("u")


def converted(number):
    """The same number in other clothes; integers too where it is one."""
    yield from (np.float64(number), np.array(number), np.array(number, ">f8"), np.longdouble(number))
    yield from (
        [number],
        (number,),
        np.array([number]),
        np.array([[number]]).view(np.matrix),
        np.array([[number]]),
        np.array([number]),
    )
    yield from (np.array([number, number]), np.ma.masked_array([number], [False]), np.full(2, number)[::-1])
    if float(np.float32(number)) == number:
        yield from (np.float32(number), np.array(number, ">f4"), np.float16(number))
    if number == int(number):
        whole = int(number)
        yield whole
        yield from (kind(whole) for kind in (np.int8, np.uint8, np.int32, np.int64, np.uint64))
        yield from (np.array(whole), np.array(whole, ">i4"), np.array([whole]), Fraction(whole))


def odd():
    """What has no right result at most places."""
    yield from (
        np.nan,
        np.inf,
        -np.inf,
        -1.0,
        -1,
        0,
        0.0,
        -0.0,
        1e-320,
        1e200,
        1.5,
        2**31,
        2**63,
        2**64,
        2**70,
        -(2**70),
    )
    yield from (
        10**400,
        True,
        False,
        np.True_,
        None,
        "1",
        b"1",
        1j,
        np.complex64(1),
        Fraction(1, 3),
        object(),
        {},
        set(),
    )
    yield from (
        [],
        (),
        [[]],
        np.zeros(0),
        np.zeros((0, 2)),
        np.zeros((2, 0)),
        [[1.0], [1.0, 2.0]],
        [None],
        ["1"],
        [True],
    )
    yield from (np.array([True]), np.array(["1"]), np.array([1j]), np.array([None]), np.array([object()]), np.ones(3))
    yield from (np.ma.masked, np.ma.masked_array([1.0], [True]), np.ma.masked_array([1.0, 2.0], [False, True]))
    yield from (
        np.datetime64("2000-01-01"),
        np.timedelta64(1, "s"),
        np.array([(1.0,)], [("a", float)]),
        np.ones((2, 2, 2)),
    )
    yield from (
        np.array([1.0, np.nan]),
        np.array([0.5, -1.0]),
        np.float16(np.inf),
        np.longdouble("1e4000"),
        2.0**-70,
        0.3,
    )
    yield from (
        float,
        abs,
        lambda t: -1.0,
        lambda t: np.nan,
        lambda t: "1",
        lambda t: 1j,
        np.int64(2**40),
        np.uint64(2**63),
    )
    yield from ([1, 2**63], [2**63, 2**64 - 1], [1, 2**64], [0.5], [-1], range(3), xr.DataArray([1.0]), slice(3), ...)


def after(optimizer, steps=3, grad=X):
    """The point after a few steps; a schedule or a decay that is wrong has its say by then."""
    runs = np.broadcast_shapes(
        *(np.shape(value) for value in vars(optimizer).values() if isinstance(value, np.ndarray)), ()
    )
    x = np.zeros((*runs, 2))
    state = optimizer.init(x)
    for _ in range(steps):
        x, state = optimizer.step(x, np.broadcast_to(grad, x.shape), state)
    return x, optimizer.learning_rate(state)


def run(**arguments):
    plain = {"optimizer": ADAM, "objective": BOWL, "x0": X, "steps": 3, "engine": "numpy"}
    found = vradam.simulate(**plain | arguments)
    return found.x, found.value, found.learning_rate


def noisy(law):
    found = vradam.simulate(ADAM, BOWL, np.ones((1, 2)), steps=3, noise=law)
    return found.x


def minimum(**arguments):
    found = vradam.minimize_vradam(**{"fun": square, "x0": X, "jac": np.copy, "maxiter": 5} | arguments)
    return found.x, found.fun, found.nit


def square(x):
    return 0.5 * np.sum(x * x)


def last(trajectory):
    return trajectory.value[:, -1]


def table(**arguments):
    plain = {"optimizer": ADAM, "objective": BOWL, "over": {"alpha0": [0.1, 0.2]}, "seeds": [1, 2], "statistic": last}
    found = sweeps.run(**plain | {"x0": X, "steps": 3} | arguments)
    return next(iter(found.values())).values


def measured(**arguments):
    plain = {"optimizer": ADAM, "objective": BOWL, "x0": X, "steps": 3}
    return tuple(sharpness.along(**plain | arguments))


def trained(**arguments):
    training = InPlace(**{"optimizer": ADAM, "arrays": [np.zeros(2)]} | arguments)
    training.step([np.ones_like(array) for array in training.arrays])
    return training.arrays[0]


def shape_of(objective):
    x = objective.start if objective.start is not None else np.full(objective.dim, 0.5)
    return objective.value(x), objective.grad(x)


def at(function, name, plain, **others):
    """A case: the argument ``name`` of ``function``, for which ``plain`` is a good number."""
    return name, plain, lambda value: function(**others | {name: value})


def fields_of(kind, **plain):
    """Every numeric field of an optimizer."""
    return [
        (name, plain.get(name, {"alpha0": 0.25}.get(name, 0.5)), lambda value, name=name: after(kind(**{name: value})))
        for name in inspect.signature(kind).parameters
        if name not in ("gate", "law", "proof_form")
    ]


def scheduled(kind, name, **plain):
    good = {"alpha0": 0.25, "steps": 3, "every": 2, "factor": 0.5, "final": 0.125} | plain
    names = inspect.signature(kind).parameters
    return name, good[name], lambda value: kind(**{key: good[key] for key in names} | {name: value})(2)


OPTIMIZERS = [vradam.VRAdam, vradam.VRMomentum, *(getattr(baselines, n) for n in (
    "Adam", "AdamW", "GradientDescent", "HeavyBall", "Lion", "Nesterov", "RAdam", "RMSProp",
))]  # fmt: skip
SCHEDULES = [getattr(schedules, n) for n in ("Constant", "InverseSqrt", "Linear", "Cosine", "StepDecay", "Exponential")]
#: owner: [(argument, a good value, call)]
CASES = {kind.__name__: fields_of(kind) for kind in OPTIMIZERS}
CASES |= {kind.__name__: [scheduled(kind, name) for name in inspect.signature(kind).parameters] for kind in SCHEDULES}
CASES |= {
    "LinearWarmup": [
        ("schedule", schedules.Constant(alpha0=0.5), lambda value: schedules.LinearWarmup(value, steps=3)(2)),
        ("steps", 3, lambda value: schedules.LinearWarmup(schedules.Constant(alpha0=0.5), steps=value)(2)),
        ("t", 3, schedules.LinearWarmup(schedules.Cosine(alpha0=0.5, steps=9), steps=2)),
    ],
    "schedules at t": [("t", 3, kind(**{k: {"alpha0": 0.5, "steps": 9, "every": 2, "factor": 0.5, "final": 0.1}[k]
        for k in inspect.signature(kind).parameters})) for kind in SCHEDULES],
    "VRAdam.proof_form": [("proof_form", None, lambda value: after(vradam.VRAdam(proof_form=value)))],
    "step": [
        ("x", None, lambda value: ADAM.step(value, [1.0], ADAM.init([1.0]))[0]),
        ("grad", None, lambda value: ADAM.step([1.0], value, ADAM.init([1.0]))[0]),
    ],
    "noise": [
        ("std", 0.5, lambda value: noisy(noise.gaussian(value))),
        ("bound", 0.5, lambda value: noisy(noise.gaussian(0.5, bound=value))),
        ("p", 0.5, lambda value: noisy(noise.two_point(value, 1.0))),
        ("amplitude", 0.5, lambda value: noisy(noise.two_point(0.5, value))),
        ("halfwidth", 0.5, lambda value: noisy(noise.uniform(value))),
        ("size", 2, lambda value: noise.minibatch(value).size),
    ],
    "gates": [
        ("k", 3.0, lambda value: gates.power(value).exponent),
        ("k", 0.5, lambda value: gates.alignment(k=value).signal.k),
        ("target", 0.5, lambda value: gates.alignment(target=value).signal.target),
        ("average", 0.5, lambda value: gates.autocorrelation(average=value).signal.average),
    ],
    "laws": [
        ("g", 0.5, lambda value: run(optimizer=vradam.VRAdam(law=laws.averaged(value)))),
        ("g", 0.5, lambda value: run(optimizer=vradam.VRAdam(law=laws.held(value)))),
        ("w0", 0.5, lambda value: run(optimizer=vradam.VRAdam(law=laws.held(0.5, w0=value)))),
        ("law", None, lambda value: vradam.VRAdam(law=value)),
        ("gate", None, lambda value: vradam.VRMomentum(gate=value)),
    ],
    "simulate": [
        at(run, "optimizer", None), at(run, "objective", None), at(run, "x0", None), at(run, "steps", 3),
        at(run, "noise", None), at(run, "seed", 3, noise=noise.uniform(0.5)), at(run, "every", 2),
        at(run, "engine", None), at(run, "state", None, noise=noise.uniform(0.5)),
    ],
    "minimize_vradam": [
        at(minimum, "fun", None), at(minimum, "x0", 1.0), at(minimum, "jac", None), at(minimum, "tol", 1e-3),
        at(minimum, "bounds", None), at(minimum, "constraints", None), at(minimum, "callback", None),
        *[at(minimum, name, 3 if name == "maxiter" else 0.5) for name in (
            "maxiter", "alpha0", "alpha1", "beta1", "beta2", "beta3", "eps", "weight_decay", "gate_decay")],
        at(minimum, "gate", None), at(minimum, "law", None),
    ],
    "sweeps.run": [
        at(table, "optimizer", None), at(table, "objective", None), at(table, "over", None),
        ("alpha0", None, lambda value: table(over={"alpha0": value})),
        ("gate", None, lambda v: table(over={"gate": v})),
        ("beta1", None, lambda value: table(over={"beta1": value})),
        ("seeds", None, lambda value: table(seeds=value, noise=noise.uniform(0.5))),
        at(table, "statistic", None), at(table, "x0", None), at(table, "steps", 3), at(table, "noise", None),
        at(table, "every", 2), at(table, "engine", None), at(table, "jobs", 1),
    ],
    "sharpness": [
        *[at(measured, name, {"steps": 3, "every": 2, "seed": 1}.get(name), **(
            {"noise": noise.uniform(0.5)} if name == "seed" else {})) for name in
            ("optimizer", "objective", "x0", "steps", "noise", "seed", "every", "engine")],
        ("x", None, lambda value: sharpness.hessian_sharpness(BOWL, value)),
        ("beta1", 0.5, lambda value: sharpness.stability_threshold(value, 0.5)),
        ("eta", 0.5, lambda value: sharpness.stability_threshold(0.5, value)),
        ("optimizer", None, lambda value: sharpness.preconditioner(value, ADAM.init(X))),
    ],
    "InPlace": [
        at(trained, "optimizer", None), at(trained, "arrays", None), at(trained, "threads", 1),
        ("arrays[0]", None, lambda value: trained(arrays=[value.copy() if isinstance(value, np.ndarray) else value])),
        ("grads", None, lambda value: InPlace(ADAM, [np.zeros(2)]).step(value)),
        ("grads[0]", None, lambda value: InPlace(ADAM, [np.zeros(2)]).step([value])),
        ("checkpoint", None, lambda value: InPlace.from_checkpoint(ADAM, value).arrays[0]),
    ],
    "objectives": [
        *[("dim", 2, lambda value, kind=kind: shape_of(kind(value))) for kind in (objectives.log_cosh,
            objectives.pseudo_huber, objectives.pseudo_huber_sine, objectives.rational, objectives.ackley,
            objectives.rastrigin, objectives.rosenbrock, objectives.styblinski_tang)],
        *[(name, 0.5, lambda value, kind=kind, name=name: shape_of(kind(2, **{name: value})))
            for kind, names in ((objectives.log_cosh, ("scale", "curvature")),
                (objectives.rational, ("scale", "curvature")),
                (objectives.pseudo_huber, ("scale", "curvature")),
                (objectives.pseudo_huber_sine, ("scale", "curvature", "amplitude", "frequency"))) for name in names],
        *[(name, {"final": 50.0, "flat": 0.5, "initial": 0.5}[name], lambda value, name=name: shape_of(
            objectives.progressive_sharpening(**{name: value}))) for name in ("final", "flat", "initial")],
        ("target", None, lambda value: shape_of(objectives.matrix_factorisation(value, 1))),
        ("rank", 1, lambda value: shape_of(objectives.matrix_factorisation(np.eye(2), value))),
        ("features", None, lambda value: shape_of(objectives.logistic_regression(value, [1.0]))),
        ("labels", None, lambda value: shape_of(objectives.logistic_regression([[1.0]], value))),
        ("l2", 0.5, lambda value: shape_of(objectives.logistic_regression([[1.0]], [1], l2=value))),
        ("expression", None, lambda value: shape_of(objectives.from_sympy(value, [U]))),
        ("symbols", None, lambda value: shape_of(objectives.from_sympy(U**2, value))),
        ("spectrum", None, lambda value: shape_of(objectives.quadratic(value))),
        ("rotation", 3, lambda value: shape_of(objectives.quadratic([1.0, 2.0], value))),
        *[("x", None, getattr(objective, name)) for objective in (BOWL, objectives.rosenbrock(2),
            objectives.log_cosh(2),
            objectives.logistic_regression(np.eye(2), [0, 1]), objectives.matrix_factorisation([[1.0]], 1),
            objectives.four_scalar_product(), objectives.beale(), objectives.himmelblau())
            for name in ("value", "grad", "hessian")],
    ],
}  # fmt: skip
#: What is an equivalent, or no value at all, for these arguments only.
MEANS_ABSENT = {
    ("VRAdam.proof_form", "proof_form"): (True, False),
    ("noise", "bound"): (None,), ("simulate", "noise"): (None,), ("simulate", "state"): (None,),
    ("sweeps.run", "noise"): (None,), ("sharpness", "noise"): (None,),
    ("minimize_vradam", "jac"): (None, False), ("minimize_vradam", "bounds"): (None,),
    ("minimize_vradam", "constraints"): (None,),
    ("minimize_vradam", "callback"): (None,), ("minimize_vradam", "tol"): (None,), ("objectives", "rotation"): (None,),
}  # fmt: skip
#: Where an empty list or mapping means that there is none.
EMPTY = {("minimize_vradam", "constraints"), ("sweeps.run", "over")}
#: Values that are right but would take hours or all memory.
LONG = {"steps", "maxiter", "jobs", "threads", "dim", "size", "arrays", "x0"}
CALLABLE = {
    ("minimize_vradam", "callback"), ("minimize_vradam", "fun"), ("minimize_vradam", "jac"),
    ("sweeps.run", "statistic"), ("LinearWarmup", "schedule"),
}  # fmt: skip
FLAT = [(owner, *case) for owner, cases in CASES.items() for case in cases]
