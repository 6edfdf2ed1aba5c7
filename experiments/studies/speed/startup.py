"""What a process pays once: importing the package, and the first compiled simulation where the disk has it compiled."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import xarray as xr

from experiments.studies.speed.contestant import one_thread

#: what -> (code that runs first, code that is timed, the goal in seconds)
ONCE = {
    "import vradam": ("", "import vradam", 0.12),
    "first simulate": (
        "import numpy as np, vradam; bowl = vradam.objectives.quadratic(np.ones(10))",
        "vradam.simulate(vradam.VRAdam(), bowl, np.ones((64, 10)), 100, engine='compiled')",
        0.35,
    ),
}


def startup(rounds: int) -> xr.Dataset:
    """Seconds, (what, round), each in a process of its own; one more beforehand fills the caches."""
    found = [[seconds(*code) for _ in range(rounds + 1)][1:] for *code, _ in ONCE.values()]
    goals = [goal for *_, goal in ONCE.values()]
    return xr.Dataset({"seconds": (("what", "round"), np.array(found)), "goal": ("what", goals)}, {"what": list(ONCE)})


def seconds(before: str, timed: str) -> float:
    """How long a line takes in a new process.

    Raises
    ------
    subprocess.CalledProcessError : if that process fails.
    """
    code = f"import time\n{before}\nbegin = time.perf_counter()\n{timed}\nprint(time.perf_counter() - begin)"
    environment = one_thread()
    done = subprocess.run([sys.executable, "-c", code], env=environment, stdout=subprocess.PIPE, text=True, check=True)
    return float(done.stdout)
