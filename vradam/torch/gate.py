"""The gate on tensors: what it sees, summed in float64, and how far the opening law then closes it."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor

from vradam.gates import GateForm
from vradam.laws import Averaged, Held, Published

#: On a processor squares are summed in the precision of the tensor over so many numbers at a time, then in float64,
ROW = 4096
#: unless the whole tensor is no larger than this.
SMALL = 1 << 16


def sum_of_squares(tensors: Iterable[Tensor]) -> Tensor:
    """The sum of all squares, () in float64 (float32 where the device has no float64); finite unless a number is NaN.

    float32 tensors are not copied; their sums are right to a relative 1e-6, whatever their size. (One float32 sum over
    1e7 numbers was seen to be wrong by 7e-4.) Half precision is summed in float32, right to 1e-5. A large tensor is not
    kept.
    """
    norms, small = [], []
    for tensor in tensors:
        if tensor.device.type == "cpu" and tensor.numel() > SMALL:
            flat = tensor.reshape(-1)
            rows = flat[: flat.numel() // ROW * ROW].view(-1, ROW)
            norms.append(torch.linalg.vector_norm(rows, dim=1, dtype=_summed(rows)))
            small.append(flat[rows.numel() :].clone())
        else:
            small.append(tensor)
    if small:
        norms.append(torch.stack(torch._foreach_norm(small, 2, dtype=_summed(small[0]))))
    every = torch.cat(norms) if len(norms) > 1 else norms[0]
    return finite(every.to(accumulator(every.device)).square().sum())


def energy(tensors: Iterable[Tensor], differentiable: bool) -> Tensor:
    """The sum of the squares of what the gate looks at, ()."""
    if not differentiable:
        return sum_of_squares(tensors)
    # A copy, since the velocity will change in place while autograd still needs it.
    squares = [tensor.clone().to(accumulator(tensor.device)).square().sum() for tensor in tensors]
    return finite(torch.stack(squares).sum())


def powered(gate: GateForm, squares: Tensor) -> Tensor:
    """||.||^k from ||.||^2."""
    return squares if gate.exponent == 2.0 else finite(squares ** (gate.exponent / 2))


def closing(
    law: Published | Averaged | Held, seen: Tensor, memory: Tensor, t: Tensor, beta3: float, alpha1: float
) -> tuple[Tensor, Tensor]:
    """(w_t, memory) of the opening law at its step t; the memory is u_t of ``averaged``, w_t of ``held``, else K_t."""
    if isinstance(law, Averaged):
        memory = law.decay * memory + (1 - law.decay) * seen
        return (beta3 * finite(memory / (1 - law.decay**t))).clamp(max=alpha1), memory
    w = (beta3 * seen).clamp(max=alpha1)
    if isinstance(law, Held):
        w = torch.maximum(w, law.decay * memory)
        return w, w
    return w, seen


def finite(squares: Tensor) -> Tensor:
    """Infinity counts as the largest number, so that beta3 = 0 opens the gate whatever it sees."""
    return squares.clamp(max=torch.finfo(squares.dtype).max)


def accumulator(device: torch.device) -> torch.dtype:
    """The precision in which the energy is kept."""
    return torch.float32 if device.type == "mps" else torch.float64


def _summed(part: Tensor) -> torch.dtype:
    return torch.promote_types(part.dtype, torch.float32)
