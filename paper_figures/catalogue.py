"""Every figure: its name, the data that it draws, and the sentence that the gallery says about it."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    import xarray as xr


class Entry(NamedTuple):
    """A figure: ``paper_figures/figures/<name>.py`` draws the data of ``experiments/studies/<stem>``.

    ``needs`` names the datasets without which there is no figure: of its stem, or as ``other_stem/dataset``.
    """

    name: str
    stem: str
    needs: tuple[str, ...]
    says: str

    @property
    def stems(self) -> tuple[str, ...]:
        """Every stem whose data the figure draws, its own first."""
        others = (need.split("/")[0] for need in self.needs if "/" in need)
        return tuple(dict.fromkeys((self.stem, *others)))

    def load(self) -> ModuleType:
        """The module, with ``draw(data: Mapping[str, Dataset]) -> Figure``."""
        return import_module(f"paper_figures.figures.{self.name}")

    def select(self, data: Mapping[str, Mapping[str, xr.Dataset]]) -> dict[str, xr.Dataset] | None:
        """What ``draw`` receives, from the data of all stems; None if something that it needs is not there."""
        found = dict(data.get(self.stem, {}))
        for stem in self.stems[1:]:
            found |= {f"{stem}/{name}": dataset for name, dataset in data.get(stem, {}).items()}
        return found if set(self.needs) <= set(found) else None


FIGURES: Final = (
    Entry(
        "phase_portrait",
        "kinetic_energy",
        ("phase_portrait",),
        "Over the field of a particle with quartic kinetic energy: where momentum leaps, the gate shortens the step.",
    ),
    Entry(
        "gate",
        "gate",
        ("VRMomentum",),
        "The gate has a floor, so beyond the clip the step grows with the speed without bound.",
    ),
    Entry(
        "stability_chart",
        "cycles",
        ("frontier", "boundaries"),
        "Below the local edge of stability a share of random starts is caught by cycles, the larger the momentum.",
    ),
    Entry(
        "bifurcation",
        "cycles",
        ("bifurcation",),
        "Beyond the edge one attractor pins the learning rate at B/L, up to twice the edge; others coexist with it.",
    ),
    Entry(
        "basins",
        "cycles",
        ("basins",),
        "A hidden cycle of period 4 below the edge, and the starts that end in it.",
    ),
    Entry(
        "gate_words",
        "gate_sequences",
        ("growth",),
        "Gates that are each stable make the state grow when they follow each other in the worst order.",
    ),
    Entry(
        "convergence",
        "convergence",
        ("curves",),
        "Measured rates stay below the bounds of the theorems; the trivial line shows where these say something.",
    ),
    Entry(
        "bias",
        "bias",
        ("curves", "plateaus", "crossing"),
        "A gate that sees the gradient it scales leaves a plateau of predicted height; two other gates do not.",
    ),
    Entry(
        "adaptive_edge",
        "stability",
        (*(f"adaptive-{i}" for i in range(8)), *(f"amplitude-{i}" for i in range(2))),
        "On models whose curvature moves, the threshold B/eta_t is lifted while the gate acts; beyond the edge a run "
        "whose rate is pinned moves as fast as predicted.",
    ),
    Entry(
        "repair",
        "cycles",
        ("frontier", "bifurcation", "bias/curves"),
        "Smoothing the kinetic energy that the gate sees: no cycle found below the edge, a rate near B/L beyond it, "
        "and no plateau.",
    ),
    Entry(
        "landscapes",
        "sensitivity",
        tuple(f"landscape-{i}" for i in range(4)),
        "Paths across two-dimensional landscapes, a mark each step: where the velocity is large, the gate shortens it.",
    ),
    Entry(
        "sensitivity",
        "sensitivity",
        ("map", "gate"),
        "Steps to a target over alpha0 and beta3, and how the width of the range of alpha0 that works changes when the "
        "gate is added to Adam.",
    ),
    Entry(
        "performance_profile",
        "sensitivity",
        ("profile",),
        "On what share of problems each optimizer, tuned with the same budget, is within a factor of the fastest.",
    ),
    Entry(
        "speed",
        "speed",
        ("curves", "scaling", "times"),
        "What a run costs on one thread, against runs, steps and dimensions, and each work beside our goal.",
    ),
    Entry(
        "tasks",
        "tasks",
        ("runs", "pairs"),
        "Small tasks, one budget of tuning: losses in pairs, how often near the best, how wide the range of alpha0.",
    ),
    Entry(
        "task_dynamics",
        "tasks",
        ("runs", "inside", "scaled"),
        "Inside those runs: curvature against the edge, the gate in the first steps, and gradients in other units.",
    ),
)


def named(names: list[str] | None) -> tuple[Entry, ...]:
    """The figures of these names, all of them for None.

    Raises
    ------
    ValueError : for a name that no figure has.
    """
    known = {entry.name: entry for entry in FIGURES}
    if unknown := sorted(set(names or ()) - set(known)):
        raise ValueError(f"NAME must be one of {', '.join(known)}, got {', '.join(unknown)}")
    return FIGURES if not names else tuple(known[name] for name in names)
