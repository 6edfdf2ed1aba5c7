"""What a certificate proved: a kind with exact numbers, from which the sentence that a reader sees is made."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from typing import Final


@dataclass(frozen=True)
class Statement:
    """A proved (or needed) statement: two of them are equal exactly when they say the same.

    Parameters
    ----------
    kind : str
        Of :data:`FACTS`.
    facts : Mapping[str, Fraction]
        The numbers in it, as :data:`FACTS` lists them for the kind.

    Raises
    ------
    ValueError
        For an unknown kind, or other facts than those of the kind.

    >>> Statement("lyapunov", {"beta1": "9/10", "low": "1/60", "high": "1/5"}).sentence
    'beta1 = 0.9, step sizes eta L in [1/60, 0.2]: one quadratic function falls under every sequence of them'
    """

    kind: str
    facts: Mapping[str, Fraction]

    def __post_init__(self) -> None:
        if self.kind not in FACTS:
            raise ValueError(f"kind must be one of {', '.join(FACTS)}, got {self.kind!r}")
        if set(self.facts) != set(FACTS[self.kind]):
            raise ValueError(
                f"facts must be {', '.join(FACTS[self.kind])} for {self.kind}, got {', '.join(self.facts)}"
            )
        object.__setattr__(self, "facts", {name: Fraction(self.facts[name]) for name in FACTS[self.kind]})

    @property
    def sentence(self) -> str:
        """In words, with every number of the statement."""
        return SENTENCES[self.kind](self.facts)


#: Kind -> the numbers of its statement. ``low`` and ``high`` are the ends of the interval of step sizes eta L; of
#: gate_decay for ``averaged`` and ``held``.
FACTS: Final[Mapping[str, tuple[str, ...]]] = {
    "cycle": ("beta1", "S", "period", "clipped", "alpha1"),
    "lyapunov": ("beta1", "low", "high"),
    "polygon": ("beta1", "low", "high"),
    "gate_word": ("beta1", "low", "high", "length", "growth"),
    "gate_bounds": ("beta1", "low", "high", "lower", "upper"),
    "rise_limited": ("beta1", "low", "high", "gate_decay", "S", "length", "growth"),
    "averaged": ("beta1", "S", "alpha1", "low", "high"),
    "held": ("beta1", "S", "alpha1", "low", "high"),
}


def _exact(number: Fraction) -> str:
    """As a decimal where a short one is exact, else as a fraction."""
    shifted = number * 10**7
    return f"{float(number):.12g}" if shifted.denominator == 1 and abs(number) < 10**4 else str(number)


def _gates(facts: Mapping[str, Fraction]) -> str:
    return f"beta1 = {_exact(facts['beta1'])}, step sizes eta L in [{_exact(facts['low'])}, {_exact(facts['high'])}]"


def _of_the_edge(beta1: Fraction, S: Fraction) -> str:
    return f"{float(S * (1 - beta1) / (2 * (1 + beta1))):.5g} B"


def _word(facts: Mapping[str, Fraction]) -> str:
    return f"{facts['length']} of them, repeated, grow by more than the factor {_exact(facts['growth'])} a step"


def _cycle(facts: Mapping[str, Fraction]) -> str:
    beta1, S, alpha1 = (facts[name] for name in ("beta1", "S", "alpha1"))
    clip = (
        f"{facts['clipped']} of its points clipped at alpha1 = {_exact(alpha1)}"
        if facts["clipped"]
        else f"for every alpha1 >= {_exact(alpha1)}"
    )
    return (
        f"beta1 = {_exact(beta1)}, alpha0 L = {_exact(S)} ({_of_the_edge(beta1, S)}): an attracting cycle of period "
        f"{facts['period']}, {clip}"
    )


def _gate_word(facts: Mapping[str, Fraction]) -> str:
    return f"{_gates(facts)} (up to {_of_the_edge(facts['beta1'], facts['high'])}): {_word(facts)}"


def _rise_limited(facts: Mapping[str, Fraction]) -> str:
    law = f"gate_decay = {_exact(facts['gate_decay'])} towards alpha0 L = {_exact(facts['S'])}"
    share = _of_the_edge(facts["beta1"], facts["S"])
    return f"{_gates(facts)}, rising by the law of {law} ({share}): {_word(facts)}"


def _memory(gate: str, facts: Mapping[str, Fraction]) -> str:
    beta1, S = facts["beta1"], facts["S"]
    return (
        f"beta1 = {_exact(beta1)}, alpha0 L = {_exact(S)} ({_of_the_edge(beta1, S)}), alpha1 = "
        f"{_exact(facts['alpha1'])}, {gate} with gate_decay from {_exact(facts['low'])} to {_exact(facts['high'])}: "
        "every start converges (d = 1)"
    )


SENTENCES: Final[Mapping[str, Callable[[Mapping[str, Fraction]], str]]] = {
    "cycle": _cycle,
    "lyapunov": lambda facts: f"{_gates(facts)}: one quadratic function falls under every sequence of them",
    "polygon": lambda facts: f"{_gates(facts)}: one polygonal norm shrinks under every sequence of them",
    "gate_word": _gate_word,
    "gate_bounds": lambda facts: (
        f"{_gates(facts)}: the joint spectral radius lies above {float(facts['lower']):.8f} and not above "
        f"{float(facts['upper']):.8f}"
    ),
    "rise_limited": _rise_limited,
    "averaged": partial(_memory, "the smoothed gate"),
    "held": partial(_memory, "the peak-hold gate"),
}
