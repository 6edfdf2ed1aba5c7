"""The two halves of a step on tensors: absorb the gradient into the moments, then move at the gated rate.

With d = sqrt(1 - beta2^t) the step of Algorithm 1 is, without a pass over memory for either bias correction,

    theta_t = (1 - eta_t lambda) theta_{t-1} - (eta_t d/(1 - beta1^t)) v_t/(sqrt(m_t) + d eps).

Three ways do it: one tensor after the other (the only one through which autograd can go), all tensors of a part in
each call ("foreach"), and moments and step in one pass by the kernel of torch's own AdamW at the rate eta_t ("fused").
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal, NamedTuple, TypeAlias

import torch
from torch import Tensor

from vradam.torch.gate import accumulator

Way = Literal["plain", "foreach", "fused"]
#: One for all tensors of a part, or one for each.
Rates: TypeAlias = float | Tensor | list[Tensor]


class Part(NamedTuple):
    """Tensors of one parameter group, device and precision; complex ones are seen as pairs of real numbers."""

    group: dict[str, Any]
    way: Way
    t: float | None  #: the step of all tensors; None where it is known to their device only
    params: list[Tensor]
    grads: list[Tensor]
    velocities: list[Tensor]  #: v_{t-1}, then v_t
    second_moments: list[Tensor]
    steps: list[Tensor]
    states: list[dict[str, Any]]

    @property
    def betas(self) -> tuple[float, float]:
        """beta1 and beta2."""
        return self.group["betas"]


def gather(group: dict[str, Any], memory: Any, one_by_one: bool = False) -> list[Part]:
    """The tensors of a group that have a gradient, by device, precision and step, which is one more than it was.

    The state of a parameter has the names of ``torch.optim.AdamW``: ``step``, ``exp_avg`` (v), ``exp_avg_sq`` (m).
    """
    on_device, way = bool(_on_device(group) or group["fused"]), _way(group, one_by_one)
    params = [p for p in group["params"] if p.grad is not None]
    states = [_state(p, memory[p], on_device) for p in params]
    layouts = [_one_layout(p, state["exp_avg"]) for p, state in zip(params, states, strict=True)]
    ways: list[Way] = ["foreach" if way == "fused" and not alike else way for alike in layouts]
    stepped = [state["step"] for state, its in zip(states, ways, strict=True) if its != "fused"]
    if stepped and on_device:
        torch._foreach_add_(stepped, 1)
    elif stepped:  # one tensor, instead of one made for each
        torch._foreach_add_(stepped, torch.tensor(1.0), alpha=1.0)
    parts: dict[Any, Part] = {}
    for i, (p, state, its_way) in enumerate(zip(params, states, ways, strict=True)):
        t = None if on_device else state["step"].item()
        key = i if one_by_one else (p.device, p.dtype, its_way, t)
        if key not in parts:
            parts[key] = Part(group, its_way, t, [], [], [], [], [], [])
        part = parts[key]
        tensors = p, (-p.grad if group["maximize"] else p.grad), state["exp_avg"], state["exp_avg_sq"]
        if p.is_complex():
            tensors = tuple(map(torch.view_as_real, tensors))
        part.params.append(tensors[0])
        part.grads.append(tensors[1])
        part.velocities.append(tensors[2])
        part.second_moments.append(tensors[3])
        part.steps.append(state["step"])
        part.states.append(state)
    return list(parts.values())


def _state(p: Tensor, state: dict[str, Any], on_device: bool) -> dict[str, Any]:
    if "step" not in state:
        state["step"] = torch.zeros((), dtype=torch.float32, device=p.device if on_device else "cpu")
        state["exp_avg"] = torch.zeros_like(p, memory_format=torch.preserve_format)
        state["exp_avg_sq"] = torch.zeros_like(p, memory_format=torch.preserve_format)
    return state


def scalar(lr: float | Tensor) -> float | Tensor:
    """A learning rate as a number or a tensor ()."""
    return lr.reshape(()) if isinstance(lr, Tensor) else lr


def next_velocities(part: Part) -> Iterable[Tensor]:
    """v_t before it is stored; on a processor one after the other, since memory that is used again is faster."""
    weight = 1 - part.betas[0]
    if part.params[0].device.type == "cpu":
        return (v.lerp(g, weight) for v, g in zip(part.velocities, part.grads, strict=True))
    return torch._foreach_lerp(part.velocities, part.grads, weight)


def relative_steps(part: Part) -> list[Tensor]:
    """P_t^-1 v_t = d v_t/(sqrt(m_t) + d eps), the steps at rate 1 without the correction of the velocity."""
    d, eps = _root(part), part.group["eps"]
    ds = [d] * len(part.params) if isinstance(d, float) else d.to(part.params[0].dtype).unbind()
    tensors = zip(part.velocities, part.second_moments, ds, strict=True)
    if part.group["differentiable"]:
        return [each * v.clone() / (m.clone().sqrt() + each * eps) for v, m, each in tensors]
    return [m.sqrt().add_(each * eps).reciprocal_().mul_(v).mul_(each) for v, m, each in tensors]


def absorb(part: Part, entering: list[Tensor]) -> None:
    """v_t and m_t in place of v_{t-1} and m_{t-1}; ``entering`` is what enters the velocity, g_t but for one gate.

    Nothing here for the fused way, whose kernel does it while it moves.
    """
    beta1, beta2 = part.betas
    if part.way == "foreach":
        torch._foreach_lerp_(part.velocities, entering, 1 - beta1)
        torch._foreach_mul_(part.second_moments, beta2)
        torch._foreach_addcmul_(part.second_moments, part.grads, part.grads, 1 - beta2)
    elif part.way == "plain":
        for v, m, g, entered in zip(part.velocities, part.second_moments, part.grads, entering, strict=True):
            v.lerp_(entered, 1 - beta1)
            m.mul_(beta2).addcmul_(g, g, value=1 - beta2)


def move(part: Part, eta: float | Tensor) -> None:
    """The parameters move at the rate ``eta``: a number, a tensor (), or one like the only parameter of the part."""
    eta = _near(part, eta)
    {"foreach": _move_foreach, "plain": _move_plain, "fused": _move_fused}[part.way](part, eta)


def _move_foreach(part: Part, eta: float | Tensor) -> None:
    rates, eps = _motion(part, eta)
    if part.group["weight_decay"] != 0:
        torch._foreach_mul_(part.params, 1 - eta * part.group["weight_decay"])
    denominators = torch._foreach_sqrt(part.second_moments)
    torch._foreach_add_(denominators, eps)
    if isinstance(rates, float):
        torch._foreach_addcdiv_(part.params, part.velocities, denominators, -rates)
    else:  # a rate of 0 makes them infinite, never NaN, since eps was added before
        torch._foreach_div_(denominators, rates)
        torch._foreach_addcdiv_(part.params, part.velocities, denominators, -1.0)


def _move_plain(part: Part, eta: float | Tensor) -> None:
    rates, eps = _motion(part, eta)
    for i, (p, v, m) in enumerate(zip(part.params, part.velocities, part.second_moments, strict=True)):
        rate, shift = (each[i] if isinstance(each, list) else each for each in (rates, eps))
        if part.group["weight_decay"] != 0:
            p.mul_(1 - eta * part.group["weight_decay"])
        if part.group["differentiable"]:  # nothing that the backward pass needs may change
            p.sub_(rate * v.clone() / (m.clone().sqrt() + shift))
        elif isinstance(rate, float):
            p.addcdiv_(v, m.sqrt().add_(shift), value=-rate)
        else:
            p.addcdiv_(v, m.sqrt().add_(shift).div_(rate), value=-1.0)


def _move_fused(part: Part, eta: float | Tensor) -> None:
    torch._foreach_add_(part.steps, 1)
    torch._fused_adamw_(
        part.params,
        part.grads,
        part.velocities,
        part.second_moments,
        [],
        part.steps,
        lr=eta,
        beta1=part.betas[0],
        beta2=part.betas[1],
        weight_decay=part.group["weight_decay"],
        eps=part.group["eps"],
        amsgrad=False,
        maximize=False,  # the gradients were negated where they were gathered
    )


def _root(part: Part) -> Any:
    """d = sqrt(1 - beta2^t), a number, or (number of tensors,) where only the device knows t."""
    if part.t is not None:
        return (1 - part.betas[1] ** part.t) ** 0.5
    return torch.sqrt(1 - part.betas[1] ** _steps(part))


def _steps(part: Part) -> Tensor:
    return torch.stack(part.steps).to(accumulator(part.steps[0].device))


def _motion(part: Part, eta: float | Tensor) -> tuple[Rates, Rates]:
    """eta_t d/(1 - beta1^t) and d eps, for all tensors; where only the device knows t, for each."""
    beta1, d = part.betas[0], _root(part)
    if part.t is not None:
        return eta * (d / (1 - beta1**part.t)), d * part.group["eps"]
    pair = d / (1 - beta1 ** _steps(part)), d * part.group["eps"]
    factors, eps = (each.to(part.params[0].dtype) for each in pair)
    return [eta * factor for factor in factors.unbind()], list(eps.unbind())


def _near(part: Part, eta: float | Tensor) -> float | Tensor:
    """``eta`` as a number if that needs no synchronisation and no autograd, else on the device of the parameters."""
    first = part.params[0]
    if not isinstance(eta, Tensor):
        return eta
    on_host = eta.dim() == 0 and eta.device.type == first.device.type == "cpu" and not eta.requires_grad
    if on_host and (part.way == "fused" or not _on_device(part.group)):
        return eta.item()
    return eta.to(first.device, torch.float32 if part.way == "fused" else first.dtype)


def _one_layout(p: Tensor, velocity: Tensor) -> bool:
    """Whether number i of each tensor belongs together: the fused kernel goes through memory without looking."""
    return p.grad is not None and p.stride() == velocity.stride() == p.grad.stride()


def _on_device(group: dict[str, Any]) -> bool:
    """Whether steps and rates may not become numbers of the host."""
    return bool(group["capturable"] or torch.compiler.is_compiling())


def _way(group: dict[str, Any], one_by_one: bool) -> Way:
    if one_by_one or group["differentiable"]:
        return "plain"
    if group["fused"]:
        return "fused"
    accelerated = all(p.device.type in ("cuda", "xpu") for p in group["params"])
    foreach = accelerated if group["foreach"] is None else group["foreach"]
    return "foreach" if foreach else "plain"
