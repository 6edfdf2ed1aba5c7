"""The derivations of claims, stored like everything else: each under the code and the certificates that it rests on."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, get_args

import numpy as np
import sympy as sp
import xarray as xr

from experiments.store.chunks import Chunks
from experiments.store.files import forget
from experiments.store.fingerprint import file_digest, fingerprint, origin
from theory.claim import Claim, Examination, Status, examine
from vradam.workers import HERE, Workers

log = logging.getLogger("experiments")


def examinations(
    claims: Sequence[Claim], out: Path, workers: Workers = HERE, fresh: bool = False, in_full: bool = False
) -> dict[str, Examination]:
    """Claim id -> what its derivation says; see :func:`begin`."""
    found: dict[str, Examination] = {}
    begin(claims, out, found.__setitem__, workers, fresh, in_full)
    workers.finish()
    return found


def begin(
    claims: Sequence[Claim],
    out: Path,
    found: Callable[[str, Examination], None],
    workers: Workers = HERE,
    fresh: bool = False,
    in_full: bool = False,
) -> None:
    """``found(id, examination)`` for every claim: stored ones as they are, now, the others when processes have time.

    The longest are looked for and begun first.

    Parameters
    ----------
    claims : sequence of Claim
        Those whose derivations are asked for.
    out : Path
        The folder of the results; an examination lies below ``theory/<id>/<fingerprint>``.
    found : callable
        Is told each examination, which is stored by then.
    workers : Workers
        Where they are checked.
    fresh : bool
        Whether what is stored is forgotten.
    in_full : bool
        Whether steps that check a sample check everything instead.

    Raises
    ------
    OSError
        If code that a derivation imports is written to while it runs, or a file cannot be read or written.
    """
    if in_full:
        claims = [replace(claim, steps={**claim.steps, **claim.in_full}) for claim in claims]
    stores: dict[str, Chunks] = {}

    def keep(name: str, examination: Examination) -> None:
        if examination.checks or examination.status == "empirical":
            stores[name].keep(name, to_dataset(examination))
        found(name, examination)

    for claim in sorted(claims, key=lambda claim: -len(claim.formulas) - len(claim.steps)):
        made_by = origin(*modules(claim))
        mark = fingerprint(content(claim), *modules(claim))
        store = stores[claim.id] = Chunks(out / "theory" / claim.id / mark, mark, origin=made_by)
        if fresh and store.folder:
            forget(store.folder)
        for dataset in store.stored([claim.id]).values():
            try:
                found(claim.id, from_dataset(dataset))
                break
            except ValueError as error:
                log.warning("%s: %s; examining it again", store.folder, error)
        else:
            workers.behind(_examine, {claim.id: (claim,)}, keep, made_by.differences)


def content(claim: Claim) -> dict[str, Any]:
    """What a claim says, as plain JSON: its formulas, its steps, its certificates and what they read by their bytes."""
    in_full = [name for name, step in claim.in_full.items() if claim.steps.get(name) is step]
    return {
        "id": claim.id,
        "concludes": claim.concludes,
        "formulas": {name: sp.srepr(formula) for name, formula in claim.formulas.items()},
        "steps": [f"{name}: {_module(step)}" for name, step in claim.steps.items()],
        "certificates": {item.name: [file_digest(item.path), item.says] for item in claim.certificates},
        **({"reads": {path.name: file_digest(path) for path in claim.reads}} if claim.reads else {}),
        **({"in full": in_full} if in_full else {}),
    }


def modules(claim: Claim) -> tuple[str, ...]:
    """The modules whose code an examination runs: that of its derivation, of its steps, and the examination itself."""
    callables = [claim.derive, *claim.steps.values()]
    return tuple(sorted({"theory.claim", *(_module(call) for call in callables if call is not None)}))


def _module(call: Callable[..., Any]) -> str:
    while isinstance(call, partial):
        call = call.func
    return call.__module__


def _examine(claim: Claim) -> Examination:
    """A derivation that raises does not close; that is no reason to lose the other claims."""
    try:
        return examine(claim)
    except Exception as error:
        return Examination("open", f"the derivation raised {type(error).__name__}: {error}", 0.0, {})


def to_dataset(examination: Examination) -> xr.Dataset:
    """An examination without its times, which differ from run to run."""
    names, held = list(examination.checks), list(examination.checks.values())
    data = {"holds": ("check", np.array(held, dtype=bool))} if names else {}
    coords = {"check": names} if names else {}
    if examination.loose:
        data["looseness"] = ("bound", np.array(list(examination.loose.values()), dtype=float))
        coords["bound"] = list(examination.loose)
    return xr.Dataset(data, coords, attrs={"status": examination.status, "summary": examination.summary})


def from_dataset(dataset: xr.Dataset) -> Examination:
    """What :func:`to_dataset` made.

    Raises
    ------
    ValueError
        For a dataset that is no examination.
    """
    names, held, loose = dataset.get("check"), dataset.get("holds"), dataset.get("looseness")
    status, summary = dataset.attrs.get("status"), dataset.attrs.get("summary")
    if status not in get_args(Status) or not isinstance(summary, str):
        raise ValueError("is not an examination")
    if names is None and held is None:
        return Examination(status, summary, 0.0, {})
    if names is None or held is None:
        raise ValueError("is not an examination")
    if held.dims != ("check",) or held.dtype != bool or not all(isinstance(name, str) for name in names.values):
        raise ValueError("is not an examination")
    bounds = {}
    if loose is not None:
        if loose.dims != ("bound",) or loose.dtype.kind != "f" or loose["bound"].dtype.kind not in "OTU":
            raise ValueError("is not an examination")
        bounds = dict(zip(map(str, loose["bound"].values), loose.values.tolist(), strict=True))
    checks = dict(zip(names.values.tolist(), held.values.tolist(), strict=True))
    return Examination(status, summary, 0.0, checks, loose=bounds)
