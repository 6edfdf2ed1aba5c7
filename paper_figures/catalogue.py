"""Every figure: its name, the stem whose data it draws, and the sentence that the gallery says about it."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType
from typing import Final, NamedTuple


class Entry(NamedTuple):
    """A figure: ``paper_figures/<name>.py`` draws the data of ``experiments/<stem>.py``."""

    name: str
    stem: str
    says: str

    def load(self) -> ModuleType:
        """The module, with ``draw(data: Mapping[str, Dataset]) -> Figure``."""
        return import_module(f"paper_figures.{self.name}")


FIGURES: Final = (
    Entry("gate", "gate", "The gate has a floor, so beyond the clip the step grows with the speed without bound."),
    Entry(
        "convergence",
        "convergence",
        "Measured rates stay below the bounds of the theorems wherever these say something.",
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
