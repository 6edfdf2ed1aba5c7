"""Finding the certificates of the catalogue anew (``python -m theory --search``); nothing here proves anything.

:mod:`theory.check_certificate` verifies what is found and shares no code with this package.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

#: Where certificates are stored.
CERTIFICATES: Final = Path(__file__).resolve().parent.parent / "certificates"


def run() -> None:
    """Search for every certificate of the catalogue and store what was found under ``theory/certificates``."""
    from theory.search import cycles, gates

    gates.run()
    cycles.run()
