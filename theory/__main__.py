"""``python -m theory``: derive every claim, run every proof step, verify every certificate, and say what is true.

python -m theory              the table of claims
python -m theory S3b K1       these claims: in words, what holds, assumptions, formulas, certificates
python -m theory C1a --steps  their checks and their proofs too, statement by statement
python -m theory --json       the ledger for programs
python -m theory S3b --beta1 .9 --S 16 --alpha1 10     what is proved about this setting
python -m theory --map        verify every box of the map of stability (about a minute)
python -m theory --widths     how wide the undecided band of the map is, for every clip
python -m theory --search     find the stored certificates anew first (minutes)
"""

from __future__ import annotations

import argparse
import itertools
import json
import math
import os
import sys
import textwrap
from collections.abc import Iterator, Sequence

from theory import stability_map
from theory.claim import Claim, Examination, counted, record
from theory.examination import chosen, examined
from theory.methods import solvers
from theory.methods.proof import Proof, printed, tally
from theory.naming import in_words, named, pretty
from theory.shell import in_shell

WIDTH = 100
HEADER = f"{'id':4} {'status':25} {'checks':>7} {'seconds':>8}  title"


def row(claim: Claim, examination: Examination) -> str:
    """A line of the table."""
    closed = f"{sum(examination.checks.values())}/{len(examination.checks)}"
    return f"{claim.id:4} {examination.status:25} {closed:>7} {examination.seconds:8.2f}  {claim.title}"


def head(claim: Claim) -> str:
    """What a claim says: words first, then mathematics."""
    lines = ["", f"{claim.id}  {claim.title}", "=" * (len(claim.id) + 2 + len(claim.title))]
    lines += _block("in words", in_words(claim.plain, claim.formulas))
    lines += _block("as reported", claim.as_reported)
    lines += _block("source", claim.source)
    lines += _block("what holds", claim.holds)
    for assumption in claim.assumptions:
        lines += _block("assuming", in_words(assumption, claim.formulas))
    for name, formula in claim.formulas.items():
        lines += ["", *_block("formula", f"{named(name)} =")]
        lines += [f"{'':14}{line}" for line in pretty(formula, WIDTH - 14).splitlines()]
    return "\n".join([*lines, ""])


def page(claim: Claim, examination: Examination, steps: bool = False) -> str:
    """What was checked about it, of which ``steps`` shows each."""
    lines = []
    for certificate in claim.certificates:
        holds = examination.checks.get(f"certificate {certificate.name}", False)
        said = certificate.says if holds else "DOES NOT PROVE what the claim needs"
        lines += _block("certificate", f"{certificate.path.name}: {said}")
    if claim.id == "S3b":
        lines += ["         map  " + line for line in stability_map.table().splitlines()]
    lines += checked(claim, examination) if steps else open_ones(claim, examination)
    lines += _block("steps", counted(claim.tally))
    lines += _block("status", f"{examination.status} ({examination.summary}, {examination.seconds:.2f} s)")
    if not steps and claim.concludes != "empirical":
        lines += _block("all steps", f"python -m theory {claim.id} --steps")
    return "\n".join(lines)


def checked(claim: Claim, examination: Examination) -> list[str]:
    """Every check, and what no machine checks."""
    lines = []
    for name, holds in examination.checks.items():
        lines += _block("closes" if holds else "OPEN", _step(claim, examination, name))
    for name in examination.vacuous:
        lines += _block("vacuous here", f"{name}: the bound is {examination.loose[name]:.1e} times what it bounds")
    for item in claim.cited:
        lines += _block("cited", f"{item.lemma} ({item.source})")
    for argument in claim.prose:
        lines += _block("in prose", argument)
    return lines


def open_ones(claim: Claim, examination: Examination) -> list[str]:
    """The checks that do not close: nobody should have to ask for these."""
    failed = [name for name, holds in examination.checks.items() if not holds]
    return [line for name in failed for line in _block("OPEN", _step(claim, examination, name))]


def _step(claim: Claim, examination: Examination, name: str) -> str:
    """A check with its kind, the hypotheses of an inequality, its time, and how tight the test of a bound is."""
    text = f"{name}  [{claim.kind(name)}, {examination.times.get(name, 0.0):.2f} s]"
    if given := claim.inequalities.get(name):
        text += f"  given {given}"
    if name in examination.loose:
        text += f"  bound/value {examination.loose[name]:.3g}"
    return text


def proofs(claim: Claim) -> Iterator[str]:
    """The proofs of a claim as a person reads them, with what the installed solvers say about their inequalities."""
    above: dict[str, Proof] = {}  # a lemma of several proofs is printed, and its inequalities decided, once
    for proof in claim.proofs:
        assert isinstance(proof, Proof)
        for line in printed(proof, above):
            yield from textwrap.wrap(
                line, WIDTH + 20, subsequent_indent=" " * 19, break_long_words=False, break_on_hyphens=False
            ) or [""]
        if shared := [title for title in proof.lemmas() if title in above]:
            yield from _block("as above", "; ".join(shared))
        yield "statements by kind: " + ", ".join(f"{count} {kind}" for kind, count in tally(proof).items())
        for solver in filter(solvers.installed, solvers.SOLVERS):
            parts = [(part, name) for part, name in solvers.inequalities(proof) if part.title not in above]
            answers = {f"{part.title}: {name}": solvers.decided(part, name, solver, 1.0) for part, name in parts}
            proved = [name for name, answer in answers.items() if answer == "proved"]
            left = "; ".join(f"{name} ({answer})" for name, answer in answers.items() if answer != "proved")
            yield f"{solver} proves {len(proved)} of {len(answers)} inequalities without their certificates"
            if left:
                yield from _block("not decided", left)
        for solver in itertools.filterfalse(solvers.installed, solvers.SOLVERS):
            yield f"{solver} is not installed (extra certify): its answers are not part of this page"
        above |= {**proof.lemmas(), proof.title: proof}
        yield ""
    if not claim.proofs:
        yield f"{claim.id} has no proof in this form; its checks are above"


def _block(label: str, text: str) -> list[str]:
    """``label`` in a margin, ``text`` wrapped beside it."""
    return textwrap.wrap(
        text, WIDTH, initial_indent=f"{label:>12}  ", subsequent_indent=" " * 14, break_long_words=False
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit status 0 when everything that was checked closed, 1 when something did not, 2 for a bad request.

    3 where a file cannot be read or the output not be written; 141 where the reader of a pipe went away before the end:
    then nothing is said about what was left.
    """
    parser = argparse.ArgumentParser(
        prog="python -m theory", description="What is true about VRAdam.", allow_abbrev=False
    )
    parser.add_argument("ids", nargs="*", metavar="ID", help="claims to show in full (default: the table of all)")
    parser.add_argument("--steps", action="store_true", help="every check of these claims, and their proofs")
    parser.add_argument("--json", action="store_true", help="print the ledger as JSON")
    parser.add_argument("--search", action="store_true", help="first find the stored certificates anew (minutes)")
    parser.add_argument("--map", action="store_true", help="verify every box of the map of stability (about a minute)")
    parser.add_argument("--widths", action="store_true", help="print how wide the undecided band of the map is")
    for name in ("beta1", "S", "alpha1"):
        parser.add_argument(f"--{name}", type=float, help=f"with the other two: what is proved about this {name}")
    options = parser.parse_args(arguments)
    try:
        claims = chosen(options.ids)
    except ValueError as error:
        parser.error(str(error))
    if (setting := (options.beta1, options.S, options.alpha1)) != (None, None, None):
        return _say(parser, setting)
    if options.map:
        processes = os.cpu_count() or 1
        safe, attracting = stability_map.verified(processes=processes, progress=sys.stderr.isatty())
        print(
            f"{len(safe)} boxes in which every start converges, {len(attracting)} in which a cycle attracts: verified"
        )
        return 0
    if options.widths:
        print(stability_map.widths())
        return 0
    if options.search:
        from theory.search import everything

        print("searching for the certificates anew", file=sys.stderr)
        everything.run()

    in_full = bool(options.ids) or options.steps
    found = examined(claims)
    examinations = []
    if not options.json and not in_full:
        print(HEADER)
    for claim in claims:
        if in_full and not options.json:
            print(head(claim), flush=True)  # while it is examined
        examinations.append(next(found))
        if in_full and not options.json:
            print(page(claim, examinations[-1], options.steps), flush=True)
            if options.steps:
                print("\n".join(["", *proofs(claim)]), flush=True)
        elif not options.json:
            print(row(claim, examinations[-1]), flush=True)
    if options.json:
        pairs = zip(claims, examinations, strict=True)
        print(json.dumps([record(*pair) for pair in pairs], indent=2))
    closed = all(all(examination.checks.values()) for examination in examinations)
    proved = not options.steps or all(proof.closes() for claim in claims for proof in claim.proofs)
    return 0 if closed and proved else 1


def _say(parser: argparse.ArgumentParser, setting: tuple[float | None, ...]) -> int:
    """Print what is proved about one setting; the clip is absent unless it is given."""
    beta1, S, alpha1 = setting
    if beta1 is None or S is None:
        parser.error("--beta1 and --S go together (--alpha1: without it, no clip)")
    try:
        print(stability_map.global_stability(beta1, S, math.inf if alpha1 is None else alpha1))
    except ValueError as error:
        parser.error(str(error))
    return 0


if __name__ == "__main__":
    sys.exit(in_shell(main))
