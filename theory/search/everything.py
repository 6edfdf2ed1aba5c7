"""Every search, one after the other."""

from __future__ import annotations

from theory.search import branches, cycles, frontier, gates, memory


def run() -> None:
    """Search for every certificate of the catalogue and store what was found under ``theory/certificates``."""
    gates.run()
    cycles.run()
    frontier.run()
    branches.run()
    memory.run()
