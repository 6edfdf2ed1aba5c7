"""What the main job runs: the claims of every stem beside the study of the same name, both found by folder.

A stem is a module or a package: ``theory/claims/<stem>`` holds its claims, ``experiments/studies/<stem>`` its study.
Dropping in the two files is all it takes. The expected verdict follows from what a claim concludes; the rule that
computes verdicts sees neither.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Final, get_args

from experiments.measurement.verdict import Verdict
from experiments.study import Study
from theory.claim import Claim, Status
from theory.discovery import claims_by_stem, in_order, refuse_repeated_ids

#: What a claim concludes when everything closes -> the verdict we expect.
EXPECTED: Final[Mapping[Status, Verdict | None]] = {
    "proved": "verified",
    "proved under assumptions": "verified under assumptions",
    "refuted": "refuted",
    "open": "open",
    "empirical": None,
}


@dataclass(frozen=True)
class Stem:
    """A study with the claims that it confronts.

    Parameters
    ----------
    name, module : str
        The stem, and the importable name of the study's module.
    claims : tuple of Claim
        Those that bear its stem.
    study : Study, optional
        None if its module cannot be imported: then its claims are open, and ``failure`` says why.
    title : str
        The first line of the module.
    """

    name: str
    module: str
    claims: tuple[Claim, ...]
    study: Study | None
    title: str = ""
    failure: str = ""

    @property
    def ids(self) -> tuple[str, ...]:
        """The ids of its claims."""
        return tuple(claim.id for claim in self.claims)

    @property
    def on_request(self) -> bool:
        """Whether it runs only when it is named."""
        return self.study is not None and self.study.on_request

    def expected(self, claim: Claim) -> Verdict | None:
        """The verdict we expect; None for an observation, which experiments alone decide."""
        given = self.study.expects if self.study is not None else {}
        return given.get(claim.id, EXPECTED[claim.concludes])

    def working(self) -> Study:
        """Its study.

        Raises
        ------
        ImportError
            If its module cannot be imported.
        """
        if self.study is None:
            raise ImportError(self.failure)
        return self.study


@dataclass(frozen=True)
class Catalogue:
    """Every stem, in the order in which the main job runs them: by their first claim, those without one last."""

    stems: tuple[Stem, ...]

    @property
    def claims(self) -> tuple[Claim, ...]:
        """Every claim, in ledger order."""
        return in_order(claim for stem in self.stems for claim in stem.claims)

    def stem_of(self, claim: Claim) -> Stem:
        """The stem to which a claim belongs."""
        return next(stem for stem in self.stems if claim.id in stem.ids)

    def __getitem__(self, name: str) -> Stem:
        """The stem of this name; KeyError if there is none."""
        for stem in self.stems:
            if stem.name == name:
                return stem
        raise KeyError(name)

    def select(self, only: Iterable[str] | None) -> tuple[str, ...]:
        """The names to run: claim ids, and stems that have no claim. ``only`` may name claims and stems, in any case.

        Raises
        ------
        ValueError
            For a name that is neither a claim nor a stem.
        """
        ids, names = [claim.id for claim in self.claims], [stem.name for stem in self.stems]
        if only is None:
            wanted = {stem.name for stem in self.stems if not stem.on_request}
        else:
            spelt = {name.lower(): name for name in (*names, *ids)}
            wanted = {spelt.get(name.lower(), name) for name in only}
            if unknown := sorted(wanted - set(ids) - set(names)):
                known = f"a claim ({', '.join(ids)}) or a stem ({', '.join(names)})"
                raise ValueError(f"--only must name {known}, got {', '.join(map(repr, unknown))}")
        claims = tuple(claim.id for claim in self.claims if {claim.id, self.stem_of(claim).name} & wanted)
        return claims + tuple(stem.name for stem in self.stems if stem.name in wanted and not stem.claims)


def discover(claims: str = "theory.claims", studies: str = "experiments.studies") -> Catalogue:
    """Pair the claims of one package with the studies of another by the names of their modules.

    Raises
    ------
    ImportError
        If a module of claims cannot be imported.
    ValueError
        Naming the stem, for claims without a study, a study without claims that does not say that it explores, an
        expectation about a claim of another stem, or an id that two claims have.
    """
    by_stem = claims_by_stem(claims)
    found = {info.name for info in pkgutil.iter_modules(importlib.import_module(studies).__path__)}
    if alone := sorted(set(by_stem) - found):
        ids = ", ".join(claim.id for stem in alone for claim in by_stem[stem])
        raise ValueError(f"{claims}.{alone[0]} must have a study {studies}.{alone[0]}, got none for {ids}")
    stems = [load(name, f"{studies}.{name}", by_stem.get(name, ())) for name in found]
    return catalogue_of(stems)


def catalogue_of(stems: Iterable[Stem]) -> Catalogue:
    """A catalogue of these stems, in the order in which they run; the errors of :func:`discover`."""
    stems = tuple(stems)
    refuse_repeated_ids({stem.name: stem.claims for stem in stems})
    for stem in stems:
        _check(stem)
    order = {claim.id: place for place, claim in enumerate(in_order(c for stem in stems for c in stem.claims))}
    last = len(order)
    return Catalogue(
        tuple(sorted(stems, key=lambda stem: (min((order[name] for name in stem.ids), default=last), stem.name)))
    )


def load(name: str, module: str, claims: tuple[Claim, ...]) -> Stem:
    """A module that cannot be imported leaves its own claims open and the others unharmed."""
    try:
        loaded = importlib.import_module(module)
    except Exception as error:
        return Stem(name, module, claims, None, name, f"{type(error).__name__}: {error}")
    study = getattr(loaded, "STUDY", None)
    if not isinstance(study, Study):
        return Stem(name, module, claims, None, name, f"{module} must end with STUDY, an experiments.study.Study")
    return Stem(name, module, claims, study, (loaded.__doc__ or name).strip().partition("\n")[0])


def _check(stem: Stem) -> None:
    if stem.study is None:
        return
    if not stem.claims and not stem.study.explores:
        raise ValueError(f"{stem.module} must have claims of the stem {stem.name!r}, or say that it explores; got none")
    if stem.claims and stem.study.explores:
        raise ValueError(f"{stem.module} must not say that it explores with claims, got {', '.join(stem.ids)}")
    if stray := sorted(set(stem.study.expects) - set(stem.ids)):
        raise ValueError(f"{stem.module} must expect verdicts of {', '.join(stem.ids)}, got {', '.join(stray)}")
    for verdict in stem.study.expects.values():
        if verdict not in get_args(Verdict):
            raise ValueError(f"{stem.module} must expect one of {', '.join(get_args(Verdict))}, got {verdict!r}")


@cache
def catalogue() -> Catalogue:
    """The stems of this repository."""
    return discover()
