"""Write the explorer as one file: ``python -m explorer [--out explorer.html] [--check]``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from explorer.build import COMMITTED, page


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the page; with ``--check``, compare it with the file that is there. Returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m explorer", description=__doc__)
    parser.add_argument("--out", type=Path, default=COMMITTED, help="the file (default: the committed one)")
    parser.add_argument("--check", action="store_true", help="write nothing; status 1 if the file is not this page")
    options = parser.parse_args(arguments)
    content = page().encode("utf-8")
    if options.check:
        same = options.out.is_file() and options.out.read_bytes() == content
        print(f"{options.out} is {'' if same else 'not '}what python -m explorer writes")
        return 0 if same else 1
    options.out.write_bytes(content)
    print(f"{options.out}: {len(content):,} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
