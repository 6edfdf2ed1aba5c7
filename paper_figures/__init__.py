"""The figures: one module each, drawn from stored data, computing nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import xarray as xr


def draw_all(
    stems: Iterable[str],
    data: Mapping[str, Mapping[str, xr.Dataset]],
    folder: Path,
    suffixes: tuple[str, ...] = ("svg", "png"),
) -> dict[str, list[Path]]:
    """Draw every figure of the given studies from ``data[stem]`` into ``folder``: stem -> the files written.

    A figure whose datasets are not all there (a setup without them, or another study's) is left out.
    """
    from paper_figures.figure import figures
    from paper_figures.style import save, sheet

    folder.mkdir(parents=True, exist_ok=True)
    files: dict[str, list[Path]] = {}
    for stem in stems:
        files[stem] = []
        for figure in figures():
            found = figure.select(data) if figure.study == stem else None
            if found is not None:
                with sheet():
                    canvas = figure.draw(found)
                files[stem] += save(canvas, folder, figure.name, suffixes, says=figure.says)
    return files


def write_gallery(data: Mapping[str, Mapping[str, xr.Dataset] | None], folder: Path) -> list[str]:
    """Draw ``folder/gallery/<name>.png`` from ``data[name]``, and the page ``folder/README.md`` that shows them all.

    Pictures whose data are not there stay as they were. Returns the names drawn.
    """
    from paper_figures.figure import figures
    from paper_figures.style import save, sheet

    gallery = folder / "gallery"
    gallery.mkdir(parents=True, exist_ok=True)
    drawn = []
    page = [
        "# Gallery",
        "",
        "Drawn by `python -m paper_figures --gallery` from stored results, at the resolution that was stored.",
        "Which figure, table and theorem of the paper is regenerated where: [the map](../docs/pages/paper_map.md).",
        "",
    ]
    for figure in figures():
        if (found := data.get(figure.name)) is not None:
            with sheet():
                canvas = figure.draw(found)
            save(canvas, gallery, figure.name, ("png",))
            drawn.append(figure.name)
        if (gallery / f"{figure.name}.png").exists():
            page += [f"## {figure.name.replace('_', ' ').capitalize()}", "", figure.says, ""]
            page += [f"![{figure.says}](gallery/{figure.name}.png)", ""]
    (folder / "README.md").write_text("\n".join(page).rstrip() + "\n", encoding="utf-8", newline="\n")
    return drawn
