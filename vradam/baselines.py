"""The optimizers that VRAdam is compared with, in the protocol of VRAdam: pure, batched over the leading axes.

All of them share :class:`~vradam.gated.State`; what an optimizer does not need stays zero. ``alpha0`` is the
learning rate everywhere (a number, an array over the runs or a schedule), ``beta1`` the decay of the velocity,
``beta2`` that of the second moment, and ``weight_decay`` is decoupled: ``(1 - eta_t weight_decay) theta_{t-1}`` takes
the place of theta_{t-1}. Hyper-parameters outside their domain raise ValueError or TypeError, as in VRAdam.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from vradam.display import short_html, short_repr
from vradam.gated import Array, Rate, State
from vradam.spelling import spelt
from vradam.stepping import (
    adam_direction,
    adam_preconditioner,
    at_rest,
    average_of_squares,
    corrected_root,
    moved,
    no_preconditioner,
    rate,
    rectification,
    ungated_learning_rate,
)
from vradam.validation import check_fields, matching, over_runs, restore

RATE, DECAY, POSITIVE, NON_NEGATIVE = "[0, inf)", "[0, 1)", "(0, inf)", "[0, inf)"
MOMENTS = {"alpha0": RATE, "beta1": DECAY, "beta2": DECAY, "eps": POSITIVE}


@spelt
@dataclass(frozen=True, kw_only=True, eq=False)
class GradientDescent:
    r"""Gradient descent :math:`\theta_t = (1-\alpha_0\lambda)\theta_{t-1} - \alpha_0 g_t`.

    On a quadratic it is stable for alpha0 L < 2. Source: Cauchy (1847); Robbins and Monro (1951) with stochastic g_t.

    >>> x = np.array([1.0, -2.0])
    >>> optimizer = GradientDescent(alpha0=0.25)
    >>> optimizer.step(x, x, optimizer.init(x))[0]
    array([ 0.75, -1.5 ])
    """

    alpha0: Rate = 1e-2
    weight_decay: float | Array = 0.0

    def __post_init__(self) -> None:
        check_fields(self, {"alpha0": RATE, "weight_decay": NON_NEGATIVE})

    @np.errstate(over="ignore", invalid="ignore")
    def step(self, x: ArrayLike, grad: ArrayLike, state: State) -> tuple[Array, State]:
        x, grad = matching(x, grad)
        eta = rate(self, state, x)
        return moved(x, eta, self.weight_decay, grad), state._replace(step=state.step + 1)

    init = staticmethod(at_rest)
    learning_rate = ungated_learning_rate
    __setstate__ = restore
    __repr__, _repr_html_ = short_repr, short_html
    preconditioner = no_preconditioner


@spelt
@dataclass(frozen=True, kw_only=True, eq=False)
class HeavyBall:
    r"""Polyak's heavy ball, the velocity a sum: :math:`v_t = \beta_1 v_{t-1} + g_t`,
    :math:`\theta_t = (1-\alpha_0\lambda)\theta_{t-1} - \alpha_0 v_t`.

    With a constant rate :math:`\theta_{t} = \theta_{t-1} - \alpha_0 g_t + \beta_1(\theta_{t-1}-\theta_{t-2})`: it is
    :class:`VRMomentum` with beta3 = 0 at the rate alpha0/(1-beta1), stable on a quadratic for alpha0 L < 2(1+beta1).
    Source: Polyak, USSR Comput. Math. Math. Phys. 4 (1964) 1.
    """

    alpha0: Rate = 1e-2
    beta1: float | Array = 0.9
    weight_decay: float | Array = 0.0

    def __post_init__(self) -> None:
        check_fields(self, {"alpha0": RATE, "beta1": DECAY, "weight_decay": NON_NEGATIVE})

    @np.errstate(over="ignore", invalid="ignore")
    def step(self, x: ArrayLike, grad: ArrayLike, state: State) -> tuple[Array, State]:
        x, grad = matching(x, grad)
        t = state.step + 1
        velocity = over_runs("beta1", self.beta1, x) * state.velocity + grad
        x = moved(x, rate(self, state, x), self.weight_decay, velocity)
        return x, state._replace(velocity=velocity, step=t)

    init = staticmethod(at_rest)
    learning_rate = ungated_learning_rate
    __setstate__ = restore
    __repr__, _repr_html_ = short_repr, short_html

    def preconditioner(self, state: State) -> Array:
        ones = no_preconditioner(self, state)
        return (1 - over_runs("beta1", self.beta1, ones)) * ones


@spelt
@dataclass(frozen=True, kw_only=True, eq=False)
class Nesterov:
    r"""Nesterov's momentum with a constant factor: :math:`v_t = \beta_1 v_{t-1} + g_t`,
    :math:`\theta_t = (1-\alpha_0\lambda)\theta_{t-1} - \alpha_0(g_t + \beta_1 v_t)`.

    theta_t is the extrapolated point, where gradients are taken: with y_t = theta_t + alpha0 beta1 v_t (lambda = 0),
    y_t = theta_{t-1} - alpha0 g_t and theta_t = y_t + beta1 (y_t - y_{t-1}).
    Source: Nesterov, Soviet Math. Dokl. 27 (1983) 372; in this form Sutskever, Martens, Dahl, Hinton, ICML 2013.
    """

    alpha0: Rate = 1e-2
    beta1: float | Array = 0.9
    weight_decay: float | Array = 0.0

    def __post_init__(self) -> None:
        check_fields(self, {"alpha0": RATE, "beta1": DECAY, "weight_decay": NON_NEGATIVE})

    @np.errstate(over="ignore", invalid="ignore")
    def step(self, x: ArrayLike, grad: ArrayLike, state: State) -> tuple[Array, State]:
        x, grad = matching(x, grad)
        t = state.step + 1
        beta1 = over_runs("beta1", self.beta1, x)
        velocity = beta1 * state.velocity + grad
        eta = rate(self, state, x)
        x = moved(x, eta, self.weight_decay, grad + beta1 * velocity)
        return x, state._replace(velocity=velocity, step=t)

    init = staticmethod(at_rest)
    learning_rate = ungated_learning_rate
    __setstate__ = restore
    __repr__, _repr_html_ = short_repr, short_html


@spelt
@dataclass(frozen=True, kw_only=True, eq=False)
class RMSProp:
    r"""RMSProp: :math:`m_t = \beta_2 m_{t-1} + (1-\beta_2) g_t^2`,
    :math:`\theta_t = (1-\alpha_0\lambda)\theta_{t-1} - \alpha_0 g_t/(\sqrt{m_t}+\varepsilon)`.

    No momentum, no bias correction, epsilon outside the root.
    Source: Tieleman and Hinton, Lecture 6.5, Neural Networks for Machine Learning (2012).
    """

    alpha0: Rate = 1e-2
    beta2: float | Array = 0.99
    eps: float | Array = 1e-8
    weight_decay: float | Array = 0.0

    def __post_init__(self) -> None:
        check_fields(self, {"alpha0": RATE, "beta2": DECAY, "eps": POSITIVE, "weight_decay": NON_NEGATIVE})

    @np.errstate(over="ignore", invalid="ignore")
    def step(self, x: ArrayLike, grad: ArrayLike, state: State) -> tuple[Array, State]:
        x, grad = matching(x, grad)
        t = state.step + 1
        second_moment = average_of_squares(over_runs("beta2", self.beta2, x), state.second_moment, grad)
        direction = grad / (np.sqrt(second_moment) + over_runs("eps", self.eps, x))
        x = moved(x, rate(self, state, x), self.weight_decay, direction)
        return x, state._replace(second_moment=second_moment, step=t)

    init = staticmethod(at_rest)
    learning_rate = ungated_learning_rate
    __setstate__ = restore
    __repr__, _repr_html_ = short_repr, short_html

    def preconditioner(self, state: State) -> Array:
        m = np.asarray(state.second_moment, dtype=np.float64)
        return np.sqrt(m) + over_runs("eps", self.eps, m) if state.step else np.full(m.shape, np.nan)


@spelt
@dataclass(frozen=True, kw_only=True, eq=False)
class Adam:
    r"""Adam.

    .. math::
        v_t &= \beta_1 v_{t-1} + (1-\beta_1) g_t, \qquad m_t = \beta_2 m_{t-1} + (1-\beta_2) g_t^2 \\
        \theta_t &= \theta_{t-1} - \alpha_0 \frac{v_t/(1-\beta_1^t)}{\sqrt{m_t/(1-\beta_2^t)} + \varepsilon}

    Source: Kingma and Ba, arXiv:1412.6980, Algorithm 1.

    >>> x = np.array([3.0, -0.01])
    >>> optimizer = Adam(alpha0=0.1)
    >>> optimizer.step(x, x, optimizer.init(x))[0].round(6)         # the first step is alpha0 sign(g)
    array([2.9 , 0.09])
    """

    alpha0: Rate = 1e-3
    beta1: float | Array = 0.9
    beta2: float | Array = 0.999
    eps: float | Array = 1e-8

    def __post_init__(self) -> None:
        check_fields(self, MOMENTS)

    @np.errstate(over="ignore", invalid="ignore")
    def step(self, x: ArrayLike, grad: ArrayLike, state: State) -> tuple[Array, State]:
        x, grad = matching(x, grad)
        direction, after = adam_direction(self, grad, state)
        return moved(x, rate(self, state, x), 0.0, direction), after

    init = staticmethod(at_rest)
    learning_rate = ungated_learning_rate
    __setstate__ = restore
    __repr__, _repr_html_ = short_repr, short_html
    preconditioner = adam_preconditioner


@spelt
@dataclass(frozen=True, kw_only=True, eq=False)
class AdamW:
    r"""Adam with decoupled weight decay: :math:`\theta_{t-1}` in Adam becomes :math:`(1-\alpha_0\lambda)\theta_{t-1}`.

    VRAdam with beta3 = 0 or alpha1 = 0 is this optimizer. Source: Loshchilov and Hutter, arXiv:1711.05101, Algorithm 2,
    with the decay multiplied by the learning rate.
    """

    alpha0: Rate = 1e-3
    beta1: float | Array = 0.9
    beta2: float | Array = 0.999
    eps: float | Array = 1e-8
    weight_decay: float | Array = 1e-2

    def __post_init__(self) -> None:
        check_fields(self, MOMENTS | {"weight_decay": NON_NEGATIVE})

    @np.errstate(over="ignore", invalid="ignore")
    def step(self, x: ArrayLike, grad: ArrayLike, state: State) -> tuple[Array, State]:
        x, grad = matching(x, grad)
        direction, after = adam_direction(self, grad, state)
        return moved(x, rate(self, state, x), self.weight_decay, direction), after

    init = staticmethod(at_rest)
    learning_rate = ungated_learning_rate
    __setstate__ = restore
    __repr__, _repr_html_ = short_repr, short_html
    preconditioner = adam_preconditioner


@spelt
@dataclass(frozen=True, kw_only=True, eq=False)
class RAdam:
    r"""Rectified Adam: momentum until the variance of the adaptive step is finite, then Adam with a rectified rate.

    .. math::
        \rho_\infty = \frac{2}{1-\beta_2} - 1, \qquad \rho_t = \rho_\infty - \frac{2t\beta_2^t}{1-\beta_2^t}, \qquad
        r_t^2 = \frac{(\rho_t-4)(\rho_t-2)\rho_\infty}{(\rho_\infty-4)(\rho_\infty-2)\rho_t}

    with the moments of :class:`Adam`: if rho_t > 4 the step is
    :math:`\alpha_0 r_t \hat v_t/(\sqrt{\hat m_t}+\varepsilon)`, otherwise :math:`\alpha_0 \hat v_t`. Its learning rate
    is alpha0 r_t or alpha0. Weight decay is decoupled and multiplied by alpha0.
    Source: Liu et al., arXiv:1908.03265, Algorithm 2, with epsilon added to the root; widespread implementations ask
    for rho_t > 5.
    """

    alpha0: Rate = 1e-3
    beta1: float | Array = 0.9
    beta2: float | Array = 0.999
    eps: float | Array = 1e-8
    weight_decay: float | Array = 0.0

    def __post_init__(self) -> None:
        check_fields(self, MOMENTS | {"weight_decay": NON_NEGATIVE})

    @np.errstate(over="ignore", invalid="ignore")
    def step(self, x: ArrayLike, grad: ArrayLike, state: State) -> tuple[Array, State]:
        x, grad = matching(x, grad)
        t, eta = state.step + 1, rate(self, state, x)
        beta1, beta2 = over_runs("beta1", self.beta1, x), over_runs("beta2", self.beta2, x)
        velocity = beta1 * state.velocity + (1 - beta1) * grad
        second_moment = average_of_squares(over_runs("beta2", self.beta2, x), state.second_moment, grad)
        rectified, r = rectification(over_runs("beta2", self.beta2, x.astype(np.float64)), t)
        root = corrected_root(second_moment, beta2, t) + over_runs("eps", self.eps, x)
        direction = r.astype(x.dtype) * velocity / np.where(rectified, root, 1) / (1 - beta1**t)
        x = moved(x, eta, self.weight_decay, direction)
        return x, State(velocity, second_moment, state.kinetic, t)

    init = staticmethod(at_rest)
    __setstate__ = restore
    __repr__, _repr_html_ = short_repr, short_html

    def learning_rate(self, state: State) -> Array:
        _, r = rectification(np.asarray(self.beta2), max(state.step, 1))
        return ungated_learning_rate(self, state) * r

    def preconditioner(self, state: State) -> Array:
        ones, t = no_preconditioner(self, state), state.step
        rectified, _ = rectification(over_runs("beta2", self.beta2, ones), max(t, 1))
        unscaled = (1 - over_runs("beta1", self.beta1, ones) ** t) * ones
        return np.where(rectified, adam_preconditioner(self, state), unscaled)


@spelt
@dataclass(frozen=True, kw_only=True, eq=False)
class Lion:
    r"""Lion: the sign of an interpolation between the velocity and the gradient.

    .. math::
        \theta_t &= (1-\alpha_0\lambda)\theta_{t-1} - \alpha_0 \operatorname{sign}(\beta_1 v_{t-1} + (1-\beta_1) g_t) \\
        v_t &= \beta_2 v_{t-1} + (1-\beta_2) g_t

    Source: Chen et al., arXiv:2302.06675, Algorithm 2.

    >>> x = np.array([3.0, -0.01, 0.0])
    >>> optimizer = Lion(alpha0=0.25)
    >>> optimizer.step(x, x, optimizer.init(x))[0]
    array([2.75, 0.24, 0.  ])
    """

    alpha0: Rate = 1e-4
    beta1: float | Array = 0.9
    beta2: float | Array = 0.99
    weight_decay: float | Array = 0.0

    def __post_init__(self) -> None:
        check_fields(self, {"alpha0": RATE, "beta1": DECAY, "beta2": DECAY, "weight_decay": NON_NEGATIVE})

    @np.errstate(over="ignore", invalid="ignore")
    def step(self, x: ArrayLike, grad: ArrayLike, state: State) -> tuple[Array, State]:
        x, grad = matching(x, grad)
        beta1, beta2 = over_runs("beta1", self.beta1, x), over_runs("beta2", self.beta2, x)
        direction = np.sign(beta1 * state.velocity + (1 - beta1) * grad)
        velocity = beta2 * state.velocity + (1 - beta2) * grad
        x = moved(x, rate(self, state, x), self.weight_decay, direction)
        return x, state._replace(velocity=velocity, step=state.step + 1)

    init = staticmethod(at_rest)
    learning_rate = ungated_learning_rate
    __setstate__ = restore
    __repr__, _repr_html_ = short_repr, short_html
