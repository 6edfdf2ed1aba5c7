"""``python -m vradam``: what there is."""

from __future__ import annotations

import importlib
import pkgutil

import vradam


def main() -> int:
    """Print the version, the optimizers, the modules with what they say of themselves, and where to go on."""
    kinds = [name for name in vradam.__all__ if hasattr(getattr(vradam, name), "init")]
    lines = [f"vradam {vradam.__version__}", "", "optimizers: " + ", ".join(kinds), ""]
    for info in pkgutil.iter_modules(vradam.__path__):
        module = getattr(vradam, info.name, None)
        if module is not None and info.name in vradam.__all__:
            said = (importlib.import_module(f"vradam.{info.name}").__doc__ or "").strip().partition("\n")[0]
            lines.append(f"vradam.{info.name:<12} {said}")
    lines += ["", "In a clone: python -m experiments (every claim), python -m theory (the derivations), README.md."]
    print("\n".join(lines))
    return 0


if __name__ == "__main__":
    main()
