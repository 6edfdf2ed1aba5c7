"""Which gate forms and opening laws the adapters of PyTorch and optax take over, and which do not go together."""

from __future__ import annotations

from typing import Any

import numpy as np

from vradam.gates import GateForm, mean_square_step
from vradam.laws import Averaged, Held, Law, Published


def in_adam_metric(gate: GateForm) -> bool:
    """Whether a form sees v' P^-2 v/d, which the adapters compute themselves."""
    return gate.signal is mean_square_step


def chosen_law(gate: GateForm, law: Law, gate_decay: Any) -> Published | Averaged | Held:
    """The law, of which ``gate_decay``, unless None or 0, is another spelling.

    Raises
    ------
    TypeError
        If ``gate`` is no gate form; if ``law`` is none of published, averaged and held, or has one number a run.
    ValueError
        If the form has a signal of NumPy arrays other than that of ``adam_metric``; if law and ``gate_decay`` are both
        given; if the law does not go with the gate.

    Examples
    --------
    >>> import vradam
    >>> chosen_law(vradam.gates.published, vradam.laws.published, 0.9).name
    'averaged(0.9)'
    """
    if not isinstance(gate, GateForm):
        raise TypeError(f"gate must be one of vradam.gates, got {gate!r}")
    if gate.signal is not None and not in_adam_metric(gate):
        raise ValueError(f"gate must be a norm or adam_metric, got {gate.name!r}, whose signal takes NumPy arrays")
    if not isinstance(law, Published | Averaged | Held):
        raise TypeError(f"law must be published, averaged(g) or held(g, w0) of vradam.laws, got {law!r}")
    for name, number in {"g": getattr(law, "decay", 0.0), "w0": getattr(law, "w0", 0.0)}.items():
        if np.ndim(number):
            raise TypeError(f"{name} must be a number, got an array of shape {np.shape(number)}")
    if gate_decay is None or (isinstance(gate_decay, float | int) and gate_decay == 0):
        chosen = law
    elif isinstance(law, Published):
        chosen = Averaged(gate_decay)
    else:
        raise ValueError(f"gate_decay must be 0 with the law {law.name}: it is a spelling of averaged(g)")
    if gate.on_gradient and not isinstance(chosen, Published):
        raise ValueError(
            f"law must be published with the gate {gate.name!r}, which acts on the gradient, got {law.name}"
        )
    return chosen
