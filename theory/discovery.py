"""The claims of a package of stems: every module in it ends with ``CLAIMS``, and nothing else registers it."""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Iterable, Mapping
from typing import Final

from theory.claim import Claim

#: Chapters of the ledger: kinetic energy, gate, stability, convergence, experience, width.
CHAPTERS: Final = "KGSCEW"


def claims_by_stem(package: str = "theory.claims") -> dict[str, tuple[Claim, ...]]:
    """Stem -> its claims, stems in the order of their names.

    Raises
    ------
    ImportError
        Naming the stem, if its module cannot be imported.
    ValueError
        Naming the stem, if its module does not end with ``CLAIMS``, a tuple of claims; or if two claims have one id.
    """
    found: dict[str, tuple[Claim, ...]] = {}
    for stem in sorted(info.name for info in pkgutil.iter_modules(importlib.import_module(package).__path__)):
        try:
            module = importlib.import_module(f"{package}.{stem}")
        except Exception as error:
            raise ImportError(f"{package}.{stem} cannot be imported: {type(error).__name__}: {error}") from error
        claims = getattr(module, "CLAIMS", None)
        if not isinstance(claims, tuple) or not claims or not all(isinstance(claim, Claim) for claim in claims):
            raise ValueError(f"{package}.{stem} must end with CLAIMS, a tuple of claims, got {claims!r}")
        found[stem] = claims
    refuse_repeated_ids(found)
    return found


def refuse_repeated_ids(stems: Mapping[str, Iterable[Claim]]) -> None:
    """ValueError if two claims have one id."""
    owner: dict[str, str] = {}
    for stem, claims in stems.items():
        for claim in claims:
            if claim.id in owner:
                raise ValueError(
                    f"the id {claim.id} must belong to one claim, got one in {owner[claim.id]} and in {stem}"
                )
            owner[claim.id] = stem


def in_order(claims: Iterable[Claim]) -> tuple[Claim, ...]:
    """The claims by chapter (``KGSCEW``), number and letter; chapters that are not ours come last.

    >>> from theory import CLAIMS
    >>> " ".join(claim.id for claim in in_order(reversed(CLAIMS)))[:19]
    'K1 G1 G2 S1 S2 S3a '
    """

    def place(claim: Claim) -> tuple[int, str, int, str]:
        chapter, number, letter = re.fullmatch(r"(\D*)(\d*)(.*)", claim.id).groups()  # type: ignore[union-attr]
        return CHAPTERS.find(chapter) % 99, chapter, int(number or 0), letter

    return tuple(sorted(claims, key=place))
