"""VRAdam as a gradient transformation."""

from typing import Any, NamedTuple, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
import optax

from vradam import gates, laws
from vradam.adapted import chosen_law, in_adam_metric
from vradam.validation import hyper_parameter

Number: TypeAlias = jax.typing.ArrayLike
#: Trees of arrays, of booleans, or functions that return them, as optax has them.
Tree: TypeAlias = Any

#: Squares of a leaf are summed over rows of so many numbers first, so that float32 sums stay right to 1e-6,
ROW = 4096
#: unless the whole leaf is no larger than this.
SMALL = 1 << 14


class ScaleByVRAdamState(NamedTuple):
    """What :func:`scale_by_vradam` remembers between two steps."""

    count: jax.Array  #: t, int32
    mu: Tree  #: v_t, the raw exponential average of the gradients
    nu: Tree  #: m_t, the raw exponential average of their squares
    energy: Tree  #: what the law remembers: ||v_t||^2 or u_t or w_t, (); per coordinate a tree like the parameters
    opening: jax.Array  #: eta_t over the learning rate, (); its mean for a gate per coordinate
    clipped: jax.Array  #: the number of steps in which the clip alpha1 was reached, ()


def vradam(
    learning_rate: optax.ScalarOrSchedule,
    b1: Number = 0.9,
    b2: Number = 0.999,
    beta3: Number = 1.0,
    alpha1: Number = 10.0,
    eps: Number = 1e-8,
    weight_decay: Number = 0.0,
    mask: Tree | None = None,
    *,
    gate: gates.GateForm = gates.published,
    law: laws.Law = laws.published,
    gate_decay: Number | None = None,
    mu_dtype: Any | None = None,
) -> optax.GradientTransformationExtraArgs:
    r"""Velocity-Regularized Adam, the same recursion as :class:`vradam.VRAdam`.

    .. math::
        \eta_t &= \mathrm{learning\_rate}_t / (1 + \min(\beta_3 \|v_t\|^2, \alpha_1)) \\
        \theta_t &= (1-\eta_t\lambda)\theta_{t-1}
            - \eta_t \frac{v_t/(1-b_1^t)}{\sqrt{m_t/(1-b_2^t)} + \varepsilon}

    Parameters
    ----------
    learning_rate : optax.ScalarOrSchedule
        Number or schedule alpha0 in [0, inf), or a function of the count of steps before this one, as everywhere in
        optax.
    b1, b2, beta3, alpha1, eps, weight_decay, mask, gate, law, gate_decay, mu_dtype
        See :func:`scale_by_vradam`. Each number can be injected by ``optax.inject_hyperparams``.

    Returns
    -------
    optax.GradientTransformationExtraArgs

    Raises
    ------
    ValueError, TypeError
        For numbers outside their domains, where they are known before tracing.

    Examples
    --------
    >>> x = jnp.array([3.0, 4.0])
    >>> optimizer = vradam(0.1)
    >>> updates, state = optimizer.update(x, optimizer.init(x), x)     # v_1 = 0.1 (3, 4): eta = 0.1/(1 + 0.25)
    >>> [round(float(value), 5) for value in updates], round(float(opening(state)), 5)
    ([-0.08, -0.08], 0.8)
    """
    if not callable(learning_rate):
        check("learning_rate", learning_rate, "[0, inf)")
    scaling = scale_by_vradam(
        b1, b2, beta3, alpha1, eps, weight_decay, mask, gate=gate, law=law, gate_decay=gate_decay, mu_dtype=mu_dtype
    )
    return optax.chain(scaling, optax.scale_by_learning_rate(learning_rate))


def scale_by_vradam(
    b1: Number = 0.9,
    b2: Number = 0.999,
    beta3: Number = 1.0,
    alpha1: Number = 10.0,
    eps: Number = 1e-8,
    weight_decay: Number = 0.0,
    mask: Tree | None = None,
    *,
    gate: gates.GateForm = gates.published,
    law: laws.Law = laws.published,
    gate_decay: Number | None = None,
    mu_dtype: Any | None = None,
) -> optax.GradientTransformation:
    """Gradients become gamma_t (v_t/(1 - b1^t)/(sqrt(m_t/(1 - b2^t)) + eps) + weight_decay theta_{t-1}).

    Parameters
    ----------
    b1, b2 : Number
        Decays of velocity and second moment, [0, 1).
    beta3 : Number
        Strength of the gate, [0, inf); 0 is ``optax.adamw``.
    alpha1 : Number
        Clip of the gate, [0, inf]; 0 is ``optax.adamw``.
    eps : Number
        Keeps the root of the second moment from zero, (0, inf).
    weight_decay : Number
        Decoupled weight decay lambda, [0, inf).
    mask : Tree, optional
        Which parameters decay, a tree of booleans or a function that returns one, as in ``optax.adamw``.
    gate : GateForm
        What the gate sees and acts on: a norm of :mod:`vradam.gates`, or ``adam_metric``.
    law : Law
        How what it sees closes it: ``published``, ``averaged(g)`` or ``held(g, w0)`` of :mod:`vradam.laws`; ``inside``
        goes with the published law only.
    gate_decay : Number, optional
        Another spelling of ``law=averaged(gate_decay)``, [0, 1).
    mu_dtype : object, optional
        Precision of v_t; by default that of the parameters.

    Returns
    -------
    optax.GradientTransformation

    Raises
    ------
    ValueError, TypeError
        For numbers outside their domains, where they are known before tracing; by ``update`` if there is weight decay
        and no ``params``.

    Notes
    -----
    ||v_t||^2 runs over *all parameters that this transformation is given*: under ``optax.masked`` over those that are
    not masked; in ``optax.multi_transform`` (and ``partition``) over those of its label, so that each label has its own
    gate. With arrays that are sharded under ``jit`` it is the norm of the whole arrays. Inside ``shard_map`` or
    ``pmap`` each device sums what it has: right where parameters are copies and gradients were averaged before, wrong
    where the parameters themselves are split.

    The published gate is not invariant under a change of the units of the loss, so what scales or clips gradients
    counts if it stands before this in a chain. Weight decay is part of it, since Algorithm 1 decays by eta_t lambda and
    not by the learning rate times lambda. For complex parameters m_t averages |g|^2, as in ``optax.adam``.
    """
    domains = {"b1": "[0, 1)", "b2": "[0, 1)", "beta3": "[0, inf)", "alpha1": "[0, inf]", "eps": "(0, inf)"}
    for (name, domain), value in zip(domains.items(), (b1, b2, beta3, alpha1, eps), strict=True):
        check(name, value, domain)
    check("weight_decay", weight_decay, "[0, inf)")
    if gate_decay is not None:
        check("gate_decay", gate_decay, "[0, 1)")
    chosen = chosen_law(gate, law, gate_decay)
    if _known(alpha1) and chosen.start() > alpha1:
        raise ValueError(f"w0 must lie in [0, alpha1], got {chosen.start()} with alpha1 {alpha1}")
    decay = optax.add_decayed_weights(weight_decay, mask)
    decays = not (_known(weight_decay) and weight_decay == 0)

    def init(params: Tree) -> ScaleByVRAdamState:
        mu = optax.tree.zeros_like(params, dtype=mu_dtype)
        nu = jax.tree.map(lambda p: jnp.zeros_like(p, dtype=jnp.real(p).dtype), params)
        begin = jnp.full((), chosen.start(), _float())
        energy = jax.tree.map(lambda p: jnp.full(p.shape, begin), nu) if gate.per_coordinate else begin
        opened, clipped = jnp.ones((), _float()), jnp.zeros((), _float())
        return ScaleByVRAdamState(jnp.zeros((), jnp.int32), mu, nu, energy, opened, clipped)

    def update(updates: Tree, state: ScaleByVRAdamState, params: Tree | None = None) -> tuple[Tree, ScaleByVRAdamState]:
        if decays and params is None:
            raise ValueError("params must be given to update where there is weight decay, got None")
        count = optax.safe_increment(state.count)
        t = count.astype(_float())
        w, energy = jnp.zeros(()), state.energy
        if gate.sees != "velocity":
            seen = _seen(gate, updates if gate.sees == "gradient" else state.mu)
            w, energy = _closing(chosen, seen, energy, t, beta3, alpha1)
        entering = jax.tree.map(lambda g: g / (1 + w), updates) if gate.on_gradient else updates
        mu = jax.tree.map(lambda v, g: (b1 * v + (1 - b1) * g).astype(v.dtype), state.mu, entering)
        nu = jax.tree.map(lambda m, g: (b2 * m + (1 - b2) * _abs_sq(g)).astype(m.dtype), state.nu, updates)
        d = jnp.sqrt(1 - b2**t)  # v/P = v/(sqrt(m/(1 - b2^t)) + eps) = d v/(sqrt(m) + d eps)
        if in_adam_metric(gate):
            stepped = jax.tree.map(lambda v, m: d * v / (jnp.sqrt(m) + d * eps), mu, nu)
            mean_square = _seen(gate, stepped) / max(sum(leaf.size for leaf in jax.tree.leaves(mu)), 1)
            w, energy = _closing(chosen, mean_square, energy, t, beta3, alpha1)
        elif gate.sees == "velocity":
            w, energy = _closing(chosen, _seen(gate, mu), energy, t, beta3, alpha1)
        direction = jax.tree.map(lambda v, m: (d / (1 - b1**t)) * v / (jnp.sqrt(m) + d * eps), mu, nu)
        if decays:
            direction, _ = decay.update(direction, decay.init(params), params)
        gamma = jax.tree.map(lambda each: chosen.ceiling() / (1 + each), w)
        if gate.per_coordinate:
            direction = jax.tree.map(jnp.multiply, gamma, direction)
        elif not gate.on_gradient:
            direction = jax.tree.map(lambda u: gamma * u, direction)
        moves = jax.tree.map(lambda u, g: u.astype(g.dtype), direction, updates)
        clipped = state.clipped + _mean(jax.tree.map(lambda each: (each >= alpha1).astype(_float()), w))
        return moves, ScaleByVRAdamState(count, mu, nu, energy, _mean(gamma), clipped)

    return optax.GradientTransformation(init, update)


def opening(state: Tree) -> jax.Array:
    """eta_t over the learning rate of the last step, (), from any state that holds one of :func:`scale_by_vradam`.

    This is gamma_t in [1/(1 + alpha1), 1], times 1 + w0 under ``held``. Of several in one state the first counts.
    """
    return within(state, ScaleByVRAdamState).opening


def clip_share(state: Tree) -> jax.Array:
    """The share of the steps in which the clip alpha1 was reached, ()."""
    found = within(state, ScaleByVRAdamState)
    return found.clipped / jnp.maximum(found.count, 1)


def parts(state: Tree, kinds: Any) -> list[Any]:
    """The states of these kinds in a state, and its other leaves."""
    return list(jax.tree.leaves(state, is_leaf=lambda part: isinstance(part, kinds)))


def within(state: Tree, kinds: Any) -> Any:
    """The first state of these kinds in a state.

    Raises
    ------
    ValueError
        If there is none.
    """
    for part in parts(state, kinds):
        if isinstance(part, kinds):
            return part
    raise ValueError(f"state must hold a state of VRAdam or Adam, got {type(state).__name__}")


def check(name: str, value: Any, domain: str) -> None:
    """A number that is known before tracing lies in its domain.

    Raises
    ------
    ValueError, TypeError
        If not, or if it is no number.
    """
    if _known(value):
        number = float(value) if hasattr(value, "dtype") and np.ndim(value) == 0 else value
        if isinstance(hyper_parameter(name, number, domain), np.ndarray):
            raise TypeError(f"{name} must be a number in {domain}, got an array of shape {np.shape(value)}")


def _known(value: Any) -> bool:
    return not isinstance(value, jax.core.Tracer)


def _seen(gate: gates.GateForm, tree: Tree) -> Tree:
    """||.||^k over all leaves, (); or the square of each coordinate. Infinity counts as the largest number."""
    largest = jnp.finfo(_float()).max
    if gate.per_coordinate:
        return jax.tree.map(lambda x: jnp.minimum(_abs_sq(x).astype(_float()), largest), tree)
    squares = sum((_sum_of_squares(x) for x in jax.tree.leaves(tree)), jnp.zeros((), _float()))
    power = squares if gate.exponent == 2.0 else squares ** (gate.exponent / 2)
    return jnp.minimum(power, largest)


def _sum_of_squares(x: jax.Array) -> jax.Array:
    squares = _abs_sq(jnp.ravel(x)).astype(_float())
    if squares.size <= SMALL:
        return jnp.sum(squares)
    whole = squares.size // ROW * ROW
    return jnp.sum(jnp.sum(squares[:whole].reshape(-1, ROW), axis=1)) + jnp.sum(squares[whole:])


def _closing(law: laws.Law, seen: Tree, energy: Tree, t: jax.Array, beta3: Number, alpha1: Number) -> tuple[Tree, Tree]:
    """(w_t, what the law remembers), for one gate or for each coordinate."""
    if isinstance(law, laws.Averaged):
        energy = jax.tree.map(lambda u, k: law.decay * u + (1 - law.decay) * k, energy, seen)
        largest = jnp.finfo(_float()).max
        seen = jax.tree.map(lambda u: jnp.minimum(u / (1 - law.decay**t), largest), energy)
        return jax.tree.map(lambda k: jnp.minimum(beta3 * k, alpha1), seen), energy
    w = jax.tree.map(lambda k: jnp.minimum(beta3 * k, alpha1), seen)
    if isinstance(law, laws.Held):
        w = jax.tree.map(lambda now, before: jnp.maximum(now, law.decay * before), w, energy)
        return w, w
    return w, seen


def _mean(tree: Tree) -> jax.Array:
    leaves = jax.tree.leaves(tree)
    return sum((jnp.sum(leaf) for leaf in leaves), jnp.zeros((), _float())) / max(sum(leaf.size for leaf in leaves), 1)


def _float() -> Any:
    """float32, or float64 where JAX is told to have it."""
    return jnp.zeros(()).dtype


def _abs_sq(x: jax.Array) -> jax.Array:
    return jnp.real(x * jnp.conj(x)) if jnp.iscomplexobj(x) else x * x
