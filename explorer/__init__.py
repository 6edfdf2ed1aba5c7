"""The explorer: one page, offline, in which sliders move and theorems are seen; and its two ways to and from Python.

``python -m explorer`` writes ``explorer.html``. :func:`show` opens it with a run, :func:`from_url` turns an address of
the page into the arguments of :func:`vradam.simulate`, and :class:`explorer.widget.Explorer` is the page in a notebook.
"""

from explorer.setup import from_url, show, url_of

__all__ = ["from_url", "show", "url_of"]
