"""Run every notebook (or those named) from a clean kernel, two at a time: ``python notebooks/execute.py [NAME ...]``.

Nothing is written back: the notebooks are kept without outputs; ``--out DIR`` stores them with outputs elsewhere, and
``--hide-code`` folds the code of what is stored, for a lecture. Now and then a client waits for a message that never
comes although its kernel is done: a notebook has a limit of its own, is then tried once more, and the last line says
so. Exit status 1 if a cell fails, with its traceback.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from importlib.util import find_spec
from multiprocessing import get_context
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

FOLDER = Path(__file__).parent
LIMIT = 240  # seconds a cell
WHOLE = 900  # seconds a notebook
SKIPPED = "skipped, it needs: "


def execute(path: Path, out: Path | None, hide: bool = False, whole: float = WHOLE) -> tuple[str, float, str, int]:
    """The notebook's name, its seconds, its error ("" for none) or what it needs and is not installed, its attempts."""
    start, error, attempts = time.perf_counter(), "", 0
    notebook = nbformat.read(path, as_version=4)
    if any(cell.get("outputs") for cell in notebook.cells):
        error = "is stored with outputs; clear them before committing"
    needed = notebook.metadata.get("needs")
    if needed and find_spec(needed) is None:
        return path.name, time.perf_counter() - start, f'{SKIPPED}pip install -e ".[{needed}]"', 0
    while attempts < 2:
        attempts += 1
        try:
            asyncio.run(asyncio.wait_for(run(notebook), whole))
        except (CellTimeoutError, DeadKernelError, TimeoutError, RuntimeError) as silence:
            failure = str(silence) or f"no end within {whole:g} s"
            print(f"{path.name}, attempt {attempts}: {failure.splitlines()[0]}", flush=True)
            if attempts == 2:
                error = failure
            continue
        except CellExecutionError as failure:
            error = str(failure)
        break
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        for cell in notebook.cells:
            if hide and cell.cell_type == "code":
                cell.metadata["jupyter"] = {"source_hidden": True}
        nbformat.write(notebook, out / path.name)
    return path.name, time.perf_counter() - start, error, attempts


async def run(notebook: nbformat.NotebookNode) -> None:
    """Execute every cell in a fresh kernel."""
    where = {"metadata": {"path": FOLDER}}
    quiet = ["--log-level=ERROR"]  # a kernel of this machine warns that it speaks to it without encryption
    client = NotebookClient(notebook, timeout=LIMIT, kernel_name="python3", resources=where, extra_arguments=quiet)
    await client.async_execute()


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python notebooks/execute.py", description="Run the notebooks.")
    parser.add_argument("names", nargs="*", metavar="NAME", help="beginnings of names, such as 03 (default: all)")
    parser.add_argument("--out", type=Path, metavar="DIR", help="store the notebooks with their outputs there")
    parser.add_argument("--hide-code", action="store_true", help="fold the code of what is stored (with --out)")
    options = parser.parse_args(arguments)
    paths = sorted(FOLDER.glob("*.ipynb"))
    if unknown := [name for name in options.names if not any(path.stem.startswith(name) for path in paths)]:
        parser.error(f"no notebook begins with {', '.join(unknown)}; they are {', '.join(path.stem for path in paths)}")
    if options.names:
        paths = [path for path in paths if any(path.stem.startswith(name) for name in options.names)]
    failed = skipped = 0
    with ProcessPoolExecutor(2, get_context("spawn")) as pool:  # clients in one process now and then miss a message
        found = pool.map(execute, paths, [options.out] * len(paths), [options.hide_code] * len(paths))
        for name, seconds, error, attempts in found:
            idle = error.startswith(SKIPPED)
            skipped, failed = skipped + idle, failed + (bool(error) and not idle)
            print(f"{name:<40} {seconds:6.1f} s  {error if idle else 'FAILED' if error else 'ok'}"
                  f"{', at the second attempt' if attempts == 2 and not error else ''}", flush=True)  # fmt: skip
            if error and not idle:
                print(error, file=sys.stderr)
    print(f"{len(paths) - failed - skipped} passed, {failed} failed, {skipped} skipped")
    return 1 if failed or not paths else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
