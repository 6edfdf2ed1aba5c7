"""What a batch of runs recorded."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from vradam.display import described, listed
from vradam.objectives.objective import Objective, gradient_at, value_at

if TYPE_CHECKING:
    import xarray as xr

    from vradam.plan import Plan

Array = NDArray[np.floating]
ROWS_AT_ONCE = 1 << 16  # records whose value is computed in one NumPy call


@dataclass(frozen=True, kw_only=True, eq=False)
class Trajectory:
    """The records of :func:`vradam.simulate`; leading axes (...) are independent runs.

    Parameters
    ----------
    step : array
        (records,) the steps recorded; 0 is the starting point.
    x : array
        (..., records, d).
    learning_rate : array
        (..., records), eta_t of the step that led to x_t; alpha0 at step 0.
    diverged_at : array
        (...) int, the first step whose gradient or result was not finite; -1 for never. From that step on the records
        of the run are NaN; the other runs are not affected.
    mean_grad_norm_squared : array
        (...), E ||grad F(x_tau)||^2 over the random index tau of Defossez et al. (arXiv:2003.02395): P(tau = j)
        proportional to 1 - beta1^(N-j), j = 0, ..., N-1; NaN for a diverged run.
    final_state : object
        The optimizer's state after the last step.
    optimizer, objective : str
        Their names.
    plan : Plan
        What was asked for, a :class:`vradam.plan.Plan`, so that a run can be shown or repeated.

    Attributes
    ----------
    value : array
        (..., records), F(x_t); computed when it is first asked for.
    grad_norm : array
        (..., records), the norm of the exact gradient at x_t; computed when it is first asked for.
    """

    step: NDArray[np.int64]
    x: Array
    learning_rate: Array
    diverged_at: NDArray[np.int64]
    mean_grad_norm_squared: Array
    final_state: Any
    optimizer: str
    objective: str
    plan: Plan = field(repr=False)

    @cached_property
    def value(self) -> Array:
        return self._at_records(value_at)

    @cached_property
    def grad_norm(self) -> Array:
        return self._at_records(gradient_norm_at)

    def _at_records(self, function: Callable[[Objective, Array], Array]) -> Array:
        """``function`` of the points recorded; NaN from the divergence of a run on, where it is asked at the start.

        Of an objective of one's own for one record after another, else for some rows at a time.
        """
        objective, found = self.plan.objective, np.empty(self.x.shape[:-1])
        gone = (self.diverged_at[..., None] >= 0) & (self.step >= self.diverged_at[..., None])
        x = np.where(gone[..., None], self.x[..., :1, :], self.x) if gone.any() else self.x
        with np.errstate(all="ignore"):
            if objective.kernel is None:
                for record in range(self.step.size):
                    found[..., record] = function(objective, x[..., record, :])
            else:
                points, flat = x.reshape(-1, x.shape[-1]), found.reshape(-1)
                for begin in range(0, len(points), ROWS_AT_ONCE):
                    some = slice(begin, begin + ROWS_AT_ONCE)
                    flat[some] = function(objective, points[some])
        return np.where(gone, np.nan, found)

    @property
    def final_x(self) -> Array:
        """The last point, (..., d)."""
        return self.x[..., -1, :]

    def __repr__(self) -> str:
        return described("Trajectory", f"{self.optimizer} on {self.objective}", *self._facts().values())

    def _repr_html_(self) -> str:
        with np.errstate(all="ignore"):
            ends = self.value[..., -1][self.diverged_at < 0]
        facts = self._facts()
        if ends.size:
            facts["last value"] = f"{ends.min():.4g}" + (f" to {ends.max():.4g}" if ends.size > 1 else "")
        return listed(f"{self.optimizer} on {self.objective}", facts)

    def _facts(self) -> dict[str, str]:
        runs, gone = self.diverged_at.shape, int(np.sum(self.diverged_at >= 0))
        return {
            "runs": f"{self.diverged_at.size} runs {runs}" if runs else "1 run",
            "records": f"{self.step.size} records of {self.step[-1]} steps",
            "coordinates": f"d = {self.x.shape[-1]}",
            "diverged": f"{gone} diverged" if gone else "none diverged",
        }

    def to_xarray(self) -> xr.Dataset:
        """The records as a labelled dataset with dimensions run (or run_0, run_1, ...), step and coordinate."""
        import xarray as xr

        axes = self.diverged_at.ndim
        runs = ("run",) if axes == 1 else tuple(f"run_{axis}" for axis in range(axes))
        series = {name: ((*runs, "step"), getattr(self, name)) for name in ("value", "grad_norm", "learning_rate")}
        single = {name: (runs, getattr(self, name)) for name in ("diverged_at", "mean_grad_norm_squared")}
        return xr.Dataset(
            {"x": ((*runs, "step", "coordinate"), self.x), **series, **single},
            coords={"step": self.step},
            attrs={"optimizer": self.optimizer, "objective": self.objective},
        )


def gradient_norm_at(objective: Objective, x: Array) -> Array:
    """||grad F|| at ``x`` (..., d), shape (...), in float64."""
    grad = gradient_at(objective, x).astype(np.float64, copy=False)
    return np.sqrt(np.add.reduce(grad * grad, axis=-1))
