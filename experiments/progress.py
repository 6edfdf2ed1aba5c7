"""What the main job says of itself while it runs: a bar with an estimate in a terminal, else a line for each stem."""

from __future__ import annotations

import sys
import time

from tqdm import tqdm


class Progress:
    """The parts of a job one after another; each ends when the next begins.

    Parameters
    ----------
    parts : int
        How many there are.
    """

    def __init__(self, parts: int) -> None:
        shape = "{desc} {bar} {n_fmt}/{total_fmt}, {elapsed}, about {remaining} left"
        self.bar = tqdm(total=parts, disable=None, bar_format=shape, smoothing=0)
        self.name = ""
        self.start = 0.0

    def begin(self, name: str) -> None:
        """The part before it is done."""
        self._end()
        self.name, self.start = name, time.perf_counter()
        self.bar.set_description(name.ljust(20))

    def _end(self) -> None:
        if self.name:
            self.bar.update()
            if self.bar.disable:  # no terminal
                print(f"{self.name}: {time.perf_counter() - self.start:.1f} s", file=sys.stderr, flush=True)

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, kind: type[BaseException] | None, *rest: object) -> None:
        if kind is None:
            self._end()
        self.bar.close()
