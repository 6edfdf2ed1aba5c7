"""Scenes and the explorer in a real browser: JupyterLab runs a notebook, a slider is moved, the picture changes.

It needs JupyterLab, anywidget, playwright and a Chromium on the path, and says what is missing where it skips. The
notebooks run in a copy of their folder, because JupyterLab saves what it runs.
"""

from __future__ import annotations

import importlib.util
import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

ROOT = Path(__file__).parents[2]
SHOWN = ("02_kinetic_energy_to_gate", "04_gate_sequences")
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "chrome"))), None)
QUIET = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync")  # fmt: skip
PATIENCE = 300  # seconds, for a notebook on a busy machine
needs = [name for name in ("jupyterlab", "anywidget", "playwright") if importlib.util.find_spec(name) is None]
needs += [] if CHROMIUM else ["a Chromium on the path"]

pytestmark = pytest.mark.slow
in_browser = pytest.mark.skipif(bool(needs), reason=f"missing for the browser: {', '.join(needs)}")


class Server(NamedTuple):
    address: str
    token: str
    folder: Path


def _scenes(name: str) -> int:
    """How many scenes of the explorer the lesson has."""
    cells = json.loads((ROOT / "notebooks" / f"{name}.ipynb").read_text(encoding="utf-8"))["cells"]
    return sum("".join(cell["source"]).startswith("Scene(") for cell in cells if cell["cell_type"] == "code")


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A JupyterLab on a free port of this machine, with settings of its own and copies of the notebooks."""
    folder = tmp_path_factory.mktemp("lab")
    for name in SHOWN:
        shutil.copy(ROOT / "notebooks" / f"{name}.ipynb", folder)
    settings = folder / "settings" / "@jupyterlab"
    for plugin, value in (
        ("notebook-extension/tracker", {"windowingMode": "none"}),  # cells out of sight are drawn, too
        ("apputils-extension/notification", {"fetchNews": "false", "checkForUpdates": False}),
    ):
        path = settings / f"{plugin}.jupyterlab-settings"
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps(value), encoding="utf-8")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = Server(f"http://127.0.0.1:{port}", secrets.token_hex(16), folder)
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH")))),
        "JUPYTERLAB_SETTINGS_DIR": str(folder / "settings"),
        **{f"JUPYTER_{kind}_DIR": str(folder / kind.lower()) for kind in ("CONFIG", "RUNTIME", "DATA")},
        "JUPYTER_TOKEN": server.token,
    }
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--expose-app-in-browser",
               "--ServerApp.ip=127.0.0.1", f"--ServerApp.port={port}", "--ServerApp.port_retries=0",
               f"--ServerApp.root_dir={folder}"]  # fmt: skip
    with (folder / "lab.log").open("w") as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
        try:
            _wait_for(server, process)
            yield server
        finally:
            process.terminate()
            process.wait(timeout=60)


def _wait_for(server: Server, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until and process.poll() is None:
        try:
            with urllib.request.urlopen(f"{server.address}/api?token={server.token}", timeout=5):
                return
        except (urllib.error.URLError, TimeoutError):
            time.sleep(0.3)
    pytest.fail("JupyterLab did not start:\n" + (server.folder / "lab.log").read_text()[-2000:])


def _run(browser: Any, lab: Server, name: str) -> Any:
    """A tab in which a notebook is opened and all its cells are being run."""
    page = browser.new_page(viewport={"width": 1280, "height": 1000})
    page.goto(f"{lab.address}/doc/tree/{name}.ipynb?token={lab.token}")
    page.wait_for_selector(".jp-Notebook .jp-CodeCell", timeout=PATIENCE * 1000)
    session = "window.jupyterapp?.shell.currentWidget?.context?.sessionContext"
    for ready in (f"{session}?.isReady", f"{session}?.session?.kernel?.connectionStatus === 'connected'"):
        page.wait_for_function(ready, timeout=PATIENCE * 1000)
    page.evaluate("() => { window.jupyterapp.commands.execute('notebook:run-all-cells') }")
    return page


@in_browser
@pytest.mark.parametrize("name", SHOWN)
def test_moving_a_slider_changes_the_picture(lab, name, tmp_path):
    from playwright.sync_api import expect, sync_playwright

    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, args=list(QUIET))
        page = _run(browser, lab, name)
        shown = page.locator(".jp-OutputArea-output .vx")
        expect(shown).to_have_count(_scenes(name), timeout=PATIENCE * 1000)
        drawn = "scene => [...scene.querySelectorAll('canvas')].map(canvas => canvas.toDataURL()).join()"
        for i in range(_scenes(name)):
            scene = shown.nth(i)
            scene.scroll_into_view_if_needed()
            before = scene.evaluate(drawn)
            slider = scene.locator("input[type=range]").first
            slider.focus()
            for _ in range(5):
                page.keyboard.press("ArrowLeft")
            page.wait_for_function(
                f"([scene, before]) => ({drawn})(scene) !== before",
                arg=[scene.element_handle(), before],
                timeout=PATIENCE * 1000,
            )
            page.screenshot(path=tmp_path / f"{name}-{i}.png")
        assert page.locator(".jp-OutputArea-output[data-mime-type='application/vnd.jupyter.stderr']").count() == 0
        browser.close()


EXPLORER = """
import vradam
from explorer.widget import Explorer
run = vradam.simulate(vradam.VRMomentum(alpha0=30.0), vradam.objectives.quadratic([1.0]), [14.0], 300)
page = Explorer(run)
page
"""


@in_browser
def test_the_explorer_in_a_cell_draws_and_tells_the_kernel(lab, tmp_path):
    """The page recomputes the recorded run to the bit; what its slider says is what the kernel then has."""
    pytest.importorskip("anywidget", reason="anywidget is missing: the widget is not to be had")
    from playwright.sync_api import expect, sync_playwright

    plain = {"cell_type": "code", "metadata": {}, "outputs": [], "execution_count": None}
    sources = {"show": EXPLORER, "ask": "print(page.arguments()['optimizer'].alpha0)"}
    cells = [plain | {"id": name, "source": source} for name, source in sources.items()]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    notebook = {"cells": cells, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}
    (lab.folder / "explorer.ipynb").write_text(json.dumps(notebook), encoding="utf-8")
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, args=list(QUIET))
        page = _run(browser, lab, "explorer")
        badge, told = page.locator(".badge"), page.locator(".jp-CodeCell").nth(1).locator(".jp-OutputArea-output")
        expect(badge).to_contain_text("the same bits up to step 300, the last", timeout=PATIENCE * 1000)
        expect(told).to_have_text("30.0", timeout=PATIENCE * 1000)
        page.locator('.control:has([id$="-alpha0"]) input[type=range]').evaluate(
            "one => { one.value = 1; one.dispatchEvent(new Event('input', { bubbles: true })); }"
        )
        expect(badge).to_contain_text("The setup was changed")
        value = page.locator('input[id$="-alpha0"]').first.input_value()
        page.wait_for_timeout(2000)
        page.locator(".jp-CodeCell").nth(1).locator(".cm-content").click()
        page.keyboard.press("Control+Enter")
        expect(told).to_have_text(str(float(value)), timeout=PATIENCE * 1000)
        assert page.locator(".jp-CodeCell canvas").count() >= 4
        page.screenshot(path=tmp_path / "explorer.png")
        browser.close()


@pytest.mark.parametrize("name", SHOWN)
def test_without_widgets_an_address_is_there(name):
    nbformat = pytest.importorskip("nbformat", reason="nbformat is missing: no notebook can be run")
    nbclient = pytest.importorskip("nbclient", reason="nbclient is missing: no notebook can be run")
    notebook = nbformat.read(ROOT / "notebooks" / f"{name}.ipynb", as_version=4)
    hidden = nbformat.v4.new_code_cell("import sys\nsys.modules['anywidget'] = None  # as if it were not installed")
    notebook.cells.insert(0, hidden)
    nbclient.NotebookClient(
        notebook, timeout=PATIENCE, kernel_name="python3", resources={"metadata": {"path": ROOT / "notebooks"}}
    ).execute()
    scenes = [cell for cell in notebook.cells if cell.source.startswith("Scene(")]
    assert scenes
    for cell in scenes:
        (output,) = cell.outputs
        assert sorted(output.data) == ["text/html", "text/plain"] and "explorer.html#1" in output.data["text/html"]
