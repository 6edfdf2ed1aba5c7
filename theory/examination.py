"""Asking for claims by their ids, and examining several at a time."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor

from theory import CLAIMS
from theory.claim import Claim, Examination, examine


def chosen(ids: Sequence[str]) -> tuple[Claim, ...]:
    """The claims with these ids, in any case, in the order of the ledger; all of them if none is named.

    Raises ValueError for an unknown id.

    >>> [claim.id for claim in chosen(["s1", "G1"])]
    ['G1', 'S1']
    """
    known = [claim.id for claim in CLAIMS]
    spelt = {name.lower(): name for name in known}
    ids = [spelt.get(name.lower(), name) for name in ids]
    unknown = [name for name in ids if name not in known]
    if unknown:
        raise ValueError(f"unknown claim {', '.join(unknown)}; the claims are {' '.join(known)}")
    return tuple(claim for claim in CLAIMS if not ids or claim.id in ids)


def examine_id(name: str) -> Examination:
    """The examination of the claim with this id: a text is what another process can be sent."""
    return examine(chosen([name])[0])


def examined(claims: Sequence[Claim]) -> Iterator[Examination]:
    """The examinations in order; those of more than three claims are shared out among the processors."""
    ids = [claim.id for claim in claims]
    processes = min(os.cpu_count() or 1, len(ids))
    if processes == 1 or len(ids) <= 3:
        yield from map(examine_id, ids)
    else:
        with ProcessPoolExecutor(processes, mp_context=multiprocessing.get_context("spawn")) as pool:
            yield from pool.map(examine_id, ids)
