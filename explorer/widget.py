"""The page as a widget of a notebook, from the same ES module; it needs anywidget (extra ``notebooks``).

>>> from explorer.widget import Explorer                        # doctest: +SKIP
>>> page = Explorer(run)                                        # doctest: +SKIP
>>> vradam.simulate(**page.arguments())                         # doctest: +SKIP
"""

from __future__ import annotations

from typing import Any

import anywidget
import traitlets

from explorer.build import module, style
from explorer.setup import from_url, recorded
from explorer.state import encode
from vradam.trajectory import Trajectory


class Explorer(anywidget.AnyWidget):
    """The explorer in the output of a cell.

    Parameters
    ----------
    run : Trajectory, optional
        A run to begin with, from :func:`vradam.simulate`; None begins with free exploration.
    which : tuple of int
        The index of the run among the leading axes; the first by default.

    ``fragment`` is the address of what is shown, both ways: setting it moves the page.
    """

    fragment = traitlets.Unicode().tag(sync=True)
    recorded = traitlets.Dict(allow_none=True, default_value=None).tag(sync=True)

    def __init__(self, run: Trajectory | None = None, which: tuple[int, ...] = (), **options: Any) -> None:
        self._esm = module() + "\nexport default { render };\n"
        self._css = style()
        values = None if run is None else recorded(run, which)
        start = encode({"scene": "free"}) if values is None else values["fragment"]
        super().__init__(**{"fragment": start, "recorded": values} | options)

    def arguments(self) -> dict[str, Any]:
        """The arguments of :func:`vradam.simulate` for what is shown."""
        return from_url(self.fragment)
