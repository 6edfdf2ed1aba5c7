"""The setup of the study of gate sequences."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Setup:
    """What the study runs.

    Parameters
    ----------
    fractions, beta1, alpha1
        S/B and the panels of the growth map; words ``S^p a^q`` with p, q <= ``longest``.
    lows
        Values of a/B at which the largest common range is measured; it is measured for a = b/(1+alpha1) too.
    adversary
        Runs, dimensions and steps of the adversary.
    alternation
        (beta1, s2/B) at which the critical s1 of the two-gate word is measured.
    plain
        Random quadratics on which gates are tried at beta1 = 0.
    accuracy
        Relative half-width of what is measured by root finding.
    """

    beta1: tuple[float, ...] = (0.5, 0.9, 0.99)
    alpha1: tuple[float, ...] = (1.0, 10.0, 100.0)
    fractions: tuple[float, float, int] = (0.002, 0.98, 16)
    longest: int = 30
    lows: tuple[float, ...] = (0.001, 0.1)
    adversary: tuple[int, int, int] = (8, 4, 200)
    alternation: tuple[tuple[float, float], ...] = ((0.5, 0.01), (0.9, 0.001), (0.9, 0.4), (0.99, 0.02))
    plain: int = 8
    accuracy: float = 1e-4
    seed: int = 0
