"""``python -m vradam``: what there is."""

from __future__ import annotations

import argparse
import importlib
import os
import pkgutil
import sys
from collections.abc import Sequence

import vradam

MORE = """\
An optimizer, an objective, a start:
    run = vradam.simulate(vradam.VRAdam(alpha0=0.1), vradam.objectives.rosenbrock(), x0=[-1.2, 1.0], steps=5000)
Of your own: vradam.Objective.from_functions(value, grad, dim), vradam.objectives.from_sympy(expression, symbols).
Help on any name: python -c "import vradam; help(vradam.simulate)"
In a clone: python -m experiments (every claim), python -m theory (the derivations), README.md."""


def listing() -> str:
    """The version, the optimizers, the objectives, the modules with what they say of themselves, and where to go on."""
    kinds = [name for name in vradam.__all__ if hasattr(getattr(vradam, name), "init")]
    factories = [name for name in vradam.objectives.__all__ if name[0].islower()]
    lines = [f"vradam {vradam.__version__}", "", "optimizers: " + ", ".join(kinds)]
    lines += ["objectives: " + ", ".join(factories), ""]
    for info in pkgutil.iter_modules(vradam.__path__):
        module = getattr(vradam, info.name, None)
        if module is not None and info.name in vradam.__all__:
            said = (importlib.import_module(f"vradam.{info.name}").__doc__ or "").strip().partition("\n")[0]
            lines.append(f"vradam.{info.name:<12} {said}")
    return "\n".join([*lines, "", MORE])


def main(arguments: Sequence[str] | None = None) -> int:
    """Print it; 141 if whoever read the output of a pipe went away."""
    parser = argparse.ArgumentParser(prog="python -m vradam", description="Say what there is.", allow_abbrev=False)
    parser.parse_args(arguments)
    try:
        print(listing(), flush=True)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    return 0


if __name__ == "__main__":
    sys.exit(main())
