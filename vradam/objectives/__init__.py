"""The catalogue of objectives: quadratics, convex, non-convex, edge-of-stability models, finite sums."""

from vradam.objectives.objective import Kernel, Objective

__all__ = ["Kernel", "Objective"]
