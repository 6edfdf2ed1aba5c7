"""LaTeX and plain text as mathematics for a page: MathML that breaks into lines, prose with its symbols set."""

from __future__ import annotations

import re
from typing import Final
from xml.etree import ElementTree

from latex2mathml.converter import convert
from markupsafe import Markup, escape

GREEK: Final = {
    "alpha": "α",
    "beta": "β",
    "eta": "η",
    "eps": "ε",
    "gamma": "γ",
    "kappa": "κ",
    "lambda": "λ",
    "theta": "θ",
    "rho": "ρ",
    "sigma": "σ",
    "tau": "τ",
    "xi": "ξ",
    "phi": "φ",
}
#: How plain text becomes print: (regular expression on escaped text, replacement), in this order.
PROSE: Final = (
    (r"\bweight_decay\b", "<i>λ</i>"),
    (r"\bgate_decay\b", "<i>β</i><sub>g</sub>"),
    *(
        (
            rf"(?<![\w&]){name}(?:_?([0-9]|[tg])|_(min|max|star|tau|\{{[^{{}}]*\}}))?(?!\w)",
            rf"<i>{letter}</i><sub>\1\2</sub>",
        )
        for name, letter in GREEK.items()
    ),
    (r"<sub></sub>", ""),
    (r"\b([a-zA-Z])_([a-z0-9]+\b|\{[^{}]*\})", r"<i>\1</i><sub>\2</sub>"),
    (r"<sub>\{([^{}]*)\}</sub>", r"<sub>\1</sub>"),
    (r"\^\((-?[\w/]+)\)", r"<sup>\1</sup>"),
    (r"\^(-?\w+)", r"<sup>\1</sup>"),
    (r"\bsqrt\(([^()]*)\)", r"√(\1)"),
    (r"\bsqrt (\w)", r"√\1"),
    (r"\|\|", "‖"),
    (r"&lt;=", "≤"),
    (r"&gt;=", "≥"),
    (r"-&gt;", "→"),
    (r"\bgrad ([A-Z])\b", r"∇\1"),
    (r"\bvdot\b", "v̇"),
    (r"\boo\b", "∞"),
    (r"\btheorem(\d)\b", r"Theorem \1"),
    (r"\b([a-z]+[0-9]*)_([a-z]+[0-9]*)_([a-z]+[0-9]*)\b", r"\1 \2 \3"),  # names of formulas as words
    (r"\b([a-z]+[0-9]*)_([a-z]{2,}[0-9]*)\b", r"\1 \2"),
    (r"(?<=\s)-(?=\s)|(?<==\s)-", "−"),
)
MATHML: Final = "http://www.w3.org/1998/Math/MathML"
#: A displayed formula may continue on a new line before one of these, where it is not inside parentheses.
BREAKS: Final = frozenset("=≤≥<>≈≲⟺⟹→+−-")
BREAK: Final = "\u200b"  # of no width
OPENS, CLOSES = frozenset("([{"), frozenset(")]}")
ElementTree.register_namespace("", MATHML)


def prose(text: str) -> Markup:
    """Plain text with its symbols set as mathematics: ``beta1 <= ||v||^2`` as it would be printed."""
    marked = str(escape(text))
    for pattern, replacement in PROSE:
        marked = re.sub(pattern, replacement, marked)
    return Markup(marked)


def statement(text: str) -> list[Markup]:
    """A LaTeX statement as displayed formulas: parts that a quad separates stand on lines of their own."""
    parts = re.split(r"(?:\\ )*\s*\\q?quad\s*(?:\\ )*", text)
    pairs = (("{", "}"), (r"\left", r"\right"), (r"\begin", r"\end"))
    balanced = all(part.count(opened) == part.count(closed) for part in parts for opened, closed in pairs)
    return [mathml(part) for part in (parts if balanced else [text])]


def mathml(text: str, display: str = "block") -> Markup:
    """LaTeX as MathML in pieces between which a line may break; text that cannot be converted is shown as it is.

    Each piece is a ``math`` of its own, since browsers do not break one into lines; a displayed formula is a
    ``span`` of pieces.
    """
    try:
        tree = ElementTree.fromstring(convert(rf"\displaystyle {text}", display="inline"))
    except Exception:  # the converter raises its own exceptions, and IndexError, on LaTeX it does not know
        return Markup("<code>{}</code>").format(text)
    for row in tree.iter(_tag("mrow")):
        _join_words(row)
    style = next(tree.iter(_tag("mstyle")), tree)
    _join_words(style)
    whole = [_math(piece) for piece in _pieces(list(style))]
    kind = "formula-line" if display == "block" else "formula-part"
    return Markup(f'<span class="{kind}">{BREAK.join(whole)}</span>')


def _tag(name: str) -> str:
    return f"{{{MATHML}}}{name}"


def _join_words(row: ElementTree.Element) -> None:
    """Upright letters in sequence are words: one ``mtext``, for eyes and for screen readers."""
    joined: list[ElementTree.Element] = []
    for child in row:
        letter = child.tag == _tag("mi") and child.get("mathvariant") == "normal" and (child.text or "").isalpha()
        blank = child.tag == _tag("mtext") and not (child.text or "").strip()
        before = joined[-1] if joined else None
        follows = before is not None and before.tag == _tag("mtext") and before.get("class") == "words"
        if follows and (letter or blank) and before is not None:
            before.text = (before.text or "") + (child.text or "\u00a0")
        elif letter:
            word = ElementTree.Element(_tag("mtext"), {"class": "words"})
            word.text = child.text
            joined.append(word)
        else:
            joined.append(child)
    row[:] = joined


def _pieces(nodes: list[ElementTree.Element]) -> list[list[ElementTree.Element]]:
    """Nodes of a formula in pieces, each but the first beginning with a relation, a sum's sign, or after a comma."""
    found: list[list[ElementTree.Element]] = [[]]
    depth, after = 0, True  # after: an operator stands before, so that a sign here belongs to what follows
    for node in nodes:
        sign = (node.text or "").strip() if node.tag == _tag("mo") else ""
        if depth == 0 and not after and sign and sign in BREAKS and found[-1]:
            node.set("form", "infix")
            found.append([])
        found[-1].append(node)
        depth += (sign in OPENS) - (sign in CLOSES) if sign else 0
        after = bool(sign) and sign not in CLOSES
        if depth == 0 and sign in {",", ";", ":"}:
            found.append([])
    return [piece for piece in found if piece]


def _math(nodes: list[ElementTree.Element]) -> str:
    math = ElementTree.Element(_tag("math"))
    style = ElementTree.SubElement(math, _tag("mstyle"), {"displaystyle": "true", "scriptlevel": "0"})
    style.extend(nodes)
    return ElementTree.tostring(math, encoding="unicode")
