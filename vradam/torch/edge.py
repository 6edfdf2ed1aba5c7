"""The edge of stability of what PyTorch trains: curvature of a loss, raw and as an optimizer's preconditioner sees it.

Every optimizer can take part whose step is theta_t = (1 - eta_t lambda) theta_{t-1} - eta_t P_t^-1 v_t, with the
exponential average v_t of the gradients. The comparison is B(beta1)/eta_t, see :mod:`vradam.sharpness`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol, runtime_checkable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.optim import SGD, Adam, AdamW, Optimizer, RMSprop

from vradam.sharpness import Edge, largest_eigenvalue, series, stability_threshold
from vradam.torch.optimizer import VRAdam, adam_preconditioner
from vradam.validation import whole_number

Loss = Callable[[], Tensor]


@runtime_checkable
class Preconditioned(Protocol):
    """What an optimizer of your own must have to take part.

    ``state`` is what it keeps of one parameter, ``optimizer.state[p]``, together with the options of its group and the
    ``parameter``; the result is the diagonal of P_t, like the parameter. The optimizer's rate is ``learning_rate``, a
    number for each group, where it has this attribute, else the option ``lr``; beta1 is the first of the option
    ``betas``, else ``momentum``, else 0.
    """

    def preconditioner(self, state: Mapping[str, Any]) -> Tensor:
        """The diagonal of P_t of one parameter."""
        ...


def sharpness(
    loss: Loss,
    params: Iterable[Tensor],
    preconditioner: Mapping[Tensor, Tensor] | None = None,
    tolerance: float = 1e-4,
) -> float:
    """lambda_max of the Hessian of ``loss`` in ``params``, or of P^-1 H with the diagonals P of ``preconditioner``.

    Parameters
    ----------
    loss : Loss
        Without arguments; computes the loss from the current parameters; called once. Leave out what is random
        or counts calls (dropout, batch statistics), or set the module to evaluate.
    params : iterable of Tensor
        Real parameters that require gradients.
    preconditioner : mapping of tensors, optional
        The diagonal of P for each of them, as :func:`preconditioner` returns it.
    tolerance : float
        Relative residual at which the iteration ends; up to 128 parameters the result is exact. The error of the
        eigenvalue is smaller, of the order of the residual's square over the gap. In float32 not below 1e-6.

    Returns
    -------
    float
        NaN where the Hessian or P is not finite.

    Raises
    ------
    TypeError
        For complex parameters.
    ValueError
        If there are no parameters.

    Examples
    --------
    >>> x = torch.tensor([1.0, 2.0], dtype=torch.float64, requires_grad=True)
    >>> sharpness(lambda: (torch.tensor([3.0, 1.0]) * x**4).sum() / 12, [x])       # H = diag(3 x_1^2, x_2^2)
    4.0
    """
    params = list(params)
    if not params:
        raise ValueError("params must hold at least one parameter, got none")
    if any(p.is_complex() for p in params):
        raise TypeError("params must be real, got a complex parameter")
    product = _hessian_product(loss, params)
    scale: Any = 1.0
    if preconditioner is not None:
        scale = 1 / np.sqrt(_flat([preconditioner[p].expand(p.shape) for p in params]))
        if not np.isfinite(scale).all():
            return float("nan")

    def scaled(u: NDArray[np.floating]) -> NDArray[np.floating]:
        return scale * _flat(product(_like(scale * u, params)))

    return float(largest_eigenvalue(scaled, sum(p.numel() for p in params), tolerance=tolerance))


def preconditioner(optimizer: Optimizer) -> dict[Tensor, Tensor]:
    """The diagonal of P_t for every parameter that has taken a step, after that step.

    Returns
    -------
    dict
        One tensor like each parameter, by parameter.

    Raises
    ------
    TypeError
        For an optimizer whose step does not have the form above.
    ValueError
        For a gate per coordinate, which leaves no single learning rate.

    Notes
    -----
    ==================================  =========================================================
    VRAdam, Adam, AdamW                 (1 - beta1^t) (sqrt(m_t/(1 - beta2^t)) + eps)
    RMSprop, neither centred nor with   sqrt(m_t) + eps
    momentum
    SGD without Nesterov's momentum     (1 - momentum)/(1 - dampening), once its momentum is up
    any other                           its method ``preconditioner``, see :class:`Preconditioned`
    ==================================  =========================================================

    """
    if isinstance(optimizer, VRAdam) and optimizer.gate.per_coordinate:
        raise ValueError("optimizer must have one learning rate, got a gate per coordinate")
    if isinstance(optimizer, Preconditioned):
        formula: Callable[[Mapping[str, Any]], Tensor] = optimizer.preconditioner
    else:
        formulas = {Adam: adam_preconditioner, AdamW: adam_preconditioner, RMSprop: _rmsprop, SGD: _sgd}
        if type(optimizer) not in formulas:
            raise TypeError(f"optimizer must precondition momentum, got {type(optimizer).__name__}")
        formula = formulas[type(optimizer)]
    with torch.no_grad():
        return {p: formula({**group, **optimizer.state.get(p, {}), "parameter": p}) for group, p in _moved(optimizer)}


def curvature(loss: Loss, optimizer: Optimizer, step: int = 0, tolerance: float = 1e-4) -> Edge:
    """Sharpness, preconditioned sharpness, and the edge, at the present parameters; ``step`` is only noted.

    Where groups have different rates, the rate of the first is reported, and P of the others is measured in it.

    Raises
    ------
    TypeError, ValueError
        See :func:`preconditioner`; if beta1 differs between groups; before the first step.

    Examples
    --------
    >>> x = torch.tensor([2.0, 1.0], dtype=torch.float64, requires_grad=True)
    >>> optimizer = torch.optim.SGD([x], lr=0.1)
    >>> def loss(): return (torch.tensor([3.0, 1.0]) * x**2).sum() / 2
    >>> loss().backward()
    >>> optimizer.step()
    >>> curvature(loss, optimizer)
    Edge(step=0, sharpness=3.0, preconditioned=3.0, learning_rate=0.1, threshold=20.0)
    """
    diagonals = preconditioner(optimizer)
    if not diagonals:
        raise ValueError("optimizer must have taken a step, got none")
    groups = optimizer.param_groups
    momenta = {float(_beta1(group)) for group in groups}
    if len(momenta) > 1:
        raise ValueError(f"beta1 must be the same in all groups, got {sorted(momenta)}")
    rates = getattr(optimizer, "learning_rate", [group["lr"] for group in groups])
    rates = [float(rate) for rate in rates]
    for group, rate in zip(groups, rates, strict=True):
        if rate != rates[0]:
            relative = rates[0] / rate if rate else float("inf")
            diagonals |= {p: diagonals[p] * relative for p in group["params"] if p in diagonals}
    raw = sharpness(loss, diagonals, tolerance=tolerance)
    seen = sharpness(loss, diagonals, diagonals, tolerance)
    threshold = float(stability_threshold(momenta.pop(), rates[0])) if rates[0] > 0 else float("inf")
    return Edge(step, raw, seen, rates[0], threshold)


class Watch:
    """The measurements of :func:`watch`, in ``measured``; ``close()`` ends them."""

    def __init__(self, optimizer: Optimizer, loss: Loss, every: int, tolerance: float) -> None:
        self.optimizer, self.loss, self.tolerance = optimizer, loss, tolerance
        self.every = whole_number("every", every, least=1)
        self.steps = 0
        self.measured: list[Edge] = []
        self._hook = optimizer.register_step_post_hook(lambda *_: self._after_step())

    def _after_step(self) -> None:
        self.steps += 1
        if self.steps % self.every == 0:
            self.measured.append(curvature(self.loss, self.optimizer, self.steps, self.tolerance))

    @property
    def series(self) -> Edge:
        """The measurements as one :class:`Edge` of arrays, each (measurements,)."""
        return series(self.measured)

    def close(self) -> None:
        """Measure no more."""
        self._hook.remove()


def watch(optimizer: Optimizer, loss: Loss, every: int = 10, tolerance: float = 1e-4) -> Watch:
    """Measure :func:`curvature` after the steps every, 2 every, ... that ``optimizer`` takes from now on.

    ``loss`` should be the same function each time: of all data, or of one batch that is kept.

    Returns
    -------
    Watch
        Its ``measured`` grows; ``series`` are the measurements as arrays.

    Raises
    ------
    TypeError, ValueError
        If ``every`` is no integer of at least 1; at the first measurement see :func:`curvature`.

    Examples
    --------
    >>> x = torch.tensor([2.0, 1.0], dtype=torch.float64, requires_grad=True)
    >>> optimizer = VRAdam([x], lr=0.1, eps=1e-12)
    >>> record = watch(optimizer, lambda: x.square().sum() / 2, every=2)
    >>> for _ in range(4):
    ...     optimizer.zero_grad()
    ...     record.loss().backward()
    ...     optimizer.step()
    >>> record.series.step.tolist(), record.series.sharpness.tolist()
    ([2, 4], [1.0, 1.0])
    """
    return Watch(optimizer, loss, every, tolerance)


def _moved(optimizer: Optimizer) -> Iterable[tuple[dict[str, Any], Tensor]]:
    for group in optimizer.param_groups:
        for p in group["params"]:
            if optimizer.state.get(p) or (isinstance(optimizer, SGD) and p.requires_grad):
                yield group, p


def _beta1(group: Mapping[str, Any]) -> float:
    return group["betas"][0] if "betas" in group else group.get("momentum", 0.0)


def _rmsprop(state: Mapping[str, Any]) -> Tensor:
    if state["centered"] or state["momentum"]:
        raise TypeError("optimizer must precondition momentum, got RMSprop that is centered or has momentum")
    return state["square_avg"].sqrt() + state["eps"]


def _sgd(state: Mapping[str, Any]) -> Tensor:
    if state["nesterov"]:
        raise TypeError("optimizer must precondition momentum, got SGD with Nesterov's momentum")
    return torch.full_like(state["parameter"], (1 - state["momentum"]) / (1 - state["dampening"]))


def _hessian_product(loss: Loss, params: list[Tensor]) -> Callable[[list[Tensor]], list[Tensor]]:
    """u -> H u, from one graph of the gradient."""
    with torch.enable_grad():
        slopes = torch.autograd.grad(loss(), params, create_graph=True, materialize_grads=True)
    curved = [i for i, slope in enumerate(slopes) if slope.requires_grad]

    def product(vectors: list[Tensor]) -> list[Tensor]:
        if not curved:
            return [torch.zeros_like(p) for p in params]
        along = [vectors[i] for i in curved]
        outputs = [slopes[i] for i in curved]
        return list(torch.autograd.grad(outputs, params, along, retain_graph=True, materialize_grads=True))

    return product


def _flat(tensors: Iterable[Tensor]) -> NDArray[np.float64]:
    return torch.cat([tensor.detach().reshape(-1).to("cpu", torch.float64) for tensor in tensors]).numpy()


def _like(vector: NDArray[np.floating], params: list[Tensor]) -> list[Tensor]:
    pieces = torch.from_numpy(np.ascontiguousarray(vector)).split([p.numel() for p in params])
    return [piece.view(p.shape).to(p) for piece, p in zip(pieces, params, strict=True)]
