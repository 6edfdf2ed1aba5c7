"""What a study is, and what its run returns.

A module or package of :mod:`experiments.studies` ends with ``STUDY``; it belongs to the claims of the stem of the same
name in :mod:`theory.claims`, and nothing else registers it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from experiments.measurement.verdict import Confrontation, Verdict

if TYPE_CHECKING:
    import xarray as xr

    from experiments.store.chunks import Chunks


@dataclass(frozen=True)
class Result:
    """The data behind the figures, and one confrontation per claim of the stem.

    Parameters
    ----------
    data : Mapping[str, xr.Dataset]
        Mapping[str, xarray.Dataset] By name; stored as netCDF and drawn by ``paper_figures``.
    confrontations : tuple of Confrontation
        In any order; a study without a claim returns none.
    """

    data: Mapping[str, xr.Dataset]
    confrontations: tuple[Confrontation, ...] = ()


@dataclass(frozen=True)
class Table:
    """``rows`` of texts under ``head``, shown in the report and on the terminal beside the verdicts.

    Rows with the same first cell stand together. ``note`` says how to read them.

    Raises
    ------
    ValueError
        If a row is not as long as the head.
    """

    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""

    def __post_init__(self) -> None:
        for row in self.rows:
            if len(row) != len(self.head):
                raise ValueError(f"a row must have {len(self.head)} cells, got {len(row)} in {self.title!r}")

    @property
    def groups(self) -> dict[str, tuple[tuple[str, ...], ...]]:
        """First cell -> the other cells of its rows."""
        names = dict.fromkeys(row[0] for row in self.rows)
        return {name: tuple(row[1:] for row in self.rows if row[0] == name) for name in names}

    def __str__(self) -> str:
        """For a terminal: the first cell stands above its rows where it has several."""
        if len(self.groups) == len(self.rows):
            lines = aligned(self.head, self.rows).splitlines()
        else:
            lines = aligned(self.head[1:], [row[1:] for row in self.rows]).splitlines()
            rows = iter(lines[2:])
            lines = lines[:2] + [
                line for name, group in self.groups.items() for line in (name, *("  " + next(rows) for _ in group))
            ]
            lines[:2] = ["  " + line for line in lines[:2]]
        return "\n".join([self.title, *lines, *([self.note] if self.note else [])])


@dataclass(frozen=True)
class Study:
    """One stem of the main job.

    Parameters
    ----------
    default, paper : frozen dataclass
        The setup of seconds and the one of minutes.
    run : callable
        (setup, Chunks) -> Result A pure function of the setup; what takes long goes through the chunks.
    tables : callable, optional
        Data -> sequence of Table, optional From the datasets of a run, or of the committed reference.
    on_request : bool
        Whether it runs only when ``--only`` names it or a claim of its stem.
    expects : Mapping[str, Verdict]
        Claim id -> the verdict we expect where it does not follow from what the claim concludes.
    judge : callable, optional
        Data -> confrontations, optional From the datasets of a run, or of the committed reference: lets what is on
        record of an observation be judged by the rule that stands here.
    explores : bool
        True for a study without a claim; without it, a stem without claims is an error.
    """

    default: Any
    paper: Any
    run: Callable[[Any, Chunks], Result]
    tables: Callable[[Mapping[str, xr.Dataset]], Sequence[Table]] | None = None
    on_request: bool = False
    expects: Mapping[str, Verdict] = field(default_factory=dict)
    explores: bool = False
    judge: Callable[[Mapping[str, xr.Dataset]], tuple[Confrontation, ...]] | None = None

    def setup(self, paper: bool) -> Any:
        """The setup at one of the two resolutions."""
        return self.paper if paper else self.default


def aligned(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Texts in columns for a terminal.

    >>> print(aligned(("name", "n"), [("one", "1")]))
    name  n
    ----  -
    one   1
    """
    widths = [max(len(row[i]) for row in [head, *rows]) for i in range(len(head))]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in [head, *rows]
    ]
    return "\n".join([lines[0], "  ".join("-" * width for width in widths), *lines[1:]])
