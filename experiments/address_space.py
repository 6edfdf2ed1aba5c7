"""Whether a shell grants a process the addresses that the main job takes: where it does not, libraries crash."""

from __future__ import annotations

import sys
from typing import Final

GIB: Final = 2**30
#: Bytes of address space that one process reserves at most at default and at full resolution, in one process for all:
#: the largest seen were 1.39 and 2.21 GiB (VmPeak, Linux, two cores); what is used of it is a third.
NEEDED: Final = {False: 1.5 * GIB, True: 2.5 * GIB}


def shortage(paper: bool) -> str:
    """What to say before anything is imported that would crash, or the empty text.

    Parameters
    ----------
    paper : bool
        Whether the job is to run at full resolution.

    Returns
    -------
    str
        Empty where the limit (``ulimit -v``) is high enough, or where there is none to ask for.
    """
    if sys.platform == "win32":
        return ""
    import resource

    granted, _ = resource.getrlimit(resource.RLIMIT_AS)
    if granted == resource.RLIM_INFINITY or granted >= NEEDED[paper]:
        return ""
    return (
        f"the address space of a process must be at least {NEEDED[paper] / GIB:g} GiB, got a limit of "
        f"{granted / GIB:.2g} GiB; raise it (ulimit -v unlimited; for a batch job, the memory it asks for)"
    )
