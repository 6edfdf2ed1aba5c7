"""What VRAdam and VRMomentum share: their state, and how a gate form and an opening law make the learning rate."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from vradam.gates import GateForm
from vradam.laws import Averaged, Held, Law, Published
from vradam.validation import hyper_parameter, over_runs

Array = NDArray[np.floating]
Rate = float | Array | Callable[[int], float | Array]


class State(NamedTuple):
    """What an optimizer remembers between two steps; the leading axes are independent runs.

    ``kinetic`` is what the law remembers, float64: K_t that the gate saw; the average u_t, not bias-corrected, of
    ``averaged(g)``; the closing w_t of ``held(g, w0)``. Its shape is (...); (..., d) for a gate per coordinate; and
    (..., 1 + m) for a form that itself remembers m numbers.
    """

    velocity: Array  #: v_t (..., d), the raw exponential average of the gradients
    second_moment: Array  #: m_t (..., d), the raw exponential average of their squares
    kinetic: Array  #: what the gate remembers
    step: int  #: t


class Gated(Protocol):
    """An optimizer with a gate: VRAdam and VRMomentum."""

    @property
    def alpha0(self) -> Rate: ...
    @property
    def alpha1(self) -> float | Array: ...
    @property
    def beta3(self) -> float | Array: ...
    @property
    def gate_decay(self) -> float | Array: ...
    @property
    def gate(self) -> GateForm: ...
    @property
    def law(self) -> Law: ...


def check_gate(gated: Gated) -> None:
    """Refuse what is no gate form or no law, and what does not go together."""
    if not isinstance(gated.gate, GateForm):
        raise TypeError(f"gate must be one of vradam.gates, got {gated.gate!r}")
    if not all(hasattr(gated.law, part) for part in ("name", "start", "remember", "closing", "ceiling")):
        raise TypeError(f"law must be one of vradam.laws, got {gated.law!r}")
    smoothed = bool(np.any(np.asarray(gated.gate_decay) > 0))
    if smoothed and not isinstance(gated.law, Published):
        raise ValueError(f"gate_decay must be 0 with the law {gated.law.name}: it is a spelling of averaged(g)")
    if gated.gate.on_gradient and not isinstance(law_of(gated), Published):
        spelling = "gate_decay must be 0" if smoothed else f"law must be published, not {gated.law.name},"
        raise ValueError(f"{spelling} with the gate {gated.gate.name!r}: it acts on the gradient")
    if isinstance(gated.law, Held) and np.any(np.asarray(gated.law.w0) > gated.alpha1):
        raise ValueError(f"w0 must lie in [0, alpha1], got {gated.law.w0} with alpha1 {gated.alpha1}")


def law_of(gated: Gated) -> Law:
    """The opening law; ``gate_decay = g`` is a spelling of ``averaged(g)``."""
    decay = gated.gate_decay
    if decay > 0 if isinstance(decay, float) else np.any(np.asarray(decay) > 0):
        return Averaged(decay)
    return gated.law


def rate_at(alpha0: Rate, t: int) -> float | Array:
    """alpha0 at step t: a number or an array over the runs is itself, what a schedule returns is checked.

    Raises
    ------
    TypeError, ValueError
        If a schedule returns anything but numbers in [0, inf).
    """
    return hyper_parameter(f"alpha0 at step {t}", alpha0(t), "[0, inf)") if callable(alpha0) else alpha0


def top_rate(gated: Gated, t: int) -> float | Array:
    """A_t, the learning rate of step t if the gate were entirely open: alpha0, or alpha0 (1 + w0)."""
    return rate_at(gated.alpha0, t) * law_of(gated).ceiling()


def memory_at_start(gated: Gated, x: Array) -> Array:
    """``State.kinetic`` before the first step from ``x`` (..., d)."""
    form, law = gated.gate, law_of(gated)
    runs = x.shape[:-1]
    start = over_runs("w0", law.start(), np.empty((*runs, 1)))
    shape = x.shape if form.per_coordinate else (*runs, 1 + form.memory)
    memory = np.zeros(shape)
    memory[..., : shape[-1] if form.per_coordinate else 1] = start
    return memory if form.per_coordinate or form.memory else memory[..., 0]


def gate_sees(gated: Gated, state: State, velocity: Array, grad: Array, preconditioner: Array | float = 1.0) -> Array:
    """``State.kinetic`` after the step that leads from ``state`` to the velocity v_t by the gradient g_t."""
    form, law = gated.gate, law_of(gated)
    memory = lawful(form, state.kinetic)
    beta3, alpha1 = over_runs("beta3", gated.beta3, memory), over_runs("alpha1", gated.alpha1, memory)
    if form.signal is None:
        seen = form.kinetic(velocity, state.velocity, grad)
        seen = seen if form.per_coordinate else np.asarray(seen)[..., None]
        memory = law.remember(memory, seen, beta3, alpha1)
        return memory if form.per_coordinate else memory[..., 0]
    w = law.closing(memory, max(state.step, 1), beta3, alpha1, corrected(gated))[..., 0]
    floats = [np.asarray(part, np.float64) for part in (velocity, state.velocity, grad)]
    P = np.broadcast_to(np.asarray(preconditioner, np.float64), floats[0].shape)
    own = state.kinetic[..., 1:] if form.memory else None
    found = form.signal(*floats, P, w) if own is None else form.signal(*floats, P, w, own)  # type: ignore[call-arg]
    K, own = found if form.memory else (found, own)
    K = np.asarray(K, np.float64)
    if K.shape != w.shape:
        raise ValueError(f"the signal {form.name!r} must have the shape of the runs, {w.shape}, got {K.shape}")
    sound = K >= 0
    if state.step == 0 and not (sound | ~np.isfinite(floats[2]).all(axis=-1)).all():
        raise ValueError(f"the signal {form.name!r} must lie in [0, inf], got {K[~sound].flat[0]} at the first step")
    memory = law.remember(memory, np.where(sound, K, np.nan)[..., None], beta3, alpha1)
    return memory[..., 0] if own is None else np.concatenate([memory, own], axis=-1)


def lawful(form: GateForm, kinetic: Array) -> Array:
    """The part of ``State.kinetic`` that belongs to the law, as columns: (..., 1), or (..., d) per coordinate."""
    if form.per_coordinate:
        return np.asarray(kinetic)
    return kinetic[..., :1] if form.memory else np.asarray(kinetic)[..., None]


def corrected(gated: Gated) -> bool:
    """Whether averages are corrected for their start at zero: not in the proofs' form."""
    return not getattr(gated, "proof_form", False)


def gate_opening(gated: Gated, kinetic: Array, t: int, dtype: np.dtype | type = np.float64) -> Array:
    """gamma_t = 1/(1 + w_t), which broadcasts against (..., d): shape (..., 1), or (..., d) per coordinate."""
    memory = lawful(gated.gate, kinetic)
    beta3, alpha1 = over_runs("beta3", gated.beta3, memory), over_runs("alpha1", gated.alpha1, memory)
    return (1.0 / (1.0 + law_of(gated).closing(memory, t, beta3, alpha1, corrected(gated)))).astype(dtype)


def gated_learning_rate(gated: Gated, state: State) -> Array:
    """eta_t = A_t gamma_t of the step that produced ``state``, shape (...); the mean of a gate per coordinate."""
    t = max(state.step, 1)
    return np.asarray(top_rate(gated, t) * gate_opening(gated, state.kinetic, t).mean(axis=-1))
