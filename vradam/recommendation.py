r"""Which gate do I take? One page.

**Short.** ``vradam.recommended(steps=N)``: the gate form :data:`vradam.gates.adam_metric` under the opening law
:func:`vradam.laws.held` with g = max(beta1^2, 1 - 10/N). It is not shown to train better than Adam; it is the gate that
keeps what Adam has.

**Which g?** Two numbers, and the larger one counts.

* Stability asks for g >= beta1^2 (.81 at beta1 = .9, .98 at .99). Then momentum on every quadratic converges from every
  start for every learning rate below the edge, whatever the gate sees (claim S8). Smaller g is not safe against every
  signal; without a law an adversary's signal multiplies the state by up to 2.4 a step below the edge.
* The rate asks for 1 - g = c/N in a run of N steps. Then the bound of Adam's proof stays, times 1 + alpha1, plus a term
  of lower order that grows with c (claim C3). c = 10 is at least 2 ln(1 + alpha1), so that a peak at the start is
  forgotten within the run. For a fixed g no bound can vanish: g = .99 leaves a plateau.
* No horizon: g = .99, or beta1^2 where that is more; stable, without a guarantee about the rate.

**Averaged or held?** Both close at once and open slowly. Measured on one sharp direction at eight times the edge,
beta1 = .9 (v*^2 is the speed at which the step size sits at the edge):

==================  =====================  ======================
gate                peak v^2 over v*^2     mean eta L over B
==================  =====================  ======================
published           3,900                  .14
averaged, g = .99   2.1                    .98
averaged, g = .999  31-44                  .97
held, g = beta1^2   37                     .49
held, g = .99       2.7-3.5                .83
held, g = .999      2.7-3.2                .81
==================  =====================  ======================

The averaged gate holds the step size closer to the edge; its bursts grow with g. The held gate's do not from .99 on,
its step size is a sixth lower, and it is never more open than the published gate, so that runs beyond the edge stay
bounded whenever the published gate's do (claim S6).

**Why Adam's metric?** ||v||^2 has the units of a squared gradient: multiply the loss by 1,000 and the published gate
shuts. v' P^-2 v / d has none.
"""

from __future__ import annotations

from typing import Final

from vradam.gates import adam_metric
from vradam.laws import held
from vradam.optimizer import Array, Rate, VRAdam
from vradam.validation import hyper_parameter, whole_number

#: 1 - g = FORGOTTEN/N; at least 2 ln(1 + alpha1), so that one early peak is forgotten within a run.
FORGOTTEN: Final = 10.0
#: g without a horizon: stable below the edge for beta1 up to .99, without a guarantee about the rate.
OPEN_ENDED: Final = 0.99


def recommended(
    steps: int | None = None,
    alpha0: Rate = 1e-3,
    beta1: float = 0.9,
    beta2: float | Array = 0.999,
    weight_decay: float | Array = 0.0,
) -> VRAdam:
    r"""VRAdam with the gate that this project would take: the held kinetic energy in Adam's metric.

    .. math::
        z_t = v_t^\top P_t^{-2} v_t / d, \qquad w_t = \max\{\min(z_t, 19),\; g\, w_{t-1}\}, \qquad
        \eta_t = \alpha_0/(1 + w_t), \qquad g = \max(\beta_1^2,\, 1 - 10/N)

    with P_t = sqrt(m_t/(1 - beta2^t)) + eps. The reasons, one for each choice:

    * *the law* ``held(g)`` closes at once and opens by at most the factor g a step. With g >= beta1^2 momentum on every
      quadratic (Adam with its preconditioner frozen) converges from every start for every learning rate below the edge,
      whatever the signal; the published gate has cycles there. With 1 - g = O(1/N) the rate O(ln N/sqrt N) of Adam's
      proof stays, times 1 + alpha1; the published gate can keep a bias.
    * *held, not averaged*: w_t is never below the published gate's, so that runs beyond the edge stay bounded, and the
      bursts are smaller; the price is a somewhat lower mean learning rate there.
    * *Adam's metric*: gradients multiplied by a number give the same run (eps aside), so that beta3 = 1 means the same
      for every loss; the published ||v||^2 does not.
    * *N known*: c = 10 >= 2 ln(1 + alpha1), so that one early peak is forgotten within a run.
    * *N unknown*: g = .99 (or beta1^2 where that is more): stable, without a guarantee about the rate.

    It is not claimed to widen the range of learning rates that work, nor to train better.

    Parameters
    ----------
    steps : int, optional
        The horizon N >= 1; None where it is unknown.
    alpha0 : float, array over the runs, or callable
        Learning rate, [0, inf), or a schedule.
    beta1 : float
        [0, 1).
    beta2 : float or array over the runs
        [0, 1).
    weight_decay : float or array over the runs
        [0, inf).

    Returns
    -------
    VRAdam

    Raises
    ------
    ValueError, TypeError
        If an argument lies outside its domain.

    Examples
    --------
    >>> optimizer = recommended(steps=10_000)
    >>> optimizer.gate.name, optimizer.law.name, optimizer.alpha1
    ('adam_metric', 'held(0.999)', 19.0)
    >>> recommended(steps=20).law.name, recommended().law.name
    ('held(0.81)', 'held(0.99)')
    """
    beta1 = float(hyper_parameter("beta1", beta1, "[0, 1)"))
    slow = OPEN_ENDED
    if steps is not None:
        slow = 1 - FORGOTTEN / max(whole_number("steps", steps, least=1), 2 * FORGOTTEN)
    return VRAdam(
        alpha0=alpha0,
        alpha1=19.0,
        beta1=beta1,
        beta2=beta2,
        beta3=1.0,
        weight_decay=weight_decay,
        gate=adam_metric,
        law=held(max(beta1**2, slow)),
    )
