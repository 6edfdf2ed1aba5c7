"""Tests marked slow take minutes and run with ``pytest --run-slow``; drawn examples are the same in every run."""

import signal

import pytest
from hypothesis import settings

if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:  # a shell's background job; the processes we start must hear it
    signal.signal(signal.SIGINT, signal.default_int_handler)

settings.register_profile("reproducible", derandomize=True, deadline=None)
settings.load_profile("reproducible")


def pytest_addoption(parser):
    parser.addoption("--run-slow", action="store_true", help="run the tests that take minutes")


def pytest_collection_modifyitems(config, items):
    if config.getoption("--run-slow"):
        return
    for item in items:
        if item.get_closest_marker("slow"):
            item.add_marker(pytest.mark.skip(reason="takes minutes: run with --run-slow"))
