"""VRAdam, the instrument: the optimizer, its studied gates, baselines, objectives, noise and simulation.

Also what researchers measure with: labelled sweeps, long-run dynamics, sharpness, and one catalogue of problems.

>>> import vradam
>>> bowl = vradam.objectives.quadratic([1.0, 10.0])
>>> run = vradam.simulate(vradam.VRAdam(alpha0=0.1), bowl, x0=[1.0, 1.0], steps=500)
>>> bool(run.value[-1] < 1e-3 * run.value[0])
True
"""

from vradam import baselines, dynamics, gates, laws, noise, objectives, problems, schedules, sharpness, sweeps
from vradam.baselines import (
    Adam,
    AdamW,
    GradientDescent,
    HeavyBall,
    Lion,
    Nesterov,
    RAdam,
    RMSProp,
)
from vradam.gated import State
from vradam.minimize import minimize_vradam
from vradam.momentum import VRMomentum
from vradam.objectives import Objective
from vradam.optimizer import VRAdam
from vradam.recommendation import recommended
from vradam.simulation import simulate
from vradam.trajectory import Trajectory

__version__ = "0.2.0"

__all__ = [
    "Adam",
    "AdamW",
    "GradientDescent",
    "HeavyBall",
    "Lion",
    "Nesterov",
    "Objective",
    "RAdam",
    "RMSProp",
    "State",
    "Trajectory",
    "VRAdam",
    "VRMomentum",
    "baselines",
    "dynamics",
    "gates",
    "laws",
    "minimize_vradam",
    "noise",
    "objectives",
    "problems",
    "recommended",
    "schedules",
    "sharpness",
    "simulate",
    "sweeps",
]
