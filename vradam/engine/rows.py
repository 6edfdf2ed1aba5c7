"""What the functions of a tile name: the choices that ``specialise`` exchanges, the rows of P, and a few limits.

The first block and the functions stand for those of one optimizer, one objective and one noise.
"""

from __future__ import annotations

LANES = 64  # or 16, or 1, where there are few long runs
SEPARABLE = True  # whether the gradient is ``slope`` of each coordinate, or ``field`` of a tile
DIRECTION = 0  # PLAIN, ADAM or PROOF
GATE = 0  # OPEN, PUBLISHED, ..., PER_COORDINATE
LAW = 0  # AS_SEEN, AVERAGED or HELD
STREAMS = 2  # rows of Z a coordinate: velocity, second moment and, for the gate METRIC, what they give
NOISE = 0  # EXACT, ..., MINIBATCH
DECAYS = False  # whether there is weight decay


def slope(x_i, p0, p1, p2, p3):
    """dF/dx_i of a separable objective with the parameters of coordinate i."""
    return p0 * x_i


def slope_of_three(before, x_i, after, p0, p1, p2, p3):
    """The same where coordinates meet their neighbours; the first and the last are neighbours of themselves."""
    return p0 * (2.0 * x_i - before - after)


def slope_at(x, before, i, after, j, p0, p1, p2, p3):
    """dF/dx_i of run j, of a separable objective."""
    return slope(x[i, j], p0, p1, p2, p3)


def slope_between(x, before, i, after, j, p0, p1, p2, p3):
    """dF/dx_i of run j, where coordinates meet their neighbours."""
    return slope_of_three(x[before, j], x[i, j], x[after, j], p0, p1, p2, p3)


def field(x, g, parameters):
    """Fill g (d, lanes) with the gradients at x (d, lanes)."""
    for i in range(x.shape[0]):
        p0, p1, p2, p3 = parameters[i, 0], parameters[i, 1], parameters[i, 2], parameters[i, 3]
        before, after = max(i - 1, 0), min(i + 1, x.shape[0] - 1)
        for j in range(x.shape[1]):
            g[i, j] = slope_at(x, before, i, after, j, p0, p1, p2, p3)


def gradient_names(form, separable, neighbours):
    """What to exchange for the gradient of a kernel."""
    if neighbours:
        return {"slope_of_three": form, "slope_at": slope_between}
    return {"slope" if separable else "field": form}


def mean_of_terms(x, g, chosen, parameters):
    """Fill g (d, lanes) with the mean gradients of the terms chosen (size, lanes)."""


PLAIN, ADAM, PROOF = range(3)
OPEN, PUBLISHED, METRIC, PREDICTABLE, INSIDE, GRADIENT, POWER, PER_COORDINATE = range(8)
ON_THE_STEP = (PUBLISHED, METRIC, PREDICTABLE, GRADIENT, POWER)  # gates that divide the step of a run by CLOSING
KEPT = (METRIC, PREDICTABLE, GRADIENT)  # gates whose K_t cannot be told from the velocity afterwards
AS_SEEN, AVERAGED, HELD = range(3)

# One number a run: the rows of P. A row that a sweep stores should not lie a multiple of eight rows, 4096 bytes, from
# one that it loads next, or the load waits for the store: with SQUARE there d = 2 takes a quarter longer.
BETA1, IN1, BETA2, IN2, BETA3, ALPHA0, ALPHA1, EPS, DECAY, GATE_DECAY, ALIVE = range(11)
TOTAL, LAGGED, KINETIC, PREVIOUS, OPENING, POWER1, POWER2, POWERG = range(11, 19)
NORM, SQUARE, ETA, RATE, COEFFICIENT, CLOSING, KEEP, DAMPING, FACTOR, SHRINK, METRIC_EPS = range(19, 30)
ROWS = 30
STORED = NORM  # rows that last longer than a step: those before it; of them a run changes those from ALPHA0 on

LARGEST = 1.7976931348623157e308
NEGLIGIBLE = 2.0**-60  # beta^t below this no longer changes 1 - beta^t
FLUSH_EVERY = 32
TINY = 1e-150  # the squares of smaller numbers may be denormal
TINY_SQUARE = 1e-290
LEAST_EPS = 1e-60
