"""The derivations: every claim about VRAdam, rebuilt by SymPy from the recursion. Never imports ``vradam``.

``CLAIMS`` is the ledger in order; ``SYMBOLS`` reads formulas back from text. Importing derives nothing:
:func:`theory.claim.examine` does, and ``python -m theory`` does it for the whole ledger.

>>> next(claim for claim in CLAIMS if claim.id == "S1").formulas["threshold"].subs(SYMBOLS["beta1"], 0)
2
"""

from __future__ import annotations

from typing import Final

from theory.beyond_edge import S6
from theory.bias import C1b
from theory.claim import Claim
from theory.convergence import C1a
from theory.cycles import S3b
from theory.empirical import E1, E2, E3
from theory.gate import G1, G2
from theory.gate_sequences import S5, S3a
from theory.kinetic_energy import K1
from theory.notation import SYMBOLS
from theory.smoothed_gate import S7
from theory.smoothed_rate import C2
from theory.stability import S1, S2, S4

__all__ = ["CLAIMS", "SYMBOLS"]

CLAIMS: Final[tuple[Claim, ...]] = (
    K1, G1, G2, S1, S2, S3a, S3b, S4, S5, S6, S7, C1a, C1b, C2, E1, E2, E3,
)  # fmt: skip
