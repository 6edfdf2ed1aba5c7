"""The last line of the main job: verdicts beside those of the reference."""

from experiments.measurement.verdict import Confrontation, Evidence, Point
from experiments.report.agreement import agreement
from experiments.report.ledger import Finding, StudyRun, entry
from theory.claim import Claim, Examination


def finding(name, measured, status="proved"):
    """A claim that was run, or, without a measurement, was not."""
    claim = Claim(id=name, title="t", as_reported="r", statement="s", source="s", assumptions=("a",), plain="p",
                  concludes="proved")  # fmt: skip
    if measured is None:
        return Finding(claim, None)
    points = (Point(measured, 0.99 * measured, 1.01 * measured, 2.0, "here"),)
    seen = Confrontation(name, (Evidence("equality", points, 3, "width"),))
    return Finding(claim, None, Examination(status, "", 0.0, {}), StudyRun("toy", "Toy", {}, {}, {name: seen}))


def test_verdicts_that_agree_are_counted_and_others_named_with_both_measurements():
    record = [entry(finding(name, 2.0)) for name in ("A", "B")] + [entry(finding("C", None))]
    same = [finding("A", 2.0), finding("B", 2.0)]
    assert agreement(same, record) == "2 of 2 verdicts agree with the reference."
    assert agreement([*same, finding("C", None)], record) == (
        "2 of 2 verdicts agree with the reference (others on record)."
    )
    assert agreement([*same, finding("D", 2.0)], record) == "2 of 2 verdicts agree with the reference."
    assert agreement([same[0], finding("B", 3.0)], record) == (
        "1 of 2 verdicts agree with the reference; B is open, on record verified: measured 3 [2.97, 3.03], on record "
        "2 [1.98, 2.02] (width: here)."
    )
