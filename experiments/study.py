"""What the run of a stem returns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from experiments.measurement.verdict import Confrontation

if TYPE_CHECKING:
    import xarray as xr


@dataclass(frozen=True)
class Result:
    """The data behind the figures, and one confrontation per claim of the stem.

    Parameters
    ----------
    data : name -> dataset; stored as netCDF and drawn by ``paper_figures``.
    confrontations : in any order; a stem without a claim returns none.
    """

    data: Mapping[str, xr.Dataset]
    confrontations: tuple[Confrontation, ...] = ()
