"""VRAdam for those who train large NumPy models: the parameters, in several arrays, are updated where they lie."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vradam.baselines import Adam, AdamW
from vradam.engine.single import BLOCK, kernels
from vradam.gated import law_of, rate_at, top_rate
from vradam.gates import adam_metric, published
from vradam.laws import Averaged
from vradam.optimizer import VRAdam
from vradam.plan import over_runs_of
from vradam.validation import over_runs, whole_number

Array = NDArray[np.floating]

STRETCH = 32  # blocks that a thread takes at a time
LARGEST = float(np.finfo(np.float64).max)
PAGE, LINE = 4096, 64  # bytes


class Stretch(NamedTuple):
    """Some blocks of one array, flat, with its velocity, second moment and the sums of v^2 over its blocks."""

    array: int  #: its number
    x: Array
    v: Array
    m: Array
    sums: NDArray[np.float64]
    begin: int
    end: int


class InPlace:
    """An optimizer that changes the arrays it was given, in two passes over memory.

    A step is that of ``optimizer.step`` on the concatenation of all arrays: one norm, hence one gate, over all of them.

    Parameters
    ----------
    optimizer : VRAdam with the gate ``published`` or ``adam_metric`` (any opening law, weight decay, a schedule), Adam
        or AdamW; the hyper-parameters are numbers, since this is one run
    arrays : the parameters: C-contiguous float32 or float64 arrays that share no memory; precisions may be mixed
    threads : how many share the work; the bits do not depend on it

    Attributes
    ----------
    velocities, second_moments : lists of arrays like the parameters
    steps : the number of steps taken

    Raises
    ------
    TypeError, ValueError : an optimizer, array or number of threads that is none of these; decays that round to 1 in
        the precision of an array, or an eps sqrt(1 - beta2) that rounds to 0. ``step`` raises before
        anything is written if the gradients differ from the arrays in number, shape or dtype, or share memory with what
        is written, or if an array has changed its shape, dtype or place.

    Examples
    --------
    >>> import numpy as np, vradam
    >>> weights, bias = np.array([[3.0, 0.0], [0.0, 0.0]]), np.array([4.0])
    >>> training = InPlace(vradam.VRAdam(alpha0=0.1), [weights, bias])
    >>> round(training.step([weights.copy(), bias.copy()]), 6)      # F = |x|^2/2, v_1 = 0.1 x: eta = 0.1/(1 + 0.25)
    0.08
    >>> float(weights[0, 0].round(6)), float(bias[0].round(6))
    (2.92, 3.92)
    """

    def __init__(self, optimizer: VRAdam | Adam | AdamW, arrays: Sequence[Array], threads: int = 1) -> None:
        _check_optimizer(optimizer)
        self.optimizer = optimizer
        self.threads = whole_number("threads", threads, least=1)
        self.arrays = list(arrays)
        if not self.arrays:
            raise ValueError("arrays must hold at least one array, got none")
        for i, array in enumerate(self.arrays):
            _check_array(f"arrays[{i}]", array)
            _check_rounding(optimizer, array.dtype)
        self.velocities = [zeros_beside(array, PAGE // 4) for array in self.arrays]
        self.second_moments = [zeros_beside(array, PAGE // 2) for array in self.arrays]
        self.steps = 0
        self._metric = isinstance(optimizer, VRAdam) and optimizer.gate == adam_metric
        self._memory = np.array(law_of(optimizer).start() if isinstance(optimizer, VRAdam) else 0.0)
        self._kernels = kernels(self._metric)
        self._pool = ThreadPoolExecutor(self.threads) if self.threads > 1 else None
        beta1, beta2 = float(optimizer.beta1), float(optimizer.beta2)
        self._averages = {
            dtype: tuple(map(dtype.type, (beta1, 1 - beta1, beta2, 1 - beta2, np.finfo(dtype).max)))
            for dtype in {array.dtype for array in self.arrays}
        }
        self._stretches = []
        for index, streams in enumerate(zip(self.arrays, self.velocities, self.second_moments, strict=True)):
            blocks = -(-streams[0].size // BLOCK)
            sums = np.empty(blocks)
            for begin in range(0, blocks, STRETCH):
                x, v, m = (stream.reshape(-1) for stream in streams)
                self._stretches.append(Stretch(index, x, v, m, sums, begin, min(begin + STRETCH, blocks)))
        self._looks = [_look(array) for array in self.arrays]
        self._written = sorted(map(_extent, [*self.arrays, *self.velocities, *self.second_moments]))
        for (_, end), (start, _) in pairwise(self._written):
            if start < end:
                raise ValueError("arrays must not share memory with each other")

    def step(self, grads: Sequence[Array]) -> float:
        """One step along the gradients, one for each array. Returns the learning rate eta_t.

        A gradient that is not finite makes what it touches NaN, as in ``VRAdam.step``.
        """
        flat = [grad.reshape(-1) for grad in self._checked(grads)]
        optimizer, t = self.optimizer, self.steps + 1
        beta1, beta2 = optimizer.beta1, optimizer.beta2
        averages = self._averages
        eta, todo = float(rate_at(optimizer.alpha0, t)), [stretch.begin for stretch in self._stretches]
        shrink = math.sqrt(1 - beta2**t)
        if isinstance(optimizer, VRAdam):
            kinetic, law, numbers = 0.0, law_of(optimizer), (optimizer.beta3, optimizer.alpha1)
            if optimizer.beta3 > 0 and optimizer.alpha1 > 0:
                todo, kinetic = self._first_pass(optimizer, flat, shrink)
            self._memory = law.remember(self._memory, np.asarray(kinetic), *numbers)
            eta = float(top_rate(optimizer, t) / (1 + law.closing(self._memory, t, *numbers)))
        keep = 1 - eta * getattr(optimizer, "weight_decay", 0.0)
        factors = keep, eta * shrink / (1 - beta1**t), optimizer.eps * shrink
        motion = {dtype: tuple(map(dtype.type, factors)) for dtype in averages}

        def second_pass(stretch: Stretch, done: int) -> None:
            array, x, v, m, _, begin, end = stretch
            if begin < done:
                self._kernels.move(x, v, m, *motion[x.dtype], begin, done)
            if done < end:
                self._kernels.absorb_and_move(x, flat[array], v, m, *averages[x.dtype], *motion[x.dtype], done, end)

        # In reverse: what came last in the first pass may still be in the cache.
        self._share(second_pass, self._stretches[::-1], todo[::-1])
        self.steps = t
        return eta

    def _first_pass(self, optimizer: VRAdam, flat: list[Array], shrink: float) -> tuple[list[int], float]:
        """Take the gradients in and measure the kinetic energy that the gate sees.

        Returns the block reached in each stretch, and the energy: the exact one, or a part of it that suffices to
        saturate the gate.
        """
        unit = 1.0  # of the sums, in energies
        if self._metric:
            unit = shrink * shrink / sum(array.size for array in self.arrays)
        # Beyond this a sum saturates the gate in whatever order it is taken.
        limit = math.inf
        if not isinstance(law_of(optimizer), Averaged):
            limit = (1 + 1e-9) * float(optimizer.alpha1) / float(optimizer.beta3) / unit
        damping = {dtype: dtype.type(optimizer.eps * shrink) for dtype in self._averages}
        seen = [0.0]

        def absorb(stretch: Stretch) -> int:
            array, x, v, m, sums, begin, end = stretch
            if seen[0] >= limit:
                return begin
            reached = self._kernels.absorb(
                flat[array], v, m, *self._averages[x.dtype], damping[x.dtype], limit, sums, begin, end
            )
            seen[0] += sum(sums[begin:reached].tolist())  # an update lost to another thread only delays the exit
            return reached

        reached = self._share(absorb, self._stretches)
        if seen[0] >= limit:
            return reached, unit * seen[0]
        sums = [total for stretch in self._stretches for total in stretch.sums[stretch.begin : stretch.end].tolist()]
        return reached, min(unit * (math.fsum(sums) if math.isfinite(seen[0]) else seen[0]), LARGEST)

    def _share(self, work: Callable, *lists: Iterable) -> list:
        """Like map, by as many threads as there are to be."""
        return list(map(work, *lists) if self._pool is None else self._pool.map(work, *lists))

    def _checked(self, grads: Sequence[Array]) -> list[Array]:
        """The gradients, contiguous, or an error: nothing has been written yet."""
        if len(grads) != len(self.arrays):
            raise ValueError(f"grads must hold {len(self.arrays)} arrays, one for each parameter, got {len(grads)}")
        for i, (array, look) in enumerate(zip(self.arrays, self._looks, strict=True)):
            if _look(array) != look:
                raise ValueError(
                    f"arrays[{i}] must keep its place, shape {look[1]}, dtype {look[2]} and be writeable, got shape "
                    f"{array.shape} and dtype {array.dtype}"
                )
        contiguous = []
        for i, (array, grad) in enumerate(zip(self.arrays, grads, strict=True)):
            if not isinstance(grad, np.ndarray) or grad.dtype != array.dtype:
                got = grad.dtype if isinstance(grad, np.ndarray) else type(grad).__name__
                raise TypeError(f"grads[{i}] must be an array of dtype {array.dtype}, got {got}")
            if grad.shape != array.shape:
                raise ValueError(f"grads[{i}] must have shape {array.shape}, got {grad.shape}")
            grad = np.ascontiguousarray(grad)
            start, end = _extent(grad)
            before = bisect_right(self._written, (start, math.inf)) - 1
            overlaps = before >= 0 and self._written[before][1] > start
            if overlaps or (before + 1 < len(self._written) and self._written[before + 1][0] < end):
                raise ValueError(f"grads[{i}] must not share memory with the parameters or the state")
            contiguous.append(grad)
        return contiguous


def zeros_beside(array: Array, distance: int) -> Array:
    """Zeros like an array, on a cache line ``distance`` bytes after it modulo a page.

    Streams that are read and written at the same place of their pages look alike to a processor's store buffer, and
    stores across cache lines cost double: together up to three times the time.
    """
    room = np.zeros(array.nbytes + PAGE, np.uint8)
    place = -(-(_extent(array)[0] + distance) // LINE) * LINE
    skipped = (place - _extent(room)[0]) % PAGE
    return room[skipped : skipped + array.nbytes].view(array.dtype).reshape(array.shape)


def _check_optimizer(optimizer: Any) -> None:
    if type(optimizer) not in (VRAdam, Adam, AdamW):
        raise TypeError(f"optimizer must be VRAdam, Adam or AdamW, got {type(optimizer).__name__}")
    if isinstance(optimizer, VRAdam):
        if optimizer.gate not in (published, adam_metric):
            raise ValueError(f"optimizer must have the published gate or adam_metric, got {optimizer.gate.name!r}")
        if optimizer.proof_form:
            raise ValueError("optimizer must not have proof_form, which is for experiments")
    for name, value in over_runs_of(optimizer).items():
        raise ValueError(f"{name} must be one number, got an array of shape {value.shape}")


def _check_rounding(optimizer: Any, dtype: np.dtype) -> None:
    one = np.zeros(1, dtype)
    for name in ("beta1", "beta2", "eps"):
        over_runs(name, getattr(optimizer, name), one)
    if dtype.type(optimizer.eps * math.sqrt(1 - optimizer.beta2)) == 0:  # what the first step adds to the root
        raise ValueError(f"eps sqrt(1 - beta2) must stay positive when rounded to {dtype}, got eps {optimizer.eps}")


def _check_array(name: str, array: Any) -> None:
    if not isinstance(array, np.ndarray) or array.dtype not in (np.float32, np.float64):
        got = array.dtype if isinstance(array, np.ndarray) else type(array).__name__
        raise TypeError(f"{name} must be an array of dtype float32 or float64, got {got}")
    if not array.flags.c_contiguous:
        raise ValueError(f"{name} must be C-contiguous, got strides {array.strides} for shape {array.shape}")
    if not array.flags.writeable:
        raise ValueError(f"{name} must be writeable, got a read-only array")


def _look(array: Array) -> tuple:
    """What must not change between two steps."""
    return _extent(array), array.shape, array.dtype, array.flags.writeable


def _extent(array: NDArray[Any]) -> tuple[int, int]:
    """The first address of a contiguous array and the one behind its last."""
    start = array.__array_interface__["data"][0]
    return start, start + array.nbytes
