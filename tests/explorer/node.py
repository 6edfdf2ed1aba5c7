"""Node for the tests of the page's code: one process for all questions, numbers through files of float64."""

import json
import shutil
import subprocess
from contextlib import contextmanager
from threading import Timer

import numpy as np
import pytest

from explorer import build

NODE = shutil.which("node")
needs_node = pytest.mark.skipif(
    NODE is None, reason="node is missing: the page's code runs in a browser or in Node only"
)

#: Every line of the input is a question; every line of the output is what went wrong, or null.
DRIVER = """
import { readFileSync, writeFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { engine } from "./engine.mjs";
for await (const line of createInterface({ input: process.stdin })) {
  try {
    const { body, question } = JSON.parse(line), rows = new Float64Array(readFileSync("rows.f64").buffer.slice(0));
    const answer = new Function("E", "question", "rows", `"use strict"; ${body}; return answer;`);
    writeFileSync("answer.f64", Buffer.from(Float64Array.from(answer(engine(), question, rows)).buffer));
    console.log(null);
  } catch (error) { console.log(JSON.stringify(error.stack)); }
}
"""


@contextmanager
def node(folder):
    """``ask(body, rows, question)``: what ``body`` puts into ``answer``, given ``rows`` (float64) and an engine."""
    (folder / "engine.mjs").write_text(build.engine() + "\nexport { engine };\n", encoding="utf-8")
    (folder / "driver.mjs").write_text(DRIVER, encoding="utf-8")
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True, "bufsize": 1}
    with subprocess.Popen([NODE, "driver.mjs"], cwd=folder, **pipes) as process:

        def ask(body, rows=(), question=None):
            (folder / "rows.f64").write_bytes(np.ascontiguousarray(rows, dtype=np.float64).tobytes())
            too_long = Timer(300, process.kill)
            too_long.start()
            process.stdin.write(json.dumps({"body": body, "question": question}) + "\n")
            said = process.stdout.readline()
            too_long.cancel()
            assert said == "null\n", said or "no answer within 300 s"
            return np.frombuffer((folder / "answer.f64").read_bytes())

        yield ask
