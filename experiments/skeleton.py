"""``python -m experiments new STEM``: a claim with its study and its test, small and whole, to be written over.

The skeleton claims what the velocity is after two steps of one gradient. It passes every check as it stands, so that
what fails later is what was changed.
"""

from __future__ import annotations

import re
from pathlib import Path
from string import Template
from typing import Final

from experiments.store.provenance import ROOT

CLAIM: Final = '''"""$id: the velocity after two steps (a skeleton: write your claim over it)."""

from __future__ import annotations

from collections.abc import Mapping

import sympy as sp

from theory.claim import Claim, vanishes
from theory.notation import beta1, latex
from theory.recursion import ALGORITHM, Coefficients, velocity


def derive(c: Coefficients = ALGORITHM) -> Mapping[str, sp.Expr]:
    """Two steps of the recursion from rest with one gradient g, over g."""
    g = sp.Symbol("g", positive=True)
    return {"share": sp.expand(velocity(velocity(sp.Integer(0), g, c), g, c) / g)}


SHARE = {"share": 1 - beta1**2}


def is_one_without_momentum() -> bool:
    """At beta1 = 0 the velocity is the gradient."""
    return vanishes(SHARE["share"].subs(beta1, 0) - 1)


$id = Claim(
    id="$id",
    title="The velocity after two steps of one gradient",
    as_reported="From rest, two steps with the gradient g make the velocity (1 - beta1^2) g.",
    statement=rf"v_2 = \\left({latex(SHARE['share'])}\\right) g",
    source="this project, a skeleton",
    assumptions=("0 <= beta1 < 1", "the same gradient g at both steps, and rest before"),
    plain=(
        "Momentum averages gradients, and at the start the average still holds the rest that came before: after one "
        "step it is a share 1 - beta1 of the gradient, after two steps 1 - beta1^2. Write here, for a student, what "
        "your claim says and why it is true, or why it is not."
    ),
    holds="as claimed",
    concludes="proved",
    prose=("the recursion is that of the published algorithm",),
    derive=derive,
    formulas=SHARE,
    steps={"without momentum the velocity is the gradient": is_one_without_momentum},
)

CLAIMS = ($id,)
'''

STUDY: Final = '''"""The velocity after two steps of one gradient, measured ($id; a skeleton: write over it)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray as xr

import vradam
from experiments.measurement.formula import evaluate
from experiments.measurement.verdict import Confrontation, Evidence, Point
from experiments.store.chunks import Chunks
from experiments.study import Result, Study
from theory.claims.$stem import SHARE


@dataclass(frozen=True)
class Setup:
    """Two steps at each ``beta1``, with ``gradients`` gradients of sizes over six decades."""

    beta1: tuple[float, ...] = (0.5, 0.9)
    gradients: int = 10


DEFAULT = Setup()
PAPER = Setup(beta1=(0.3, 0.5, 0.7, 0.9, 0.99))


def run(setup: Setup, chunks: Chunks) -> Result:
    """Measure v_2/g and set it beside the formula."""
    data = chunks.chunk("share", lambda: measure(setup))
    points = tuple(_point(data, beta1) for beta1 in setup.beta1)
    n = len(setup.beta1) * setup.gradients
    return Result({"share": data}, (Confrontation("$id", (Evidence("equality", points, n, "v_2/g"),)),))


def measure(setup: Setup) -> xr.Dataset:
    """``share`` = v_2/g over (beta1, gradient)."""
    g = np.geomspace(1e-3, 1e3, setup.gradients)[:, None]
    optimizer = vradam.VRMomentum(beta1=np.array(setup.beta1)[:, None])
    x = np.zeros((len(setup.beta1), *g.shape))
    state = optimizer.init(x)
    for _ in range(2):
        x, state = optimizer.step(x, np.broadcast_to(g, x.shape), state)
    return xr.Dataset({"share": (("beta1", "gradient"), (state.velocity / g)[..., 0])}, {"beta1": list(setup.beta1)})


def _point(data: xr.Dataset, beta1: float) -> Point:
    """The range of the measured shares, widened by the arithmetic of two steps."""
    shares = data.share.sel(beta1=beta1).values
    low, high = float(shares.min()) * (1 - 1e-12), float(shares.max()) * (1 + 1e-12)
    predicted = float(evaluate(SHARE["share"], beta1=beta1))
    return Point(float(shares.mean()), low, high, predicted, f"beta1 = {beta1:g}")


STUDY = Study(DEFAULT, PAPER, run)
'''

TEST: Final = '''"""$id: truths that are special to the claim; the generic checks find it by themselves."""

import sympy as sp

from theory.claims.$stem import SHARE
from theory.notation import beta1


def test_it_is_a_geometric_sum():
    assert sp.expand(SHARE["share"] - (1 - beta1) * (1 + beta1)) == 0
'''
#: Words of the command line that no stem may have.
RESERVED: Final = ("new", "speed")
FILES: Final = {
    "theory/claims/$stem.py": CLAIM,
    "experiments/studies/$stem.py": STUDY,
    "tests/claims/test_$stem.py": TEST,
}


def write(stem: str, claim: str, root: Path = ROOT) -> list[Path]:
    """Write the three files of a new stem; returns their paths.

    Parameters
    ----------
    stem : str
        A plain Python name that no stem has yet.
    claim : str
        The id of the claim: a chapter (K G S C E W), a number, perhaps a letter.
    root : Path
        Of the clone.

    Raises
    ------
    ValueError
        If the stem or the id is malformed or taken; nothing is written then.
    """
    from theory import CLAIMS, STEMS

    if not re.fullmatch(r"[a-z][a-z0-9_]*", stem) or stem in (*STEMS, *RESERVED):
        raise ValueError(f"STEM must be a new name of small letters, digits and underscores, got {stem!r}")
    if not re.fullmatch(r"[KGSCEW][0-9]+[a-z]?", claim) or claim in {known.id for known in CLAIMS}:
        raise ValueError(f"ID must be a new id such as S9, got {claim!r}")
    texts = {root / Template(name).substitute(stem=stem): Template(text) for name, text in FILES.items()}
    if taken := [str(path) for path in texts if path.exists()]:
        raise ValueError(f"STEM must have no files yet, got {', '.join(taken)}")
    for path, text in texts.items():
        path.write_text(text.substitute(stem=stem, id=claim), encoding="utf-8", newline="\n")
    return list(texts)


def next_id(chapter: str = "S") -> str:
    """The first id of a chapter that no claim has.

    >>> next_id("K")
    'K2'
    """
    from theory import CLAIMS

    taken = [int(found.group(1)) for claim in CLAIMS if (found := re.fullmatch(rf"{chapter}(\d+)[a-z]?", claim.id))]
    return f"{chapter}{max(taken, default=0) + 1}"
