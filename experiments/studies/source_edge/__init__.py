"""E2 in a setting of its source's kind: full batch, squared error, networks on digits, at the edge of stability.

The source observed the dip of the learning rate in one experiment (ResNet-32 on CIFAR-10, 195 steps shown). Here a
small convolutional network and an MLP are trained on the digits with its hyper-parameters (alpha0 .002, alpha1 19,
beta3 1, eps 1e-7), with the velocity gate of Algorithm 1 and with the gradient-norm gate, at twice Adam's rate and, in
PAPER, at Adam's; Adam at the same rates stands beside them, and SAM around Adam. Loss, accuracy and learning rate are
kept as shares of the seeds; the largest eigenvalue of the Hessian, raw and preconditioned, is measured for some of
them. With both rates, what the gate adds is told from what the doubled rate adds (``contributions``).

SAM (Foret et al., arXiv:2010.01412): Adam's step by the gradient at x + rho g/||g||, which costs two gradients a step.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import numpy as np
import xarray as xr
from numpy.typing import NDArray

import vradam
from experiments.measurement.statistics import median_interval
from experiments.measurement.verdict import Confrontation, Evidence, Point
from experiments.store.chunks import Chunks
from experiments.studies.source_edge import contributions
from experiments.study import Result, Study, Table
from vradam.gates import GateForm, gradient_norm, published

#: Of the source's setting.
ALPHA1, BETA3, EPS = 19.0, 1.0, 1e-7
#: How far SAM goes up the gradient before it takes the next one: the default of its authors.
RHO: Final = 0.05
#: Within so many steps the rate must fall below this share of alpha0, and be above that share at the end: ours.
EARLY, DIP, NEAR = 25, 0.9, 0.9
NETS: Final = {"convolutional, squared": "convolutional network", "mlp, squared": "MLP"}
GATES: Final = {"velocity gate": published, "gradient-norm gate": gradient_norm}
SHARES: Final = (0.1, 0.5, 0.9)


@dataclass(frozen=True)
class Setup:
    """``seeds`` runs and as many again; ``rates`` of alpha0, the first of them the source's; ``watched``: seeds whose
    curvature is measured every ``every`` steps; accuracy is, too."""

    nets: tuple[str, ...] = ("convolutional, squared", "mlp, squared")
    rates: tuple[float, ...] = (0.002,)
    steps: int = 195
    every: int = 65
    seeds: int = 30
    together: int = 10
    watched: int = 1
    seed: int = 0


DEFAULT: Final = Setup()
PAPER: Final = Setup(rates=(0.002, 0.001), every=10, watched=5)


def optimizers(rates: tuple[float, ...]) -> dict[str, Any]:
    """Name -> optimizer: both gates, Adam and SAM around Adam, at every rate."""
    made: dict[str, Any] = {}
    for alpha0 in rates:
        for name, gate in GATES.items():
            made[f"{name}, alpha0 = {alpha0:g}"] = gated(gate, alpha0)
        made[f"Adam, alpha0 = {alpha0:g}"] = vradam.Adam(alpha0=alpha0, eps=EPS)
        made[f"SAM, alpha0 = {alpha0:g}"] = vradam.Adam(alpha0=alpha0, eps=EPS)  # the gradient is another one
    return made


def gated(gate: GateForm, alpha0: float) -> vradam.VRAdam:
    """VRAdam in the source's setting, with this gate."""
    return vradam.VRAdam(alpha0=alpha0, alpha1=ALPHA1, beta3=BETA3, eps=EPS, gate=gate)


def run(setup: Setup, chunks: Chunks) -> Result:
    """Every optimizer on every network; the gated ones at the source's rate twice, with other seeds."""
    _jax_is_there()
    names = list(optimizers(setup.rates))
    groups = {
        half: [setup.seed + half * setup.seeds + first for first in range(0, setup.seeds, setup.together)]
        for half in (0, 1)
    }
    work = {
        _key("runs", net, name, first): (setup, net, name, first)
        for net in setup.nets
        for name in names
        for half in (0, 1)
        for first in groups[half]
        if half == 0 or _is_asked(setup, name)
    }
    curved = {_key("curvature", net, name): (setup, net, name) for net in setup.nets for name in names}
    done, curvature = chunks.map(follow, work), chunks.map(curvatures, curved)

    def joined(half: int, asked: list[str]) -> xr.Dataset:
        per_net = [
            xr.concat(
                [xr.concat([done[_key("runs", net, name, first)] for first in groups[half]], "seed") for name in asked],
                "optimizer",
            )
            for net in setup.nets
        ]
        return xr.concat(per_net, "net").assign_coords(net=[NETS[net] for net in setup.nets], optimizer=asked)

    gated_names = [name for name in names if _is_asked(setup, name)]
    first, second = joined(0, names), joined(1, gated_names)
    data = {
        "curves": curves(first).assign_attrs(alpha1=ALPHA1, rho=RHO),
        "ends": ends(first.sel(optimizer=gated_names)).assign_attrs(seed=setup.seed),
        "replication": ends(second).assign_attrs(seed=setup.seed + setup.seeds),
        "curvature": xr.concat(
            [xr.concat([curvature[_key("curvature", net, name)] for name in names], "optimizer") for net in setup.nets],
            "net",
        ).assign_coords(net=[NETS[net] for net in setup.nets], optimizer=names),
    }
    if len(setup.rates) > 1:
        data["contributions"] = contributions.contributions(
            at_the_end(first, data["curvature"]), tuple(GATES), (setup.rates[0], setup.rates[1])
        )
    return Result(data, judge(data))


def _is_asked(setup: Setup, name: str) -> bool:
    """Whether the claim is about it: a gate, at the source's rate."""
    return "gate" in name and name.endswith(f"= {setup.rates[0]:g}")


def _key(*words: object) -> str:
    return "-".join(str(word).replace(", ", "_").replace(" ", "_").replace("=", "") for word in words)


def _jax_is_there() -> None:
    """Fail before anything is computed, with the line that installs what is missing."""
    from experiments.studies.tasks import nets  # noqa: F401


# ---------------------------------------------------------------- runs


@cache
def full_batch(net: str) -> Any:
    """theta (runs, d) -> losses (runs,) and gradients (runs, d) on all training data, which the runs share."""
    from experiments.studies.tasks import nets

    task = nets.make(net)
    batch = nets.jnp.asarray(task.full)
    return nets.jax.jit(nets.jax.vmap(nets.jax.value_and_grad(lambda theta: task.loss(theta, batch))))


def descend(net: str, name: str, x: NDArray) -> tuple[NDArray, NDArray]:
    """Losses (runs,) at ``x`` (runs, d) and the gradients by which the optimizer of this name steps."""
    losses, gradients = (np.asarray(part) for part in full_batch(net)(x))
    if name.startswith("SAM"):
        size = np.linalg.norm(gradients, axis=-1, keepdims=True)
        gradients = np.asarray(full_batch(net)(x + RHO * gradients / np.maximum(size, 1e-12))[1])
    return losses, gradients


def follow(setup: Setup, net: str, name: str, first: int) -> xr.Dataset:
    """Loss, eta_t/alpha0 (seed, step) and validation accuracy (seed, check) of ``together`` seeds, full batch."""
    from experiments.studies.tasks import nets

    task, optimizer = nets.make(net), optimizers(setup.rates)[name]
    seeds = range(first, min(first + setup.together, first // setup.seeds * setup.seeds + setup.seeds))
    x = np.stack([task.init(seed) for seed in seeds])
    state = optimizer.init(x)
    loss, rate = np.empty((2, setup.steps, len(seeds)))
    accuracy = []
    for step in range(setup.steps):
        loss[step], gradients = descend(net, name, x)
        x, state = optimizer.step(x, gradients, state)
        rate[step] = optimizer.learning_rate(state) / float(np.max(optimizer.alpha0))
        if (step + 1) % setup.every == 0:
            accuracy.append(np.asarray(nets.scores(net, "validation")(x)["second"]))
    return xr.Dataset(
        {
            "loss": (("seed", "step"), loss.T.astype(np.float32)),
            "rate": (("seed", "step"), rate.T.astype(np.float32)),
            "accuracy": (("seed", "check"), np.array(accuracy).T.astype(np.float32)),
        },
        coords={"step": np.arange(1, setup.steps + 1), "check": np.arange(setup.every, setup.steps + 1, setup.every)},
    )


def curvatures(setup: Setup, net: str, name: str) -> xr.Dataset:
    """lambda_max of H and of P_t^-1 H, and the edge B/eta_t, over (seed, check), on the watched seeds."""
    from experiments.studies.tasks import nets
    from experiments.studies.tasks.dynamics import curvature

    task, objective, optimizer = nets.make(net), curvature(net), optimizers(setup.rates)[name]
    rows = []
    for seed in range(setup.seed, setup.seed + setup.watched):
        x = task.init(seed)[None]
        state, row = optimizer.init(x), []
        for step in range(1, setup.steps + 1):
            x, state = optimizer.step(x, descend(net, name, x)[1], state)
            if step % setup.every == 0:
                eta = float(np.max(optimizer.learning_rate(state)))
                row.append(
                    (
                        float(vradam.sharpness.hessian_sharpness(objective, x)[0]),
                        float(vradam.sharpness.preconditioned_sharpness(objective, x, state, optimizer)[0]),
                        float(vradam.sharpness.stability_threshold(float(optimizer.beta1), eta)),
                    )
                )
        rows.append(row)
    names = ("sharpness", "preconditioned", "threshold")
    values = np.array(rows, dtype=np.float32)
    return xr.Dataset(
        {label: (("seed", "check"), values[..., i]) for i, label in enumerate(names)},
        coords={"check": np.arange(setup.every, setup.steps + 1, setup.every)},
    )


def curves(runs: xr.Dataset) -> xr.Dataset:
    """The 10 %, 50 % and 90 % points over the seeds of everything that is recorded along the runs."""
    found = runs.quantile(list(SHARES), "seed").rename(quantile="share").astype(np.float32)
    return found.assign_attrs(seeds=runs.sizes["seed"])


def ends(runs: xr.Dataset) -> xr.Dataset:
    """Per seed: the smallest eta_t/alpha0 of the early steps, and that of the last step."""
    early = runs.rate.isel(step=slice(EARLY)).min("step")
    return xr.Dataset({"smallest": early, "last": runs.rate.isel(step=-1, drop=True)})


def at_the_end(runs: xr.Dataset, curvature: xr.Dataset) -> xr.Dataset:
    """Training loss (..., seed) and raw sharpness (..., watched) at the end, averaged in the logarithm."""
    last = runs.loss.isel(step=slice(-contributions.LAST_STEPS, None)).astype(float)
    bent = curvature.sharpness.isel(check=slice(-contributions.LAST_CHECKS, None)).astype(float)
    loss, sharpness = np.exp(np.log(last).mean("step")), np.exp(np.log(bent).mean("check"))
    ends = {"loss": loss, "sharpness": sharpness.rename(seed="watched")}
    return xr.Dataset({name: values.transpose("net", "optimizer", ...) for name, values in ends.items()})


# ---------------------------------------------------------------- the claim


def judge(data: Mapping[str, xr.Dataset]) -> tuple[Confrontation, ...]:
    """E2: medians over seeds against the two thresholds, for every network, whichever of the two gates was run."""
    reported, again = (_evidence(data[name]) for name in ("ends", "replication"))
    said = "; ".join(f"{net}, {name}: {text}" for net, name, text in _words(data["ends"]))
    note = (
        f"Medians over the seeds: {said}. Which gate the source ran is not stated (that it sees the gradient's norm is "
        "read from the name of a folder), so the interval of a network reaches over both. The source shows one run of "
        "one network; how general the dip is, a study of its own asks (early_dip)."
    )
    dip = reported[0]
    row = (dip.quantity, *(point.label for point in dip.points))
    return (Confrontation("E2", reported, replication=again, note=note, showcase=row),)


def _evidence(found: xr.Dataset) -> tuple[Evidence, ...]:
    """One point a network: measured is the median with the first gate, that of Algorithm 1; the interval covers both.

    Each gate's interval is that of a median, by order statistics.
    """
    n = found.sizes["seed"] * found.sizes["net"] * found.sizes["optimizer"]
    seeds = tuple(int(found.attrs["seed"]) + i for i in range(found.sizes["seed"]))

    def points(part: str, threshold: float) -> tuple[Point, ...]:
        values = found[part].transpose("net", "optimizer", "seed").values
        low, high = median_interval(values)
        return tuple(
            Point(float(np.median(values[i, 0])), float(low[i].min()), float(high[i].max()), threshold,
                  f"{net}, either gate")
            for i, net in enumerate(found.net.values.tolist())
        )  # fmt: skip

    return (
        Evidence("upper bound", points("smallest", DIP), n, f"median smallest eta_t/alpha0 in {EARLY} steps", seeds),
        Evidence("lower bound", points("last", NEAR), n, "median eta_t/alpha0 after the last step", seeds),
    )


def _words(found: xr.Dataset) -> list[tuple[str, str, str]]:
    middle = found.median("seed")
    rows = []
    for net in found.net.values.tolist():
        for name in found.optimizer.values.tolist():
            here = middle.sel(net=net, optimizer=name)
            rows.append((net, name, f"falls to {float(here.smallest):.3f}, ends at {float(here['last']):.3f}"))
    return rows


def tables(data: Mapping[str, xr.Dataset]) -> tuple[Table, ...]:
    """The four panels in numbers: every optimizer on every network at the last step."""
    curve, curvature = data["curves"], data["curvature"]
    rows = []
    for net in curve.net.values.tolist():
        for name in curve.optimizer.values.tolist():
            here = curve.sel(net=net, optimizer=name, share=0.5)
            bent = curvature.sel(net=net, optimizer=name).isel(check=-1).median("seed")
            rows.append(
                (
                    net,
                    name,
                    f"{float(here.loss.isel(step=-1)):.3g}",
                    f"{float(here.accuracy.isel(check=-1)):.1%}",
                    f"{float(here.rate.min('step')):.3f}, {float(here.rate.isel(step=-1)):.3f}",
                    f"{float(bent.sharpness):.3g}",
                    f"{float(bent.preconditioned):.3g} / {float(bent.threshold):.3g}",
                )
            )
    head = ("network", "optimizer", "training loss", "accuracy", "eta_t/alpha0: least, last", "sharpness",
            "preconditioned / edge B/eta_t")  # fmt: skip
    answer = (contributions.table(data["contributions"]),) if "contributions" in data else ()
    return (
        Table(
            "At the edge, in the source's setting",
            head,
            tuple(rows),
            f"Medians over {curve.attrs.get('seeds', '?')} seeds at the last step; full batch, squared error; accuracy "
            "on validation. Sharpness is that of the raw Hessian; preconditioned it is compared with B/eta_t (an edge "
            f"that is not SAM's own). SAM: rho = {RHO:g}, around Adam, two gradients a step.",
        ),
        *answer,
    )


STUDY = Study(DEFAULT, PAPER, run, tables, on_request=True, judge=judge)
