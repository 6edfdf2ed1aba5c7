"""One thread: what is trained here is tiny, and handing it over costs more than the work."""

from importlib.util import find_spec

import pytest


@pytest.fixture(autouse=True, scope="session")
def one_thread():
    if find_spec("torch"):
        import torch

        torch.set_num_threads(1)
