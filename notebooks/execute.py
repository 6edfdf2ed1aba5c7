"""Run every notebook (or those named) from a clean kernel, two at a time: ``python notebooks/execute.py [NAME ...]``.

Nothing is written back: the notebooks are kept without outputs. Exit status 1 if a cell fails, with its traceback.
"""

from __future__ import annotations

import sys
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

FOLDER = Path(__file__).parent
LIMIT = 120  # seconds a cell


def execute(path: Path) -> tuple[str, float, str]:
    """The notebook's name, its seconds, and its error ("" for none)."""
    start, error = time.perf_counter(), ""
    notebook = nbformat.read(path, as_version=4)
    if any(cell.get("outputs") for cell in notebook.cells):
        error = "is stored with outputs; clear them before committing"
    client = NotebookClient(notebook, timeout=LIMIT, kernel_name="python3", resources={"metadata": {"path": FOLDER}})
    try:
        client.execute()
    except CellExecutionError as failure:
        error = str(failure)
    return path.name, time.perf_counter() - start, error


def main(names: list[str]) -> int:
    paths = sorted(FOLDER.glob("*.ipynb"))
    if names:
        paths = [path for path in paths if any(path.stem.startswith(name) for name in names)]
    failed = 0
    with ProcessPoolExecutor(2, get_context("spawn")) as pool:  # clients in one process now and then miss a message
        for name, seconds, error in pool.map(execute, paths):
            failed += bool(error)
            print(f"{name:<40} {seconds:6.1f} s  {'FAILED' if error else 'ok'}", flush=True)
            if error:
                print(error, file=sys.stderr)
    print(f"{len(paths) - failed} passed, {failed} failed")
    return 1 if failed or not paths else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
