"""A Chromium for the tests of the page: no network, nothing on the console, and what was asked for kept."""

import importlib.util
import json
import shutil
from contextlib import contextmanager

import pytest

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "chrome"))), None)
QUIET = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync")  # fmt: skip
missing = [] if importlib.util.find_spec("playwright") else ["playwright"]
missing += [] if CHROMIUM else ["a Chromium on the path"]
needs_browser = pytest.mark.skipif(bool(missing), reason=f"missing for the browser: {', '.join(missing)}")


@contextmanager
def chromium():
    """A running Chromium."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, args=list(QUIET))
        yield browser
        browser.close()


@contextmanager
def opened(browser, file, fragment="", **context):
    """The page in a tab of its own; ``tab.asked`` are the addresses that it requested, ``tab.said`` its complaints."""
    context = browser.new_context(**{"viewport": {"width": 1280, "height": 800}} | context)
    tab = context.new_page()
    tab.asked, tab.said = [], []
    context.on("request", lambda request: tab.asked.append(request.url))
    tab.on("pageerror", lambda error: tab.said.append(str(error)))
    tab.on("console", lambda message: tab.said.append(message.text) if message.type in ("error", "warning") else None)
    tab.goto(file.resolve().as_uri() + (f"#{fragment}" if fragment else ""))
    settled(tab)
    yield tab
    context.close()


def settled(tab):
    """Wait until the page has painted, and its address and its words have followed."""
    tab.wait_for_timeout(20)
    tab.wait_for_selector("[data-settled]")


def until(tab, expression, patience=30):
    """Wait until an expression is true; the page's own policy forbids to send it there once and for all."""
    for _ in range(10 * patience):
        if tab.evaluate(expression):
            return
        tab.wait_for_timeout(100)
    raise AssertionError(f"{expression} is still not true after {patience} s")


def scene(tab, name, reveal=True):
    """Go to a scene and, if wanted, behind its curtain."""
    tab.locator(f'[data-scene="{name}"]').click()
    settled(tab)
    if reveal and tab.locator(".choices .quiet").count():
        tab.locator(".choices .quiet").click()
    settled(tab)


def slider(tab, name):
    """The slider of a control."""
    return tab.locator(f'.control:has([id$="-{name}"]) input[type=range]')


def move(tab, name, value):
    """Move a slider as a hand does."""
    slider(tab, name).evaluate(
        "(one, value) => { one.value = value; one.dispatchEvent(new Event('input', { bubbles: true })); }", value
    )
    settled(tab)


def sentence(tab):
    """What the page says of the picture."""
    return tab.locator(".sentence").inner_text()


def cell(folder, widget):
    """The module of a widget, rendered as a notebook does it, as a file; ``window.model`` stands for the kernel's."""
    file = folder / "cell.html"
    model = {"fragment": widget.fragment, "recorded": widget.recorded}
    file.write_text(
        f"""<!doctype html><meta charset="utf-8"><style>{widget._css}</style><div id="cell" style="width: 800px"></div>
        <script type="module">{widget._esm.replace("export default { render };", "")}
        const listeners = {{}}, values = {json.dumps(model)};
        const model = {{ values, saved: 0, get: (name) => values[name], on: (name, f) => (listeners[name] = f),
          set: (name, value) => (values[name] = value), save_changes: () => model.saved++ }};
        window.model = model; window.listeners = listeners;
        render({{ model, el: document.getElementById("cell") }});</script>""",
        encoding="utf-8",
    )
    return file
