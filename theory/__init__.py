"""The derivations: every claim about VRAdam, rebuilt by SymPy from the recursion. Never imports ``vradam``.

``CLAIMS`` is the ledger in order, discovered in :mod:`theory.claims`; ``SYMBOLS`` reads formulas back from text.
Importing derives nothing: :func:`theory.claim.examine` does, and ``python -m theory`` does it for the whole ledger.

>>> next(claim for claim in CLAIMS if claim.id == "S1").formulas["threshold"].subs(SYMBOLS["beta1"], 0)
2
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from theory.claim import Claim
from theory.discovery import claims_by_stem, in_order
from theory.notation import SYMBOLS
from theory.stability_map import global_stability

__all__ = ["CLAIMS", "STEMS", "SYMBOLS", "global_stability"]

#: Stem -> its claims; a stem is a module or a package of :mod:`theory.claims`.
STEMS: Final[Mapping[str, tuple[Claim, ...]]] = claims_by_stem()
CLAIMS: Final[tuple[Claim, ...]] = in_order(claim for claims in STEMS.values() for claim in claims)
