"""Tables that a stem shows beside its verdicts, in the report and on the terminal.

A stem's module may have ``tables(data)``: from its datasets to tables. The same function serves a run and the
committed reference.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Table:
    """``rows`` of texts under ``head``; rows of one first cell stand together. ``note`` says how to read them.

    Raises
    ------
    ValueError : if a row is not as long as the head.
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
