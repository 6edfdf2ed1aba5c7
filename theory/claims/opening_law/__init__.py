"""The opening law: below the edge every start converges (S8), and the rate comes back (C3), whatever the gate sees."""

from __future__ import annotations

from theory.claims.opening_law.rate import C3
from theory.claims.opening_law.stability import S8

CLAIMS = (S8, C3)
