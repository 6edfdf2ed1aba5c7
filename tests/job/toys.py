"""A toy ledger of three claims: a stem confronts two of them, the third waits for a request."""

import json
import os
import subprocess
import sys

from experiments import __main__ as command
from experiments.catalogue import catalogue_of, load
from theory.claim import Claim

TOY = '''
"""Halving, and a claim about it."""

import os
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import xarray as xr

from experiments.measurement.verdict import Confrontation, Evidence, Point
from experiments.study import Result, Study


@dataclass(frozen=True)
class Setup:
    starts: tuple[float, ...] = tuple(range(1, 7))
    seed: int = 5


DEFAULT = Setup()
PAPER = Setup(starts=tuple(range(1, 13)))


def halve(start, seed):
    with Path(os.environ["TOY_LOG"]).open("a") as log:
        log.write(f"start{start} {os.getpid()}\\n")
    if os.environ.get("TOY_FAILS") == str(start):
        raise ZeroDivisionError("the toy is broken")
    time.sleep(60 if start > float(os.environ.get("TOY_STALLS", "inf")) else float(os.environ.get("TOY_PAUSE", "0")))
    noise = np.random.default_rng((seed, start)).normal(size=1000) * 1e-6
    return xr.Dataset({"ratio": ("step", 0.5 + noise)})


def run(setup, chunks):
    keys = {f"start{s}": (s, setup.seed) for s in setup.starts}
    data = xr.concat(list(chunks.map(halve, keys).values()), "start")
    mean = float(data.ratio.mean())
    n = data.ratio.size

    def said(predicted):
        return (Evidence("equality", (Point(mean, mean - 1e-4, mean + 1e-4, predicted),), n, "ratio"),)

    return Result(
        {"ratios": data},
        (Confrontation("T1", said(0.5)), Confrontation("T2", said(0.6), corrected=said(0.5), note="seen")),
    )


STUDY = Study(DEFAULT, PAPER, run)
'''

IDLE = '''
"""Waiting to be asked."""

from dataclasses import dataclass

from experiments.measurement.verdict import Confrontation, Evidence, Point
from experiments.study import Result, Study


@dataclass(frozen=True)
class Setup:
    seed: int = 0


def run(setup, chunks):
    return Result({}, (Confrontation("T3", (Evidence("equality", (Point(2.0, 2.0, 2.0, 2.0),), 10, "x"),)),))


STUDY = Study(Setup(), Setup(), run, on_request=True)
'''

DRIVER = """
import multiprocessing, os, sys
sys.modules.update(dask=None, distributed=None)  # where they are installed xarray imports them, in every process
sys.path[:0] = [{room!r}, {tests!r}]
if __name__ == "__main__":
    from toys import draw_nothing, toys
    from experiments.__main__ import leave, main
    if method := os.environ.get("TOY_START"):
        from joblib.externals.loky.backend.context import set_start_method
        multiprocessing.set_start_method(method)
        set_start_method(method)
    leave(main(sys.argv[1:], toys(), draw_nothing))
"""


def holds():
    return True


def fails():
    return False


def breaks():
    raise ArithmeticError("no root")


def claim(name, concludes, step=holds):
    return Claim(
        id=name,
        title=f"Claim {name}",
        as_reported="x is halved",
        statement=r"x' = \frac{x}{2}",
        source="toy",
        assumptions=("x > 0",),
        plain="Half of it is left.",
        concludes=concludes,
        steps={"step": step},
    )


CLAIMS = (claim("T1", "proved"), claim("T2", "refuted"), claim("T3", "proved"))


def toys(claims=CLAIMS, more=()):
    """The toy catalogue with these claims, and with further stems (name, claims)."""
    stems = {"toy": claims[:2], "idle": claims[2:], **dict(more)}
    return catalogue_of(load(name, f"toy_stems.{name}", of) for name, of in stems.items())


def draw_nothing(stem, data, folder):
    return ()


def main(room, *arguments, catalogue=None, draw=draw_nothing):
    return command.main([*arguments, "--jobs", "1", "--out", str(room / "out")], catalogue or toys(), draw)


def ledger(room):
    return {item["id"]: item for item in json.loads((room / "out" / "claims.json").read_text(encoding="utf-8"))}


def computed(room):
    return [line.split()[0] for line in (room / "log").read_text().splitlines()]


def comparable(folder):
    """Every data file's bytes, and claims.json without the fields that name a time."""
    files = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
    assert not [name for name in files if "unfinished" in name]
    contents = {n: p.read_bytes() for n, p in files.items() if n not in (".lock", "claims.json", "report.html")}

    def timeless(value):
        if isinstance(value, dict):
            return {key: timeless(item) for key, item in value.items() if key not in ("seconds", "date")}
        return [timeless(item) for item in value] if isinstance(value, list) else value

    return contents, timeless(json.loads(files["claims.json"].read_text(encoding="utf-8")))


def drive(room, *arguments, jobs=1, **options):
    """The same main job in a process of its own."""
    words = [sys.executable, str(room / "drive.py"), "--out", str(room / "out"), "--jobs", str(jobs), *arguments]
    return subprocess.run(words, capture_output=True, text=True, timeout=120, cwd=room, **options)


def start(room, jobs=2):
    """A main job that takes its time: twelve chunks of 0.15 s, at full resolution."""
    words = [sys.executable, str(room / "drive.py"), "--out", str(room / "out"), "--jobs", str(jobs), "--paper"]
    slowly = os.environ | {"TOY_PAUSE": "0.15"}
    pipe = subprocess.PIPE
    return subprocess.Popen(words, stdout=pipe, stderr=pipe, text=True, cwd=room, env=slowly, start_new_session=True)


def chunks(room):
    return {path.name.rpartition("-")[0] for path in (room / "out").glob("toy/*/chunks/*.nc")}
