"""The figures: one module each, drawn from stored data, computing nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import xarray as xr


def draw_all(stems: Iterable[str], data: Mapping[str, Mapping[str, xr.Dataset]], folder: Path) -> dict[str, list[Path]]:
    """Draw every figure of the given stems from ``data[stem]`` into ``folder``: stem -> the files written.

    A figure whose datasets are not all there (a setup without them, or another stem's) is left out.
    """
    from paper_figures.catalogue import FIGURES
    from paper_figures.style import save, sheet

    folder.mkdir(parents=True, exist_ok=True)
    files: dict[str, list[Path]] = {}
    for stem in stems:
        files[stem] = []
        for entry in FIGURES:
            found = entry.select(data) if entry.stem == stem else None
            if found is not None:
                with sheet():
                    figure = entry.load().draw(found)
                files[stem] += save(figure, folder, entry.name)
    return files


def write_gallery(data: Mapping[str, Mapping[str, xr.Dataset]], folder: Path) -> list[str]:
    """Draw ``folder/gallery/<name>.png`` where the data are there, and the page ``folder/README.md`` that shows them.

    Pictures whose data are not there stay as they were. Returns the names drawn.
    """
    from paper_figures.catalogue import FIGURES
    from paper_figures.style import save, sheet

    gallery = folder / "gallery"
    gallery.mkdir(parents=True, exist_ok=True)
    drawn = []
    page = [
        "# Gallery",
        "",
        "Drawn by `python -m paper_figures --gallery` from stored results, at the resolution that was stored.",
        "",
    ]
    for entry in FIGURES:
        found = entry.select(data)
        if found is not None:
            with sheet():
                figure = entry.load().draw(found)
            save(figure, gallery, entry.name, ("png",))
            drawn.append(entry.name)
        if (gallery / f"{entry.name}.png").exists():
            page += [f"## {entry.name.replace('_', ' ').capitalize()}", "", entry.says, ""]
            page += [f"![{entry.says}](gallery/{entry.name}.png)", ""]
    (folder / "README.md").write_text("\n".join(page).rstrip() + "\n", encoding="utf-8", newline="\n")
    return drawn
