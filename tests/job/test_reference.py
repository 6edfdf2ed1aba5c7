"""The ledger of this repository, and the reference that is committed with it."""

import json
import zlib
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from toys import TOY, ledger, main, toys

import theory
from experiments import job
from experiments.catalogue import catalogue
from experiments.measurement.verdict import Confrontation, Evidence, Point
from experiments.report.freshness import UNKNOWN, changes, since
from experiments.report.ledger import BEGIN, END, entry, ledger_markdown, merged, with_ledger
from experiments.report.on_record import judged, line, read_record
from experiments.report.reference import THINNED, rounded, thinned, update_reference
from experiments.results import as_json, stored, write_json
from experiments.store.chunks import read_data, save_data
from experiments.store.files import read_checked
from experiments.store.fingerprint import recipe
from experiments.store.manifest import read_manifest
from vradam.workers import Workers

ROOT = Path(__file__).parents[2]
CATALOGUE = catalogue()


def test_the_catalogue_is_the_theorys_ledger():
    """Every claim has a study of its stem that can be imported, and a study without a claim says that it explores."""
    ids = [claim.id for claim in CATALOGUE.claims]
    assert ids == [claim.id for claim in theory.CLAIMS]
    assert ids == sorted(ids, key=lambda name: ("KGSCEW".index(name[0]), int(name[1:].rstrip("ab")), name))
    for stem in CATALOGUE.stems:
        assert stem.failure == "" and stem.claims == theory.STEMS.get(stem.name, ()), stem
        assert stem.working().explores == (not stem.claims)


def test_only_the_stated_stems_wait_for_a_request():
    everything = CATALOGUE.select(None)
    assert {"E1", "E3"} & set(everything) == set() and "G1" in everything and "sensitivity" in everything
    assert CATALOGUE.select(["E1", "gate"]) == ("G1", "G2", "E1")
    assert CATALOGUE.select(["sensitivity"]) == ("sensitivity",)


README = f"# Title\n\n{BEGIN}\nold\n{END}\n\nEnd.\n"


def test_the_readmes_ledger_is_renewed_between_its_markers(room):
    main(room)
    entries = list(ledger(room).values())
    renewed = with_ledger(README, entries)
    assert renewed.startswith("# Title\n") and renewed.endswith("\nEnd.\n") and "\nold\n" not in renewed
    assert "| **T2** | Claim T2 | refuted | = 0.6 | 0.5 [" in renewed and "] | ratio |  |" in renewed
    assert with_ledger(renewed, entries) == renewed
    for broken in ("", README.replace(END, ""), README + BEGIN, f"{END}\n{BEGIN}\n"):
        with pytest.raises(ValueError, match="the README must hold the lines"):
            with_ledger(broken, entries)


def test_claims_that_were_not_run_keep_their_record():
    before = [{"id": "T1", "verdict": "refuted"}, {"id": "T2", "verdict": "open"}]
    now = [{"id": "T1", "verdict": "not run"}, {"id": "T2", "verdict": "verified"}, {"id": "T3", "verdict": "not run"}]
    assert [item["verdict"] for item in merged(before, now)] == ["refuted", "verified", "not run"]


def on_request(room):
    """The toy catalogue, all of which waits for a request."""
    stem = room / "room" / "toy_stems" / "toy.py"
    stem.write_text(TOY.replace("PAPER, run)", "PAPER, run, on_request=True)"), encoding="utf-8")
    return toys()


def test_what_waits_for_a_request_is_shown_from_the_record(room):
    """T1's verdict, date and commit where they are on record, else the line that runs it; on the page too."""
    waiting = on_request(room)
    record = room / "reference"
    plain_job = partial(job.main_job, job.Options(out=room / "out"), waiting, reference=record)
    assert [line(item) for item in plain_job().recorded] == [
        f"{name}: not run; to run it: python -m experiments --only {name}" for name in ("T1", "T2", "T3")
    ]
    ran = job.main_job(job.Options(out=room / "out", only=("toy", "idle")), waiting, reference=record)
    assert ran.recorded == ()
    entries = [entry(finding) for finding in ran.findings]
    record.mkdir()
    write_json(record / "claims.json", entries)
    for stem in waiting.stems:
        made_of = {"made_from.json": as_json(recipe(stem.study.paper, stem.module))}
        save_data(record / stem.name, {}, made_of)
    first, second, third = map(line, plain_job().recorded)
    made = entries[0]["provenance"]
    assert first.startswith(
        f"T1: on record as verified, {made['date']}, commit {made['commit'][:8]}, default resolution"
    )
    assert second.startswith("T2: on record as refuted, ") and second.endswith("again: python -m experiments --only T2")
    assert third.startswith("T3: on record as verified, ")
    page = (room / "out" / "report.html").read_text(encoding="utf-8")
    assert page.count("on record, " + made["date"][:10]) == 3 and made["versions"]["numpy"] in page
    assert "as of commit" not in page


def test_a_record_of_other_code_says_as_of_which_commit(room):
    """On the terminal and in the report: what changed since, or that nothing is known of the code."""
    waiting = on_request(room)
    record = room / "reference"
    ran = job.main_job(job.Options(out=room / "out", only=("toy", "idle")), waiting, reference=record)
    record.mkdir()
    write_json(record / "claims.json", [entry(finding) for finding in ran.findings])
    commit = ran.studies[0].provenance["commit"]
    made = recipe(waiting["toy"].study.paper, waiting["toy"].module)
    older = made | {"code": made["code"] | {"vradam.optimizer": "0" * 16, "experiments.gone": "0" * 16}}
    save_data(record / "toy", {}, {"made_from.json": as_json(older)})
    first, _, third = job.main_job(job.Options(out=room / "out"), waiting, reference=record).recorded
    assert first.stale == since(("experiments.gone", "vradam.optimizer"), commit)
    assert f"as of commit {commit[:8]}" in first.stale and first.stale in line(first)
    assert third.stale == since((UNKNOWN,), commit) and "its code is not on record" in line(third)
    page = (room / "out" / "report.html").read_text(encoding="utf-8")
    assert page.count(f'<strong class="surprise">as of commit {commit[:8]}</strong>') == 3
    assert first.stale in page
    save_data(record / "toy", {}, {"made_from.json": as_json(made | {"setup": {"starts": []}})})
    assert changes(waiting["toy"], record / "toy") == ("its setup",)
    save_data(record / "toy", {}, {"made_from.json": b'{"code": 1}'})
    with pytest.raises(ValueError, match="does not say what the data were made from"):
        changes(waiting["toy"], record / "toy")
    again = job.main_job(job.Options(out=room / "out"), waiting, reference=record).recorded
    assert again[0].stale == since((UNKNOWN,), commit)


@pytest.mark.parametrize("raw", [b"{", b"[1]", b"\xff", b"[" * 1000])
def test_a_malformed_record_is_said_plainly(room, raw):
    """The main job has its verdicts then; only those on record are missing."""
    (room / "claims.json").write_bytes(raw)
    waiting = on_request(room)
    result = job.main_job(job.Options(out=room / "out"), waiting, reference=room)
    assert result.recorded == () and "T3" in {finding.claim.id for finding in result.findings}
    assert result.notice.startswith(f"The verdicts on record are not shown: {room / 'claims.json'} cannot be read: ")
    with pytest.raises(ValueError, match="cannot be read"):
        update_reference([], room / "out", room, room / "README.md", toys())


def test_every_file_of_the_reference_has_its_checksum():
    folders = [path for path in (ROOT / "experiments" / "reference").iterdir() if path.is_dir()]
    assert folders
    for folder in folders:
        listed = read_manifest(folder)
        assert {name for name in listed if name.endswith(".nc")} == {path.name for path in folder.glob("*.nc")}, folder
        for name, checksum in listed.items():
            read_checked(folder / name, checksum)


def test_the_reference_is_small_complete_and_renewed(room, monkeypatch):
    readme, reference = room / "README.md", room / "reference"
    readme.write_text(README, encoding="utf-8")
    (reference / "toy").mkdir(parents=True)
    (reference / "toy" / "stale.nc").touch()
    options = job.Options(out=room / "out", paper=True, workers=Workers(1))
    job.main_job(options, toys())
    entries = list(ledger(room).values())
    update_reference(entries, options.out, reference, readme, toys())
    assert {path.name for path in reference.rglob("*") if path.is_file()} == {
        "claims.json", "made_from.json", "ratios.nc", "SHA256SUMS",
    }  # fmt: skip
    assert changes(toys()["toy"], reference / "toy") == ()
    assert read_data(reference / "toy")["ratios"].equals(stored(toys()["toy"], True, options.out)["ratios"])
    assert json.loads((reference / "claims.json").read_text())[0]["provenance"]["resolution"] == "paper"
    assert "Claim T1" in readme.read_text(encoding="utf-8")
    monkeypatch.setattr("experiments.report.reference.REFERENCE_LIMIT", 1000)
    with pytest.raises(ValueError, match=r"must stay below 1,000 bytes; the largest files are toy/ratios.nc"):
        update_reference(entries, options.out, reference, readme, toys())


def test_a_large_dataset_is_thinned_and_says_so():
    whole = xr.Dataset(
        {"rate": (("ratio", "start", "step"), np.random.default_rng(0).random((9, 16, 256)))},
        coords={"ratio": np.linspace(1, 2, 9)},
    )
    part = thinned("cycles/bifurcation", whole)
    assert dict(part.sizes) == {"ratio": 2, "start": 2, "step": 100}
    np.testing.assert_allclose(part.rate, whole.rate[::5, ::8, -100:], rtol=2.0**-13)
    assert part.attrs["thinned"] == "ratio[::5], start[::8], step[-100::], 12 bits"
    assert thinned("cycles/frontier", whole) is whole
    plain = whole.rate.values.astype(np.float32)
    assert len(zlib.compress(rounded(plain).tobytes())) < 0.7 * len(zlib.compress(plain.tobytes()))


def test_numbers_are_rounded_to_the_nearest_of_twelve_bits_ties_to_even_and_stay_what_they_are():
    rng = np.random.default_rng(0)
    values = (rng.normal(size=2000) * 10.0 ** rng.integers(-30, 30, 2000)).astype(np.float32).astype(float)
    short = rounded(values)
    exact = np.ldexp(np.round(np.ldexp(np.frexp(values)[0], 13)), np.frexp(values)[1] - 13)
    np.testing.assert_array_equal(short, exact.astype(np.float32))  # np.round takes ties to even, too
    np.testing.assert_array_equal(rounded(short), short)
    kept = rounded(np.array([0.0, np.inf, -np.inf, np.nan, 1e300]))
    np.testing.assert_array_equal(kept, np.array([0.0, np.inf, -np.inf, np.nan, np.inf], dtype=np.float32))


def test_the_committed_reference_is_within_its_limit():
    folder = ROOT / "experiments" / "reference"
    assert sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) < 5e6
    for name in ("cycles/bifurcation", "stability/adam"):
        assert name in THINNED


def test_the_readme_is_current():
    reference = ROOT / "experiments" / "reference" / "claims.json"
    if not reference.exists():
        pytest.skip("no reference has been made yet")
    entries = read_record(reference.parent)
    assert ledger_markdown(entries) in (ROOT / "README.md").read_text(encoding="utf-8")


def observation(judge):
    """A stem with one observation, whose study judges stored data or cannot."""
    claim = replace(CATALOGUE["tasks"].claims[0], id="E9")
    study = replace(CATALOGUE["tasks"].working(), judge=judge)
    return claim, replace(CATALOGUE["tasks"], name="toy", claims=(claim,), study=study)


def test_what_is_on_record_of_an_observation_is_judged_by_the_present_rule(tmp_path):
    """Its data are all there is to judge; words for mathematics, without data, say nothing about it."""
    item = {"id": "E9", "verdict": "refuted", "numeric": {}}
    save_data(tmp_path / "toy", {"runs": xr.Dataset({"share": ("half", [0.9, 0.8])})})

    def judge(data):
        first, second = (
            Evidence("lower bound", (Point(s, s - 0.1, s + 0.1, 0.5, "here"),), 3, "share", seeds=(i,))
            for i, s in enumerate(data["runs"].share.values.tolist())
        )
        return (Confrontation("E9", (first,), replication=(second,)),)

    claim, stem = observation(judge)
    found = judged(item, claim, stem, tmp_path)
    assert (found["verdict"], found["numeric"]["measured"]["value"]) == ("reproduced", 0.9)
    assert judged(item, claim, stem, tmp_path / "nowhere") is None
    assert judged({**item, "verdict": "inconclusive"}, claim, stem, tmp_path / "nowhere")["verdict"] == "inconclusive"
    assert judged(item, *observation(None), tmp_path) is None and judged(None, claim, stem, tmp_path) is None
    mathematics = replace(claim, concludes="refuted")
    assert judged(item, mathematics, stem, tmp_path) is item
    broken = observation(lambda data: (data["gone"],))
    assert judged(item, *broken, tmp_path) is None
