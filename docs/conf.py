"""How Sphinx builds the site; ``python -m docs`` prepares the sources and calls it."""

from __future__ import annotations

import vradam

project = "VRAdam"
author = "VRAdam toolkit contributors"
version = release = vradam.__version__
extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.viewcode",
    "numpydoc",
    "myst_nb",
    "docs.docstrings",
    "docs.mathematics",
]
html_math_renderer = "mathml"
nb_execution_mode = "off"  # the lessons were run before
myst_enable_extensions = ["dollarmath", "amsmath", "deflist", "colon_fence"]
myst_heading_anchors = 3
numpydoc_show_class_members = False
numpydoc_class_members_toctree = False
autodoc_typehints = "none"
exclude_patterns = ["_templates"]
html_theme = "sphinx_book_theme"
html_title = "VRAdam: a laboratory for velocity-regularised optimisation"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_theme_options = {"show_toc_level": 2, "use_download_button": False}
html_context = {"default_mode": "auto"}
html_copy_source = False
html_show_copyright = False
suppress_warnings = ["mystnb.unknown_mime_type"]
