"""What the main job says of itself while it runs: a bar with an estimate in a terminal, else a line for each part."""

from __future__ import annotations

import sys
import time

from tqdm import tqdm


class Progress:
    """The parts of a job, some of them side by side.

    Parameters
    ----------
    parts : int
        How many there are.
    """

    def __init__(self, parts: int) -> None:
        shape = "{desc} {bar} {n_fmt}/{total_fmt}, {elapsed}, about {remaining} left"
        self.bar = tqdm(total=parts, disable=None, bar_format=shape, smoothing=0)
        self.begun: dict[str, float] = {}

    def begin(self, name: str) -> None:
        """A part begins; the bar names the one that began last."""
        self.begun[name] = time.perf_counter()
        self.bar.set_description(name.ljust(20))

    def end(self, name: str) -> None:
        """A part has ended, after the seconds that are said where there is no terminal."""
        seconds = time.perf_counter() - self.begun.pop(name)
        self.bar.update()
        if self.bar.disable:  # no terminal
            print(f"{name}: {seconds:.1f} s", file=sys.stderr, flush=True)
        elif self.begun:
            self.bar.set_description(list(self.begun)[-1].ljust(20))

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *exception: object) -> None:
        self.bar.close()
