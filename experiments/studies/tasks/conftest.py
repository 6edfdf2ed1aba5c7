"""Without JAX, pytest does not collect the networks: importing them says how to install it."""

from importlib.util import find_spec

collect_ignore = [] if find_spec("jax") else ["dynamics.py", "nets.py"]
