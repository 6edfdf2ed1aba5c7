"""Made-up data of the studies that need networks, in the shapes of their own: for the figures of the source."""

import numpy as np
import xarray as xr

from experiments.studies.source_edge import GATES, NETS, contributions, curves, optimizers
from experiments.studies.source_tasks import FORMS, OPTIMIZERS, grid, versus
from experiments.studies.source_tasks.summary import sentence

TASKS = ["digits, convolutional", "characters, Transformer"]


def edge() -> dict[str, xr.Dataset]:
    """Losses that fall like 1/t, faster at the larger rate, a gate that opens, curvature that grows."""
    rng, names, seeds = np.random.default_rng(0), list(optimizers((0.002, 0.001))), 10
    step, check = np.arange(1, 196), np.arange(10, 196, 10)
    alpha0 = np.array([float(name.rpartition("= ")[2]) for name in names])[None, :, None, None]
    noise = np.exp(0.1 * rng.normal(size=(len(NETS), len(names), seeds, 1)))
    gate = np.array([0.4 if "gate" in name else 0.0 for name in names])[None, :, None, None]
    dims = ("net", "optimizer", "seed")
    coords = {"net": list(NETS.values()), "optimizer": names, "step": step, "check": check}
    runs = xr.Dataset(
        {
            "loss": ((*dims, "step"), noise / (1 + 20 * alpha0 * step)),
            "rate": ((*dims, "step"), 1 - gate * np.exp(-step / 5) * noise / noise.max()),
            "accuracy": ((*dims, "check"), 1 - 0.9 * np.exp(-20 * alpha0 * check) + 0 * noise),
        },
        coords,
    )
    few = noise[:, :, :5]
    bent = xr.Dataset(
        {
            "sharpness": ((*dims, "check"), 3 * few + 0 * check),
            "preconditioned": ((*dims, "check"), 5 * few * check / alpha0 / 100),
            "threshold": ((*dims, "check"), 38 / alpha0 + 0 * few * check),
        },
        {key: coords[key] for key in ("net", "optimizer", "check")},
    )
    last = {
        "loss": runs.loss.isel(step=-1, drop=True),
        "sharpness": bent.sharpness.isel(check=-1, drop=True).rename(seed="watched"),
    }
    parts = contributions.contributions(xr.Dataset(last), tuple(GATES), (0.002, 0.001))
    return {
        "curves": curves(runs).assign_attrs(alpha1=19.0, rho=0.05),
        "curvature": bent,
        "contributions": parts,
    }


def tasks() -> dict[str, xr.Dataset]:
    """Scores without any difference but chance, and a grid whose losses grow with beta3."""
    rng = np.random.default_rng(1)

    def scores(dim: str, parts: list[str], names: tuple[str, ...]) -> xr.Dataset:
        values = np.exp(0.3 * rng.normal(size=(2, len(TASKS), len(names), 12)))
        dims = (dim, "task", "optimizer", "seed")
        return xr.Dataset({"score": (dims, values)}, {dim: parts, "task": TASKS, "optimizer": list(names)})

    won = versus(scores("rule", ["equal", "source"], OPTIMIZERS), "rule")
    gates = versus(scores("setting", ["tuned", "default"], FORMS), "setting", FORMS[0], reverse=True)
    setup = grid.Setup()
    loss = np.exp(0.1 * rng.normal(size=(2, 4, 4, 4, 5))) * (1 + 0.1 * np.array(setup.beta3)[:, None])
    cells = xr.Dataset(
        {
            "loss": (("gate", "beta1", "alpha1", "beta3", "seed"), loss),
            "adam": (("gate", "beta1", "seed"), np.ones((2, 4, 5))),
        },
        {"gate": list(grid.SEEN), "beta1": list(setup.beta1), "alpha1": list(setup.alpha1), "beta3": list(setup.beta3)},
    )
    return {
        "pairs": won.assign_attrs(says=sentence(won)),
        "gate_pairs": gates.rename(rival="gate"),
        "grid": cells,
    }
