"""The suite that optax runs over its contributed optimizers, with VRAdam in its table: every test of it, unchanged."""

import importlib
import importlib.util
import sys
import warnings
from pathlib import Path

import pytest

optax = pytest.importorskip("optax", reason='pip install -e ".[optax]"')
pytest.importorskip("absl.testing", reason="pip install absl-py")

from vradam.optax import vradam  # noqa: E402

TABLE = """
_MAIN_OPTIMIZERS_UNDER_TEST = [
    {"opt_name": "vradam", "opt_kwargs": {"learning_rate": 1e-2}, "wrapper_name": None, "wrapper_kwargs": None},
    {"opt_name": "vradam", "opt_kwargs": {"learning_rate": 1e-2, "gate_decay": 0.9}, "wrapper_name": None,
     "wrapper_kwargs": None},
]
_OTHER_OPTIMIZERS_UNDER_TEST = []
"""
START = "_ALL_OPTIMIZERS_UNDER_TEST = tuple("


def their_suite():
    """The test class of optax's file, read again with the table replaced just before it is used."""
    contrib = importlib.import_module("optax.contrib")
    path = Path(contrib.__file__).parent / "_common_test.py"
    if not path.is_file():
        pytest.skip("this release of optax does not ship its tests", allow_module_level=True)
    source = path.read_text(encoding="utf-8")
    assert source.count(START) == 1
    contrib.vradam = vradam  # where the suite looks for an optimizer by its name
    spec = importlib.util.spec_from_loader("optax_contrib_common_test", loader=None)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    exec(compile(source.replace(START, TABLE + START), str(path), "exec"), vars(module))
    return module.ContribTest


with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # about what optax deprecates in itself
    ContribTest = pytest.mark.filterwarnings("ignore")(their_suite())
