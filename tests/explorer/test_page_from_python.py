"""Runs recorded by Python on the page, addresses of the page in Python, and the page as a widget."""

from urllib.parse import unquote

import numpy as np
import pytest
from browser import cell, move, needs_browser, opened, scene, sentence, settled

import explorer
import vradam
from explorer.state import decode, encode

pytestmark = needs_browser


def shown(browser, run, tmp_path):
    return opened(browser, explorer.show(run, path=tmp_path / "run.html", browser=False))


def test_a_recorded_run_says_how_far_the_page_agrees(browser, tmp_path):
    """VRMomentum on a quadratic to the last bit, noise included; VRAdam to 1e-9 at least."""
    optimizer = vradam.VRMomentum(alpha0=3.0)
    run = vradam.simulate(
        optimizer, vradam.objectives.quadratic([1.0]), [14.0], 400, noise=vradam.noise.gaussian(0.5), seed=3
    )
    with shown(browser, run, tmp_path) as tab:
        badge = tab.locator(".badge")
        assert "the same bits up to step 400, the last" in badge.inner_text()
        move(tab, "alpha0", 0.0)
        assert "The setup was changed" in badge.inner_text()
        assert not tab.said
    run = vradam.simulate(vradam.VRAdam(alpha0=0.05), vradam.objectives.rosenbrock(), [-1.2, 1.0], 300, every=7)
    with shown(browser, run, tmp_path) as tab:
        assert "agrees to 1e−9 up to step 300, the last" in tab.locator(".badge").inner_text()


def test_a_recorded_value_that_is_wrong_is_seen(browser, tmp_path):
    """The badge compares: one digit of one position changed, and the agreement ends before it."""
    run = vradam.simulate(vradam.VRMomentum(alpha0=3.0), vradam.objectives.quadratic([1.0]), [14.0], 50)
    run.x[20, 0] *= 1.02
    with shown(browser, run, tmp_path) as tab:
        assert "the same bits up to step 19, and agrees to 1e−9 up to step 19." in tab.locator(".badge").inner_text()


def test_an_address_runs_in_python_as_on_the_page(tab):
    """What the page says of the end of a run is what ``simulate`` computes from its address."""
    scene(tab, "pinned")
    move(tab, "fraction", 1.3)
    run = vradam.simulate(**explorer.from_url(unquote(tab.evaluate("location.href"))))
    late = run.learning_rate[(run.step.size + 1) // 2 - 1 :]
    assert f"η L = {late.mean():.4g} (B" in sentence(tab).replace("−", "-")


def test_the_widget_is_the_same_page(browser, tmp_path):
    """The module rendered as a notebook does it: the model's address moves the page, and the page moves the model."""
    pytest.importorskip("anywidget", reason="anywidget is missing: the widget is not to be had")
    from explorer.widget import Explorer

    run = vradam.simulate(vradam.VRMomentum(alpha0=30.0), vradam.objectives.quadratic([1.0]), [14.0], 100)
    widget = Explorer(run)
    assert np.array_equal(vradam.simulate(**widget.arguments()).x, run.x)
    with opened(browser, cell(tmp_path, widget)) as tab:
        assert "the same bits" in tab.locator(".badge").inner_text()
        move(tab, "alpha0", 1.0)
        assert decode(tab.evaluate("model.values.fragment"))["alpha0"] == pytest.approx(10, rel=0.05)
        assert tab.evaluate("model.saved") >= 1
        tab.evaluate("values => { Object.assign(model.values, values); listeners['change:fragment'](); }",
                     {"fragment": encode({"beta1": 0.5})})  # fmt: skip
        settled(tab)
        assert tab.locator('input[id$="-beta1"]').input_value() == "0.5"
        assert not tab.said
