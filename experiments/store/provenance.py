"""Where a result comes from: code, versions, machine, setup, seed."""

from __future__ import annotations

import os
import platform
import subprocess
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from experiments.store.environment import versions

ROOT = Path(__file__).resolve().parents[2]


def provenance(setup: object, fingerprint: str, seconds: float) -> dict[str, Any]:
    """What made a result, as plain JSON. Only ``seconds`` and ``date`` differ between two runs of the same thing."""
    return {
        "fingerprint": fingerprint,
        "seed": getattr(setup, "seed", None),
        "commit": commit(),
        "versions": versions(),
        "platform": f"{platform.system()} {platform.machine()}",
        "cores": os.cpu_count(),
        "seconds": round(seconds, 3),
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
    }


@cache
def commit(root: Path = ROOT) -> str:
    """The commit of the clone that this code runs from, "+dirty" after it if files differ; "unknown" outside one."""
    top, head = _git(root, "rev-parse", "--show-toplevel"), _git(root, "rev-parse", "HEAD")
    if top is None or head is None or Path(top).resolve() != root.resolve():
        return "unknown"
    return head + ("+dirty" if _git(root, "status", "--porcelain", "--untracked-files=no") else "")


def _git(root: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", "-C", str(root), *arguments],
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=10,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()
