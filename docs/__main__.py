"""``python -m docs``: build ``site/``, which opens from disk, and ``site.zip``. Needs ``pip install -e ".[docs]"``."""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).parent.parent


def main(arguments: list[str] | None = None) -> int:
    """Run the lessons, write the pages, build, make the slides; the exit status is that of the step that failed."""
    parser = argparse.ArgumentParser(prog="python -m docs", description="Build the site.")
    parser.add_argument("--out", type=Path, default=ROOT / "site", metavar="DIR", help="where to (default: site)")
    parser.add_argument(
        "--lessons", type=Path, metavar="DIR", help="notebooks that were run before, with their outputs"
    )
    options = parser.parse_args(arguments)
    try:
        from sphinx.cmd.build import build_main
    except ModuleNotFoundError:
        parser.error('the site needs Sphinx: pip install -e ".[docs]"')
    if find_spec("sphinx_revealjs") is None:
        parser.error('the slides need sphinx-revealjs: pip install -e ".[docs]"')
    from docs.generate import generate
    from docs.slides import write_slides

    with tempfile.TemporaryDirectory() as scratch:
        lessons = options.lessons or Path(scratch) / "lessons"
        if not options.lessons:
            execute = [sys.executable, str(ROOT / "notebooks" / "execute.py"), "--out", str(lessons)]
            if status := subprocess.run(execute, check=False).returncode:
                return status
        sources = Path(scratch) / "sources"
        generate(sources, lessons)
        shutil.copy(ROOT / "docs" / "conf.py", sources)
        if options.out.exists():
            shutil.rmtree(options.out)
        where = [str(sources), str(options.out)]
        status = build_main(
            ["-b", "html", "-W", "--keep-going", "-q", "-j", "2", "-d", str(Path(scratch) / "trees"), *where]
        )
        if status == 0:
            write_slides(options.out / "slides", lessons)
    if status == 0:
        shutil.make_archive(str(options.out), "zip", options.out)
        print(f"The site: {options.out / 'index.html'}    zipped: {options.out}.zip")
    return status


if __name__ == "__main__":
    sys.exit(main())
