"""The edge of stability of what JAX trains: curvature of a loss, raw and as an optimizer's preconditioner sees it.

The comparison is B(beta1)/eta_t, see :mod:`vradam.sharpness`.

"""

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from vradam.optax.transform import ScaleByVRAdamState, Tree, check, parts, within
from vradam.sharpness import Edge, largest_eigenvalue, stability_threshold


def sharpness(
    loss: Callable[[Tree], jax.Array], params: Tree, preconditioner: Tree | None = None, tolerance: float = 1e-4
) -> float:
    """lambda_max of the Hessian of ``loss`` at ``params``, or of P^-1 H with the diagonal P in a tree like ``params``.

    Parameters
    ----------
    loss : callable
        A function of the parameters alone. It is compiled once, so give the same function each time.
    params : Tree
        Tree of real arrays.
    preconditioner : Tree, optional
        The diagonal of P.
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

    Examples
    --------
    >>> sharpness(lambda x: (3 * x[0] ** 4 + x[1] ** 4) / 12, jnp.array([1.0, 2.0]))       # H = diag(3 x_1^2, x_2^2)
    4.0
    """
    leaves, structure = jax.tree.flatten(params)
    if any(jnp.iscomplexobj(leaf) for leaf in leaves):
        raise TypeError("params must be real, got a complex parameter")
    scale: Any = 1.0
    if preconditioner is not None:
        whole = jax.tree.map(lambda p, each: jnp.broadcast_to(each, jnp.shape(p)), params, preconditioner)
        scale = 1 / np.sqrt(_flat(whole))
        if not np.isfinite(scale).all():
            return float("nan")
    ends = np.cumsum([np.size(leaf) for leaf in leaves])

    def product(u: np.ndarray) -> np.ndarray:
        pieces = np.split(scale * u, ends[:-1])
        parts = [piece.reshape(leaf.shape).astype(leaf.dtype) for piece, leaf in zip(pieces, leaves, strict=True)]
        return scale * _flat(_hessian_product(loss, params, jax.tree.unflatten(structure, parts)))

    return float(largest_eigenvalue(product, int(ends[-1]), tolerance=tolerance))


def adam_preconditioner(b1: float = 0.9, b2: float = 0.999, eps: float = 1e-8) -> Callable[[Tree], Tree]:
    """``preconditioner(state)`` for VRAdam and optax's Adam: (1 - b1^t)(sqrt(m_t/(1 - b2^t)) + eps), a tree.

    The state may be nested in chains and wrappers; what counts is the first part of it that has ``nu`` and ``count``.
    """

    def preconditioner(state: Tree) -> Tree:
        found = within(state, (ScaleByVRAdamState, optax.ScaleByAdamState))
        t = float(found.count)
        return jax.tree.map(lambda m: (1 - b1**t) * (jnp.sqrt(m / (1 - b2**t)) + eps), found.nu)

    return preconditioner


def curvature(
    loss: Callable[[Tree], jax.Array],
    params: Tree,
    state: Tree,
    learning_rate: optax.ScalarOrSchedule,
    preconditioner: Callable[[Tree], Tree] | None = None,
    b1: float = 0.9,
    tolerance: float = 1e-4,
) -> Edge:
    """Sharpness, preconditioned sharpness and the edge after a step; call it at an interval of your choice.

    Parameters
    ----------
    loss, params, tolerance
        See :func:`sharpness`; the parameters after the step.
    state : Tree
        The optimizer's state after the step.
    learning_rate : optax.ScalarOrSchedule
        What the optimizer was given; the opening of a gate is found in the state.
    preconditioner : callable, optional
        The protocol by which any optimizer takes part: a function of the state that returns the
        diagonal of P_t as a tree like the parameters. By default :func:`adam_preconditioner` with the default b2 and
        eps.
    b1 : float
        The decay of the velocity.

    Returns
    -------
    Edge

    Raises
    ------
    ValueError, TypeError
        Before the first step, for a state without count, for b1 outside [0, 1).

    Examples
    --------
    >>> from vradam.optax import vradam
    >>> x, optimizer = jnp.array([2.0, 4.0]), vradam(0.1, beta3=0.0, eps=1e-12)
    >>> loss = lambda x: (3 * x[0] ** 2 + x[1] ** 2) / 2
    >>> updates, state = optimizer.update(jax.grad(loss)(x), optimizer.init(x), x)           # P_1 = 0.1 diag(6, 4)
    >>> [round(float(number), 4) for number in curvature(loss, x, state, learning_rate=0.1)]
    [1.0, 3.0, 5.0, 0.1, 380.0]
    """
    check("b1", b1, "[0, 1)")
    count = max(_counts(state), default=0)
    if count == 0:
        raise ValueError("state must come from a step, got one without a positive count")
    rate = float(learning_rate(count - 1) if callable(learning_rate) else learning_rate)
    gates = [part for part in parts(state, ScaleByVRAdamState) if isinstance(part, ScaleByVRAdamState)]
    rate *= float(gates[0].opening) if gates else 1.0
    P = (preconditioner or adam_preconditioner(b1))(state)
    raw, seen = sharpness(loss, params, None, tolerance), sharpness(loss, params, P, tolerance)
    return Edge(count, raw, seen, rate, float(stability_threshold(b1, rate)) if rate > 0 else float("inf"))


@partial(jax.jit, static_argnums=0)
def _hessian_product(loss: Callable[[Tree], jax.Array], params: Tree, vector: Tree) -> Tree:
    return jax.jvp(jax.grad(loss), (params,), (vector,))[1]


def _flat(tree: Tree) -> np.ndarray:
    return np.concatenate([np.asarray(leaf, dtype=np.float64).ravel() for leaf in jax.tree.leaves(tree)])


def _counts(state: Tree) -> list[int]:
    return [int(leaf) for path, leaf in jax.tree.leaves_with_path(state) if getattr(path[-1], "name", "") == "count"]
