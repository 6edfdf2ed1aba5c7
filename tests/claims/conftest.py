"""JAX for the small networks of the tests."""

from importlib.util import find_spec

import pytest


@pytest.fixture(scope="module")
def jax():
    """Compiles in half the time and runs a little slower: what is trained is small, and compiling most of the work."""
    if not find_spec("jax"):
        pytest.skip("the networks need the extra `nets`")
    from experiments.studies.tasks.nets import jax  # which starts it with one thread

    jax.config.update("jax_disable_most_optimizations", True)
    yield jax
    jax.config.update("jax_disable_most_optimizations", False)
