"""Frame times while a slider is dragged, measured and not asserted: ``python tests/explorer/frames.py [lessons]``.

Every frame moves the slider of a scene once and waits until the picture is painted; basins and diagrams are timed by
the page itself, from the input that asks for them. With ``lessons`` the scenes of the notebooks are dragged, each as
the widget of a cell, by every slider it has. Needs playwright and a Chromium on the path.
"""

import json
import statistics
import sys
import tempfile
from pathlib import Path

from browser import cell, chromium, opened, scene, settled, slider

from explorer.build import COMMITTED
from explorer.state import encode

ROOT = Path(__file__).parents[2]

FRAMES = 120
#: scene, slider, from, to (on a logarithmic slider: exponents)
DRAGS = (
    ("free", "alpha0", -3, 0), ("cycle", "fraction", 0.5, 1), ("pinned", "fraction", 1, 2),
    ("bifurcation", "beta1", 0.5, 0.95), ("sharpening", "alpha0", -1, 0), ("bias", "p", 0.05, 0.5),
    ("words", "fraction", 0.1, 0.9), ("opening", "gate_decay", 0.2, 0.9), ("bounds", "alpha1", 0, 1),
    ("landscapes", "beta3", -1, 1),
)  # fmt: skip
DRAG = """async (one, [low, high, n]) => {
  const painted = () => new Promise((done) => requestAnimationFrame(() => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = done;
    port2.postMessage(0);
  }));
  const times = [], start = performance.now();
  for (let k = 0; k < n; k++) {
    const since = performance.now();
    one.value = low + ((high - low) * k) / n;
    one.dispatchEvent(new Event("input", { bubbles: true }));
    await painted();
    times.push(performance.now() - since);
  }
  const whole = performance.now() - start;
  times.sort((a, b) => a - b);
  return [(1000 * n) / whole, times[n >> 1], times[Math.floor(0.95 * n)]];
}"""
WORKED = "performance.getEntriesByType('measure').map((one) => [one.name, one.duration])"


def main(file: Path = COMMITTED) -> None:
    print(f"{file.stat().st_size:,} bytes")
    with chromium() as browser, opened(browser, file, encode({"steps": 2000, "at": 2000})) as tab:
        paint = tab.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime")
        print(f"first picture after {paint:.0f} ms; the free scene shows two runs of 2,000 steps")
        for name, control, low, high in DRAGS:
            if name != "free":
                scene(tab, name)
                tab.wait_for_timeout(3000)
            fps, median, late = slider(tab, control).evaluate(DRAG, [low, high, FRAMES])
            print(f"{name:12} {control:10} {fps:5.0f} frames/s, input to paint {median:5.1f} ms, 95 % {late:5.1f} ms")
            settled(tab)
            tab.wait_for_timeout(5000 if name in ("cycle", "bifurcation") else 0)
        for what, duration in tab.evaluate(WORKED):
            print(f"{what:12} {duration:6.0f} ms after the input")


def lessons(rounds: int = 3) -> None:
    """Input to paint in the widget of every lesson that has a scene; of several drags the best, for busy machines."""
    from explorer.widget import Explorer
    from notebooks.course import Scene

    with chromium() as browser, tempfile.TemporaryDirectory() as folder:
        for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
            cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
            for source in ("".join(one["source"]) for one in cells if one["cell_type"] == "code"):
                if not source.startswith("Scene("):
                    continue
                widget = Explorer(fragment=eval(source, {"Scene": Scene}).fragment)
                with opened(browser, cell(Path(folder), widget)) as tab:
                    tab.wait_for_timeout(3000)
                    every = tab.locator("form input[type=range]").all()
                    drags = []
                    for one in every:
                        low, high = (float(one.get_attribute(end)) for end in ("min", "max"))
                        found = [one.evaluate(DRAG, [low, high, 30])[1:] for _ in range(rounds)]
                        drags.append((min(median for median, _ in found), min(late for _, late in found)))
                middle, slowest = statistics.median(middle for middle, _ in drags), max(drags)
                print(f"{path.stem:28} {len(every):2} sliders, the best of {rounds} drags each, input to paint: "
                      f"{middle:5.1f} ms in the middle; "
                      f"the slowest slider {slowest[0]:5.1f}, 95 % {slowest[1]:5.1f} ms")  # fmt: skip


if __name__ == "__main__":
    lessons() if sys.argv[1:] == ["lessons"] else main()
