"""Does the gate widen the range of learning rates that work? Steps to a target for optimizers tuned with one budget.

Every family of optimizers is run over the same values of alpha0 and over settings of its other hyper-parameters. They
are compared at the first seeds and the chosen ones measured at the others, so that choosing does not flatter.
A family's ``default`` is its customary setting; ``tuned`` is the one with the fewest steps. The width is the range of
alpha0, in decades, whose median steps to the target stay within a factor of 2 of the best.

A tuned family may be wide because its best is slow, and a smaller beta1 is fast but narrow: whether the *gate* widens a
range is asked in the dataset ``gate``, which adds it to Adam with everything else equal.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from experiments.measurement.comparison import profile, profile_interval, width
from experiments.measurement.statistics import FEWEST, mean_interval
from experiments.store.chunks import Chunks
from experiments.studies.sensitivity import landscapes
from experiments.studies.sensitivity.steps_to_target import Family, Task, measure, resampled_medians
from experiments.study import Result, Study
from vradam.problems import (
    BEALE,
    FOUR_SCALARS,
    HIMMELBLAU,
    LOG_COSH,
    LOGISTIC_REGRESSION,
    NARROW_QUADRATIC,
    PSEUDO_HUBER,
    QUADRATIC,
    RATIONAL,
    ROSENBROCK,
    STYBLINSKI_TANG,
)

GATE_AND_FRICTION = "VRAdam, beta1"
STRENGTHS = (1e-6, 1e-4, 1e-2, 1.0, 100.0)
FRICTIONS = (0.0, 0.5, 0.9, 0.95, 0.99)
DECAYS = (0.9, 0.99, 0.999)
MOMENTA = (0.0, 0.3, 0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.925, 0.95, 0.97, 0.98, 0.985, 0.99, 0.995)

#: Fifteen settings each. VRAdam comes twice: its budget spent on the gate, and on the gate and the friction 1 - beta1.
OPTIMIZERS = (
    Family("VRAdam", "VRAdam", (("beta3", STRENGTHS), ("alpha1", (1.0, 10.0, 100.0))), (1.0, 10.0)),
    Family("smoothed VRAdam", "VRAdam", (("beta3", STRENGTHS), ("gate_decay", DECAYS)), (1.0, 0.99)),
    Family(GATE_AND_FRICTION, "VRAdam", (("beta1", FRICTIONS), ("beta3", (1e-4, 1e-2, 1.0))), (0.9, 1.0)),
    Family("AdamW", "AdamW", (("beta1", FRICTIONS), ("weight_decay", (1e-4, 1e-3, 1e-2))), (0.9, 1e-2)),
    Family("Adam", "Adam", (("beta1", FRICTIONS), ("beta2", DECAYS)), (0.9, 0.999)),
    Family("RAdam", "RAdam", (("beta1", FRICTIONS), ("beta2", DECAYS)), (0.9, 0.999)),
    Family("Nesterov", "Nesterov", (("beta1", MOMENTA),), (0.9,)),
    Family("heavy ball", "HeavyBall", (("beta1", MOMENTA),), (0.9,)),
    Family("RMSProp", "RMSProp", (("beta2", (0.5, *DECAYS, 0.9999)), ("eps", (1e-8, 1e-4, 1e-2))), (0.99, 1e-8)),
    Family("Lion", "Lion", (("beta1", FRICTIONS), ("beta2", DECAYS)), (0.9, 0.99)),
)
#: Five settings each: forms of the gate over its strength, and no gate over the friction 1 - beta1.
FORMS = (
    *(
        Family(f"power {k}", "VRAdam", (("beta3", STRENGTHS),), (1.0,), "published" if k == 2 else f"power({k})")
        for k in range(2, 7)
    ),
    Family("per coordinate", "VRAdam", (("beta3", STRENGTHS),), (1.0,), "per_coordinate"),
    Family("friction", "Adam", (("beta1", FRICTIONS),), (0.9,)),
)
TASKS = (
    Task(QUADRATIC, spread=0.3),
    Task(NARROW_QUADRATIC, spread=0.3),
    Task(LOG_COSH, spread=0.3),
    Task(PSEUDO_HUBER, spread=0.3),
    Task(RATIONAL, spread=0.3),
    Task(ROSENBROCK, 0.01),
    Task(BEALE, 0.01),
    Task(HIMMELBLAU),
    Task(STYBLINSKI_TANG),
    Task(FOUR_SCALARS),
    Task(LOGISTIC_REGRESSION, every=5),
)


@dataclass(frozen=True)
class Setup:
    """``alpha0``: lowest and highest exponent of 10 and the number of values. ``seeds``: to tune, and to measure."""

    tasks: tuple[Task, ...]
    optimizers: tuple[Family, ...] = OPTIMIZERS
    forms: tuple[Family, ...] = FORMS
    alpha0: tuple[float, float, int] = (-5.0, 2.0, 22)
    seeds: tuple[int, int] = (8, 32)
    ratios: tuple[float, float, int] = (1.0, 16.0, 49)
    map_tasks: tuple[Task, ...] = ()
    map_strengths: tuple[float, float, int] = (-7.0, 3.0, 31)
    landscapes: tuple[landscapes.Landscape, ...] = landscapes.ALL
    seed: int = 0

    @property
    def rates(self) -> tuple[float, ...]:
        """The values of alpha0."""
        return tuple(np.logspace(*self.alpha0).tolist())


def _coarse(family: Family) -> Family:
    """Two settings on the first axis, the default among them; the default on the others."""
    (name, values), *others = family.over
    first = (min(values), family.default[0])
    return replace(
        family,
        over=((name, first), *((key, (value,)) for (key, _), value in zip(others, family.default[1:], strict=True))),
    )


DEFAULT = Setup(
    tasks=tuple(replace(task, steps=150, hold=20) for task in (TASKS[1], TASKS[4], TASKS[7])),
    optimizers=tuple(_coarse(family) for family in OPTIMIZERS),
    forms=tuple(_coarse(family) for family in (FORMS[0], *FORMS[-2:])),
    alpha0=(-3.0, 1.0, 9),
    seeds=(3, 5),
    map_tasks=(replace(TASKS[7], steps=150, hold=20),),
    map_strengths=(-6.0, 2.0, 5),
)
PAPER = Setup(tasks=TASKS, map_tasks=(TASKS[1], TASKS[5], TASKS[9]))


def run(setup: Setup, chunks: Chunks) -> Result:
    """The datasets ``steps``, ``widths``, ``gains``, ``gate``, ``profile``, ``map`` and the landscapes; no claim.

    Raises
    ------
    ValueError
        If the optimizers, or the forms of the gate, do not all have the same number of settings.
    """
    families = setup.optimizers + setup.forms
    for group in (setup.optimizers, setup.forms):
        if len({len(family.settings) for family in group}) > 1:
            budgets = ", ".join(f"{family.name}: {len(family.settings)}" for family in group)
            raise ValueError(f"every family must have the same number of settings, got {budgets}")
    keys = {
        f"{_key(family.name)}-{_key(task.problem.name)}": (task, family, setup.rates, sum(setup.seeds), setup.seed)
        for family in families
        for task in setup.tasks
    }
    maps = {
        f"map-{_key(task.problem.name)}": (task, _map_family(setup), setup.rates, setup.seeds[0], setup.seed)
        for task in setup.map_tasks
    }
    done = chunks.map(measure, keys | maps)
    parts = iter(done[key].steps.values for key in keys)
    steps = {family.name: np.stack([next(parts) for _ in setup.tasks]) for family in families}
    data = {
        "steps": _medians(setup, families, steps),
        "widths": (widths := _widths(setup, families, steps)),
        "gains": _gains(setup, families, widths),
        "gate": _gate(setup, steps),
        "profile": _profile(setup, steps),
    }
    if maps:
        data["map"] = _map(setup, [done[key] for key in maps])
    return Result(data | {f"landscape-{i}": landscapes.measure(item) for i, item in enumerate(setup.landscapes)})


def chosen(setup: Setup, family: Family, steps: NDArray) -> dict[str, NDArray]:
    """The default and the tuned setting of a family for each task: its place, from the seeds to tune with."""
    best = np.median(steps[..., : setup.seeds[0]], axis=-1).min(axis=-1)  # (task, setting)
    return {"default": np.full(len(best), family.default_setting), "tuned": best.argmin(axis=-1)}


def _medians(setup: Setup, families: tuple[Family, ...], steps: dict[str, NDArray]) -> xr.Dataset:
    """``median`` over (family, objective, setting, alpha0), at the seeds that measure; families with fewer settings
    are filled up with NaN and the label "-"."""
    longest = max(len(family.settings) for family in families)
    rows = np.full((len(families), len(setup.tasks), longest, len(setup.rates)), np.nan, np.float32)
    labels = np.full((len(families), longest), "-", object)
    for i, family in enumerate(families):
        rows[i, :, : len(family.settings)] = np.median(steps[family.name][..., setup.seeds[0] :], axis=-1)
        labels[i, : len(family.settings)] = family.labels
    return xr.Dataset(
        {
            "median": (("family", "objective", "setting", "alpha0"), rows),
            "label": (("family", "setting"), labels.astype(str)),
        },
        coords=_names(setup, families) | {"alpha0": list(setup.rates)},
        attrs={"runs": int(sum(part.size for part in steps.values())), "seeds": setup.seeds[1]},
    )


def _widths(setup: Setup, families: tuple[Family, ...], steps: dict[str, NDArray]) -> xr.Dataset:
    """For (family, choice, objective), with ``part`` value, low, high (bootstrap over seeds, 95 %):

    ``best``    fewest median steps over alpha0
    ``own``     decades of alpha0 within a factor 2 of that
    ``common``  decades within a factor 2 of the fewest steps of any tuned optimizer on that objective
    ``lowest``, ``highest``   the ends of the range of ``own``, values of alpha0 that were run

    and ``setting``, the label of the setting.
    """
    choices = ("default", "tuned")
    shape = (len(families), len(choices), len(setup.tasks))
    curves = np.empty((*shape, len(setup.rates), setup.seeds[1]))
    setting = np.empty(shape, object)
    for i, family in enumerate(families):
        for j, places in enumerate(chosen(setup, family, steps[family.name]).values()):
            curves[i, j] = steps[family.name][np.arange(len(places)), places][..., setup.seeds[0] :]
            setting[i, j] = [family.labels[place] for place in places]
    medians = np.concatenate([np.median(curves, axis=-1)[None], resampled_medians(curves, setup.seed)])
    best = medians.min(axis=-1)
    fastest = best[:, : len(setup.optimizers), choices.index("tuned")].min(axis=1)  # (resample, objective)
    good = medians <= 2 * best[..., None]
    good &= np.isfinite(medians)
    rates = np.array(setup.rates)
    found = {
        "best": best,
        "own": width(rates, medians),
        "common": width(rates, medians, np.broadcast_to(fastest[:, None, None], best.shape)),
        "lowest": np.where(good.any(axis=-1), rates[good.argmax(axis=-1)], np.nan),
        "highest": np.where(good.any(axis=-1), rates[-1 - good[..., ::-1].argmax(axis=-1)], np.nan),
    }
    dims = ("part", "family", "choice", "objective")
    return xr.Dataset(
        {name: (dims, _interval(values)) for name, values in found.items()}
        | {"setting": (dims[1:], setting.astype(str))},
        coords=_names(setup, families) | {"choice": list(choices), "part": ["value", "low", "high"]},
        attrs={"factor": 2.0, "failure": "inf steps", "seeds": setup.seeds[1]},
    )


def _interval(resamples: NDArray) -> NDArray:
    """The value (the first row) and the 2.5 % and 97.5 % points of the others, by order statistics (inf is allowed)."""
    ordered = np.sort(resamples[1:], axis=0)
    last = len(ordered) - 1
    low, high = ordered[round(0.025 * last)], ordered[round(0.975 * last)]
    return np.stack([resamples[0], low, high])


def _mean(gain: NDArray) -> NDArray:
    """The mean over the objectives, the last axis, with its 95 % interval: none from fewer than ten of them."""
    few = gain.shape[-1] < FEWEST
    ends = np.full((2, *gain.shape[:-1]), np.nan) if few else mean_interval(gain)
    return np.stack([gain.mean(axis=-1), *ends])


def _gains(setup: Setup, families: tuple[Family, ...], widths: xr.Dataset) -> xr.Dataset:
    """What a family gains over the last of the forms or over AdamW, each with the same budget: the mean over the
    objectives of the difference of the widths ``own`` and ``common`` (decades), and of log2 of the ratio of the best
    steps (``speed``; a failure counts as twice the horizon), with Student's intervals over the objectives."""
    horizons = np.array([task.steps for task in setup.tasks], dtype=float)
    value = widths.sel(part="value")
    best = np.minimum(value.best, 2 * horizons)
    measured = np.stack([value.own, value.common, -np.log2(best)])  # (measure, family, choice, objective)
    names = [family.name for family in families]
    forms = names[-1] if setup.forms else "AdamW"
    against = ["AdamW"] * len(setup.optimizers) + [forms] * len(setup.forms)
    gain = measured - measured[:, [names.index(name) for name in against]]
    return xr.Dataset(
        {
            "gain": (("part", "measure", "family", "choice"), _mean(gain)),
            "against": ("family", against),
        },
        coords={
            "part": ["value", "low", "high"],
            "measure": ["own", "common", "speed"],
            "family": names,
            "choice": widths.choice.values,
        },
    )


def _gate(setup: Setup, steps: dict[str, NDArray]) -> xr.Dataset:
    """What adding the gate to Adam changes, all else equal: ``own`` width (decades) and ``speed`` (as in ``gains``).

    ``gain`` over (form, beta3) is at the default beta1; ``gain_at_friction`` over (beta1, strength) is of the published
    gate against Adam with the same beta1. Means over the objectives, with Student's intervals over them.
    """
    *gated, plain = setup.forms
    without = _quality(setup, steps[plain.name][:, plain.default_setting])
    forms = np.stack(
        [
            np.stack([_quality(setup, steps[family.name][:, i]) - without for i in range(len(family.settings))])
            for family in gated
        ]
    )
    by_name = {family.name: family for family in setup.optimizers}
    both, adam = by_name[GATE_AND_FRICTION], by_name["Adam"]
    (_, frictions), (_, strengths) = both.over
    pairs = np.stack(
        [
            np.stack(
                [
                    _quality(setup, steps[both.name][:, both.settings.index((beta1, beta3))])
                    - _quality(setup, steps[adam.name][:, adam.settings.index((beta1, adam.default[1]))])
                    for beta3 in strengths
                ]
            )
            for beta1 in frictions
        ]
    )

    return xr.Dataset(
        {
            "gain": (("part", "form", "beta3", "measure"), _mean(forms)),
            "gain_at_friction": (("part", "beta1", "strength", "measure"), _mean(pairs)),
        },
        coords={
            "part": ["value", "low", "high"],
            "measure": ["own", "speed"],
            "form": [family.name for family in gated],
            "beta3": list(gated[0].over[0][1]),
            "beta1": list(frictions),
            "strength": list(strengths),
        },
    )


def _quality(setup: Setup, steps: NDArray) -> NDArray:
    """Width and -log2 of the best steps, (2, task), of ``steps`` (task, alpha0, seed) at the seeds that measure."""
    medians = np.median(steps[..., setup.seeds[0] :], axis=-1)
    horizons = np.array([task.steps for task in setup.tasks], dtype=float)
    best = np.minimum(medians.min(axis=-1), 2 * horizons)
    return np.stack([width(np.array(setup.rates), medians), -np.log2(best)])


def _profile(setup: Setup, steps: dict[str, NDArray]) -> xr.Dataset:
    """``share``, ``low``, ``high`` over (optimizer, ratio): every optimizer at the setting and alpha0 that were best
    for an objective at the seeds to tune with, measured at the others."""
    rows = []
    for family in setup.optimizers:
        found = steps[family.name]  # (task, setting, alpha0, seed)
        tuning = np.median(found[..., : setup.seeds[0]], axis=-1).reshape(len(found), -1)
        flat = found[..., setup.seeds[0] :].reshape(*tuning.shape, setup.seeds[1])
        rows.append(flat[np.arange(len(found)), tuning.argmin(axis=-1)])
    solved = np.stack(rows)
    low, exponent, number = setup.ratios
    ratios = np.geomspace(low, exponent, number)
    lower, upper = profile_interval(solved, ratios, setup.seed)
    share = profile(solved.reshape(len(solved), -1), ratios)
    return xr.Dataset(
        {
            name: (("optimizer", "ratio"), values)
            for name, values in {"share": share, "low": lower, "high": upper}.items()
        },
        coords={"optimizer": [family.name for family in setup.optimizers], "ratio": ratios},
        attrs={
            "settings": len(setup.optimizers[0].settings) * len(setup.rates),
            "objectives": len(setup.tasks),
            "seeds": setup.seeds[1],
        },
    )


def _map_family(setup: Setup) -> Family:
    strengths = tuple(np.logspace(*setup.map_strengths).tolist())
    return Family("map", "VRAdam", (("beta3", strengths),), strengths[:1])


def _map(setup: Setup, found: list[xr.Dataset]) -> xr.Dataset:
    """``median`` over (objective, beta3, alpha0) of VRAdam with alpha1 = 10."""
    return xr.Dataset(
        {"median": (("objective", "beta3", "alpha0"), np.stack([part.steps.median("seed") for part in found]))},
        coords={
            "objective": [task.problem.name for task in setup.map_tasks],
            "beta3": [value for (value,) in _map_family(setup).settings],
            "alpha0": list(setup.rates),
        },
        attrs={"seeds": setup.seeds[0]},
    )


def _names(setup: Setup, families: tuple[Family, ...]) -> dict[str, list[str]]:
    return {"family": [family.name for family in families], "objective": [task.problem.name for task in setup.tasks]}


def _key(name: str) -> str:
    return name.replace(", ", "_").replace(" ", "_")


STUDY = Study(DEFAULT, PAPER, run, explores=True)
