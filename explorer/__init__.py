"""The explorer: one page, offline, in which sliders move and theorems are seen; and its two ways to and from Python.

``python -m explorer`` writes ``explorer.html``. :func:`show` opens it with a run, :func:`from_url` turns an address of
the page into the arguments of :func:`vradam.simulate`, and :class:`explorer.widget.Explorer` is the page in a notebook.

No library draws the series: one pen draws on a canvas and writes SVG (``page/pen.js``), so that what is saved is what
is shown. uPlot draws on a canvas alone, and would be a second way to draw.
"""

from explorer.setup import from_url, show, url_of

__all__ = ["from_url", "show", "url_of"]
