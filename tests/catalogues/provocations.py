"""What provokes every error that a docstring announces, for ``test_documented_errors.py``."""

import io
import re
import subprocess
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import sympy as sp
import xarray as xr

import theory
import vradam
from experiments import catalogue, examinations, skeleton
from experiments.measurement import comparison, formula, statistics
from experiments.report import ledger
from experiments.report import strict_json as reading
from experiments.results import compute
from experiments.store import chunks as store
from experiments.store import files, fingerprint, imported
from experiments.studies import speed
from experiments.studies.cycles import basins, period_four
from experiments.studies.speed.gate import samples
from experiments.studies.speed.startup import seconds
from theory import javascript
from theory.certificates import check as check_certificate
from theory.claims.convergence import predictable_gate as convergence
from theory.examination import chosen
from theory.methods import intervals
from theory.search import certify_gates, cycles
from vradam import dynamics, gates, laws, noise, objectives, plan, sharpness, validation, workers
from vradam import random_streams as rng
from vradam.engine import specialise
from vradam.gated import rate_at
from vradam.inplace import InPlace
from vradam.objectives.finite_sums import logistic_regression
from vradam.objectives.objective import gradient_at, value_at

X = np.ones(2)
BROKEN = catalogue.Stem("torn", "experiments.studies.torn", (), None, failure="SyntaxError: torn")
WORK = speed.DEFAULT.works[0]


def first_step(form):
    """A step from X with this gate."""
    optimizer = vradam.VRMomentum(gate=form)
    return optimizer.step(X, X, optimizer.init(X))


BOWL = objectives.quadratic([1.0, 2.0])
ADAM = vradam.VRAdam()
RATE = {"L": 1.0, "R": 2.0, "D": 1.0, "eps": 1e-8}


def theorem():
    claim = next(claim for claim in theory.CLAIMS if claim.id == "C1a")
    return claim.formulas["theorem2"]


def bound_at(steps, **changed):
    return convergence.horizon_bound(theorem(), steps, **RATE | changed)


def interrupted():
    """A training whose first step an exception ended halfway, as Ctrl-C does."""
    training = InPlace(ADAM, [X.copy()])

    def stop(*_):
        raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training, "_kernels", training._kernels._replace(move=stop, absorb_and_move=stop))
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
        patch.setattr(workers, "_on_processes", broken)
        return list(workers.Workers(jobs=2).map(abs, {"a": (1,), "b": (2,)}))


def never_found():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            period_four, "_settled", lambda setup, starts: (starts.x[:, 0] > np.inf, starts.x, starts.velocity)
        )
        return period_four.find(period_four.Setup(beta1=(0.9,), fractions=(0.2, 0.3), starts=4))


def never_lost():
    """A "cycle" that is the whole stretch: settings that do not move."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(period_four, "_settled", lambda setup, ahead: (ahead.x[:, 0] > 0, ahead.x, ahead.velocity))
        start = period_four.Cycles(np.array([0.9]), np.array([0.8]), np.ones((1, 1)), np.zeros((1, 1)))
        return period_four.trace(period_four.Setup(), start, np.array([0.9]), np.array([0.5]))


def timed(check):
    """A timing whose contestants answer ``check`` with this difference from the reference."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(speed.Contestant, "__init__", lambda self, name, work: self.__dict__.update(name=name, work=work))
        patch.setattr(speed.Contestant, "ask", lambda self, question: check)
        patch.setattr(speed.Contestant, "close", lambda self: None)
        return speed.timing(WORK, 1, ["NumPy"])


def ended_without_answer():
    child = object.__new__(speed.Contestant)
    process = SimpleNamespace(stdin=io.StringIO(), stdout=io.StringIO(), wait=lambda: 3)
    child.name, child.work, child.process = "numpy", WORK, process
    return child.ask("check")


#: name: (call, error, what the message says)
PROVOKED = {
    "experiments.catalogue.Stem.working": [(BROKEN.working, ImportError, "SyntaxError: torn")],
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
    "experiments.store.chunks.encode": [
        (
            lambda: store.encode(xr.Dataset({"a": ("x", [1.0], {"scale_factor": 2.0})})),
            ValueError,
            "a dataset must be read back as it is written, which a would not be",
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
    "theory.search.certify_gates.certify_gates": [
        (lambda: certify_gates.certify_gates("2", "1/60", "1/5"), ValueError, r"beta1 must .*2"),
        (lambda: certify_gates.certify_gates("x", "1/60", "1/5"), ValueError, "beta1 must"),
    ],
    "theory.certificates.check.prove": [
        (lambda: check_certificate.prove({"kind": "unknown"}), ValueError, "kind"),
        (lambda: check_certificate.prove({"kind": "cycle"}), ValueError, "a cycle certificate lacks the keys"),
    ],
    "theory.claims.convergence.predictable_gate.horizon_bound": [
        (
            lambda: convergence.horizon_bound(theorem(), 100, **RATE | {"L": 0.0}),
            ValueError,
            "L must be positive, got 0",
        ),
        (
            lambda: convergence.horizon_bound(theorem(), 100, **RATE, beta1=1.0),
            ValueError,
            r"beta1 must lie in \[0, 1\)",
        ),
        (lambda: bound_at(1), ValueError, "steps must exceed .*got 1"),
    ],
    "theory.claims.convergence.predictable_gate.crossover": [
        (lambda: convergence.crossover(theorem(), **RATE | {"eps": 9.0}), ValueError, r"R must exceed sqrt\(eps\) = 3"),
        (lambda: convergence.crossover(theorem(), **RATE | {"D": -1.0}), ValueError, "D must be nonnegative, got -1"),
    ],
    "theory.methods.intervals.enclose": [
        (lambda: intervals.enclose(sp.sin(1)), ValueError, r"expr must be built from .*, got sin\(1\)"),
    ],
    "theory.examination.chosen": [(lambda: chosen(["s0"]), ValueError, "unknown claim s0")],
    "theory.search.cycles.find": [
        (
            lambda: cycles.find(cycles.Target("999/1000", "1", None, 2)),
            RuntimeError,
            "no attracting cycle found for Target",
        ),
    ],
    "experiments.studies.cycles.basins.measure": [
        (
            lambda: basins.measure(basins.Setup(fraction=0.2, cells=5, steps=400)),
            RuntimeError,
            "no start ends in a cycle of period 4 at beta1 = 0.9, S/B = 0.2",
        ),
    ],
    "experiments.catalogue.Catalogue.select": [
        (lambda: catalogue.catalogue().select(["nothing"]), ValueError, "nothing"),
    ],
    "experiments.store.fingerprint.origin": [
        (
            lambda: fingerprint.origin("experiments.none"),
            ModuleNotFoundError,
            "have a file each, got .* 'experiments.none'",
        ),
    ],
    "experiments.store.fingerprint.plain": [
        (lambda: fingerprint.plain({"x": X}, "setup"), TypeError, "setup.* must be made of numbers.*, got ndarray"),
    ],
    "experiments.measurement.formula.evaluate": [
        (
            lambda: formula.evaluate(sp.Symbol("q") + 1),
            ValueError,
            r"values must hold every symbol of q \+ 1, got none for q",
        ),
    ],
    "experiments.skeleton.write": [
        (lambda: skeleton.write("Stem", "S98"), ValueError, "STEM must be a new name .*, got 'Stem'"),
        (lambda: skeleton.write("stem", "T1"), ValueError, "ID must be a new id such as S9, got 'T1'"),
    ],
    "theory.javascript.formula": [
        (lambda: javascript.formula("a b", theory.SYMBOLS["L"]), ValueError, "name must be an identifier, got 'a b'"),
    ],
    "experiments.results.compute": [
        (lambda: compute(BROKEN, False, Path("out")), ImportError, "SyntaxError: torn"),
    ],
    "experiments.report.ledger.with_ledger": [
        (lambda: ledger.with_ledger("no markers", []), ValueError, "the README must hold the lines .* once each"),
    ],
    "experiments.studies.cycles.period_four.find": [
        (never_found, RuntimeError, r"some beta1 of \(0.9,\) shows no cycle of period 4 at S/B in \(0.2, 0.3\)"),
    ],
    "experiments.studies.cycles.period_four.trace": [
        (never_lost, RuntimeError, "a cycle of period 4 is not lost along its line")
    ],
    "experiments.report.strict_json.read_json": [
        (lambda: reading.read_json(b"NaN"), ValueError, "NaN"),
        (
            lambda: reading.read_json(b" " * (reading.LIMIT + 1)),
            ValueError,
            "must have at most 5000000 bytes, got 5000001",
        ),
    ],
    "experiments.report.strict_json.read_entries": [
        (lambda: reading.read_entries(b"{}"), ValueError, "claims must be a list of at most 200 entries"),
        (lambda: reading.read_entries(b"[{}]"), ValueError, r"claims\[0\] lacks "),
    ],
    "experiments.studies.speed.timing": [
        (lambda: timed(0.5), ArithmeticError, "must equal the reference on .*, differs by 0.5"),
    ],
    "experiments.studies.speed.contestant.Contestant.ask": [
        (ended_without_answer, RuntimeError, "numpy ended on .* with status 3"),
    ],
    "experiments.studies.speed.gate.samples": [
        (lambda: samples(-1, 1, 1, 0), subprocess.CalledProcessError, "returned non-zero exit status 1"),
    ],
    "experiments.studies.speed.startup.seconds": [
        (lambda: seconds("", "raise SystemExit(3)"), subprocess.CalledProcessError, "returned non-zero exit status 3"),
    ],
    "experiments.measurement.statistics.mean_interval": [
        (lambda: statistics.mean_interval(X, level=1.0), ValueError, r"level must lie in \(0, 1\), got 1.0"),
        (lambda: statistics.mean_interval(X[:1]), ValueError, "values must hold at least 10 independent values, got 1"),
    ],
    "experiments.measurement.statistics.geometric_interval": [
        (lambda: statistics.geometric_interval(0 * X), ValueError, r"values must lie in \(0, inf\), got 0.0"),
    ],
    "experiments.measurement.statistics.median_interval": [
        (lambda: statistics.median_interval([1.0] * 10, level=0.999), ValueError, "level must be at most 0.998"),
    ],
    "experiments.measurement.statistics.loglog_slope": [
        (lambda: statistics.loglog_slope([1.0, 2.0], [[1.0], [2.0]]), ValueError, "values must hold at least 10"),
    ],
    "experiments.measurement.comparison.width": [
        (lambda: comparison.width([1.0, 1.0], X), ValueError, "alpha0 must increase, got"),
        (lambda: comparison.width([1.0, 2.0], X, factor=0.5), ValueError, "factor must be at least 1, got 0.5"),
        (lambda: comparison.width([1.0, 2.0], 0 * X), ValueError, "steps must be positive, got 0.0"),
    ],
    "experiments.examinations.from_dataset": [
        (lambda: examinations.from_dataset(xr.Dataset()), ValueError, "is not an examination"),
    ],
    "experiments.store.imported.source": [
        (lambda: imported.source(Path("no-such-file.py")), FileNotFoundError, "no-such-file.py"),
    ],
    "experiments.store.chunks.decode": [
        (lambda: store.decode(b"no such file"), ValueError, "is not the signature of a valid netCDF")
    ],
    "experiments.store.files.read_checked": [
        (lambda: files.read_checked(Path(__file__), "0000"), ValueError, "checksum does not match"),
    ],
    "vradam.workers.Workers": [
        (lambda: workers.Workers(jobs=0), ValueError, "jobs must be a positive integer, got 0"),
    ],
    "vradam.workers.Workers.map": [(dying_processes, ChildProcessError, "worker processes died .* times")],
}
#: name: the test that provokes its errors, where a folder, a second process or a fault is needed
ELSEWHERE = {
    "vradam.adapted.chosen_law": ("adapters/test_torch", "test_bad_input_is_refused_by_name"),
    "vradam.torch.optimizer.VRAdam": ("adapters/test_torch", "test_bad_input_is_refused_by_name"),
    "vradam.torch.optimizer.VRAdam.add_param_group": ("adapters/test_torch", "test_bad_options_of_a_group_are_refused"),
    "vradam.torch.optimizer.VRAdam.load_state_dict": ("adapters/test_torch", "test_the_state_of_another_law"),
    "vradam.torch.optimizer.VRAdam.step": ("adapters/test_torch", "test_sparse_gradients_are_refused"),
    "vradam.torch.edge.sharpness": ("adapters/test_torch_edge", "params must be real"),
    "vradam.torch.edge.preconditioner": ("adapters/test_torch_edge", "optimizer must precondition momentum"),
    "vradam.torch.edge.curvature": ("adapters/test_torch_edge", "optimizer must have taken a step"),
    "vradam.torch.edge.watch": ("adapters/test_torch_edge", "every must be an integer >= 1"),
    "vradam.optax.transform.vradam": ("adapters/test_optax", "test_bad_input_is_refused_by_name"),
    "vradam.optax.transform.scale_by_vradam": ("adapters/test_optax", "test_bad_input_is_refused_by_name"),
    "vradam.optax.transform.within": ("adapters/test_optax", "state must hold a state of VRAdam or Adam"),
    "vradam.optax.transform.check": ("adapters/test_optax", "b1 must lie in"),
    "vradam.optax.edge.sharpness": ("adapters/test_optax", "params must be real"),
    "vradam.optax.edge.curvature": ("adapters/test_optax", "state must come from a step"),
    "theory.claims.convergence.shares.parts": ("test_central_rate", "bound must be"),
    "theory.claims.convergence.shares.best": ("test_central_rate", "values must hold every symbol of the bound"),
    "theory.methods.solvers.decided": ("test_proofs", "name must be that of an inequality"),
    "vradam.objectives.objective.Objective.from_functions": (
        "test_own_objectives",
        "grad must be a function of a point",
    ),
    "vradam.objectives.symbolic.from_sympy": ("test_own_objectives", "expression must contain no symbols but x"),
    "vradam.engine.lanes.run": ("test_engine_lanes", "test_a_wrong_kernel_is_refused"),
    "experiments.measurement.verdict.Point": ("test_verdict", "measured must lie in"),
    "experiments.measurement.verdict.Evidence": ("test_verdict", "n must be a positive integer"),
    "experiments.measurement.verdict.Confrontation": ("test_verdict", "replication must repeat"),
    "experiments.measurement.points.least_fitting": ("test_verdict", "values must hold at least one number"),
    "experiments.measurement.verdict.shown": ("test_verdict", "showcase must name a reported quantity and its labels"),
    "theory.certificates.statement.Statement": ("test_certificates_of_claims", "facts must be beta1, low, high"),
    "theory.certificates.frontier.check_safe": ("test_theory_frontier", "beta1 must be whole numbers of 1/2000"),
    "theory.certificates.branches.check_attracting": ("test_theory_frontier", "velocity must hold whole numbers"),
    "theory.stability_map.global_stability": ("test_theory_frontier", "S must be finite and > 0, got inf"),
    "theory.stability_map.verified": ("test_theory_frontier", "got a false one"),
    "theory.claim.Claim": ("test_theory_claims", "inequalities and cited must name steps of T"),
    "experiments.job.main_job": ("test_main_job", "test_a_full_disk_is_said_plainly"),
    "experiments.catalogue.discover": ("test_catalogue", "must have a study"),
    "theory.discovery.claims_by_stem": ("test_catalogue", "must end with CLAIMS"),
    "vradam.sweeps.run": ("test_sweeps", "test_bad_input_is_refused"),
    "experiments.report.on_record.on_record": ("test_reference", "test_a_malformed_record_is_said_plainly"),
    "experiments.report.on_record.read_record": ("test_reference", "test_a_malformed_record_is_said_plainly"),
    "experiments.store.manifest.manifest": ("test_store", "test_a_dataset_has_a_plain_name"),
    "experiments.examinations.examinations": ("test_main_job", "test_a_derivation_that_is_edited_meanwhile_is_refused"),
    "experiments.report.freshness.changes": ("test_reference", "does not say what the data were made from"),
    "experiments.report.freshness.made_from": ("test_reference", "does not say what the data were made from"),
    "experiments.store.chunks.Chunks.keep": ("test_store", "test_a_full_disk_keeps_what_was_finished"),
    "experiments.store.chunks.Chunks.map": ("test_store", "test_a_key_belongs_to_one_function_and_its_arguments"),
    "experiments.store.chunks.Chunks.stored": ("test_store", "test_a_passing_fault_of_a_disk_deletes_nothing"),
    "experiments.store.chunks.read_chunk": ("test_verification", "test_damaged_results_are_named"),
    "experiments.store.chunks.save_data": ("test_store", "test_a_dataset_has_a_plain_name"),
    "experiments.store.manifest.close_lists": ("test_store", "test_lists_of_an_earlier_form_are_closed_after_a_check"),
    "experiments.store.manifest.read_manifest": (
        "test_store",
        "test_a_list_that_was_cut_is_damage_and_no_smaller_result",
    ),
    "experiments.verification.verify": ("test_verification", "test_a_folder_that_is_not_there_is_said"),
    "experiments.store.chunks.read_data": ("test_store", "test_a_long_list_of_checksums_is_refused"),
    "experiments.study.Table": ("test_report", "Table("),
    "experiments.report.reference.update_reference": ("test_reference", "the largest files are"),
    "experiments.studies.sensitivity.run": ("test_sensitivity", "test_unequal_budgets_are_refused"),
    "experiments.store.files.exclusive": ("test_store", "test_a_second_job_is_told_who_has_the_folder"),
    "experiments.store.files.write_atomically": ("test_store", "test_a_failed_write_leaves_the_old_file_and_no_other"),
    "experiments.measurement.comparison.paired": ("test_tasks", "test_losses_that_have_no_ratio_are_refused"),
    "experiments.studies.tasks.nets.make": ("test_tasks", "test_a_task_that_is_not_there_is_refused"),
    "experiments.studies.tasks.protocol.train": (
        "test_tasks",
        "test_a_gradient_of_the_wrong_shape_is_refused_at_the_first_step",
    ),
}
