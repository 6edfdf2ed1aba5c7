"""What the main job runs: every claim of the ledger, the stem that confronts it, and the verdict we expect.

The expectations live in this table and nowhere else: the verdict rule never sees them. Adding a claim is a line here,
a module ``theory/<stem>.py`` that derives it and a module ``experiments/<stem>.py`` that confronts it.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Iterable
from dataclasses import dataclass
from types import ModuleType
from typing import NamedTuple

from experiments.measurement.verdict import Verdict


class Entry(NamedTuple):
    """A row of the ledger: the claim's id, the stem that confronts it, the verdict we expect (None: no expectation)."""

    id: str
    stem: str
    expected: Verdict | None


@dataclass(frozen=True)
class Catalogue:
    """The claims in ledger order, the stems in the order in which they run, and where their modules are.

    Parameters
    ----------
    entries : one per claim.
    stems : every stem, those without a claim included.
    on_request : stems that run only when ``--only`` names them (or a claim of theirs).
    package : the package that holds the modules of the stems.
    """

    entries: tuple[Entry, ...]
    stems: tuple[str, ...]
    on_request: tuple[str, ...] = ()
    package: str = "experiments.studies"

    def claims_of(self, stem: str) -> tuple[str, ...]:
        """The ids of the claims that a stem confronts, in ledger order."""
        return tuple(entry.id for entry in self.entries if entry.stem == stem)

    def select(self, only: Iterable[str] | None) -> tuple[str, ...]:
        """The names to run: claim ids, and stems that have no claim. ``only`` may name claims and stems.

        Raises
        ------
        ValueError : for a name that is neither a claim nor a stem.
        """
        ids = tuple(entry.id for entry in self.entries)
        if only is None:
            wanted = {stem for stem in self.stems if stem not in self.on_request}
        else:
            wanted = set(only)
            if unknown := sorted(wanted - set(ids) - set(self.stems)):
                known = f"a claim ({', '.join(ids)}) or a stem ({', '.join(self.stems)})"
                raise ValueError(f"--only must name {known}, got {', '.join(map(repr, unknown))}")
        claims = tuple(entry.id for entry in self.entries if {entry.id, entry.stem} & wanted)
        return claims + tuple(stem for stem in self.stems if stem in wanted and not self.claims_of(stem))

    def module_name(self, stem: str) -> str:
        return f"{self.package}.{stem}"

    def load(self, stem: str) -> ModuleType | None:
        """The module of a stem (``Setup``, ``DEFAULT``, ``PAPER``, ``run``), or None where it is not there yet."""
        name = self.module_name(stem)
        return importlib.import_module(name) if importlib.util.find_spec(name) else None


CATALOGUE = Catalogue(
    entries=(
        Entry("K1", "kinetic_energy", "refuted"),
        Entry("G1", "gate", "verified"),
        Entry("G2", "gate", "refuted"),
        Entry("S1", "stability", "verified"),
        Entry("S2", "stability", "verified under assumptions"),
        Entry("S3a", "gate_sequences", "refuted"),
        Entry("S3b", "cycles", "refuted"),
        Entry("S4", "stability", "refuted"),
        Entry("S5", "gate_sequences", "refuted"),
        Entry("S6", "cycles", "verified under assumptions"),
        Entry("S7", "smoothed_gate", "verified under assumptions"),
        Entry("C1a", "convergence", "verified under assumptions"),
        Entry("C1b", "bias", "refuted"),
        Entry("C2", "convergence", "verified under assumptions"),
        Entry("E1", "tasks", None),
        Entry("E2", "early_dip", None),
        Entry("E3", "speed", None),
    ),
    stems=(
        "kinetic_energy",
        "gate",
        "stability",
        "gate_sequences",
        "cycles",
        "convergence",
        "bias",
        "smoothed_gate",
        "sensitivity",
        "early_dip",
        "tasks",
        "speed",
    ),
    on_request=("tasks", "speed"),
)
