"""Node for the tests of the page's code: one process a question, numbers through files of float64."""

import json
import shutil
import subprocess

import numpy as np
import pytest

from explorer import build

NODE = shutil.which("node")
needs_node = pytest.mark.skipif(
    NODE is None, reason="node is missing: the page's code runs in a browser or in Node only"
)

DRIVER = """
import {{ readFileSync, writeFileSync }} from "node:fs";
import {{ engine }} from "{module}";
const E = engine();
const question = JSON.parse(readFileSync("{folder}/question.json"));
const rows = new Float64Array(readFileSync("{folder}/rows.f64").buffer.slice(0));
{body}
writeFileSync("{folder}/answer.f64", Buffer.from(Float64Array.from(answer).buffer));
"""


def ask(folder, body, rows=(), question=None):
    """Run ``body``, which reads ``rows`` (float64) and ``question`` and fills ``answer``, beside the engine ``E``."""
    (folder / "engine.mjs").write_text(build.engine() + "\nexport { engine };\n", encoding="utf-8")
    (folder / "question.json").write_text(json.dumps(question), encoding="utf-8")
    (folder / "rows.f64").write_bytes(np.ascontiguousarray(rows, dtype=np.float64).tobytes())
    text = DRIVER.format(module=(folder / "engine.mjs").as_posix(), folder=folder.as_posix(), body=body)
    (folder / "driver.mjs").write_text(text, encoding="utf-8")
    done = subprocess.run([NODE, str(folder / "driver.mjs")], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-3000:]
    return np.frombuffer((folder / "answer.f64").read_bytes())
