"""VRAdam for those who train large NumPy models: the parameters, in several arrays, are updated where they lie."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vradam.baselines import Adam, AdamW
from vradam.engine.layout import PAGE, as_plain, check_place, extent, listed, look, plain_gradient, zeros_beside
from vradam.engine.passes import both, streams
from vradam.engine.single import addresses, roots_pay
from vradam.gated import law_of, rate_at
from vradam.gates import adam_metric, published
from vradam.laws import Averaged, Published
from vradam.optimizer import VRAdam
from vradam.plan import over_runs_of
from vradam.validation import one_number, over_runs, whole_number

Array = NDArray[np.floating]

LARGEST = float(np.finfo(np.float64).max)
LISTS = ("arrays", "velocities", "second_moments")


class InPlace:
    """An optimizer that changes the arrays it was given, in two passes over memory.

    A step is that of ``optimizer.step`` on the concatenation of all arrays: one norm, hence one gate, over all of them.

    Parameters
    ----------
    optimizer : VRAdam or Adam or AdamW
        VRAdam with the gate ``published`` or ``adam_metric`` (any opening law, weight decay, a schedule), Adam or
        AdamW; the hyper-parameters are numbers, since this is one run.
    arrays : sequence of array
        The parameters: C-contiguous float32 or float64 arrays in the machine's byte order that share no memory;
        precisions may be mixed. A matrix or a memory map is taken for the plain array that it is; a mask is refused.
    threads : int
        How many share the work, where there are 65,536 numbers or more and Numba is installed; the bits do not depend
        on it.

    Attributes
    ----------
    velocities, second_moments
        Lists of arrays like the parameters.
    steps
        The number of steps taken.

    A training is kept by :meth:`checkpoint` and taken up by :meth:`from_checkpoint`; ``pickle`` and ``copy.deepcopy``
    do the same, and a model that is copied with its training stays the one that is trained. What is taken up goes on
    bit for bit. After ``os.fork`` parent and child go on separately. A step is taken as a whole or not at all, unless
    an exception from outside, such as KeyboardInterrupt, comes between its passes: then ``step`` and ``checkpoint``
    raise RuntimeError from there on.

    Raises
    ------
    TypeError, ValueError
        An optimizer, array or number of threads that is none of these; decays that round to 1 in the precision of an
        array, or an eps sqrt(1 - beta2) that rounds to 0. ``step`` raises before anything is written if the gradients
        differ from the arrays in number, shape or dtype, or share memory with what is written, or if an array has
        changed its shape, dtype or place, or if a schedule leaves [0, inf).
    RuntimeError
        ``step`` and ``checkpoint`` after a step that was interrupted.

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
        self._optimizer = optimizer
        self.threads = whole_number("threads", threads, least=1)
        self.arrays = listed("arrays", arrays)
        if not self.arrays:
            raise ValueError("arrays must hold at least one array, got none")
        plain = [as_plain(f"arrays[{i}]", array) for i, array in enumerate(self.arrays)]
        for array in plain:
            _check_rounding(optimizer, array.dtype)
        self.velocities = [zeros_beside(array, PAGE // 4) for array in plain]
        self.second_moments = [zeros_beside(array, PAGE // 2) for array in plain]
        self._steps = 0
        self._whole = True
        self._alpha0: Any = optimizer.alpha0 if callable(optimizer.alpha0) else float(optimizer.alpha0)
        self._beta1, self._beta2, self._eps = (float(getattr(optimizer, name)) for name in ("beta1", "beta2", "eps"))
        self._decay = float(getattr(optimizer, "weight_decay", 0.0))
        self._law = law_of(optimizer) if isinstance(optimizer, VRAdam) else None
        self._memory: Any = np.array(0.0 if self._law is None else self._law.start())
        self._metric = isinstance(optimizer, VRAdam) and optimizer.gate == adam_metric
        self._beta3, self._alpha1 = (float(getattr(optimizer, name, 0.0)) for name in ("beta3", "alpha1"))
        self._gated = self._beta3 > 0 and self._alpha1 > 0
        roots = self._gated and roots_pay(sum(array.size for array in plain))
        keeps = "quotients" if self._metric else "roots" if roots else "nothing"
        averages = self._beta1, 1 - self._beta1, self._beta2, 1 - self._beta2
        parts = zip(plain, self.velocities, self.second_moments, strict=True)
        every = [streams(*part, keeps != "nothing") for part in parts]
        self._passes = both(every, averages, keeps, self.threads)
        self._starts = self._passes.starts
        self._addresses = addresses()
        self._looks = [look(array) for array in plain]
        written = sorted(map(extent, [*plain, *self.velocities, *self.second_moments]))
        for (_, end), (start, _) in pairwise(written):
            if start < end:
                raise ValueError("arrays must not share memory with each other")
        self._written = [place for both in written for place in both]  # where what is written begins and ends, in turn

    @property
    def optimizer(self) -> VRAdam | Adam | AdamW:
        """What takes the steps; another one is another training, see :meth:`from_checkpoint`."""
        return self._optimizer

    @property
    def steps(self) -> int:
        """The number of steps taken; :meth:`from_checkpoint` takes a training up at another."""
        return self._steps

    def step(self, grads: Sequence[Array]) -> float:
        """One step along the gradients, one for each array. Returns the learning rate eta_t.

        A gradient that is not finite does what it does in ``VRAdam.step``.
        """
        if not self._whole:
            self._must_be_whole()
        flat = self._checked(grads)
        t = self._steps + 1
        eta = self._alpha0
        if callable(eta):
            eta = one_number("alpha0", rate_at(eta, t), "[0, inf)")
        shrink = math.sqrt(1 - self._beta2**t)
        damping = self._eps * shrink
        self._whole = False
        if self._law is not None:
            kinetic = self._first_pass(flat, shrink, damping) if self._gated else 0.0
            eta = self._opened(eta, kinetic, t)
        self._passes.move(flat, 1 - eta * self._decay, eta * shrink / (1 - self._beta1**t), damping)
        self._steps = t
        self._whole = True
        return eta

    def checkpoint(self) -> dict[str, Any]:
        """All that a training remembers, copied: plain arrays and numbers, to be stored as you like.

        Returns
        -------
        dict
            ``arrays``, ``velocities``, ``second_moments``: lists of arrays; ``steps``: int; ``kinetic``: float, what
            the opening law remembers, as in :class:`~vradam.gated.State`.

        Raises
        ------
        RuntimeError
            After a step that was interrupted.
        """
        self._must_be_whole()
        lists = {name: getattr(self, name) for name in LISTS}
        return {name: [np.array(array) for array in arrays] for name, arrays in lists.items()} | {
            "steps": self._steps,
            "kinetic": float(self._memory),
        }

    @classmethod
    def from_checkpoint(
        cls,
        optimizer: VRAdam | Adam | AdamW,
        checkpoint: Mapping[str, Any],
        arrays: Sequence[Array] | None = None,
        threads: int = 1,
    ) -> InPlace:
        """The training that was kept, to be gone on with bit for bit.

        Parameters
        ----------
        optimizer : VRAdam or Adam or AdamW
            As it was, which is not part of the checkpoint.
        checkpoint : Mapping[str, object]
            What :meth:`checkpoint` returned.
        arrays : sequence of array, optional
            The parameters to be trained from now on, overwritten by those kept; None makes new ones, ``arrays``.
        threads : int
            As for :class:`InPlace`.

        Raises
        ------
        TypeError, ValueError
            If something is missing in the checkpoint, or has another shape or dtype than the arrays; as for
            :class:`InPlace`.

        Examples
        --------
        >>> import numpy as np, vradam
        >>> optimizer, grad = vradam.VRAdam(alpha0=0.1, gate_decay=0.9), np.array([1.0, -2.0])
        >>> training = InPlace(optimizer, [np.zeros(2)])
        >>> kept = [training.step([grad]), training.checkpoint()][1]
        >>> again = InPlace.from_checkpoint(optimizer, kept)
        >>> training.step([grad]) == again.step([grad]), bool((training.arrays[0] == again.arrays[0]).all())
        (True, True)
        """
        if not isinstance(checkpoint, Mapping):
            raise TypeError(f"checkpoint must be what checkpoint() returned, got {type(checkpoint).__name__}")
        if missing := {*LISTS, "steps", "kinetic"} - set(checkpoint):
            raise ValueError(f"checkpoint must hold {', '.join(sorted(missing))} too, got {', '.join(checkpoint)}")
        steps = whole_number("checkpoint['steps']", checkpoint["steps"], least=0)
        kinetic = one_number("checkpoint['kinetic']", checkpoint["kinetic"], "[0, inf]")
        kept = {name: [np.array(array) for array in checkpoint[name]] for name in LISTS}
        training = cls(optimizer, kept["arrays"] if arrays is None else arrays, threads)
        for name in LISTS:
            mine = getattr(training, name)
            if [(a.shape, a.dtype) for a in kept[name]] != [(a.shape, a.dtype) for a in mine]:
                got = [(a.shape, str(a.dtype)) for a in kept[name]]
                raise ValueError(f"checkpoint[{name!r}] must have the shapes and dtypes of the arrays, got {got}")
        for name in LISTS:
            for array, old in zip(getattr(training, name), kept[name], strict=True):
                np.copyto(array, old)
        training._steps, training._memory = steps, np.asarray(kinetic)
        return training

    def __reduce__(self) -> tuple[Any, ...]:
        """For ``pickle`` and ``copy``: the parameters as the objects they are, so that a model stays theirs."""
        return _again, (type(self), self.optimizer, self.arrays, self.checkpoint(), self.threads)

    def _must_be_whole(self) -> None:
        if not self._whole:
            raise RuntimeError(
                f"step {self._steps + 1} was interrupted between its passes and the arrays are half moved: take the "
                "training up from a checkpoint"
            )

    def _first_pass(self, flat: list[Array], shrink: float, damping: float) -> float:
        """Take the gradients in and measure the kinetic energy that the gate sees.

        It is the exact one, or as much of it as suffices to saturate the gate.
        """
        unit = 1.0  # of the sums, in energies
        if self._metric:
            unit = shrink * shrink / sum(array.size for array in self.arrays)
        # Beyond this a sum saturates the gate in whatever order it is taken.
        limit = math.inf if type(self._law) is Averaged else (1 + 1e-9) * self._alpha1 / self._beta3 / unit
        return min(unit * self._passes.absorb(flat, damping, limit), LARGEST)

    def _opened(self, alpha0: float, kinetic: float, t: int) -> float:
        """eta_t, once the energy is known; what the law remembers is updated."""
        law: Any = self._law
        if type(law) is Published:  # what ``law`` does, without arrays: small models are trained too
            self._memory = kinetic
            return alpha0 / (1 + min(self._beta3 * kinetic, self._alpha1))
        numbers = self._beta3, self._alpha1
        with np.errstate(all="ignore"):
            self._memory = law.remember(np.asarray(self._memory), np.asarray(kinetic), *numbers)
            return float(alpha0 * law.ceiling() / (1 + law.closing(self._memory, t, *numbers)))

    def _checked(self, grads: Sequence[Array]) -> list[Array]:
        """The gradients, contiguous and flat, or an error: nothing is written yet. ``_starts`` are their places."""
        grads = listed("grads", grads)
        if len(grads) != len(self.arrays):
            raise ValueError(f"grads must hold {len(self.arrays)} arrays, one for each parameter, got {len(grads)}")
        addresses, flat, starts = self._addresses, [], self._starts
        for i, old in enumerate(self._looks):
            array, grad, ((place, _), shape, dtype, _) = self.arrays[i], grads[i], old
            # What is usual is recognised first, by addresses as compiled code says them: small models are trained too.
            usual = type(array) is type(grad) is np.ndarray and array.shape == grad.shape == shape
            usual = usual and array.dtype is grad.dtype is dtype and array.flags.writeable and grad.flags.c_contiguous
            if usual:
                vector = grad.reshape(-1)
                here, start = addresses(array.reshape(-1), vector)
            if not usual or here != place:
                check_place(i, array, old)
                vector = np.ascontiguousarray(plain_gradient(i, grad, shape, dtype)).reshape(-1)
                start, _ = extent(vector)
            end, before = start + vector.nbytes, bisect_right(self._written, start)
            # An odd number of ends and beginnings before it: it begins within what is written.
            if before % 2 or (before < len(self._written) and self._written[before] < end):
                raise ValueError(f"grads[{i}] must not share memory with the parameters or the state")
            flat.append(vector)
            starts[i] = start
        return flat


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


def _again(
    cls: type[InPlace], optimizer: Any, arrays: list[Array], checkpoint: dict[str, Any], threads: int
) -> InPlace:
    """An unpickled or copied training; arrays that came read-only from shared memory are copied."""
    own = [array if array.flags.writeable else array.copy() for array in arrays]
    return cls.from_checkpoint(optimizer, checkpoint, own, threads)
