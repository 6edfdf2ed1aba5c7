"""A Chromium for each module, the page as a file, and a tab that must have nothing to complain of."""

import pytest
from browser import chromium, opened

from explorer.build import page


@pytest.fixture(scope="module")
def browser():
    with chromium() as running:
        yield running


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    target = tmp_path_factory.mktemp("explorer") / "explorer.html"
    target.write_text(page(), encoding="utf-8")
    return target


@pytest.fixture
def tab(browser, file):
    with opened(browser, file) as one:
        yield one
        assert not one.said
