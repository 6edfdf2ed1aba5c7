"""The true gate on quadratics: cycles below the edge (S3b), and the pinned learning rate beyond it (S6)."""

from __future__ import annotations

from theory.claims.cycles.below_edge import S3b
from theory.claims.cycles.beyond_edge import S6

CLAIMS = (S3b, S6)
