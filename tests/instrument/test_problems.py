"""The catalogue of problems: each can be run, is named once, starts where it says, and carries what the rate needs."""

from dataclasses import FrozenInstanceError

import numpy as np
import pytest

import vradam
from experiments.studies.convergence import constants
from vradam import problems
from vradam.problems import CATALOGUE, Problem

every_problem = pytest.mark.parametrize("problem", CATALOGUE, ids=lambda problem: problem.name)


def test_names_are_unique_and_no_problem_is_left_out():
    assert len({problem.name for problem in CATALOGUE}) == len(CATALOGUE)
    found = [value for value in vars(problems).values() if isinstance(value, Problem)]
    assert {problem.name for problem in found} <= {problem.name for problem in CATALOGUE}


@every_problem
def test_a_problem_runs_from_its_start(problem):
    """Plain gradient descent with a step far below 1/L goes down from it: the start is no minimum and no kink."""
    objective, x0 = problem.objective, problem.x0
    assert x0.shape == (objective.dim,) and x0.dtype == np.float64 and np.isfinite(x0).all()
    slope = objective.grad(x0)
    assert np.abs(slope).max() > 0
    before, after = objective.value(x0), objective.value(x0 - 1e-6 * slope / np.linalg.norm(slope))
    assert (before - after) / 1e-6 == pytest.approx(np.linalg.norm(slope), rel=1e-2)
    run = vradam.simulate(vradam.VRAdam(), objective, x0, 3, problem.noise)
    assert run.diverged_at == -1


def test_another_start_or_noise_is_another_problem_of_the_same_name():
    moved = problems.LOG_COSH.at(2)
    assert moved.x0.tolist() == [2.0] * 10 and problems.LOG_COSH.x0.tolist() == [3.0] * 10
    assert problems.BEALE.at(0.5, -1).x0.tolist() == [0.5, -1.0] and moved.name == "log_cosh"
    law = vradam.noise.uniform(0.5)
    assert problems.BEALE.with_noise(law).noise == law and problems.BEALE.noise is None
    with pytest.raises(FrozenInstanceError):
        moved.name = "x"
    with pytest.raises(ValueError, match="start must be given for nowhere: log_cosh has no customary start"):
        Problem("nowhere", lambda: vradam.objectives.log_cosh(2)).x0  # noqa: B018
    with pytest.raises(ValueError, match="broadcast"):
        problems.BEALE.at(1, 2, 3).x0  # noqa: B018


@pytest.mark.parametrize("problem", [*problems.CONVEX, *problems.NON_CONVEX, problems.BREAST_CANCER])
def test_no_stochastic_gradient_of_a_rate_problem_exceeds_its_bound(problem):
    """R bounds what is drawn, and by no more than a factor of 2.5 at the worst point tried."""
    R, D = constants(problem, eps=0.0)
    objective = problem.objective
    points = np.concatenate([problem.x0 * scale for scale in np.geomspace(1e-2, 1e3, 6)]).reshape(-1, objective.dim)
    if objective.terms:
        one = np.arange(objective.terms)[:, None]
        drawn = objective.grad_terms(np.broadcast_to(problem.x0, (len(one), objective.dim)), one)
    else:
        worst = problem.noise.bound if problem.noise.bound is not None else 0.0
        drawn = np.abs(objective.grad(points)) + worst
    assert 0.4 * R <= np.abs(drawn).max() <= R * (1 + 1e-12)
    assert D >= float(objective.value(problem.x0)) - (objective.minimum or 0.0) > 0
