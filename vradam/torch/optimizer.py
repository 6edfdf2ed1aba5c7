"""VRAdam as a ``torch.optim.Optimizer``."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import chain
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor
from torch.optim import Optimizer

from vradam import gates, laws
from vradam.adapted import chosen_law, in_adam_metric
from vradam.torch.gate import accumulator, closing, energy, finite, powered
from vradam.torch.updates import Part, absorb, gather, move, next_velocities, relative_steps, scalar
from vradam.validation import hyper_parameter


class VRAdam(Optimizer):
    r"""Velocity-Regularized Adam for PyTorch: one gate over all parameters, on whatever devices and in whatever groups.

    .. math::
        v_t &= \beta_1 v_{t-1} + (1-\beta_1) g_t \\
        m_t &= \beta_2 m_{t-1} + (1-\beta_2) g_t^2 \\
        \eta_t &= \mathrm{lr} / (1 + \min(\beta_3 \|v_t\|^2, \alpha_1)) \\
        \theta_t &= (1-\eta_t\lambda)\theta_{t-1}
            - \eta_t \frac{v_t/(1-\beta_1^t)}{\sqrt{m_t/(1-\beta_2^t)} + \varepsilon}

    This is Algorithm 1 of arXiv:2505.13196 and the same recursion as :class:`vradam.VRAdam`. Each group has options of
    its own; a learning-rate scheduler changes ``lr``, the gate the rest.

    Parameters
    ----------
    params : iterable of object
        Parameters, named parameters, or dicts of parameter groups.
    lr : float or tensor of one element
        alpha0, [0, inf).
    betas : tuple[float, float]
        beta1 and beta2, the decays of velocity and second moment, each in [0, 1).
    beta3 : float
        Strength of the gate, [0, inf); 0 is AdamW.
    alpha1 : float
        Clip of the gate, [0, inf]; 0 is AdamW.
    eps : float
        Keeps the root of the second moment from zero, (0, inf).
    weight_decay : float
        Decoupled weight decay lambda, [0, inf).
    gate : GateForm
        What the gate sees and acts on: a norm of :mod:`vradam.gates`, or ``adam_metric``.
    law : Law
        How what it sees closes it: ``published``, ``averaged(g)`` or ``held(g, w0)`` of :mod:`vradam.laws`; ``inside``
        goes with the published law only.
    gate_decay : float
        ``gate_decay=g`` is a spelling of ``law=averaged(g)``, [0, 1).
    norm : "all" or "group"
        One gate over all groups, or a gate for each, as in the authors' class.
    foreach : bool, optional
        One call for all tensors; by default on accelerators. Not with ``differentiable``.
    maximize : bool
        Climb instead.
    capturable : bool
        Steps and rates stay on the device, without any synchronisation, as CUDA graphs need.
    differentiable : bool
        Let autograd go through the step.
    fused : bool, optional
        One pass by the kernel of torch's AdamW, once v_t's norm is known. Not with ``foreach``, ``differentiable``, and
        gates that are ``inside``, per coordinate or in Adam's metric.

    Raises
    ------
    ValueError, TypeError
        For what lies outside these domains.

    Notes
    -----
    The norm runs over every parameter that has a gradient in this step, and is summed in float64. The published gate is
    not invariant under a change of the units of the loss: unscale gradients before a step, as ``torch.amp.GradScaler``
    does by itself. Where g^2 overflows, m_t is infinite and the coordinate stands still, as in ``torch.optim.AdamW``;
    :class:`vradam.VRAdam` caps the square.

    Examples
    --------
    >>> import torch
    >>> x = torch.tensor([3.0, 4.0], dtype=torch.float64, requires_grad=True)
    >>> optimizer = VRAdam([x], lr=0.1)
    >>> x.square().sum().div(2).backward()                     # v_1 = 0.1 (3, 4): eta = 0.1/(1 + 0.25)
    >>> optimizer.step()
    >>> round(float(optimizer.learning_rate), 9)
    0.08
    >>> [round(value, 6) for value in x.tolist()]
    [2.92, 3.92]
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float | Tensor = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        beta3: float = 1.0,
        alpha1: float = 10.0,
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        gate: gates.GateForm = gates.published,
        law: laws.Law = laws.published,
        *,
        gate_decay: float = 0.0,
        norm: Literal["all", "group"] = "all",
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        hyper_parameter("gate_decay", gate_decay, "[0, 1)")
        self.gate, self.law, self.norm = gate, chosen_law(gate, law, gate_decay), norm
        self.form = f"gate {gate.name}, law {self.law!r}"  # by which a saved state is recognised
        if norm not in ("all", "group"):
            raise ValueError(f"norm must be 'all' or 'group', got {norm!r}")
        defaults = {
            "lr": lr,
            "betas": betas,
            "beta3": beta3,
            "alpha1": alpha1,
            "eps": eps,
            "weight_decay": weight_decay,
            "foreach": foreach,
            "maximize": maximize,
            "capturable": capturable,
            "differentiable": differentiable,
            "fused": fused,
        }
        super().__init__(params, defaults)

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Add a group with options of its own, or else the defaults; they are checked first.

        Raises
        ------
        ValueError, TypeError
            For an option outside its domain.
        """
        if isinstance(param_group, dict):
            _check_options(self.defaults | param_group, self.gate, self.law)
        super().add_param_group(param_group)

    @property
    def learning_rate(self) -> Tensor:
        """eta_t of the last step, one for each group, shape (groups,); ``lr`` before the first step.

        With the gate ``inside`` it is lr gamma_t, the rate at which the gradient enters the velocity; with
        ``per_coordinate`` the mean over the coordinates. It lies on the device of the first parameter, and reading it
        does not synchronise.
        """
        return self._logged(lambda group, memory: memory["rate"] if memory else scalar(group["lr"]))

    @property
    def clip_share(self) -> Tensor:
        """The share of the steps in which the clip alpha1 was reached, one for each group, shape (groups,)."""
        return self._logged(lambda group, memory: memory["clipped"] / memory["steps"] if memory else 0.0)

    def _logged(self, number: Callable[[dict[str, Any], dict[str, Any]], Any]) -> Tensor:
        home = self.param_groups[0]["params"][0].device
        numbers = [number(group, group.get("gate", {})) for group in self.param_groups]
        return torch.stack([torch.as_tensor(each, dtype=accumulator(home), device=home).detach() for each in numbers])

    def preconditioner(self, state: Mapping[str, Any]) -> Tensor:
        """P_t = (1 - beta1^t)(sqrt(m_t/(1 - beta2^t)) + eps) of one parameter; see :mod:`vradam.torch.edge`."""
        return adam_preconditioner({**state, "amsgrad": False})  # of which a checkpoint of AdamW may speak

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """One step. ``closure`` clears the gradients, computes loss and gradients, and returns the loss, as this does.

        Raises
        ------
        RuntimeError
            Before anything has changed, for sparse gradients, and for the capture of a graph without ``capturable``.
        """
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        if any(p.grad is not None and p.grad.is_sparse for group in self.param_groups for p in group["params"]):
            raise RuntimeError("VRAdam does not support sparse gradients: every coordinate of the velocity decays")
        capturing = torch.cuda.is_available() and torch.cuda.is_current_stream_capturing()
        if capturing and not all(group["capturable"] for group in self.param_groups):
            raise RuntimeError("capturable must be True for a step inside a CUDA graph, got False")
        with torch.set_grad_enabled(self.defaults["differentiable"]):
            parts = [gather(group, self.state, one_by_one=self.gate.per_coordinate) for group in self.param_groups]
            for together in [list(chain.from_iterable(parts))] if self.norm == "all" else parts:
                if together:
                    self._step_together(together)
        return loss

    def _step_together(self, parts: list[Part]) -> None:
        """Look, open, absorb, move: the parameters under one gate."""
        gate, openings = self.gate, []
        entering = [part.grads for part in parts]
        if gate.sees != "velocity":
            openings = self._open(parts, [p.grads if gate.sees == "gradient" else p.velocities for p in parts])
        if gate.on_gradient:
            pairs = zip(parts, openings, strict=True)
            entering = [[g * opening.to(g) for g in part.grads] for part, opening in pairs]
        for part, grads in zip(parts, entering, strict=True):
            absorb(part, grads)
        if gate.sees == "velocity":
            openings = self._open(parts, [self._looked_at(part) for part in parts])
        for part, opening in zip(parts, openings, strict=True):
            lr = scalar(part.group["lr"])
            move(part, lr if gate.on_gradient else lr * opening)

    def _looked_at(self, part: Part) -> Iterable[Tensor]:
        if in_adam_metric(self.gate):
            return relative_steps(part)
        return next_velocities(part) if part.way == "fused" else part.velocities

    def _open(self, parts: list[Part], looked_at: Sequence[Iterable[Tensor]]) -> list[Tensor]:
        """gamma_t (1 + w0) for each part: one number (), or one for each coordinate."""
        home, per_coordinate = self._home(parts[0].group), self.gate.per_coordinate
        if per_coordinate:
            seen = [finite(only.square()) for (only,) in looked_at]
        else:
            squares = [energy(tensors, self.defaults["differentiable"]).to(home) for tensors in looked_at]
            total = powered(self.gate, torch.stack(squares).sum())
            count = sum(v.numel() for part in parts for v in part.velocities) if in_adam_metric(self.gate) else 1
            seen = [finite(total / count)] * len(parts)
        groups = list({id(part.group): part.group for part in parts}.values())
        for group in groups:
            if "gate" not in group:
                group["gate"] = self._fresh(home)
            self._keep(group["gate"], "steps", group["gate"]["steps"] + 1)
        cells = [part.states[0] if per_coordinate else part.group["gate"] for part in parts]
        opened: dict[int, tuple[dict[str, Any], Tensor, Tensor]] = {}
        for part, cell, x in zip(parts, cells, seen, strict=True):
            if id(cell) not in opened:
                opened[id(cell)] = part.group, *self._opening(part.group, cell, x)
        for group in groups:
            self._log(group, [(w, opening) for owner, w, opening in opened.values() if owner is group])
        return [opened[id(cell)][2] for cell in cells]

    def _home(self, group: dict[str, Any]) -> torch.device:
        """The device of the gate: that of the first parameter under it."""
        return (group if self.norm == "group" else self.param_groups[0])["params"][0].device

    def _opening(self, group: dict[str, Any], cell: dict[str, Any], seen: Tensor) -> tuple[Tensor, Tensor]:
        """(w_t, gamma_t (1 + w0)); ``cell`` remembers the energy, of a group or of each coordinate of a parameter."""
        if "energy" not in cell:
            cell["energy"] = torch.full_like(seen, self.law.start())
        steps = group["gate"]["steps"].to(seen)
        w, energy = closing(self.law, seen, cell["energy"], steps, group["beta3"], group["alpha1"])
        self._keep(cell, "energy", energy)
        return w, self.law.ceiling() / (1 + w)

    def _log(self, group: dict[str, Any], opened: list[tuple[Tensor, Tensor]]) -> None:
        """eta_t and how often the clip was reached, as means over the coordinates of a gate per coordinate."""
        memory, count = group["gate"], sum(w.numel() for w, _ in opened)
        clipped = torch.stack([(w >= group["alpha1"]).sum().to(memory["clipped"]) for w, _ in opened]).sum()
        opening = torch.stack([o.detach().sum().to(memory["rate"]) for _, o in opened]).sum() / count
        self._keep(memory, "clipped", memory["clipped"] + clipped / count)
        self._keep(memory, "rate", (scalar(group["lr"]) * opening).detach())

    def _fresh(self, device: torch.device) -> dict[str, Any]:
        """What a group remembers of its gate."""
        numbers = torch.zeros(3, dtype=accumulator(device), device=device)
        steps, clipped, rate = (number.clone() for number in numbers.unbind())
        return {"form": self.form, "steps": steps, "clipped": clipped, "rate": rate}

    def _keep(self, cell: dict[str, Any], name: str, value: Tensor) -> None:
        """In place, as captured graphs need; anew where autograd may still need what was there."""
        if self.defaults["differentiable"]:
            cell[name] = value
        else:
            cell[name].copy_(value)

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from ``state_dict``; a state of ``torch.optim.AdamW`` will do, and the gate then begins anew.

        Raises
        ------
        ValueError
            For the state of another gate or law, before anything has changed.
        """
        for group in state_dict["param_groups"]:
            if "gate" in group and group["gate"]["form"] != self.form:
                raise ValueError(f"state_dict must come from {self.form}, got {group['gate']['form']}")
        super().load_state_dict(state_dict)

    def __getstate__(self) -> dict[str, Any]:
        return super().__getstate__() | {"gate": self.gate, "law": self.law, "norm": self.norm, "form": self.form}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Options that an older state lacks are the defaults; a step that is a number becomes a tensor."""
        super().__setstate__(state)
        for group in self.param_groups:
            for name, value in self.defaults.items():
                group.setdefault(name, value)
            if "gate" in group:
                home = self._home(group)
                numbers = {k: v.to(home, accumulator(home)) for k, v in group["gate"].items() if k != "form"}
                group["gate"] = {"form": self.form, **numbers}
            on_device = group["capturable"] or group["fused"]
            for p in group["params"]:
                if "step" in (of_p := self.state.get(p, {})):
                    step = torch.as_tensor(of_p["step"], dtype=torch.float32)
                    of_p["step"] = step.to(p.device if on_device else "cpu")


def adam_preconditioner(state: Mapping[str, Any]) -> Tensor:
    """(1 - beta1^t)(sqrt(m_t/(1 - beta2^t)) + eps), of the state and the options of one parameter."""
    (beta1, beta2), t = state["betas"], float(state["step"])
    second_moment = state["max_exp_avg_sq"] if state.get("amsgrad") else state["exp_avg_sq"]
    return (1 - beta1**t) * ((second_moment / (1 - beta2**t)).sqrt() + state["eps"])


def _check_options(options: dict[str, Any], gate: gates.GateForm, law: Any) -> None:
    """Each option of a group lies in its domain; the messages use the names of the constructor."""
    lr, betas = options["lr"], options["betas"]
    if isinstance(lr, Tensor) and lr.numel() != 1:
        raise ValueError(f"lr must be a number or a 1-element tensor (Tensor lr must be 1-element), got {lr}")
    if not isinstance(betas, tuple | list) or len(betas) != 2:
        raise TypeError(f"betas must be a pair of numbers, got {betas!r}")
    domains = {"beta3": "[0, inf)", "alpha1": "[0, inf]", "eps": "(0, inf)", "weight_decay": "[0, inf)"}
    numbers = {name: (options[name], domain) for name, domain in domains.items()}
    numbers |= {f"betas[{i}]": (beta, "[0, 1)") for i, beta in enumerate(betas)}
    numbers["lr"] = (lr.detach().reshape(()).item() if isinstance(lr, Tensor) else lr, "[0, inf)")
    for name, (value, domain) in numbers.items():
        if not isinstance(value, float | int) or isinstance(hyper_parameter(name, value, domain), np.ndarray):
            raise TypeError(f"{name} must be a number in {domain}, got {value!r}")
    if law.start() > options["alpha1"]:
        raise ValueError(f"w0 must lie in [0, alpha1], got {law.start()} with alpha1 {options['alpha1']}")
    if options["fused"] and (options["foreach"] or options["differentiable"]):
        other = "foreach" if options["foreach"] else "differentiable"
        raise ValueError(f"fused must be False with {other}, got True")
    if options["foreach"] and options["differentiable"]:
        raise ValueError("foreach must be False with differentiable, got True")
    if options["fused"] and (gate.on_gradient or gate.per_coordinate or in_adam_metric(gate)):
        raise ValueError(f"fused must be False with the gate {gate.name!r}, got True")
