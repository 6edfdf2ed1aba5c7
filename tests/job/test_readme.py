"""The README's examples run, and print what they say."""

import contextlib
import io
import re
from pathlib import Path

import numpy as np

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")


def test_the_examples_run_and_print_what_they_say():
    """All Python blocks, in order, in one namespace; a text block after one is what it prints."""
    blocks = re.findall(r"```python\n(.*?)```(?:\s*```text\n(.*?)```)?", README, re.DOTALL)
    assert len(blocks) >= 3 and any(expected for _, expected in blocks)
    names = {}
    for code, expected in blocks:
        said = io.StringIO()
        with contextlib.redirect_stdout(said):
            exec(code, names)
        assert said.getvalue() == expected
    assert np.linalg.norm(names["x"]) < 1e-3  # |x|^2 is near its minimum after a thousand steps


def test_every_file_that_is_named_is_there():
    for target in re.findall(r"\]\((?!http|#)([^)#]+)", README):
        assert (Path(__file__).parents[2] / target).exists(), target
