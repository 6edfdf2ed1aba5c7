"""Colours that tell lines apart for every eye, on both papers; and where colour is gone, dashes do."""

import itertools
import re

import numpy as np
import pytest

from explorer.build import PAGE, style

#: Machado, Oliveira, Fernandes, IEEE TVCG 15 (2009) 1291: severity 1, on linear light.
DEFICIENCIES = {
    "none": np.eye(3),
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}
LINES = ("blue", "orange", "green", "purple", "olive")
THEMES = ("light", "dark")


def colours(theme):
    """The custom properties of a theme, as linear light in [0, 1]."""
    light, dark = re.findall(r"\.vx(?:\[data-theme=\"dark\"\])? \{(.*?)\}", style(), re.S)[:2]
    found = dict(re.findall(r"--([a-z]+): (#[0-9a-fA-F]{6})", light if theme == "light" else dark))
    return {name: linear(value) for name, value in found.items()}


def linear(text):
    s = np.array([int(text[k : k + 2], 16) for k in (1, 3, 5)]) / 255
    return np.where(s <= 0.04045, s / 12.92, ((s + 0.055) / 1.055) ** 2.4)


def lab(rgb):
    """CIE L*a*b* under D65."""
    xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]) @ rgb
    t = xyz / [0.9505, 1, 1.089]
    f = np.where(t > 0.008856, np.cbrt(t), 7.787 * t + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def luminance(rgb):
    return rgb @ [0.2126, 0.7152, 0.0722]


@pytest.mark.parametrize("eye", DEFICIENCIES)
@pytest.mark.parametrize("theme", THEMES)
def test_lines_that_meet_in_a_plot_can_be_told_apart(theme, eye):
    """Any two of the five accents differ by at least 10 in L*a*b*, four times a just noticeable difference."""
    seen = {name: lab(np.clip(np.array(DEFICIENCIES[eye]) @ colours(theme)[name], 0, 1)) for name in LINES}
    for one, other in itertools.combinations(LINES, 2):
        assert np.linalg.norm(seen[one] - seen[other]) > 10, (one, other)


@pytest.mark.parametrize("theme", THEMES)
def test_every_line_and_text_stands_out_from_the_paper(theme):
    """Contrast of at least 3 for lines and 4.5 for text (WCAG 2.2)."""
    found = colours(theme)
    for name, least in (*((line, 3) for line in LINES), ("ink", 4.5), ("quiet", 4.5)):
        bright, dim = sorted((luminance(found[name]), luminance(found["paper"])), reverse=True)
        assert (bright + 0.05) / (dim + 0.05) > least, name


def test_the_light_accents_are_those_of_the_figures():
    from paper_figures.style import BLUE, GREEN, OLIVE, ORANGE, PURPLE

    for name, value in zip(LINES, (BLUE, ORANGE, GREEN, PURPLE, OLIVE), strict=True):
        assert np.array_equal(colours("light")[name], linear(value))


def test_an_optimizer_has_the_colour_that_it_has_in_the_figures():
    """Named by the page's own table, which is blue where it names nothing."""
    import paper_figures.style as figures

    text = (PAGE / "scene.js").read_text(encoding="utf-8")
    named = dict(re.findall(r"(\w+): \"(\w+)\"", re.search(r"const ACCENTS = \{(.*?)\};", text, re.S)[1]))
    known = dict(re.findall(r"(\w+): \"([\w ]+)\"", re.search(r"const NAMES = \{(.*?)\};", text, re.S)[1]))
    shared = {key: name for key, name in known.items() if name in figures.OPTIMIZERS}
    assert {"vradam", "vrmomentum", "adamw", "radam", "rmsprop", "nesterov"} <= set(shared) and set(named) <= set(
        shared
    )
    for key, name in shared.items():
        assert getattr(figures, named.get(key, "blue").upper()) == figures.OPTIMIZERS[name], name


def test_lines_with_a_label_have_dashes_of_their_own():
    """In grey the four dash patterns remain: no two lines of one plot share one."""
    patterns = re.search(r"const DASHES = (\[.*?\]);", (PAGE / "plots.js").read_text(encoding="utf-8"), re.S)[1]
    assert len(set(re.findall(r"\[[\d, .]*\]", patterns))) == 4
