"""A Sphinx extension: formulas become MathML when the site is built, so that a page needs no script to show them.

Sphinx and docutils are imported where they are called, so that formulas can be tested without them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from latex2mathml.converter import convert

if TYPE_CHECKING:
    from docutils import nodes


def mathml(text: str, display: str) -> str:
    """The formula as MathML, ``display`` being inline or block; a warning of the build where it cannot be converted."""
    try:
        return convert(text, display=display)
    except Exception as error:  # the converter raises its own exceptions, and IndexError, on LaTeX it does not know
        from sphinx.util import logging  # its warnings are errors of the build

        logging.getLogger(__name__).warning("a formula cannot be converted (%s): %s", error, text)
        return f"<code>{text}</code>"


def aligned(text: str) -> str:
    """The formula, its lines under each other where it has several with ``&`` and says not how.

    >>> aligned("a = b"), aligned("a &= b")[:16]
    ('a = b', '\\\\begin{array}{rl')
    """
    several = "&" in text and r"\begin" not in text
    return rf"\begin{{array}}{{rl}}{text}\end{{array}}" if several else text


def _inline(self: Any, node: nodes.math) -> None:
    from docutils.nodes import SkipNode

    self.body.append(mathml(node.astext(), "inline"))
    raise SkipNode


def _block(self: Any, node: nodes.math_block) -> None:
    from docutils.nodes import SkipNode

    self.body.append(f'<div class="formula">{mathml(aligned(node.astext()), "block")}</div>')
    raise SkipNode


def setup(app: Any) -> dict[str, bool]:
    """Register the renderer ``mathml``."""
    app.add_html_math_renderer("mathml", (_inline, None), (_block, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
