"""The page in a real browser: offline, by keyboard, for every reader; and its numbers are the ledger's."""

import json
import xml.etree.ElementTree as ElementTree
from urllib.parse import unquote

import numpy as np
import pytest
from browser import chromium, move, needs_browser, opened, scene, settled, slider, until
from hypothesis import given, settings
from test_setup import STATES

import explorer
import vradam
from experiments.measurement.formula import evaluate
from explorer.build import LIMIT, page
from explorer.formulas import FORMULAS
from explorer.numbers import REFERENCE, brief, claimed
from explorer.state import FIELDS, SCENES, decode, encode
from theory.claims.gate_sequences import LIMITS

pytestmark = needs_browser
LEDGER = {entry["id"]: entry for entry in json.loads((REFERENCE / "claims.json").read_text(encoding="utf-8"))}
CURTAINED = [name for name in SCENES if name != "free"]


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


def sentence(tab):
    return tab.locator(".sentence").inner_text()


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
            measured, predicted = article.locator("b").all_inner_texts()
            assert measured == brief(entry["numeric"]["measured"]["value"])
            assert predicted.split()[-1] == brief(claimed(entry["numeric"])["value"])


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


# ---------------------------------------------------------------- the address


def test_the_address_holds_the_state(browser, file):
    """Each prepared state and a dozen random ones, pasted into the open tab: Python reads back exactly what was set."""
    with opened(browser, file, reduced_motion="reduce") as tab:
        addresses(tab)
        assert not tab.said


def addresses(tab):

    def becomes(wanted):
        for _ in range(50):
            settled(tab)
            if decode(tab.evaluate("location.hash")) == wanted:
                return True
        return False

    for link in tab.locator(".gallery a").all():
        link.click()
        assert becomes(decode(link.get_attribute("href"))), link.inner_text()

    @settings(max_examples=12)
    @given(STATES)
    def pasted(state):
        state["at"] = min(state["at"], state["steps"])
        tab.evaluate("hash => { location.hash = hash; }", encode(state))
        assert becomes(state)

    pasted()


HOSTILE = ["0&alpha0=1", "1&alpha0=1e999", "1&alpha0=abc", "1&__proto__=1", "1&constructor=1", "1&scene=<img src=x>",
           "1&steps=1e9", "1&word=" + "o" * 5000, "1&%", "1&theme=%E0%A4%A", "1&law=held&gate=inside",
           "1&scene=cycle&objective=beale", "<script>alert(1)</script>"]  # fmt: skip


@pytest.mark.parametrize("address", HOSTILE)
def test_a_hostile_address_is_refused_with_a_message_and_the_defaults(browser, file, address):
    with opened(browser, file, address) as tab:
        assert tab.locator("[role=alert]").inner_text().startswith("This address cannot be read")
        assert decode(tab.evaluate("location.hash"))["scene"] == "free"
        assert not tab.said
        tab.evaluate(
            "hash => { location.hash = hash; }",
            encode({"scene": "words", "optimizer": "vrmomentum", "objective": "parabola"}),
        )
        settled(tab)
        assert (
            tab.locator("[role=alert]").is_hidden() and tab.locator("[aria-current]").inner_text() == "You are the gate"
        )


# ---------------------------------------------------------------- hands, keys, eyes


def test_dragging_the_start_moves_the_run(tab):
    canvas = tab.locator(".figures canvas").first
    box = canvas.bounding_box()
    before = sentence(tab)
    tab.mouse.move(box["x"] + 0.5 * box["width"], box["y"] + 0.5 * box["height"])
    tab.mouse.down()
    tab.mouse.move(box["x"] + 0.6 * box["width"], box["y"] + 0.4 * box["height"], steps=4)
    tab.mouse.up()
    settled(tab)
    state = decode(tab.evaluate("location.hash"))
    assert 0 < state["x"] < 3 and 0 < state["y"] < 3 and sentence(tab) != before


def test_everything_by_keyboard(tab):
    """Every control is reached by the tabulator with a visible outline; keys do what the help says."""
    outlined = """() => { const one = document.activeElement, style = getComputedStyle(one);
        const name = one.id || one.textContent || one.getAttribute('aria-label');
        return [name, style.outlineStyle, parseFloat(style.outlineWidth)]; }"""
    seen = []
    for _ in range(90):
        tab.keyboard.press("Tab")
        name, kind, width = tab.evaluate(outlined)
        if name in seen and len(seen) > 30:
            break
        seen.append(name)
        if tab.evaluate("document.activeElement !== document.body"):
            assert kind != "none" and width >= 2, name
    kinds = ".vx button, .vx input, .vx select, .vx a, .vx canvas[tabindex]"
    visible = "all => all.filter(one => one.offsetParent !== null).length"
    focusable = tab.locator(kinds).evaluate_all(visible)
    assert len(seen) >= focusable - 1
    state = lambda: decode(tab.evaluate("location.hash"))  # noqa: E731
    canvas = tab.locator(".figures canvas").first
    canvas.focus()
    tab.keyboard.press("ArrowRight")
    settled(tab)
    assert state()["x"] == pytest.approx(-0.5 + 12 / 200)
    keys = {"n": {"scene": "cycle", "guess": "none"}, "r": {"guess": "shown"}, ".": {"at": 61}, ",": {"at": 60},
            "p": {"view": "room"}, "Escape": {"view": "page"}, "t": {"theme": "dark"},
            "b": {"scene": "free"}}  # fmt: skip
    for key, expected in keys.items():
        tab.keyboard.press(key)
        settled(tab)
        assert state().items() >= expected.items(), key
    tab.locator("body").press("?")
    assert (
        tab.locator("dialog").is_visible() and "function vradam_published" in tab.locator("dialog pre").text_content()
    )
    tab.keyboard.press("Escape")
    assert tab.locator("dialog").is_hidden()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing(browser, file, theme):
    """Every scene behind and before its curtain, in both themes, in the room view and on a telephone."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe-playwright-python is missing")

    def check(tab, what):
        found = axe.Axe().run(tab).response["violations"]
        assert not found, (what, [(one["id"], [node["html"][:120] for node in one["nodes"]][:3]) for one in found])

    with opened(browser, file, encode({"theme": theme})) as tab:
        for name in SCENES if theme == "light" else ("free", "words"):
            scene(tab, name)
            check(tab, name)
        scene(tab, "cycle", reveal=False)
        check(tab, "curtain")
        tab.keyboard.press("r")
        tab.keyboard.press("p")
        settled(tab)
        check(tab, "room")
        tab.keyboard.press("p")
        tab.set_viewport_size({"width": 390, "height": 844})
        settled(tab)
        check(tab, "telephone")
        tab.keyboard.press("?")
        check(tab, "help")


@pytest.mark.parametrize("width", [390, 1280, 1920])
def test_no_scene_is_wider_than_the_screen(browser, file, width):
    with opened(browser, file, viewport={"width": width, "height": 844}, has_touch=width == 390) as tab:
        for name in SCENES:
            scene(tab, name)
            assert tab.evaluate("document.documentElement.scrollWidth") <= width, name
            sizes = tab.locator(".figures canvas").evaluate_all("all => all.map(c => [c.clientWidth, c.clientHeight])")
            assert all(w >= 200 and h >= 110 for w, h in sizes), (name, sizes)
            heights = "all => all.filter(b => b.offsetParent).map(b => b.offsetHeight)"
            assert min(tab.locator("button").evaluate_all(heights)) >= 24


def test_touch_moves_the_start(browser, file):
    with opened(browser, file, viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True) as tab:
        tab.locator(".figures canvas").first.tap(position={"x": 250, "y": 120})
        settled(tab)
        assert decode(tab.evaluate("location.hash"))["x"] > 1


def test_reduced_motion_and_the_live_sentence(browser, file):
    """Play does not move but arrives; what is seen is said once the hand rests."""
    with opened(browser, file, reduced_motion="reduce") as tab:
        move(tab, "steps", 2.0)
        tab.locator("[aria-label='One step back']").click()
        settled(tab)
        tab.get_by_role("button", name="Play").click()
        settled(tab)
        state = decode(tab.evaluate("location.hash"))
        assert state["at"] == state["steps"] == 100
        tab.wait_for_timeout(700)
        assert tab.locator("[role=status]").inner_text() == sentence(tab)


def test_playing_and_pausing(tab):
    tab.get_by_role("button", name="Play").click()
    tab.wait_for_timeout(600)
    tab.get_by_role("button", name="Pause").click()
    settled(tab)
    assert 0 < decode(tab.evaluate("location.hash"))["at"] < 300


def test_an_input_supersedes_the_one_before(tab):
    """Forty levels asked for in a row: the page answers all the while, and the basins shown are those of the last."""
    scene(tab, "cycle")
    for k in range(40):
        slider(tab, "fraction").evaluate(
            "(one, value) => { one.value = value; one.dispatchEvent(new Event('input', { bubbles: true })); }",
            0.6 + k / 100,
        )
    move(tab, "fraction", 0.3)
    until(tab, "performance.getEntriesByName('basins 1').length > 0")
    settled(tab)
    assert "0 % of the starts in this window" in sentence(tab)


def test_the_picture_is_saved_as_svg(tab):
    for name in ("free", "cycle", "bounds"):
        scene(tab, name)
        with tab.expect_download() as saved:
            tab.get_by_role("button", name="Save SVG").click()
        root = ElementTree.parse(saved.value.path()).getroot()
        assert root.tag.endswith("svg") and len(root.findall("{*}svg")) == tab.locator(".figures canvas").count()
        assert len(list(root.findall(".//{*}text"))) > 8 and len(list(root.findall(".//{*}path"))) > 3


# ---------------------------------------------------------------- from Python


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
    cell = tmp_path / "cell.html"
    model = {"fragment": widget.fragment, "recorded": widget.recorded}
    cell.write_text(
        f"""<!doctype html><meta charset="utf-8"><style>{widget._css}</style><div id="cell" style="width: 800px"></div>
        <script type="module">{widget._esm.replace("export default { render };", "")}
        const listeners = {{}}, values = {json.dumps(model)};
        const model = {{ values, saved: 0, get: (name) => values[name], on: (name, f) => (listeners[name] = f),
          set: (name, value) => (values[name] = value), save_changes: () => model.saved++ }};
        window.model = model; window.listeners = listeners;
        render({{ model, el: document.getElementById("cell") }});</script>""",
        encoding="utf-8",
    )
    with opened(browser, cell) as tab:
        assert "the same bits" in tab.locator(".badge").inner_text()
        move(tab, "alpha0", 1.0)
        assert decode(tab.evaluate("model.values.fragment"))["alpha0"] == pytest.approx(10, rel=0.05)
        assert tab.evaluate("model.saved") >= 1
        tab.evaluate("values => { Object.assign(model.values, values); listeners['change:fragment'](); }",
                     {"fragment": encode({"beta1": 0.5})})  # fmt: skip
        settled(tab)
        assert tab.locator('input[id$="-beta1"]').input_value() == "0.5"
        assert not tab.said


def test_every_field_of_the_table_is_read_by_the_page(tab):
    assert set(decode(tab.evaluate("location.hash"))) == set(FIELDS)
