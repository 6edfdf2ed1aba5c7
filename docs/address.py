"""Where the source can be had from: one setting, for every page that names an address.

The setting is ``Source`` under ``[project.urls]`` in ``pyproject.toml``; the environment variable ``VRADAM_SOURCE``
goes before it, so that a fork, or a job that knows its own repository, needs no edit. Without both the pages say
``ADDRESS``.
"""

from __future__ import annotations

import json
import os
import re
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).parent.parent
VARIABLE: Final = "VRADAM_SOURCE"
PLACE: Final = "ADDRESS"
_URL = re.compile(r"https://[\w.-]+(:\d+)?/[\w./~-]+")
_GITHUB = re.compile(r"https://github\.com/([\w.-]+/[\w.-]+?)(\.git)?/?")


def source_address(environment: Mapping[str, str] = os.environ, project: Path = ROOT / "pyproject.toml") -> str | None:
    """The address of the source, or None where none was set.

    Raises
    ------
    ValueError
        If it is no https address of letters, digits and ``. _ ~ / -``: it is written into commands.

    >>> source_address({"VRADAM_SOURCE": "https://example.org/vradam"})
    'https://example.org/vradam'
    """
    urls = tomllib.loads(project.read_text(encoding="utf-8"))["project"].get("urls", {})
    found = environment.get(VARIABLE) or urls.get("Source")
    if found is not None and not _URL.fullmatch(found):
        raise ValueError(f"{VARIABLE} or project.urls.Source must be an https address, got {found!r}")
    return found


def install_cell(address: str | None) -> str:
    """The cell that clones and installs with the versions of the reference, for a notebook that runs elsewhere.

    >>> print(install_cell(None).splitlines()[0])
    !git clone --depth 1 ADDRESS vradam
    """
    return "\n".join(
        [
            f"!git clone --depth 1 {address or PLACE} vradam",
            "%cd vradam",
            '!pip install -q -c constraints.txt -e ".[notebooks]"',
            "%cd notebooks",
            'import sys; sys.path.insert(0, "..")',
        ]
    )


def online(address: str | None, names: Sequence[str]) -> str:
    """What the page on running elsewhere says of the address: links where one is known, how to set it where not."""
    if address is None:
        return (
            f"This site was built without an address: put the one that you have the source from in place of `{PLACE}`. "
            f"`{VARIABLE}=https://... python -m docs`, or `Source` under `[project.urls]` in `pyproject.toml`, writes "
            "it here and makes the links."
        )
    lines = [f"The source: <{address}>.", "", "| lesson | with the install cell | |", "|---|---|---|"]
    github = _GITHUB.fullmatch(address)
    for name in names:
        binder = f"https://mybinder.org/v2/gh/{github[1]}/HEAD?labpath=notebooks/{name}.ipynb" if github else ""
        cell = f'<a href="_static/online/{name}.ipynb" download>notebook for Colab</a>'
        lines.append(f"| `{name}` | {cell} | {f'[Binder]({binder})' if binder else ''} |")
    return "\n".join(lines)


def with_install_cell(notebook: dict[str, Any], address: str) -> dict[str, Any]:
    """The notebook with the cell that installs what it needs before its first one."""
    cell: dict[str, Any] = {
        "cell_type": "code",
        "id": "install",
        "metadata": {},
        "outputs": [],
        "execution_count": None,
    }
    return notebook | {"cells": [cell | {"source": install_cell(address)}, *notebook["cells"]]}


def write_online(folder: Path, address: str | None, names: Sequence[str]) -> None:
    """The notebooks for a machine that has nothing, as they are in the source; none without an address."""
    if address is None:
        return
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        notebook = json.loads((ROOT / "notebooks" / f"{name}.ipynb").read_text(encoding="utf-8"))
        text = json.dumps(with_install_cell(notebook, address), indent=1)
        (folder / f"{name}.ipynb").write_text(text + "\n", encoding="utf-8", newline="\n")
