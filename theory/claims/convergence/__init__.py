"""The rate O(ln N / sqrt N): with a gate known before the gradient (C1a), with one that moves slowly (C2)."""

from __future__ import annotations

from theory.claims.convergence.predictable_gate import C1a
from theory.claims.convergence.smoothed_gate import C2

CLAIMS = (C1a, C2)
