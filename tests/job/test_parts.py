"""The parts of a main job, some of them side by side: what is said of them, and what waits for what."""

import re

import numpy as np
import pytest
import xarray as xr
from toys import IDLE, main, toys

from experiments import job
from vradam.workers import HERE, Workers


def test_progress_counts_the_derivations_every_stem_and_the_figures(room, monkeypatch):
    """Every part that begins ends, as many as were announced: in a terminal the bar ends full."""
    counted = []

    class Counting(job.Progress):
        def __init__(self, parts):
            counted.append([parts])
            super().__init__(parts)

        def begin(self, name):
            counted[-1].append(name)
            super().begin(name)

        def end(self, name):
            counted[-1].append(f"{name} ends")
            super().end(name)

    def parts(*names):
        return [len(names), *(said for name in names for said in (name, f"{name} ends"))]

    monkeypatch.setattr(job, "Progress", Counting)
    assert main(room, "T2", "T3") == 0 and main(room, "T2") == 0
    assert counted == [parts("derivations", "toy", "idle", "figures"), parts("derivations", "toy", "figures")]


def test_parts_side_by_side_end_one_by_one(capsys):
    """A line for each as it ends; the name of one that is over can be given again."""
    with job.Progress(3) as progress:
        progress.begin("whole")
        for _ in range(2):
            progress.begin("part")
            progress.end("part")
        progress.end("whole")
        assert progress.begun == {}
    assert re.sub(r"\d+\.\d s", "s", capsys.readouterr().err).splitlines() == ["part: s", "part: s", "whole: s"]


def test_a_study_without_a_claim_has_no_derivations_to_wait_for(room, capsys):
    text = IDLE.partition("def run")[0] + "def run(setup, chunks):\n    return Result({})\n\n\n"
    stem = room / "room" / "toy_stems" / "walk.py"
    stem.write_text(text + "STUDY = Study(Setup(), Setup(), run, explores=True)\n", encoding="utf-8")
    assert main(room, "walk", catalogue=toys(more=[("walk", ())])) == 0
    assert re.findall(r"^(\w+): \d+\.\d s$", capsys.readouterr().err, re.MULTILINE) == [
        "derivations",
        "walk",
        "figures",
    ]


def test_figures_are_drawn_of_stems_that_have_data(tmp_path, caplog):
    """And into a folder that may be there already; what raises is said, and its stem has none."""
    data = {f"s{n}": {"x": xr.Dataset({"x": ("n", np.zeros(n))})} for n in (2, 9, 5)} | {"none": {}}

    def draw(stem, data, folder):
        if stem == "s5":
            raise KeyError("colour")
        return [folder / f"{stem}.svg"]

    for jobs in (1, 2):
        drawn = {}
        with Workers(jobs).shared() as workers:
            job._begin_figures(draw, data, tmp_path, workers, drawn)
            workers.finish()
        assert drawn == {"s9": ("figures/s9.svg",), "s5": (), "s2": ("figures/s2.svg",)}
    assert "the figures of s5 could not be drawn" in caplog.text
    assert [record.message.split()[3] for record in caplog.records] == ["s5", "s5"]
    job._begin_figures(None, data, tmp_path, HERE, drawn := {})
    assert drawn == {}


@pytest.mark.parametrize(
    ("needs", "after"),
    [({}, 1), ({"toy": ["idle"]}, 2), ({"toy": ["not asked for"]}, 1)],
    ids=["nothing", "a later stem", "a stem that does not run"],
)
def test_figures_wait_for_the_stems_whose_data_they_draw(room, monkeypatch, needs, after):
    """Of those that run in this job: a figure is drawn when the last of them has ended, not before and not never."""
    ended, drawn = [], []
    real = job._run

    def run(stem, *rest):
        done, finished = real(stem, *rest)
        ended.append(stem.name)
        return done, finished._replace(data={"x": xr.Dataset()})

    def draw(stem, data, folder):
        drawn.append((stem, len(ended)))
        return ()

    monkeypatch.setattr(job, "_run", run)
    options = job.Options(room / "out", only=("toy", "idle"))
    job.main_job(options, toys(), draw, needs=lambda stem: needs.get(stem, ()))
    assert drawn == [("toy", after), ("idle", 2)]
