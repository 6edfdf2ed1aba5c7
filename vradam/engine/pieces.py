"""The compiled ensemble engine in pieces: what is compiled once for all, for some combinations, and for one alone.

A combination of optimizer, objective, noise and width is assembled from functions that are compiled each for itself,
for what it depends on, and shared by all combinations that agree in that: opening the gate, correcting the averages,
the noise, the gradient, absorbing it, moving the point. ``advance.advance`` calls them one after another.

Where a combination has much to do, its ``sweep`` is compiled as well: all pieces of a step in one function, in which a
number is loaded once. The arithmetic is the same, and so are the bits.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple

from vradam.engine import draws, opening, rows, seldom, tile
from vradam.engine.advance import PIECES, advance
from vradam.engine.calls import addresses, compiled_caller
from vradam.engine.disk_cache import on_disk
from vradam.engine.specialise import compile_for, specialise
from vradam.objectives import elementary

#: Gates that are alike where a point is moved, and where a gradient is absorbed.
MOVES_AS = {
    rows.PREDICTABLE: rows.PUBLISHED, rows.GRADIENT: rows.PUBLISHED, rows.POWER: rows.PUBLISHED, rows.INSIDE: rows.OPEN
}  # fmt: skip
ABSORBS_AS = {rows.PREDICTABLE: rows.PUBLISHED, rows.POWER: rows.PUBLISHED, rows.PER_COORDINATE: rows.OPEN}

#: A slope that calls one of these is a long chain of operations.
LONG = (elementary.tanh, elementary.sin, elementary.sin_cos_of_turns)

#: A source of each piece, in the order of ``PIECES``; those in its place take and return the same.
SOURCES = (
    opening.open_gate, opening.correct_bias, tile.make_noise, tile.gradient_of_all, tile.absorb_all, tile.move,
    seldom.write, tile.sweep,
)  # fmt: skip


class Combination(NamedTuple):
    """What compiled code depends on: the kernel of an objective, kinds of ``rows`` and ``draws``, the width of a tile.

    ``ndim`` is that of the kernel's parameters.
    """

    form: Callable
    separable: bool
    neighbours: bool
    mean_of_terms: Callable | None
    ndim: int
    direction: int
    gate: int
    law: int
    noise: int
    decays: bool
    width: int

    @property
    def sampled(self) -> bool:
        """Whether the noise is that of minibatches."""
        return self.noise == draws.MINIBATCH

    @property
    def streams(self) -> int:
        """How many rows of averages a coordinate has."""
        return 3 if self.gate == rows.METRIC else 2


@dataclass(frozen=True)
class Assembled:
    """``advance`` with the pieces of a combination, which live as long as their addresses are in use."""

    advance: Callable
    pieces: tuple[Any, ...]
    functions: Any
    streams: int

    def __call__(self, *arguments: Any) -> None:
        self.advance(self.functions, self.streams, *arguments)


@cache
def assembled(what: Combination, fused: bool = False) -> Assembled:
    """``advance`` with the pieces of a combination, and where it is ``fused`` with its sweep."""
    pieces = (
        piece(opening.open_gate, what._replace(noise=draws.MINIBATCH if what.sampled else draws.EXACT)),
        piece(opening.correct_bias, what),
        piece(tile.make_noise, what),
        piece(tile.gradient_of_some if what.sampled else tile.gradient_of_all, what),
        piece(tile.absorb_all, what._replace(gate=ABSORBS_AS.get(what.gate, what.gate), noise=heard(what.noise))),
        piece(tile.move, what._replace(gate=MOVES_AS.get(what.gate, what.gate))),
        piece(seldom.write, what),
        piece(tile.sweep if fused else tile.sweep_nothing, what),
    )
    return Assembled(driver(what.ndim), pieces, addresses(pieces), what.streams)


def sweep_on_disk(what: Combination) -> bool:
    """Whether the sweep of a combination was compiled before."""
    return on_disk(_sweep(what))


@cache
def _sweep(what: Combination) -> Any:
    return specialised(tile.sweep, what)


def heard(noise: int) -> int:
    """One kind for all noises that are added to the gradient."""
    return draws.EXACT if noise in (draws.EXACT, draws.MINIBATCH) else draws.GAUSSIAN


def piece(source: Callable, what: Combination) -> Any:
    """A piece, compiled."""
    return compile_for(specialised(source, what), signatures(what.ndim)[source])


def specialised(source: Callable, what: Combination) -> Any:
    """A piece for what it depends on of ``what``: the names that its source has of these."""
    kinds: dict[str, Any] = {
        "LANES": what.width,
        "DIRECTION": what.direction,
        "GATE": what.gate,
        "LAW": what.law,
        "STREAMS": what.streams,
        "NOISE": what.noise,
        "DECAYS": what.decays,
        "draw": draws.DRAWS[what.noise],
    }
    kinds |= rows.gradient_names(what.form, what.separable, what.neighbours)
    if what.mean_of_terms is not None:
        kinds["mean_of_terms"] = what.mean_of_terms
    if what.neighbours:
        kinds["move_and_absorb"] = tile.move_beside_absorb
    elif not what.separable:
        kinds["move_and_absorb"] = tile.move_then_absorb
    elif what.noise in draws.PAIRS:
        kinds["prepare"], kinds["draw_pair"] = draws.PAIRS[what.noise]
        kinds["move_and_absorb"] = tile.move_draw_and_absorb
    elif is_long(what.form):
        kinds["move_and_absorb"] = tile.move_beside_absorb
    return specialise(source, kinds, apart=tile.APART, signature=signatures(what.ndim)[source])


def is_long(slope: Callable) -> bool:
    """Whether a slope calls one of :data:`LONG`."""
    called = [slope.__globals__.get(name) for name in slope.__code__.co_names]
    return any(function is chain for function in called for chain in LONG)


@cache
def signatures(ndim: int) -> dict[Callable, Any]:
    """What the pieces take and return, as Numba has it; ``ndim`` is that of an objective's parameters."""
    from numba.core.types import Array, float64, int64, uint64, void

    numbers, words, ints = float64[:, ::1], uint64[:, ::1], int64[:, ::1]
    parameters = Array(float64, ndim, "C")
    gradient = void(
        numbers, numbers, numbers, ints, words, words, parameters, ints, float64, int64, int64, int64
    )  # fmt: skip
    sweep = int64(
        *(numbers, numbers, numbers, numbers, numbers, words, words, numbers, parameters, numbers, int64[::1]),
        *(int64, float64, int64, int64, int64, int64),
    )
    return {
        opening.open_gate: int64(numbers, int64, float64, int64),
        opening.correct_bias: void(numbers, int64),
        tile.make_noise: void(numbers, words, words, numbers, int64),
        tile.gradient_of_all: gradient,
        tile.gradient_of_some: gradient,
        tile.absorb_all: void(numbers, numbers, numbers, numbers),
        tile.move: void(numbers, numbers, numbers),
        seldom.write: void(numbers, numbers, numbers, float64[:, :, ::1], numbers, int64, int64),
        tile.sweep: sweep,
        tile.sweep_nothing: sweep,
    }


def driver(ndim: int) -> Any:
    """``advance``, compiled once for all that have parameters of ``ndim`` dimensions."""
    import numba

    exchanged: dict[str, Any] = {}
    if not numba.config.DISABLE_JIT:
        kinds = signatures(ndim)
        exchanged |= {name: compiled_caller(k, kinds[SOURCES[k]]) for k, name in enumerate(PIECES)}
    return specialise(advance, exchanged, apart=tile.APART)
