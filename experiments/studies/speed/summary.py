"""What the timings say, as tables: every work beside its floor and its peers, and what a process pays once."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import xarray as xr

from experiments.studies.speed.contestant import CONTESTANTS
from experiments.studies.speed.goals import judged
from experiments.study import Table

#: What did not make the compiled engines faster.
TRIED = Table(
    "Tried without gain",
    ("work", "what", "found"),
    (
        ("one step", "division by Newton's iteration with fused multiply-add", ".92 where the kept roots take .88"),
        ("one step", "both together", "1.03"),
        ("one step", "Newton's root; approximate reciprocals, in C too; two numbers a division", "no faster"),
        ("one step", "kept roots beyond 2^19 numbers", "a tenth stream costs more than the divider"),
        ("two threads", "any thread takes any stretch", "1.4: stretches change caches; each its own share first 1.7"),
        ("many runs", "tuning for other processors; 8, 16, 32 or 128 runs side by side", "no faster"),
        ("many runs", "rows at the beginning of pages rather than of cache lines", "no faster"),
        ("many runs", "the gate opened in the loop of the last coordinate", "not vectorised: three times slower"),
        ("many runs", "the sweep in two or three loops", "no faster"),
        ("dense gradients", "fused multiply-add", "no faster: it waits for loads and stores"),
        ("noise", "Philox, or Threefry of 32 bits, for Threefry of 64 bits", "no faster"),
        ("normals", "their words in the sweep too, four coordinates at once", "2.70 where it took 2.33"),
        ("normals", "the pair of the next two coordinates, one iteration ahead", "2.67"),
        ("normals", "coefficients of the polynomials from a table", "2.54"),
        ("normals", "both steps before the pair, so that the divider begins sooner", "2.37"),
        ("normals", "polynomials to 7e-8 rather than 2e-8", "no faster"),
    ),
    "Nanoseconds per number in double precision, on one processor (AMD, Zen 4, AVX-512) at work on other things too: "
    "least of many; a root and a division take .85. Left out, since it would change the stream of every two-point "
    "noise: words of 32 bits.",
)


def tables(data: Mapping[str, xr.Dataset]) -> tuple[Table, ...]:
    """From ``data`` as :func:`experiments.studies.speed.run` returns it."""
    return works(data["times"]), once(data["startup"]), growth(data["scaling"]), gate(data["gate"]), TRIED


def works(times: xr.Dataset) -> Table:
    """Least time, median and spread of every contestant in every work, its processors, ratios, and our goal."""
    rows, refused = [], []
    for work in times.work.values:
        here = times.ns.sel(work=work)
        least, middle, most = here.min("round"), here.median("round"), here.max("round")
        processors = times.processors.sel(work=work) if "processors" in times else xr.full_like(here, np.nan)
        refused += [
            f"{name} ({work}, {float(share):.2f} processors)"
            for name, share in zip(here.contestant.values, processors.median("round").values, strict=True)
            if np.isfinite(share) and not np.isfinite(float(least.sel(contestant=name)))
        ]
        for name in here.contestant.values[np.isfinite(least.values)]:
            ns, median = float(least.sel(contestant=name)), float(middle.sel(contestant=name))
            rows.append(
                (
                    str(work),
                    str(name),
                    f"{ns:.3f}",
                    f"{median:.3f}",
                    f"{float(most.sel(contestant=name)) / ns - 1:.0%}",
                    _two_places(float(processors.sel(contestant=name).median("round"))),
                    f"{ns / float(least.sel(contestant='floor')):.2f}",
                    f"{ns / float(least.sel(contestant='vradam')):.2f}",
                    f"{1e-9 * ns * float(times.numbers.sel(work=work)):.3f}",
                    judged(times, str(work), str(name)) or "-",
                )
            )
    absent = [str(name) for name in times.contestant.values if bool(np.isnan(times.ns.sel(contestant=name)).all())]
    missing = "; ".join(f"{name} (pip install {CONTESTANTS[name][1]})" for name in absent if name in CONTESTANTS)
    head = ("work", "contestant", "least ns", "median", "spread", "CPU/wall", "/floor", "/vradam", "seconds")
    return Table(
        "What a number costs",
        (*head, "our goal"),
        tuple(rows),
        "Nanoseconds per number updated, over the launches, whose spread is the largest over the least, less one; "
        "seconds are those of the whole work, also where it was timed at fewer steps or runs. Rows that begin with a "
        "dash are parts of ours, or of the floor."
        + (f" Refused, for more than one processor: {'; '.join(refused)}." if refused else "")
        + (f" Not timed: {missing}." if missing else ""),
    )


def _two_places(number: float) -> str:
    return f"{number:.2f}" if np.isfinite(number) else "-"


def once(startup: xr.Dataset) -> Table:
    """Import and first run, beside our goals."""
    rows = []
    for what in startup.what.values:
        seconds, goal = startup.seconds.sel(what=what), float(startup.goal.sel(what=what))
        least = float(seconds.min())
        verdict = "met" if least <= goal else "MISSED"
        rows.append((str(what), f"{least:.3f}", f"{float(seconds.median()):.3f}", f"<= {goal:g} {verdict}"))
    return Table("What a process pays once", ("what", "least seconds", "median", "our goal"), tuple(rows))


def growth(scaling: xr.Dataset) -> Table:
    """The exponents of :func:`experiments.studies.speed.scaling`, ours."""
    rows = []
    for axis in scaling.axis.values:
        here = scaling.sel(axis=axis, contestant="vradam")
        rows.append((str(axis), f"{float(here.slope):.2f}", f"{1e3 * float(here.fixed):.2f}"))
    return Table(
        "How cost grows",
        ("with", "exponent", "ms at none"),
        tuple(rows),
        "The exponent is that of the upper half of the sizes.",
    )


def gate(cost: xr.Dataset) -> Table:
    """The ratios behind E3, over (hidden, batch)."""
    rows = []
    for hidden in cost.hidden.values:
        for batch in cost.batch.values:
            cell = cost.sel(hidden=hidden, batch=batch)
            ratios = (
                f"{float(cell[name]):.3f} [{float(cell[f'{name}_low']):.3f}, {float(cell[f'{name}_high']):.3f}]"
                for name in ("epoch_ratio", "step_ratio")
            )
            rows.append((str(int(hidden)), str(int(batch)), *ratios))
    return Table(
        "VRAdam's time over AdamW's, in the same engine",
        ("hidden units", "batch", "epoch", "step alone"),
        tuple(rows),
        "Medians over processes with 95 % intervals (order statistics). In the step alone the clip is never reached.",
    )
