"""Where found certificates are stored."""

from __future__ import annotations

from pathlib import Path
from typing import Final

CERTIFICATES: Final = Path(__file__).resolve().parent.parent / "certificates"
#: The boxes of the map of stability.
MAP: Final = CERTIFICATES / "map"
