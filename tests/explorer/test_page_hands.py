"""The page under hands, keys and eyes, and the address that holds its state."""

import xml.etree.ElementTree as ElementTree

import pytest
from browser import move, needs_browser, opened, scene, sentence, settled, slider, until
from hypothesis import given, settings
from test_setup import STATES

from explorer.state import FIELDS, SCENES, decode, encode

pytestmark = needs_browser


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


def test_what_is_printed_is_light(browser, file):
    """A dark page prints on white, controls left out, and is dark again afterwards."""
    with opened(browser, file, encode({"theme": "dark"})) as tab:
        page = tab.locator("#explorer")
        for event, theme in (("beforeprint", "light"), ("afterprint", "dark")):
            tab.evaluate("name => dispatchEvent(new Event(name)) && null", event)
            assert page.get_attribute("data-theme") == theme
        tab.emulate_media(media="print")
        assert tab.locator("form").is_hidden() and tab.locator(".figures canvas").first.is_visible()


def test_on_a_telephone_the_picture_stays_while_a_slider_is_moved(browser, file):
    with opened(browser, file, viewport={"width": 390, "height": 844}, has_touch=True) as tab:
        slider(tab, "beta1").scroll_into_view_if_needed()
        tab.evaluate("window.scrollBy(0, 200)")
        top = tab.locator(".figures canvas").first.bounding_box()["y"]
        assert 0 <= top < 100 and slider(tab, "beta1").is_visible()


def test_every_field_of_the_table_is_read_by_the_page(tab):
    assert set(decode(tab.evaluate("location.hash"))) == set(FIELDS)
