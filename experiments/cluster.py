"""A Dask cluster computes the chunks of a study; their bytes are made here."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from experiments.store.chunks import finished, marked
from vradam.workers import Check, Workers


@dataclass(frozen=True)
class Cluster(Workers):
    """The workers at ``dask``. There xarray would take the locks of its files from the scheduler, which has none."""

    def map(
        self, function: Callable[..., Any], arguments: Mapping[str, tuple[Any, ...]], check: Check | None = None
    ) -> Iterator[tuple[str, Any]]:
        """See :meth:`vradam.workers.Workers.map`."""
        if function is not finished:
            yield from super().map(function, arguments, check)
            return
        computing = {key: (compute, values) for key, (compute, values, *_) in arguments.items()}
        for key, dataset in super().map(_computed, computing, check):
            yield key, marked(dataset, *arguments[key][2:])


def _computed(compute: Callable[..., Any], values: tuple[Any, ...]) -> Any:
    return compute(*values)
