"""What a figure of this project is, and where the figures are found: every module of :mod:`paper_figures.figures`."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure as Canvas


@dataclass(frozen=True)
class Figure:
    """A figure: the data of a study that it draws, and the sentence that the gallery says about it.

    Parameters
    ----------
    study : str
        The stem of the study.
    needs : tuple of str
        The datasets without which there is no figure: of its study, or of another as ``"stem/dataset"``.
    says : str
        What one sees, in a sentence.
    draw : callable
        Data -> matplotlib Figure Receives the datasets of its study by name, those of others as ``"stem/dataset"``;
        computes nothing.
    name : str
        Of its module; given when it is found.
    """

    study: str
    needs: tuple[str, ...]
    says: str
    draw: Callable[[Mapping[str, xr.Dataset]], Canvas]
    name: str = field(default="", kw_only=True)

    @property
    def studies(self) -> tuple[str, ...]:
        """Every study whose data the figure draws, its own first."""
        others = (need.split("/")[0] for need in self.needs if "/" in need)
        return tuple(dict.fromkeys((self.study, *others)))

    def needs_of(self, stem: str) -> set[str]:
        """The datasets of one study without which there is no figure."""
        pairs = (need.rpartition("/") for need in self.needs)
        return {name for owner, _, name in pairs if (owner or self.study) == stem}

    def select(self, data: Mapping[str, Mapping[str, xr.Dataset]]) -> dict[str, xr.Dataset] | None:
        """What ``draw`` receives, from the data of all studies; None if something that it needs is not there."""
        found = dict(data.get(self.study, {}))
        for stem in self.studies[1:]:
            found |= {f"{stem}/{name}": dataset for name, dataset in data.get(stem, {}).items()}
        return found if set(self.needs) <= set(found) else None


@cache
def figures(package: str = "paper_figures.figures") -> tuple[Figure, ...]:
    """Every figure of a package, by name.

    Raises
    ------
    ValueError
        Naming the module, if it does not end with ``FIGURE``.
    """
    found = []
    for name in sorted(info.name for info in pkgutil.iter_modules(importlib.import_module(package).__path__)):
        figure = getattr(importlib.import_module(f"{package}.{name}"), "FIGURE", None)
        if not isinstance(figure, Figure):
            raise ValueError(f"{package}.{name} must end with FIGURE, a paper_figures.figure.Figure, got {figure!r}")
        found.append(replace(figure, name=name))
    return tuple(found)


def named(names: Sequence[str]) -> tuple[Figure, ...]:
    """The figures of these names, all of them for none.

    Raises
    ------
    ValueError
        For a name that no figure has.
    """
    known = {figure.name: figure for figure in figures()}
    if unknown := sorted(set(names) - set(known)):
        raise ValueError(f"NAME must be one of {', '.join(known)}, got {', '.join(unknown)}")
    return tuple(known[name] for name in names or known)
