"""The page in a real browser: offline, by keyboard, for every reader; and its numbers are the ledger's."""

import json

import numpy as np
from browser import needs_browser, opened, scene, sentence, settled, until

from experiments.measurement.formula import evaluate
from explorer.build import LIMIT
from explorer.formulas import FORMULAS
from explorer.numbers import REFERENCE, brief, claimed
from explorer.state import SCENES
from theory.claims.gate_sequences import LIMITS

pytestmark = needs_browser
LEDGER = {entry["id"]: entry for entry in json.loads((REFERENCE / "claims.json").read_text(encoding="utf-8"))}
CURTAINED = [name for name in SCENES if name != "free"]


# ---------------------------------------------------------------- offline, whole


def test_nothing_is_asked_for_and_nothing_is_said(browser, file):
    """Every scene, revealed: the file is the only thing requested (its worker's program is a part of it)."""
    assert file.stat().st_size < LIMIT
    with opened(browser, file, offline=True) as tab:
        for name in SCENES:
            scene(tab, name)
            assert sentence(tab)
        assert [url for url in tab.asked if not url.startswith(("file:", "blob:", "data:"))] == []
        assert sum(url.startswith("file:") for url in tab.asked) == 1
        assert not tab.said


def test_every_picture_of_every_scene_is_drawn(tab):
    """No canvas is blank: each holds the ink of its axes and at least two other colours."""
    count = """canvas => { const pixels = new Uint32Array(canvas.getContext('2d').getImageData(0, 0, canvas.width,
        canvas.height).data.buffer); return new Set(pixels).size; }"""
    for name in SCENES:
        scene(tab, name)
        canvases = tab.locator(".figures canvas")
        assert canvases.count() >= 1
        assert all(canvases.nth(i).evaluate(count) > 3 for i in range(canvases.count())), name


def test_the_curtain_hides_until_something_is_predicted(tab):
    for name in CURTAINED:
        scene(tab, name, reveal=False)
        assert tab.locator(".figures canvas").count() == 0
        assert sentence(tab).startswith("Predict first")
        tab.locator(".choices button").first.click()
        settled(tab)
        assert tab.locator(".figures canvas").count() >= 1
        assert tab.locator(".answer").inner_text().startswith("You said: ")


# ---------------------------------------------------------------- numbers


def test_the_ledger_on_the_page_is_the_ledger(tab):
    for name in SCENES:
        scene(tab, name)
        for article in tab.locator("[data-claim]").all():
            entry = LEDGER[article.get_attribute("data-claim")]
            assert article.locator(".verdict").inner_text() == entry["verdict"]
            measured, claim = article.locator("b").all_inner_texts()
            assert measured == brief(entry["numeric"]["measured"]["value"])
            assert claim.split()[-1] == brief(claimed(entry["numeric"])["value"])


def test_the_numbers_of_the_sentences(tab):
    """Each from its own source: the ledger, the reference, or the claim's formula evaluated in Python."""
    import xarray as xr

    scene(tab, "cycle")
    until(tab, "performance.getEntriesByName('basins 1').length > 0")
    settled(tab)
    stuck = 1 - LEDGER["S3b"]["numeric"]["measured"]["value"]
    basins = xr.load_dataset(REFERENCE / "cycles" / "basins.nc", engine="h5netcdf")
    said = sentence(tab)
    assert f"{stuck:.2%}".replace("%", " %") in said
    assert f"{float((basins.end >= 0).mean()):.0%}".replace("%", " %") in said
    birth = evaluate(FORMULAS["birth"] / FORMULAS["edge"], beta1=0.9)
    assert f"S* = {birth:.3f} B" in said

    scene(tab, "pinned")
    predicted = evaluate(FORMULAS["speed_squared"], S=57.0, beta1=0.9, beta3=1.0)
    assert f"v² = {predicted:g}." in sentence(tab) and "η L = 38 (B = 38)" in sentence(tab)

    scene(tab, "bifurcation")
    end = evaluate(FORMULAS["asymmetric_end"], beta1=0.9)
    assert f"{end:.4g} = {end / 38:.3f} B" in sentence(tab) and "a cycle of period 2" in sentence(tab)

    scene(tab, "bias")
    plateaus = xr.load_dataset(REFERENCE / "bias" / "curves.nc", engine="h5netcdf").plateau
    assert f"C1b predicts {float(plateaus.isel(law=0, gate=0)):.4g} " in sentence(tab)

    scene(tab, "words")
    form = evaluate(LIMITS["cqlf_in_scale"] / FORMULAS["edge"], beta1=0.9, alpha1=10.0)
    assert f"up to {form:.4f} B" in sentence(tab)

    scene(tab, "opening")
    assert f"g* = {evaluate(FORMULAS['rise'], S=36.1, beta1=0.9, alpha1=10.0, w0=0.0):.4g}" in sentence(tab)

    scene(tab, "bounds")
    for theorem in ("theorem2", "theorem4", "smoothed"):
        tab.locator('select[id$="-theorem"]').select_option(theorem)
        settled(tab)
        stored = xr.load_dataset(REFERENCE / "convergence" / f"informative_{theorem}.nc", engine="h5netcdf").isel(N=-1)
        said = sentence(tab)
        for value in (float(stored.bound), float(stored["mean"])):
            assert f"{value:.4g}" in said, (theorem, value, said)
        assert f"a factor of {float(stored.bound / stored['mean']):.3g}" in said


def test_growth_of_a_word_is_the_spectral_radius(tab):
    """The word of the scene, and one played by hand, against eigenvalues of the product of their matrices."""
    scene(tab, "words")
    for letters in ("occcc", "oc"):
        tab.locator('input[id$="-word"]').fill(letters)
        settled(tab)
        product = np.eye(2)
        for letter in letters:
            s = 20.9 if letter == "o" else 20.9 / 11
            product = np.array([[1 - 0.1 * s, -0.9 * s], [0.1, 0.9]]) @ product
        rate = max(abs(np.linalg.eigvals(product))) ** (1 / len(letters))
        assert f"growth {rate:.4f} per step" in sentence(tab)
