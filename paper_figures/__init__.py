"""The figures: one module each, drawn from stored data, computing nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import xarray as xr


def draw_all(stems: Iterable[str], data: Mapping[str, Mapping[str, xr.Dataset]], folder: Path) -> dict[str, list[Path]]:
    """Draw every figure of the given stems from ``data[stem]`` into ``folder``: stem -> the files written."""
    from paper_figures.catalogue import FIGURES
    from paper_figures.style import save, sheet

    folder.mkdir(parents=True, exist_ok=True)
    files: dict[str, list[Path]] = {}
    for stem in stems:
        files[stem] = []
        for entry in FIGURES:
            if entry.stem == stem:
                with sheet():
                    figure = entry.load().draw(data[stem])
                files[stem] += save(figure, folder, entry.name)
    return files
