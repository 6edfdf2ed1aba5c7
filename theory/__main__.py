"""``python -m theory``: derive every claim, run every proof step, verify every certificate, and say what is true.

python -m theory              the table of claims
python -m theory S3b K1       these claims in full: statement, assumptions, checks, plain words
python -m theory C1a --steps  their proofs, statement by statement
python -m theory --json       the ledger for programs
python -m theory S3b --beta1 .9 --S 16 --alpha1 10     what is proved about this setting
python -m theory --map        verify every box of the map of stability (minutes)
python -m theory --search     find the stored certificates anew first (minutes)
"""

from __future__ import annotations

import argparse
import itertools
import json
import math
import sys
import textwrap
from collections.abc import Iterator, Sequence

from theory import stability_map
from theory.claim import Claim, Examination, counted, record
from theory.examination import chosen, examined
from theory.methods import solvers
from theory.methods.proof import Proof, printed, tally
from theory.shell import in_shell

WIDTH = 100
HEADER = f"{'id':4} {'status':25} {'checks':>7} {'seconds':>8}  title"


def row(claim: Claim, examination: Examination) -> str:
    """A line of the table."""
    closed = f"{sum(examination.checks.values())}/{len(examination.checks)}"
    return f"{claim.id:4} {examination.status:25} {closed:>7} {examination.seconds:8.2f}  {claim.title}"


def page(claim: Claim, examination: Examination) -> str:
    """A claim in full."""
    lines = ["", f"{claim.id}  {claim.title}", "=" * (len(claim.id) + 2 + len(claim.title))]
    lines += _block("as reported", claim.as_reported)
    lines += _block("source", claim.source)
    for assumption in claim.assumptions:
        lines += _block("assuming", assumption)
    lines += _block("what holds", claim.statement)
    for name, formula in claim.formulas.items():
        lines += _block("formula", f"{name} = {formula}")
    for name, holds in examination.checks.items():
        lines += _block("closes" if holds else "OPEN", _step(claim, examination, name))
    for name in examination.vacuous:
        lines += _block("vacuous here", f"{name}: the bound is {examination.loose[name]:.1e} times what it bounds")
    for item in claim.cited:
        lines += _block("cited", f"{item.lemma} ({item.source})")
    for argument in claim.prose:
        lines += _block("in prose", argument)
    lines += _block("steps", counted(claim.tally))
    for certificate in claim.certificates:
        holds = examination.checks.get(f"certificate {certificate.name}", False)
        said = certificate.says if holds else "DOES NOT PROVE what the claim needs"
        lines += _block("certificate", f"{certificate.path.name}: {said}")
    lines += _block("in words", claim.plain)
    if claim.id == "S3b":
        lines += ["         map  " + line for line in stability_map.table().splitlines()]
    lines += _block("status", f"{examination.status} ({examination.summary}, {examination.seconds:.2f} s)")
    return "\n".join(lines)


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
    for proof in claim.proofs:
        assert isinstance(proof, Proof)
        yield from printed(proof)
        yield "statements by kind: " + ", ".join(f"{count} {kind}" for kind, count in tally(proof).items())
        for solver in filter(solvers.installed, solvers.SOLVERS):
            parts = solvers.inequalities(proof)
            answers = {f"{part.title}: {name}": solvers.decided(part, name, solver, 1.0) for part, name in parts}
            proved = [name for name, answer in answers.items() if answer == "proved"]
            left = "; ".join(f"{name} ({answer})" for name, answer in answers.items() if answer != "proved")
            yield f"{solver} proves {len(proved)} of {len(answers)} inequalities without their certificates"
            if left:
                yield from _block("not decided", left)
        for solver in itertools.filterfalse(solvers.installed, solvers.SOLVERS):
            yield f"{solver} is not installed (extra certify): its answers are not part of this page"
        yield ""
    if not claim.proofs:
        yield f"{claim.id} has no proof in this form; its checks are shown by python -m theory {claim.id}"


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
    parser = argparse.ArgumentParser(prog="python -m theory", description="What is true about VRAdam.")
    parser.add_argument("ids", nargs="*", metavar="ID", help="claims to show in full (default: the table of all)")
    parser.add_argument("--steps", action="store_true", help="print the proofs of the claims, statement by statement")
    parser.add_argument("--json", action="store_true", help="print the ledger as JSON")
    parser.add_argument("--search", action="store_true", help="first find the stored certificates anew (minutes)")
    parser.add_argument("--map", action="store_true", help="verify every box of the map of stability (minutes)")
    for name in ("beta1", "S", "alpha1"):
        parser.add_argument(f"--{name}", type=float, help=f"with the other two: what is proved about this {name}")
    options = parser.parse_args(arguments)
    try:
        claims = chosen(options.ids)
    except ValueError as error:
        parser.error(str(error))
    if options.steps:
        print("\n".join(line for claim in claims for line in proofs(claim)))
        return 0 if all(proof.closes() for claim in claims for proof in claim.proofs) else 1
    if (setting := (options.beta1, options.S, options.alpha1)) != (None, None, None):
        return _say(parser, setting)
    if options.map:
        safe, attracting = stability_map.verified()
        print(
            f"{len(safe)} boxes in which every start converges, {len(attracting)} in which a cycle attracts: verified"
        )
        return 0
    if options.search:
        from theory.search import everything

        print("searching for the certificates anew", file=sys.stderr)
        everything.run()

    examinations = []
    if not options.json:
        print(HEADER)
    for claim, examination in zip(claims, examined(claims), strict=True):
        examinations.append(examination)
        if not options.json:
            print(row(claim, examination), flush=True)
    pairs = list(zip(claims, examinations, strict=True))
    if options.json:
        print(json.dumps([record(*pair) for pair in pairs], indent=2))
    elif options.ids:
        print("\n".join(page(*pair) for pair in pairs))
    return 0 if all(all(examination.checks.values()) for examination in examinations) else 1


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
