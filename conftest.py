"""Adapters of libraries that are not installed are not collected: importing them says how to install them."""

from importlib.util import find_spec

NEEDED = {"torch": "vradam/torch", "optax": "vradam/optax"}
collect_ignore = [path for library, path in NEEDED.items() if not find_spec(library)]
