"""Run every notebook (or those named) from a clean kernel, two at a time: ``python notebooks/execute.py [NAME ...]``.

Nothing is written back: the notebooks are kept without outputs; ``--out DIR`` stores them with outputs elsewhere. A
kernel that falls silent is given up after a while and its notebook is tried once more, which is said. Exit status 1 if
a cell fails, with its traceback.
"""

from __future__ import annotations

import argparse
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from importlib.util import find_spec
from multiprocessing import get_context
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError

FOLDER = Path(__file__).parent
LIMIT = 120  # seconds a cell
SKIPPED = "skipped, it needs: "


def execute(path: Path, out: Path | None) -> tuple[str, float, str]:
    """The notebook's name, its seconds, and its error ("" for none), or what it needs and is not installed."""
    start, error = time.perf_counter(), ""
    notebook = nbformat.read(path, as_version=4)
    if any(cell.get("outputs") for cell in notebook.cells):
        error = "is stored with outputs; clear them before committing"
    needed = notebook.metadata.get("needs")
    if skipped := bool(needed) and find_spec(needed) is None:
        error = f'{SKIPPED}pip install -e ".[{needed}]"'
    for attempt in () if skipped else (1, 2):
        options = {"timeout": LIMIT, "kernel_name": "python3", "resources": {"metadata": {"path": FOLDER}}}
        try:
            NotebookClient(notebook, **options).execute()
        except CellTimeoutError as silence:
            if attempt == 1:
                print(f"{path.name}: no answer within {LIMIT} s; trying once more", flush=True)
                continue
            error = str(silence)
        except CellExecutionError as failure:
            error = str(failure)
        break
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        nbformat.write(notebook, out / path.name)
    return path.name, time.perf_counter() - start, error


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python notebooks/execute.py", description="Run the notebooks.")
    parser.add_argument("names", nargs="*", metavar="NAME", help="beginnings of names, such as 03 (default: all)")
    parser.add_argument("--out", type=Path, metavar="DIR", help="store the notebooks with their outputs there")
    options = parser.parse_args(arguments)
    paths = sorted(FOLDER.glob("*.ipynb"))
    if options.names:
        paths = [path for path in paths if any(path.stem.startswith(name) for name in options.names)]
    failed = skipped = 0
    with ProcessPoolExecutor(2, get_context("spawn")) as pool:  # clients in one process now and then miss a message
        for name, seconds, error in pool.map(execute, paths, [options.out] * len(paths)):
            idle = error.startswith(SKIPPED)
            skipped, failed = skipped + idle, failed + (bool(error) and not idle)
            print(f"{name:<40} {seconds:6.1f} s  {error if idle else 'FAILED' if error else 'ok'}", flush=True)
            if error and not idle:
                print(error, file=sys.stderr)
    print(f"{len(paths) - failed - skipped} passed, {failed} failed, {skipped} skipped")
    return 1 if failed or not paths else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
